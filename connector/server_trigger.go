package connector

import (
	"context"
	"fmt"
	"net/http"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/storyloop/storyloop/schemas/validate"
)

// Subscribe asks for events.
func (s *server) Subscribe(ctx context.Context, req *connectorv1.SubscribeRequest) (*connectorv1.SubscribeResponse, error) {
	c := s.call(req.GetCall(), "")
	sub, err := s.subscribe(ctx, c, req)
	if err != nil {
		return &connectorv1.SubscribeResponse{Outcome: &connectorv1.SubscribeResponse_Failure{Failure: failure(ctx, c, err)}, Report: c.report()}, nil
	}
	return &connectorv1.SubscribeResponse{
		Outcome: &connectorv1.SubscribeResponse_Subscription{Subscription: &connectorv1.Subscription{Subject: sub.Subject, State: sub.State}},
		Report:  c.report(),
	}, nil
}

func (s *server) subscribe(ctx context.Context, c *Call, req *connectorv1.SubscribeRequest) (Subscription, error) {
	t, wrong := s.trigger(req.GetTrigger())
	if wrong != nil {
		return Subscription{}, wrong
	}
	if t.Subscribe == nil {
		return Subscription{}, Invalid("", "no_webhook", "Events of %s do not come by webhook: poll for them", t.Name)
	}
	if wrong := refuse(checked(t.in, req.GetInput(), nil), "The input does not fit "+t.Name); wrong != nil {
		return Subscription{}, wrong
	}
	return t.Subscribe(ctx, c, SubscribeRequest{App: req.GetApp().GetConfig(), Input: orEmpty(req.GetInput()), CallbackURL: req.GetCallbackUrl()})
}

// Unsubscribe undoes Subscribe.
func (s *server) Unsubscribe(ctx context.Context, req *connectorv1.UnsubscribeRequest) (*connectorv1.UnsubscribeResponse, error) {
	c := s.call(req.GetCall(), "")
	resp := &connectorv1.UnsubscribeResponse{}
	if t, wrong := s.trigger(req.GetTrigger()); wrong != nil {
		resp.Failure = failure(ctx, c, wrong)
	} else if t.Unsubscribe != nil {
		sub := Subscription{Subject: req.GetSubscription().GetSubject(), State: req.GetSubscription().GetState()}
		if err := t.Unsubscribe(ctx, c, UnsubscribeRequest{App: req.GetApp().GetConfig(), Subscription: sub}); err != nil {
			resp.Failure = failure(ctx, c, err)
		}
	}
	resp.Report = c.report()
	return resp, nil
}

// Receive takes a webhook request.
func (s *server) Receive(ctx context.Context, req *connectorv1.ReceiveRequest) (*connectorv1.ReceiveResponse, error) {
	if s.spec.Receive == nil {
		return &connectorv1.ReceiveResponse{Reply: &connectorv1.HttpReply{Status: http.StatusNotFound}}, nil
	}
	d := Delivery{
		App: req.GetApp().GetConfig(), Method: req.GetMethod(), Query: req.GetQuery(),
		Body: req.GetBody(), ReceivedAt: timeOf(req.GetReceivedAt()),
	}
	for _, h := range req.GetHeaders() {
		d.Headers = append(d.Headers, Header{h.GetName(), h.GetValue()})
	}
	r := s.spec.Receive(ctx, d)

	resp := &connectorv1.ReceiveResponse{Reply: &connectorv1.HttpReply{Status: int32(r.Status), Body: r.Body}}
	for _, h := range r.Headers {
		resp.Reply.Headers = append(resp.Reply.Headers, &connectorv1.Header{Name: h.Name, Value: h.Value})
	}
	resp.Events = s.events(r.Events, &r.Problems)
	resp.Diagnostics = diagnostics(r.Problems)
	return resp, nil
}

// Poll looks for events.
func (s *server) Poll(ctx context.Context, req *connectorv1.PollRequest) (*connectorv1.PollResponse, error) {
	c := s.call(req.GetCall(), "")
	page, err := s.poll(ctx, c, req)
	if err != nil {
		return &connectorv1.PollResponse{Outcome: &connectorv1.PollResponse_Failure{Failure: failure(ctx, c, err)}, Report: c.report()}, nil
	}
	var surprises []Problem
	events := s.events(page.Events, &surprises)
	for _, p := range surprises {
		c.Log.WarnContext(ctx, "event does not fit its schema", "pointer", p.Pointer, "code", p.Code)
	}
	return &connectorv1.PollResponse{
		Outcome: &connectorv1.PollResponse_Page{Page: &connectorv1.EventPage{Events: events, Cursor: page.Cursor, More: page.More}},
		Report:  c.report(),
	}, nil
}

func (s *server) poll(ctx context.Context, c *Call, req *connectorv1.PollRequest) (EventPage, error) {
	t, wrong := s.trigger(req.GetTrigger())
	if wrong != nil {
		return EventPage{}, wrong
	}
	if t.Poll == nil {
		return EventPage{}, Invalid("", "not_pollable", "%s cannot be polled: its events come by webhook", t.Name)
	}
	if wrong := refuse(checked(t.in, req.GetInput(), nil), "The input does not fit "+t.Name); wrong != nil {
		return EventPage{}, wrong
	}
	return t.Poll(ctx, c, orEmpty(req.GetInput()), req.GetCursor())
}

// events checks payloads on their way out; a surprise becomes a warning.
func (s *server) events(events []Event, problems *[]Problem) []*connectorv1.Event {
	var out []*connectorv1.Event
	for _, e := range events {
		// What is not sound JSON can be neither kept nor read: it must not take the
		// other events of its request along.
		if _, err := validate.Decode(e.Payload); err != nil {
			*problems = append(*problems, Problem{Code: "unsound_payload", Summary: fmt.Sprintf("An event of %s was dropped: its payload is %v.", e.Trigger, err)})
			continue
		}
		if t, ok := s.triggers[e.Trigger]; ok {
			for _, p := range checked(t.out, e.Payload, nil) {
				p.Warning, p.Code = true, "unexpected_payload"
				*problems = append(*problems, p)
			}
		}
		out = append(out, &connectorv1.Event{
			Id: e.ID, Trigger: e.Trigger, Subject: e.Subject, Payload: e.Payload, OccurredAt: timestamp(e.OccurredAt),
		})
	}
	return out
}

func (s *server) trigger(name string) (*boundTrigger, *Error) {
	if t, ok := s.triggers[name]; ok {
		return t, nil
	}
	return nil, unknownName("trigger", name, keys(s.triggers))
}

func orEmpty(input []byte) []byte {
	if len(input) == 0 {
		return []byte("{}")
	}
	return input
}
