package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"go.opentelemetry.io/otel/trace"

	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// Accept stores what a connector has received, and returns how much of it is new.
// Whoever sent it may be told "thank you" once Accept has returned, and not before.
// Runs begin with [Engine.Dispatch].
//
// Events that [CheckEvent] finds unsound are logged and left out. They can never be
// stored, however often they are sent: to refuse the delivery for their sake would
// bring it again and again, and keep the sound events beside them out for good.
func (e *Engine) Accept(ctx context.Context, connector string, events []*connectorv1.Event) (int, error) {
	in := e.events(connector, events)
	if len(in) == 0 {
		return 0, nil
	}
	fresh, err := e.Store.AddEvents(ctx, in)
	if err != nil {
		return 0, fmt.Errorf("storing events of %s: %w", connector, err)
	}
	e.arrivals.add(fresh, trace.SpanContextFromContext(ctx))
	return len(fresh), nil
}

// events returns what is sound of a connector's events as the inbox keeps it.
func (e *Engine) events(connector string, events []*connectorv1.Event) []Event {
	now := e.Clock.Now()
	var in []Event
	for _, ev := range events {
		if err := CheckEvent(ev); err != nil {
			e.Log.Error("an unsound event was left out", "connector", connector, "trigger", ev.GetTrigger(), "event", ev.GetId(), "error", err)
			continue
		}
		x := Event{Connector: connector, Trigger: ev.GetTrigger(), ID: ev.GetId(), Subject: ev.GetSubject(), Payload: triggerOf(ev.GetPayload()), ReceivedAt: now}
		if ev.GetOccurredAt() != nil {
			x.OccurredAt = ev.GetOccurredAt().AsTime()
		}
		in = append(in, x)
	}
	return in
}

// CheckEvent says what is wrong with an event that can never start a run: it has no
// id or trigger, or its payload is no JSON or too large. That is the fault of the
// connector which gave it.
func CheckEvent(ev *connectorv1.Event) error {
	if ev.GetId() == "" || ev.GetTrigger() == "" {
		return errors.New("it has no id or no trigger")
	}
	return checkTrigger(ev.GetPayload())
}

// Dispatch starts the runs of all events that are stored and have not been dealt
// with. A run's id is made of its event's, so that an event starts no second run
// even if the host dies between the two.
func (e *Engine) Dispatch(ctx context.Context) error {
	e.dispatching.Lock()
	defer e.dispatching.Unlock()
	var defs []Definition
	var changed context.Context // Ends when they have to be read again.
	for {
		events, err := e.Store.PendingEvents(ctx, few)
		if err != nil {
			return fmt.Errorf("reading the inbox: %w", err)
		}
		if len(events) == 0 {
			return nil
		}
		if changed == nil || changed.Err() != nil {
			changed = e.definitionsChanged()
			if defs, err = e.Store.Definitions(ctx); err != nil {
				return fmt.Errorf("reading the workflows: %w", err)
			}
		}
		for _, ev := range events {
			if err := e.dispatch(ctx, ev, defs); err != nil {
				return err
			}
		}
	}
}

func (e *Engine) dispatch(ctx context.Context, ev Event, defs []Definition) error {
	ctx = trace.ContextWithSpanContext(ctx, e.arrivals.take(ev.Key()))
	for _, d := range defs {
		doc, err := e.document(d)
		if err != nil {
			e.Log.Error("a workflow cannot be read", "workflow", d.Name, "error", err)
			continue
		}
		if !d.Enabled || !e.wants(d, doc, ev) {
			continue
		}
		_, _, err = e.Start(ctx, StartRequest{Workflow: d.Name, Trigger: ev.Payload, ID: eventRun(ev, d.Name), Event: ev.Key(), Origin: originOf(ev)})
		var never *InputError
		switch {
		case errors.Is(err, ErrClosed): // the run is stored; the next start of the host goes on with it
		case errors.As(err, &never):
			// However often that is tried. What has come after it must not wait for it.
			e.Log.Error("an event can start no run", "workflow", d.Name, "event", ev.Key(), "error", err)
		case err != nil:
			return fmt.Errorf("starting %s for event %s: %w", d.Name, ev.ID, err)
		}
	}
	if err := e.Store.DoneEvent(ctx, ev.Key()); err != nil {
		return fmt.Errorf("finishing event %s: %w", ev.ID, err)
	}
	return nil
}

// wants reports whether an event is one of those that start a workflow.
func (e *Engine) wants(d Definition, doc *workflow.Document, ev Event) bool {
	switch {
	case doc.Trigger.Connector != ev.Connector:
		return false
	case ev.Source != "":
		if !e.wantsPolled(doc, ev) {
			return false
		}
	case d.Subject != "" && d.Subject != ev.Subject:
		return false
	}
	if ev.Connector == AlertConnector || ev.Connector == WebhookConnector {
		return e.wantsBuiltin(doc, ev)
	}
	c, ok := e.Connectors.Connector(ev.Connector)
	if !ok {
		// The connector may be back tomorrow, and the event will not: a run says what it
		// lacked, and can be done again.
		return len(doc.Trigger.Names) == 0 || slices.Contains(doc.Trigger.Names, ev.Trigger)
	}
	return slices.ContainsFunc(doc.Trigger.Triggers(c.Catalog()), func(t *connectorv1.Trigger) bool {
		return t.GetName() == ev.Trigger && (ev.Source == "" || interval(doc.Trigger.Poll, t) > 0)
	})
}

func eventRun(ev Event, name string) string {
	sum := sha256.Sum256([]byte(ev.Key() + "\x00" + name))
	return "event-" + hex.EncodeToString(sum[:12])
}
