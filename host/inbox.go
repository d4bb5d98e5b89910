package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/trace"

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
	arrived := e.arrivals.add(in, trace.SpanContextFromContext(ctx)) // before anybody can start their runs
	fresh, err := e.Store.AddEvents(ctx, in)
	e.arrivals.forget(arrived, fresh)
	if err != nil {
		return 0, fmt.Errorf("storing events of %s: %w", connector, err)
	}
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
// even if the host dies between the two. Events of which nobody can tell whether a
// workflow wants them stay in the inbox, and are tried again when a definition
// changes, and by the next engine on the store.
func (e *Engine) Dispatch(ctx context.Context) error {
	e.dispatching.Lock()
	defer e.dispatching.Unlock()
	var defs []Definition
	for known := false; ; known = true {
		if e.left.outdated() {
			e.left.changed, e.left.last, known = e.definitionsChanged(), "", false
			e.left.any.Store(false)
		}
		events, err := e.Store.PendingEvents(ctx, e.left.last, few)
		if err != nil {
			return fmt.Errorf("reading the inbox: %w", err)
		}
		if len(events) == 0 {
			return nil
		}
		if !known {
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

// dispatch starts an event's runs. It leaves the event, or marks it as done.
func (e *Engine) dispatch(ctx context.Context, ev Event, defs []Definition) error {
	ctx = trace.ContextWithSpanContext(ctx, e.arrivals.take(ev.Key()))
	sure := true
	for _, d := range defs {
		wanted, err := e.wants(ctx, d, ev)
		var unsure *unsureError
		switch {
		case errors.As(err, &unsure):
			e.Log.Error("nobody can tell whether a workflow wants an event", "workflow", d.Name, "event", ev.Key(), "error", err)
			sure = false
			continue
		case err != nil:
			return err
		case !wanted:
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
	if !sure && e.Clock.Now().Sub(ev.ReceivedAt) < leftFor {
		e.left.last = ev.Key()
		e.left.any.Store(true)
		return nil
	}
	if err := e.Store.DoneEvent(ctx, ev.Key()); err != nil {
		return fmt.Errorf("finishing event %s: %w", ev.ID, err)
	}
	return nil
}

func eventRun(ev Event, name string) string {
	sum := sha256.Sum256([]byte(ev.Key() + "\x00" + name))
	return "event-" + hex.EncodeToString(sum[:12])
}
