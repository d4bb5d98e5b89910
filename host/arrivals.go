package host

import (
	"sync"

	"go.opentelemetry.io/otel/trace"
)

// arrivals remembers in which spans events have come in, until their runs begin a
// moment later, so that a run's trace leads to that of its webhook. It is for those
// who look at traces, and kept in memory only.
type arrivals struct {
	mu sync.Mutex
	// Guarded by mu.
	spans map[string]trace.SpanContext // By the event's key.
}

// maxArrivals bounds the events that are remembered while none is dispatched.
const maxArrivals = 10_000

// add returns the keys of the events that it remembers. One that is there already
// has come in two deliveries at once, of which the first counts.
func (a *arrivals) add(events []Event, span trace.SpanContext) (keys []string) {
	if !span.IsValid() {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.spans == nil {
		a.spans = map[string]trace.SpanContext{}
	}
	for _, ev := range events {
		key := ev.Key()
		if _, there := a.spans[key]; !there && len(a.spans) < maxArrivals {
			a.spans[key] = span
			keys = append(keys, key)
		}
	}
	return keys
}

// forget drops those of the keys that start no runs: all but those of fresh events.
func (a *arrivals) forget(keys []string, fresh []Event) {
	if len(keys) == 0 {
		return
	}
	stay := map[string]bool{}
	for _, ev := range fresh {
		stay[ev.Key()] = true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, key := range keys {
		if !stay[key] {
			delete(a.spans, key)
		}
	}
}

// take returns the span in which an event has come, or an invalid one.
func (a *arrivals) take(key string) trace.SpanContext {
	a.mu.Lock()
	defer a.mu.Unlock()
	span := a.spans[key]
	delete(a.spans, key)
	return span
}
