package telemetry

import (
	"context"
	"log/slog"
	"sync"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// sender tells the log when spans begin to get lost, and when they get through
// again, instead of once for each batch.
type sender struct {
	sdktrace.SpanExporter
	log  *slog.Logger
	hide func(string) string

	mu sync.Mutex
	// Guarded by mu.
	lost int // Spans, since one got through last.
}

// ExportSpans returns no error: it has said all that there is to say.
func (s *sender) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := s.SpanExporter.ExportSpans(ctx, spans)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil && s.lost == 0:
		s.log.Warn("traces cannot be sent; runs go on without", "spans", len(spans), "error", clip(s.hide(err.Error())))
	case err == nil && s.lost > 0:
		s.log.Warn("traces are sent again", "lost_spans", s.lost)
	}
	if err == nil {
		s.lost = 0
	} else {
		s.lost += len(spans)
	}
	return nil
}

// clip bounds what a collector may write into the log.
func clip(text string) string {
	const most = 500
	if len(text) <= most {
		return text
	}
	return text[:most] + " [cut]"
}
