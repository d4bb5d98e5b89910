package host_test

import (
	"context"
	"crypto/rand"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/enginetest"
	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// ids makes ids as a host's provider does.
type ids struct{}

func (g ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	id, ok := host.TraceID(ctx)
	if !ok {
		_, _ = rand.Read(id[:])
	}
	return id, g.NewSpanID(ctx, id)
}

func (ids) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	_, _ = rand.Read(id[:])
	return id
}

type recorded struct {
	*tracetest.InMemoryExporter
	provider trace.TracerProvider
}

func newRecorded(options ...sdktrace.TracerProviderOption) recorded {
	spans := tracetest.NewInMemoryExporter()
	return recorded{spans, sdktrace.NewTracerProvider(append(options, sdktrace.WithSyncer(spans), sdktrace.WithIDGenerator(ids{}))...)}
}

// named returns the spans of a name, in the order in which they ended.
func (r recorded) named(name string) (found []tracetest.SpanStub) {
	for _, s := range r.GetSpans() {
		if s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

func attr(s tracetest.SpanStub, name string) string {
	for _, a := range s.Attributes {
		if string(a.Key) == name {
			return a.Value.String()
		}
	}
	return ""
}

const nestedLoops = `
- {id: out, connector: loop, operation: loop_list, input: {list: [1, 2]}, steps: [
    {id: in, connector: loop, operation: loop_list, input: {list: [1, 2, 3], concurrency: 3}, steps: [
      {id: get, connector: world, operation: get}]}]}
- {id: rest, connector: delay, operation: delay, input: {duration: 5s}}
`

func TestTrace_StepsAreWithinTheirLoops(t *testing.T) {
	t.Parallel()
	spans := newRecorded()
	var within []trace.SpanContext
	l := newLab(t, func(s *host.Setup) { s.Traces = spans.provider })
	l.world.Before = func(ctx context.Context, c enginetest.Call) *connectorv1.Failure {
		if c.ID == "r/out[1]/in[0]/get@1" {
			within = append(within, trace.SpanContextFromContext(ctx))
			return enginetest.Failed(connectorv1.FailureKind_FAILURE_KIND_RATE_LIMITED, "private words")
		}
		return nil
	}
	run := l.run(t, nestedLoops)
	require.Equal(t, host.RunSucceeded, run.State, "%v", run.Failure)

	roots := spans.named("run w")
	require.Len(t, roots, 1)
	root := roots[0]
	assert.False(t, root.Parent.IsValid())
	assert.Equal(t, "manual r succeeded", attr(root, "storyloop.trigger")+" "+attr(root, "storyloop.run")+" "+attr(root, "storyloop.state"))
	byPath := map[string]tracetest.SpanStub{}
	for _, s := range spans.GetSpans() {
		assert.Equal(t, root.SpanContext.TraceID(), s.SpanContext.TraceID())
		byPath[attr(s, "storyloop.path")] = s
	}
	for path, parent := range map[string]string{"out": "", "rest": "", "out[0]/in": "out", "out[1]/in": "out", "out[0]/in[2]/get": "out[0]/in", "out[1]/in[0]/get": "out[1]/in"} {
		require.Contains(t, byPath, path)
		assert.Equal(t, byPath[parent].SpanContext.SpanID(), byPath[path].Parent.SpanID(), path)
	}
	assert.Equal(t, "2", attr(byPath["out"], "storyloop.iterations"))
	assert.Len(t, spans.named("world get"), 6)

	retried := byPath["out[1]/in[0]/get"]
	assert.Equal(t, "2", attr(retried, "storyloop.attempts"))
	assert.Equal(t, codes.Unset, retried.Status.Code)
	require.Len(t, retried.Events, 1)
	assert.Equal(t, "attempt failed", retried.Events[0].Name)
	require.Len(t, within, 1)
	assert.Equal(t, retried.SpanContext.SpanID(), within[0].SpanID(), "the call is within the step")
	for _, a := range retried.Events[0].Attributes {
		assert.NotContains(t, a.Value.String(), "private")
	}
}

func TestTrace_ARunThatGoesOnStaysInItsTrace(t *testing.T) {
	t.Parallel()
	spans := newRecorded()
	l := newLab(t, func(s *host.Setup) { s.Traces = spans.provider })
	l.world.After = func(_ context.Context, c enginetest.Call) *connectorv1.Failure {
		if c.Nth == 1 {
			return enginetest.Lost()
		}
		return nil
	}
	run := l.run(t, "- {id: a, connector: world, operation: send}")
	require.Equal(t, host.RunParked, run.State)
	require.NoError(t, l.Resolve(t.Context(), "r", "", host.Repeat))
	run, err := l.Wait(t.Context(), "r")
	require.NoError(t, err)
	require.Equal(t, host.RunSucceeded, run.State)

	roots := spans.named("run w")
	require.Len(t, roots, 2)
	assert.Equal(t, roots[0].SpanContext.TraceID(), roots[1].SpanContext.TraceID())
	assert.False(t, roots[1].Parent.IsValid())
	assert.Equal(t, "parked", attr(roots[0], "storyloop.state"))
	assert.Equal(t, "succeeded", attr(roots[1], "storyloop.state"))
	assert.Equal(t, "false true", attr(roots[0], "storyloop.resumed")+" "+attr(roots[1], "storyloop.resumed"))
	steps := spans.named("world send")
	require.Len(t, steps, 2)
	assert.Equal(t, "parked", attr(steps[0], "storyloop.state"))
}

func TestTrace_FailuresByTheirKind(t *testing.T) {
	t.Parallel()
	spans := newRecorded()
	l := newLab(t, func(s *host.Setup) { s.Traces = spans.provider })
	l.world.Before = func(context.Context, enginetest.Call) *connectorv1.Failure {
		return enginetest.Failed(connectorv1.FailureKind_FAILURE_KIND_NOT_FOUND, "private words")
	}
	run := l.run(t, "- {id: l, connector: loop, operation: loop_list, input: {list: [1]}, steps: [{id: a, connector: world, operation: get}]}")
	require.Equal(t, host.RunFailed, run.State)
	for _, name := range []string{"run w", "loop loop_list", "world get"} {
		found := spans.named(name)
		require.Len(t, found, 1, name)
		assert.Equal(t, sdktrace.Status{Code: codes.Error, Description: "not_found"}, found[0].Status, name)
		assert.Equal(t, "not_found", attr(found[0], "error.type"), name)
	}
}

func TestTrace_WhatIsNotSampledLeavesNothing(t *testing.T) {
	t.Parallel()
	spans := newRecorded(sdktrace.WithSampler(sdktrace.NeverSample()))
	var seen trace.SpanContext
	l := newLab(t, func(s *host.Setup) { s.Traces = spans.provider })
	l.world.Before = func(ctx context.Context, _ enginetest.Call) *connectorv1.Failure {
		seen = trace.SpanContextFromContext(ctx)
		return nil
	}
	run := l.run(t, "- {id: a, connector: world, operation: get}")
	require.Equal(t, host.RunSucceeded, run.State)
	assert.Empty(t, spans.GetSpans())
	assert.True(t, seen.IsValid(), "connectors must know that they are not to record")
	assert.False(t, seen.IsSampled())
}

func TestTrace_ARunHasALinkToWhatLedToIt(t *testing.T) {
	t.Parallel()
	spans := newRecorded()
	l := newLab(t, func(s *host.Setup) { s.Traces = spans.provider })
	for _, text := range []string{
		"{name: caller, trigger: {connector: manual}, steps: [{id: a, connector: call-workflow, operation: call_and_wait, input: {workflow: called}}]}",
		"{name: called, trigger: {connector: callable}, steps: [{id: a, connector: world, operation: get}]}",
	} {
		doc, err := workflow.Parse("w.yaml", []byte(text))
		require.NoError(t, err)
		_, err = l.Define(t.Context(), doc, true, "")
		require.NoError(t, err)
	}
	_, _, err := l.Start(t.Context(), host.StartRequest{Workflow: "caller", ID: "r"})
	require.NoError(t, err)
	_, err = l.Wait(t.Context(), "r")
	require.NoError(t, err)
	steps, called := spans.named("call-workflow call_and_wait"), spans.named("run called")
	require.Len(t, steps, 1)
	require.Len(t, called, 1)
	require.Len(t, called[0].Links, 1)
	assert.Equal(t, steps[0].SpanContext.SpanID(), called[0].Links[0].SpanContext.SpanID())
	assert.NotEqual(t, steps[0].SpanContext.TraceID(), called[0].SpanContext.TraceID())
}

// eager is a store whose events are dealt with as soon as they are there.
type eager struct {
	host.Store
	stored func()
}

func (q *eager) AddEvents(ctx context.Context, events []host.Event) ([]host.Event, error) {
	fresh, err := q.Store.AddEvents(ctx, events)
	q.stored()
	return fresh, err
}

func TestTrace_ARunThatBeginsAtOnceHasALinkToItsWebhook(t *testing.T) {
	t.Parallel()
	spans := newRecorded()
	store := &eager{Store: host.NewMemory()}
	l := newLab(t, func(s *host.Setup) { s.Traces, s.Store = spans.provider, store })
	store.stored = func() { assert.NoError(t, l.Dispatch(t.Context())) }
	doc, err := workflow.Parse("w.yaml", []byte("{name: w, trigger: {connector: world, trigger: mentioned}, steps: [{id: a, connector: world, operation: get}]}"))
	require.NoError(t, err)
	_, err = l.Define(t.Context(), doc, true, "")
	require.NoError(t, err)

	accept := func(span string, id string) trace.TraceID {
		ctx, webhook := spans.provider.Tracer("test").Start(t.Context(), span)
		defer webhook.End()
		_, err := l.Accept(ctx, "world", []*connectorv1.Event{{Id: id, Trigger: "mentioned"}})
		require.NoError(t, err)
		return webhook.SpanContext().TraceID()
	}
	want := []trace.TraceID{accept("first", "1"), accept("second", "2")}
	accept("once more", "1")
	runs, err := l.Store.Runs(t.Context(), host.RunFilter{})
	require.NoError(t, err)
	require.Len(t, runs, 2)
	for _, run := range runs {
		_, err := l.Wait(t.Context(), run.ID)
		require.NoError(t, err)
	}
	var got []trace.TraceID
	for _, s := range spans.named("run w") {
		require.Len(t, s.Links, 1)
		got = append(got, s.Links[0].SpanContext.TraceID())
	}
	assert.ElementsMatch(t, want, got)
}
