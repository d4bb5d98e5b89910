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

func (a *arrivals) add(events []Event, span trace.SpanContext) {
	if !span.IsValid() {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.spans == nil {
		a.spans = map[string]trace.SpanContext{}
	}
	for _, ev := range events {
		if len(a.spans) < maxArrivals {
			a.spans[ev.Key()] = span
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
