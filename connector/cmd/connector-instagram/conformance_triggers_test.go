package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/storyloop/storyloop/connector/connectortest"
	"github.com/storyloop/storyloop/operations/graph/sandbox"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// jane is @jane_doe, as @bluebottle sees her.
const jane = "7700000000000001"

// triggers returns what happens in the world, by trigger.
func (w *world) triggers() map[string]connectortest.Trigger {
	mailbox := w.mailbox()
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
	all := map[string]connectortest.Trigger{}
	for name, deed := range deeds {
		all[name] = connectortest.Trigger{
			Input:  encoded(map[string]string{"ig_user_id": sandbox.SeedAccountID}),
			Happen: func() *connectorv1.ReceiveRequest { return mailbox.last(deed) },
		}
	}
	optIn := all["optin_received"]
	optIn.Credential = w.instagram // No other login has opt-ins.
	all["optin_received"] = optIn
	return all
}

// does has @jane_doe do something.
func (w *world) does(a sandbox.Action) func() {
	return func() {
		_, err := w.Act(jane, a)
		require.NoError(w.t, err)
	}
}

// follows has @jane_doe write, and do something with what she wrote.
func (w *world) follows(a sandbox.Action) func() {
	return func() {
		written, err := w.Act(jane, sandbox.Action{Kind: "message", Text: "Hello"})
		require.NoError(w.t, err)
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

func (w *world) mailbox() *mailbox {
	m := &mailbox{w: w}
	server := httptest.NewServer(m)
	w.t.Cleanup(server.Close)
	m.url = server.URL
	return m
}

// last makes something happen and returns the last delivery that tells of it, or nil
// if none does.
func (m *mailbox) last(deed func()) *connectorv1.ReceiveRequest {
	m.mu.Lock()
	m.kept = nil
	m.mu.Unlock()
	m.w.changed.Store(true)
	require.NoError(m.w.t, m.w.SetCallback(m.url, m.w.info.VerifyToken))
	deed()
	require.NoError(m.w.t, m.w.Flush(m.w.t.Context()))
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
