package connector_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/metadata"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/storyloop/storyloop/proto/telemetry/collectortest"
)

const (
	hostTrace = "0af7651916cd43dd8448eb211c80319c"
	hostSpan  = "b7ad6b7169203331"
)

// from is the context of a host whose trace goes on in the connector.
func from(t *testing.T, flags string) context.Context {
	return metadata.AppendToOutgoingContext(t.Context(), "traceparent", "00-"+hostTrace+"-"+hostSpan+"-"+flags, "tracestate", "vendor=x")
}

func TestTrace_GoesOnWithThatOfAnyHost(t *testing.T) {
	t.Parallel()
	c := collectortest.Start(t)
	p := start(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL)
	call := func(ctx context.Context, operation, input string) {
		req := &connectorv1.InvokeRequest{
			Call:      &connectorv1.Call{Id: "call-1", Credential: &connectorv1.Credential{Method: "token", Secret: []byte(`{"token":"s3cr3t-m4rk3r"}`)}},
			Operation: operation, Input: []byte(input),
		}
		_, _ = p.Invoke(ctx, req) // a panic has no answer
	}
	call(from(t, "01"), "get_item", `{"id":"1"}`)
	call(from(t, "01"), "get_item", `{"mode":"dead"}`)
	call(from(t, "01"), "get_item", `{"mode":"bug"}`)
	call(from(t, "01"), "list_items", `{"mode":"panic"}`)
	call(from(t, "01"), "private words", `{}`)
	call(from(t, "00"), "sell_item", `{"id":"1"}`) // the host records nothing of this one
	call(t.Context(), "get_item", `{"id":"2"}`)    // nor does this host trace
	stream, err := p.InvokeStream(from(t, "01"), &connectorv1.InvokeRequest{Call: &connectorv1.Call{Id: "call-2"}, Operation: "sell_item", Input: []byte(`{"mode":"fail"}`)})
	require.NoError(t, err)
	for err == nil {
		_, err = stream.Recv()
	}
	_, err = p.Validate(from(t, "01"), &connectorv1.ValidateRequest{Target: &connectorv1.ValidateRequest_Operation{Operation: "get_item"}, Input: []byte(`{}`)})
	require.NoError(t, err)
	p.client.Kill() // an end in order sends the rest

	spans := c.Spans()
	require.Len(t, spans, 7)
	for _, s := range spans[:5] {
		assert.Equal(t, hostTrace, s.TraceID)
		assert.Equal(t, hostSpan, s.Parent)
		assert.Equal(t, tracev1.Span_SPAN_KIND_SERVER, s.Kind)
		assert.Equal(t, "connector-shop", s.Service)
	}
	assert.Equal(t, "shop get_item", spans[0].Name)
	assert.Equal(t, "call-1", spans[0].Attributes["storyloop.call"])
	assert.Equal(t, "read", spans[0].Attributes["storyloop.effect"])
	assert.False(t, spans[0].Failed)
	assert.Equal(t, "unauthenticated", spans[1].Attributes["error.type"])
	assert.Equal(t, "no", spans[1].Attributes["storyloop.applied"])
	assert.Equal(t, "190/463", spans[1].Attributes["storyloop.upstream_code"])
	assert.Equal(t, "internal", spans[2].Attributes["error.type"])
	assert.Equal(t, "Internal", spans[3].Attributes["error.type"], "a panic")
	assert.Equal(t, "shop Invoke", spans[4].Name, "what the catalog does not name is not repeated")
	assert.NotEqual(t, hostTrace, spans[5].TraceID)
	assert.Empty(t, spans[5].Parent)
	assert.Equal(t, hostTrace, spans[6].TraceID)
	assert.Equal(t, "shop sell_item", spans[6].Name)
	assert.Equal(t, "write", spans[6].Attributes["storyloop.effect"])
	assert.Equal(t, "unavailable", spans[6].Attributes["error.type"])
	for _, secret := range []string{"s3cr3t-m4rk3r", "private words", "The till"} {
		assert.False(t, strings.Contains(c.Bytes(), secret), secret)
	}
	assert.Contains(t, p.stderr.String(), `"trace_id":"`+hostTrace+`"`, "its log names the trace")
}

func TestTrace_WrongVariablesStopNoCall(t *testing.T) {
	t.Parallel()
	p := start(t, "OTEL_TRACES_EXPORTER=console", "OTEL_EXPORTER_OTLP_HEADERS=s3cr3t-m4rk3r")
	resp, err := p.Invoke(from(t, "01"), &connectorv1.InvokeRequest{Operation: "get_item", Input: []byte(`{"id":"1"}`)})
	require.NoError(t, err)
	assert.NotNil(t, resp.GetResult())
	p.client.Kill()
	assert.Contains(t, p.stderr.String(), "there are no traces")
	assert.Contains(t, p.stderr.String(), "OTEL_TRACES_EXPORTER")
	assert.NotContains(t, p.stderr.String(), "s3cr3t-m4rk3r")
}
