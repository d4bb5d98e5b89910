package host

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

type traceKey struct{}

// TraceID returns the id of the trace that begins with a run's span; false where
// ctx is not that of such a beginning. It is for whoever makes the ids.
//
// A run that is gone on with by another process, or after a person's answer, opens
// a second span: it has no parent, since the first was never sent if its process
// was killed. The same id puts the two into one trace, without anything stored.
func TraceID(ctx context.Context) (trace.TraceID, bool) {
	id, ok := ctx.Value(traceKey{}).(trace.TraceID)
	return id, ok
}

// traceOf makes an id of what is the same after each restart. The time tells apart
// two hosts, or two sandboxes, to which the same event has come.
func traceOf(r Run) trace.TraceID {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", r.ID, r.CreatedAt.UnixMilli()))
	return trace.TraceID(sum[:16])
}

// traceRun opens the span of a run for as long as this process works on it. Cause
// is the span that led to the run, if there is one.
func (e *Engine) traceRun(r Run, resumed bool, cause trace.SpanContext) (context.Context, trace.Span) {
	ctx := context.Background()
	if e.tracer == nil {
		return ctx, trace.SpanFromContext(ctx)
	}
	options := []trace.SpanStartOption{trace.WithAttributes(
		attribute.String("storyloop.run", r.ID),
		attribute.String("storyloop.workflow", r.Workflow),
		attribute.String("storyloop.workflow_version", r.Version),
		attribute.String("storyloop.origin", cmp.Or(string(r.Origin.Kind), "person")),
		attribute.Bool("storyloop.resumed", resumed),
	)}
	if cause.IsValid() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: cause}))
	}
	return e.tracer.Start(context.WithValue(ctx, traceKey{}, traceOf(r)), "run "+r.Workflow, options...)
}

// traced closes the run's span with what the run has come to.
func (x *execution) traced() {
	x.span.SetAttributes(attribute.String("storyloop.state", string(x.run.State)))
	if x.run.Failure != nil {
		endSpan(x.span, x.run.Failure)
		return
	}
	endSpan(x.span, x.err)
}

// traceStep opens the span of a step, within that of the innermost loop around it.
func (x *execution) traceStep(path string, s *workflow.Step) (context.Context, trace.Span) {
	if !x.span.IsRecording() {
		return x.ctx, trace.SpanFromContext(context.Background())
	}
	ctx := x.ctx
	loop, _ := around(path)
	x.mu.Lock()
	if span, ok := x.loops[loop]; ok {
		ctx = trace.ContextWithSpan(ctx, span)
	}
	x.mu.Unlock()
	return x.e.tracer.Start(ctx, s.Connector+" "+s.Operation, trace.WithAttributes(
		attribute.String("storyloop.path", path),
		attribute.String("storyloop.step", s.ID),
		attribute.String("storyloop.connector", s.Connector),
		attribute.String("storyloop.operation", s.Operation),
	))
}

// traceLoop opens the span of a loop, and returns what closes it. Only loops under
// way are in memory, however many iterations they have.
func (x *execution) traceLoop(l *workflow.Loop) (end func(workflow.Summary, error)) {
	_, span := x.traceStep(l.Path, l.Step)
	if !span.IsRecording() {
		return func(workflow.Summary, error) {}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.loops == nil {
		x.loops = map[string]trace.Span{}
	}
	x.loops[l.Path] = span
	return func(sum workflow.Summary, err error) {
		x.mu.Lock()
		delete(x.loops, l.Path)
		x.mu.Unlock()
		if err == nil && sum.Cause != nil {
			err = sum.Cause.Failure
		}
		span.SetAttributes(attribute.Int("storyloop.iterations", sum.Count), attribute.Int("storyloop.iterations_failed", sum.Failed))
		endSpan(span, err)
	}
}

// traced closes the step's span with what the step has come to.
func (k *call) traced(err error) {
	if k.span.IsRecording() {
		k.span.SetAttributes(attribute.Int("storyloop.attempts", len(k.entry.Attempts)), attribute.String("storyloop.state", string(k.entry.State)))
		endSpan(k.span, err)
	}
}

// traceAttempt notes an attempt that failed. Those of connectors in processes of
// their own have a span each, too.
func (k *call) traceAttempt(f *connectorv1.Failure) {
	if f != nil && k.span.IsRecording() {
		k.span.AddEvent("attempt failed", trace.WithAttributes(
			attribute.Int("storyloop.attempt", k.made()),
			attribute.String("error.type", kindName(f.GetKind())),
			attribute.String("storyloop.applied", appliedName(f.GetApplied())),
		))
	}
}

// endSpan closes a span. A failure is told by its kind: its message may quote a
// person. That work comes to rest is none.
func endSpan(span trace.Span, err error) {
	defer span.End()
	var f *workflow.Failure
	switch {
	case err == nil, errors.Is(err, errAtRest), errors.Is(err, errCancelled), errors.Is(err, ErrClosed):
	case errors.As(err, &f):
		span.SetStatus(codes.Error, f.Kind)
		span.SetAttributes(attribute.String("error.type", f.Kind), attribute.String("storyloop.applied", f.Applied))
	default:
		span.SetStatus(codes.Error, workflow.Internal)
		span.SetAttributes(attribute.String("error.type", workflow.Internal))
	}
}
