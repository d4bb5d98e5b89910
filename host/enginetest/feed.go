package enginetest

import (
	"context"
	"fmt"
	"strconv"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"google.golang.org/protobuf/proto"
)

// pollPage is how many events one poll finds at most.
const pollPage = 2

// Happen makes something happen that a poll for the trigger finds.
func (w *World) Happen(trigger, subject, id string) *connectorv1.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := &connectorv1.Event{Id: id, Trigger: trigger, Subject: subject, Payload: fmt.Appendf(nil, `{"id":%q}`, id)}
	w.feed = append(w.feed, e)
	return e
}

// Poll finds what has happened since a cursor: a number of events.
func (w *World) Poll(_ context.Context, req *connectorv1.PollRequest) *connectorv1.PollResponse {
	w.mu.Lock()
	w.polls = append(w.polls, proto.CloneOf(req))
	nth := len(w.polls)
	w.mu.Unlock()
	if w.Polled != nil {
		if resp := w.Polled(nth, req); resp != nil {
			return resp
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	at, err := strconv.Atoi(req.GetCursor())
	if err != nil {
		at = len(w.feed)
	}
	page := &connectorv1.EventPage{}
	for ; at < len(w.feed) && len(page.Events) < pollPage; at++ {
		if w.feed[at].GetTrigger() == req.GetTrigger() {
			page.Events = append(page.Events, w.feed[at])
		}
	}
	page.Cursor, page.More = strconv.Itoa(at), at < len(w.feed)
	return &connectorv1.PollResponse{Outcome: &connectorv1.PollResponse_Page{Page: page}, Report: &connectorv1.Report{Requests: 1}}
}

// Polls returns the polls so far.
func (w *World) Polls() []*connectorv1.PollRequest {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*connectorv1.PollRequest(nil), w.polls...)
}
