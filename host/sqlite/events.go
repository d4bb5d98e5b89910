package sqlite

import (
	"context"
	"fmt"

	"github.com/storyloop/storyloop/host"
)

// AddEvents stores events, synced, all or none, and returns those that were not
// there before, by Event.Key.
func (s *Store) AddEvents(ctx context.Context, events []host.Event) ([]host.Event, error) {
	return s.addEvents(ctx, events, func(*transaction) error { return nil })
}

// AddPolled stores what a poll has found, as AddEvents does, together with a value
// that says where the poll stopped: all or none.
func (s *Store) AddPolled(ctx context.Context, events []host.Event, where host.ScopedValue) ([]host.Event, error) {
	value := newBody(where.Value).text
	return s.addEvents(ctx, events, func(t *transaction) error { return t.putValue(where.Scope, where.Key, value) })
}

// addEvents stores events, and does something more in the same transaction.
func (s *Store) addEvents(ctx context.Context, events []host.Event, more func(*transaction) error) ([]host.Event, error) {
	var rows []eventRow
	for _, e := range events {
		row, err := newEventRow(e)
		if err != nil {
			return nil, fmt.Errorf("storing event %s: %w", e.Key(), err)
		}
		rows = append(rows, row)
	}
	var fresh []host.Event
	err := s.do(ctx, host.Synced, func(t *transaction) error {
		fresh = nil
		for i := range rows {
			isNew, err := rows[i].add(t)
			if err != nil {
				return err
			}
			if isNew {
				fresh = append(fresh, events[i])
			}
		}
		return more(t)
	})
	if err != nil {
		return nil, fmt.Errorf("storing %d events: %w", len(events), err)
	}
	return fresh, nil
}

// PendingEvents returns events that are not done, the oldest first: those after the
// pending one of a key, or all if that is empty.
func (s *Store) PendingEvents(ctx context.Context, after string, limit int) ([]host.Event, error) {
	if limit <= 0 {
		limit = 100
	}
	var all []host.Event
	err := s.each(ctx, `select connector, trigger, id, subject,
		coalesce(payload, (select body from bodies where bodies.id = payload_body)), detail
		from events where done = 0 and seq > coalesce((select seq from events where key = ?), 0) order by seq limit ?`, []any{after, limit}, func(sc scan) error {
		e, err := scanEvent(sc)
		all = append(all, e)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the inbox: %w", err)
	}
	return all, nil
}

// DoneEvent marks an event as done. It stays known. The mark survives the end of
// the process; after a power cut the event may be pending again.
func (s *Store) DoneEvent(ctx context.Context, key string) error {
	err := s.do(ctx, host.Written, func(t *transaction) error {
		n, err := t.exec("update events set done = 1 where key = ?", key)
		if err == nil && n == 0 {
			return &host.NotFoundError{Kind: "event", Name: key}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("marking event %s as done: %w", key, err)
	}
	return nil
}

// eventRow is an event on its way into the file.
type eventRow struct {
	event   host.Event
	payload body
	detail  string
}

func newEventRow(e host.Event) (eventRow, error) {
	detail, err := encode(eventDetail{OccurredAt: e.OccurredAt.UTC(), ReceivedAt: e.ReceivedAt.UTC(), Source: e.Source})
	return eventRow{event: e, payload: newBody(e.Payload), detail: detail}, err
}

// add reports whether the event was not there.
func (r *eventRow) add(t *transaction) (bool, error) {
	payload, payloadBody, err := t.keep(r.payload)
	if err != nil {
		return false, err
	}
	e := r.event
	n, err := t.exec(`insert into events (key, connector, trigger, id, subject, payload, payload_body, received, detail)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (key) do nothing`,
		e.Key(), e.Connector, e.Trigger, e.ID, e.Subject, payload, payloadBody, e.ReceivedAt.UnixMilli(), r.detail)
	return n > 0, err
}

func scanEvent(sc scan) (host.Event, error) {
	var e host.Event
	var text []byte
	var d eventDetail
	if err := sc(&e.Connector, &e.Trigger, &e.ID, &e.Subject, (*[]byte)(&e.Payload), &text); err != nil {
		return e, err
	}
	err := decode(text, &d)
	e.OccurredAt, e.ReceivedAt, e.Source = d.OccurredAt, d.ReceivedAt, d.Source
	return e, err
}
