package telemetry

import (
	"context"
	"encoding/binary"
	"math/rand/v2"

	"go.opentelemetry.io/otel/trace"
)

// ids makes ids at random, but for traces that shall have a certain one.
type ids struct {
	wanted func(context.Context) (trace.TraceID, bool)
}

// NewIDs makes the ids of a trace and of its first span.
func (g ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	id, ok := g.wanted(ctx)
	for !ok || !id.IsValid() {
		binary.BigEndian.PutUint64(id[:8], rand.Uint64())
		binary.BigEndian.PutUint64(id[8:], rand.Uint64())
		ok = true
	}
	return id, g.NewSpanID(ctx, id)
}

// NewSpanID makes the id of a span.
func (g ids) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	for !id.IsValid() { // zero is none
		binary.BigEndian.PutUint64(id[:], rand.Uint64())
	}
	return id
}
