// Package http is the host's side of the web: it takes webhooks in, lets programs
// start workflows, and serves the JSON API with which a host is watched and steered.
package http

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	// MaxBody bounds the body of a webhook, in bytes. Meta's largest batches, of
	// 1,000 updates, stay well below it.
	MaxBody = 1 << 20
	// answerWithin bounds the work before the reply: a sender that waits in vain
	// sends again. Meta gives a receiver a few seconds.
	answerWithin = 5 * time.Second
)

// Inbox stores events.
type Inbox interface {
	// Accept returns how many of the events are new, when those are stored for good.
	Accept(ctx context.Context, connector string, events []*connectorv1.Event) (int, error)
}

// Webhooks takes the requests that remote services send to
// /webhooks/{connector}/{name}, where name is one of the operator's app
// registrations. It stores the events in a request before it replies: what was
// acknowledged is never lost, and what was not is sent again.
type Webhooks struct {
	Connectors host.Connectors
	Vault      host.Vault
	Inbox      Inbox
	Stored     func() // Called after new events were stored. It must not block.
	Now        func() time.Time
	Log        *slog.Logger
}

// ServeHTTP implements http.Handler, for the patterns of [Webhooks.Register].
func (h *Webhooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	name, registration := r.PathValue("connector"), r.PathValue("name")
	log := h.Log.With("connector", name, "registration", short(registration), "method", r.Method)

	connector, ok := h.Connectors.Connector(name)
	if !ok {
		refuse(w, http.StatusNotFound, "there is no such connector")
		return
	}
	app, err := h.Vault.App(ctx, name, registration)
	var notFound *host.NotFoundError
	switch {
	case errors.As(err, &notFound):
		refuse(w, http.StatusNotFound, "there is no such registration")
		return
	case err != nil:
		log.ErrorContext(ctx, "registration cannot be read", "error", err)
		later(w)
		return
	}
	if !utf8.ValidString(r.URL.RawQuery) {
		refuse(w, http.StatusBadRequest, "the query is not UTF-8")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		log.WarnContext(ctx, "webhook refused", "reason", "body too large", "limit", MaxBody)
		refuse(w, http.StatusRequestEntityTooLarge, "a webhook may have at most "+strconv.Itoa(MaxBody)+" bytes")
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, "the body ended too early")
		return
	}

	// The connector gets the request as it came: signatures are over raw bytes.
	resp, err := connector.Receive(ctx, &connectorv1.ReceiveRequest{
		App: app, Method: r.Method, Query: r.URL.RawQuery, Headers: headers(r.Header), Body: body,
		ReceivedAt: timestamppb.New(h.Now()),
	})
	if err != nil {
		log.ErrorContext(ctx, "connector did not take the webhook", "error", err)
		later(w)
		return
	}
	for _, d := range resp.GetDiagnostics() {
		log.WarnContext(ctx, "webhook remark", "code", short(d.GetCode()), "summary", short(d.GetSummary()), "pointer", short(d.GetPointer()))
	}
	fresh := 0
	if len(resp.GetEvents()) > 0 {
		if fresh, err = h.Inbox.Accept(ctx, name, resp.GetEvents()); err != nil {
			log.ErrorContext(ctx, "events cannot be stored", "error", err, "events", len(resp.GetEvents()))
			later(w)
			return
		}
	}
	if fresh > 0 {
		h.Stored()
	}
	log.InfoContext(ctx, "webhook taken", "status", resp.GetReply().GetStatus(), "events", len(resp.GetEvents()), "new", fresh)
	send(w, resp.GetReply())
}

// Register adds the endpoint to a mux.
func (h *Webhooks) Register(mux *http.ServeMux) {
	mux.Handle("GET /webhooks/{connector}/{name}", h)
	mux.Handle("POST /webhooks/{connector}/{name}", h)
}

// Path returns the path of a registration's endpoint.
func Path(connector, registration string) string {
	return "/webhooks/" + connector + "/" + registration
}

// send writes the connector's reply as it is. What it sends is never HTML of
// ours, whatever a browser would make of it.
func send(w http.ResponseWriter, reply *connectorv1.HttpReply) {
	status := int(reply.GetStatus())
	if status < 200 || status > 599 {
		later(w)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	for _, h := range reply.GetHeaders() {
		w.Header().Set(h.GetName(), h.GetValue())
	}
	w.WriteHeader(status)
	_, _ = w.Write(reply.GetBody())
}

func refuse(w http.ResponseWriter, status int, text string) { http.Error(w, text, status) }

// later asks the sender to send again.
func later(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "10")
	http.Error(w, "not now: send it again", http.StatusServiceUnavailable)
}

// short returns the beginning of what a stranger chose, so that nobody fills the log.
func short(s string) string {
	const longest = 200
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + " [cut]"
}

func headers(in http.Header) []*connectorv1.Header {
	names := make([]string, 0, len(in))
	for name := range in {
		names = append(names, name)
	}
	slices.Sort(names)
	var out []*connectorv1.Header
	for _, name := range names {
		for _, value := range in[name] {
			if !utf8.ValidString(name) || !utf8.ValidString(value) {
				continue // the protocol cannot carry it, and no signature has such bytes
			}
			out = append(out, &connectorv1.Header{Name: name, Value: value})
		}
	}
	return out
}
