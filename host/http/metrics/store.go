package metrics

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/storyloop/storyloop/host"
)

// Store returns a store that counts what goes into it.
func (m *Metrics) Store(s host.Store) host.Store { return &store{s, m} }

type store struct {
	host.Store
	m *Metrics
}

// since notes how long a write took. The clock is the computer's: it is not the
// workflow's time that is measured.
func (s *store) since(began time.Time, d host.Durability) {
	s.m.writes.WithLabelValues(durability(d)).Observe(time.Since(began).Seconds())
}

func durability(d host.Durability) string {
	if d == host.Written {
		return "written"
	}
	return "synced"
}

func (s *store) PutDefinition(ctx context.Context, d host.Definition) error {
	defer s.since(time.Now(), host.Synced)
	return s.Store.PutDefinition(ctx, d)
}

func (s *store) CreateRun(ctx context.Context, r host.Run) (host.Run, bool, error) {
	defer s.since(time.Now(), host.Synced)
	return s.Store.CreateRun(ctx, r)
}

func (s *store) UpdateRun(ctx context.Context, r host.Run, d host.Durability) error {
	defer s.since(time.Now(), d)
	err := s.Store.UpdateRun(ctx, r, d)
	if err == nil && r.State.Ended() {
		s.m.runsEnded.WithLabelValues(r.Workflow, string(r.State)).Inc()
	}
	return err
}

func (s *store) PutEntry(ctx context.Context, e host.Entry, d host.Durability) error {
	defer s.since(time.Now(), d)
	err := s.Store.PutEntry(ctx, e, d)
	switch {
	case err != nil, e.From != "", strings.HasSuffix(e.Path, "]"): // done by another run; an iteration, which is no step
	case e.State == host.EntryWaiting:
		s.m.waits.WithLabelValues(e.Connector, e.Operation).Inc()
	case e.State.Final():
		s.m.steps.WithLabelValues(e.Connector, e.Operation, string(e.State)).Inc()
	}
	return err
}

func (s *store) AddEvents(ctx context.Context, events []host.Event) ([]host.Event, error) {
	defer s.since(time.Now(), host.Synced)
	fresh, err := s.Store.AddEvents(ctx, events)
	if err == nil {
		s.count(s.m.events, events, fresh)
	}
	return fresh, err
}

func (s *store) AddPolled(ctx context.Context, events []host.Event, where host.ScopedValue) ([]host.Event, error) {
	defer s.since(time.Now(), host.Synced)
	fresh, err := s.Store.AddPolled(ctx, events, where)
	if err == nil {
		s.count(s.m.found, events, fresh)
	}
	return fresh, err
}

// count counts events that came together, and so from one connector.
func (s *store) count(counter *prometheus.CounterVec, events, fresh []host.Event) {
	if len(events) == 0 {
		return
	}
	connector := events[0].Connector
	counter.WithLabelValues(connector, "new").Add(float64(len(fresh)))
	counter.WithLabelValues(connector, "duplicate").Add(float64(len(events) - len(fresh)))
}

func (s *store) DoneEvent(ctx context.Context, key string) error {
	defer s.since(time.Now(), host.Synced)
	return s.Store.DoneEvent(ctx, key)
}

func (s *store) PutValue(ctx context.Context, scope, key string, value json.RawMessage, d host.Durability) error {
	defer s.since(time.Now(), d)
	return s.Store.PutValue(ctx, scope, key, value, d)
}

func (s *store) ChangeValue(ctx context.Context, c host.Change) (json.RawMessage, error) {
	defer s.since(time.Now(), host.Synced)
	return s.Store.ChangeValue(ctx, c)
}
