package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/storyloop/storyloop/connector/conformance"
	"github.com/storyloop/storyloop/operations/graph/sandbox"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// deliveryTimeout bounds how long the sandbox may take to deliver what happened.
const deliveryTimeout = 30 * time.Second

// jane is @jane_doe, as @bluebottle sees her.
const jane = "7700000000000001"

// triggers returns what happens in the world, by trigger.
func (w *world) triggers() (map[string]conformance.Trigger, error) {
	mailbox, err := w.mailbox()
	if err != nil {
		return nil, err
	}
	deeds := map[string]func(){
		"comment_added":        w.does(sandbox.Action{Kind: "comment", MediaID: "17900001000000001", Text: "Love it"}),
		"live_comment_added":   w.does(sandbox.Action{Kind: "comment", MediaID: "17900005000000001", Text: "Hi all"}),
		"mentioned_in_comment": w.does(sandbox.Action{Kind: "mention_in_comment", Text: "@bluebottle look"}),
		"mentioned_in_caption": w.does(sandbox.Action{Kind: "mention_in_caption", Text: "@bluebottle look"}),
		// The oldest live story was put up 18 h 10 min ago; its numbers come after 25 h.
		"story_expired": func() { w.Clock().Advance(6*time.Hour + 51*time.Minute) },

		"message_received":     w.does(sandbox.Action{Kind: "message", Text: "Hello"}),
		"message_echo":         w.does(sandbox.Action{Kind: "owner_message", Text: "Hello yourself"}),
		"message_deleted":      w.follows(sandbox.Action{Kind: "unsend"}),
		"message_edited":       w.follows(sandbox.Action{Kind: "edit", Text: "Hallo"}),
		"message_seen":         w.does(sandbox.Action{Kind: "seen"}),
		"message_reaction":     w.does(sandbox.Action{Kind: "react", MessageID: newestMessage, Reaction: "love"}),
		"story_mentioned":      w.does(sandbox.Action{Kind: "story_mention"}),
		"story_replied":        w.does(sandbox.Action{Kind: "story_reply", MediaID: "18023000000000001", Text: "Nice"}),
		"media_shared":         w.does(sandbox.Action{Kind: "share", MediaID: "17900001000000001"}),
		"product_shared":       w.does(sandbox.Action{Kind: "share_product", ProductID: "3231000000000001"}),
		"quick_reply_selected": w.does(sandbox.Action{Kind: "quick_reply", Title: "Yes", Payload: "YES"}),
		"postback_received":    w.does(sandbox.Action{Kind: "postback", Title: "Learn more", Payload: "MORE"}),
		"referral_received":    w.does(sandbox.Action{Kind: "referral", Ref: "flyer"}),
		"optin_received":       w.does(sandbox.Action{Kind: "optin", Title: "News", Payload: "NEWS"}),

		"thread_control_changed": w.does(sandbox.Action{Kind: "take_thread_control"}),
		"standby_message": func() {
			w.does(sandbox.Action{Kind: "take_thread_control"})()
			w.does(sandbox.Action{Kind: "message", Text: "Anybody there?"})()
		},
		"any_event": w.does(sandbox.Action{Kind: "comment", MediaID: "17900001000000001", Text: "Love it"}),

		"media_published": w.publishes("image_url=https://cdn.example/photo.jpg"),
		"tagged_in_media": w.does(sandbox.Action{Kind: "tag", Text: "Morning"}),
		"story_published": w.publishes("media_type=STORIES&image_url=https://cdn.example/photo.jpg"),
	}
	all := map[string]conformance.Trigger{}
	for name, deed := range deeds {
		all[name] = conformance.Trigger{
			Input:  encoded(map[string]string{"ig_user_id": sandbox.SeedAccountID}),
			Happen: func() *connectorv1.ReceiveRequest { return mailbox.last(deed) },
		}
	}
	optIn := all["optin_received"]
	optIn.Credential = w.instagram // No other login has opt-ins.
	all["optin_received"] = optIn
	return all, nil
}

// does has @jane_doe do something.
func (w *world) does(a sandbox.Action) func() {
	return func() {
		_, err := w.Act(jane, a)
		must(err)
	}
}

// follows has @jane_doe write, and do something with what she wrote.
func (w *world) follows(a sandbox.Action) func() {
	return func() {
		written, err := w.Act(jane, sandbox.Action{Kind: "message", Text: "Hello"})
		must(err)
		a := a
		a.MessageID = written.MessageID
		w.does(a)()
	}
}

// publishes has the account's owner put something up.
func (w *world) publishes(params string) func() {
	return func() {
		w.as(w.info.Accounts[0].UserToken, "POST", sandbox.SeedAccountID+"/media_publish?creation_id="+w.container(params))
	}
}

// mailbox is a callback that keeps what Meta sends to it.
type mailbox struct {
	w   *world
	url string

	mu   sync.Mutex // Guards kept.
	kept *connectorv1.ReceiveRequest
}

func (w *world) mailbox() (*mailbox, error) {
	m := &mailbox{w: w}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for webhooks: %w", err)
	}
	server := &http.Server{Handler: m, ReadHeaderTimeout: deliveryTimeout}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // it ends with the world
	}()
	w.onClose = append(w.onClose, func() {
		_ = server.Close() // nothing is lost: all checks are done
		<-served
	})
	m.url = "http://" + listener.Addr().String()
	return m, nil
}

// last makes something happen and returns the last delivery that tells of it, or nil
// if none does.
func (m *mailbox) last(deed func()) *connectorv1.ReceiveRequest {
	m.mu.Lock()
	m.kept = nil
	m.mu.Unlock()
	m.w.changed.Store(true)
	must(m.w.SetCallback(m.url, m.w.info.VerifyToken))
	deed()
	ctx, cancel := context.WithTimeout(context.Background(), deliveryTimeout)
	defer cancel()
	must(m.w.Flush(ctx))
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil {
		return nil
	}
	return proto.CloneOf(m.kept)
}

// ServeHTTP takes a delivery.
func (m *mailbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	kept := &connectorv1.ReceiveRequest{Method: r.Method, Query: r.URL.RawQuery, Body: body}
	for name, values := range r.Header {
		for _, v := range values {
			kept.Headers = append(kept.Headers, &connectorv1.Header{Name: name, Value: v})
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept = kept
}
