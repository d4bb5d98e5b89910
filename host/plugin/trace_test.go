package plugin_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

func TestTrace_EachCallHasASpan(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	cfg, _ := config(t, "good")
	cfg.Traces = sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	c := open(t, cfg)
	ctx := host.WithCaller(context.Background(), host.Caller{Attempt: 3})
	last := func() tracetest.SpanStub {
		got := spans.GetSpans()
		require.Len(t, got, 1)
		spans.Reset()
		assert.Equal(t, trace.SpanKindClient, got[0].SpanKind)
		return got[0]
	}
	attrs := func(s tracetest.SpanStub) map[string]string {
		m := map[string]string{}
		for _, a := range s.Attributes {
			m[string(a.Key)] = a.Value.String()
		}
		return m
	}

	require.Nil(t, invoke(ctx, c, "echo", `{}`).GetFailure())
	s := last()
	assert.Equal(t, codes.Unset, s.Status.Code)
	assert.Equal(t, "echo", attrs(s)["storyloop.operation"])
	assert.Equal(t, "3", attrs(s)["storyloop.attempt"])

	f := invoke(ctx, c, "nothing", `{}`).GetFailure()
	require.NotNil(t, f)
	s = last()
	assert.Equal(t, codes.Error, s.Status.Code)
	assert.Equal(t, "internal", attrs(s)["error.type"])

	c.InvokeStream(ctx, &connectorv1.InvokeRequest{Operation: "fault", Input: []byte(`{}`)}, func(*connectorv1.InvokeStreamResponse) {})
	assert.Equal(t, "refused", attrs(last())["error.type"], "what the stream ended with")

	_, _ = c.Validate(ctx, &connectorv1.ValidateRequest{})
	assert.Empty(t, spans.GetSpans(), "a look at an input is no call")

	require.NotNil(t, invoke(ctx, c, "exit", `{}`).GetFailure(), "the process dies")
	s = last()
	assert.Equal(t, "unavailable", attrs(s)["error.type"])
	assert.Equal(t, "unknown", attrs(s)["storyloop.applied"])
}
