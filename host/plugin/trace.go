package plugin

import (
	"context"
	"path/filepath"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// begin opens the span of a call, and hands its trace on to the connector as
// metadata of the call: traceparent and tracestate. Without a provider it does
// nothing.
func (c *Connector) begin(ctx context.Context, req proto.Message) (context.Context, trace.Span) {
	_, design := req.(*connectorv1.ValidateRequest) // A look at an input, while a workflow is written.
	if c.cfg.Traces == nil || design {
		return ctx, trace.SpanFromContext(context.Background())
	}
	what, attrs := describe(req)
	if caller, ok := host.CallerOf(ctx); ok && caller.Attempt > 0 {
		attrs = append(attrs, attribute.Int("storyloop.attempt", caller.Attempt))
	}
	attrs = append(attrs, attribute.String("rpc.system", "grpc"), attribute.String("storyloop.connector", c.catalog.GetName()))
	ctx, span := c.cfg.Traces.Tracer("github.com/storyloop/storyloop/host/plugin").Start(ctx, c.catalog.GetName()+" "+what,
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...))
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	for name, value := range carrier {
		ctx = metadata.AppendToOutgoingContext(ctx, name, value)
	}
	return ctx, span
}

// describe returns what a request asks for, in one word, and its names.
func describe(req proto.Message) (what string, attrs []attribute.KeyValue) {
	what = strings.TrimSuffix(string(req.ProtoReflect().Descriptor().Name()), "Request")
	if r, ok := req.(interface{ GetCall() *connectorv1.Call }); ok {
		attrs = append(attrs, attribute.String("storyloop.call", r.GetCall().GetId()))
	}
	switch r := req.(type) {
	case interface{ GetOperation() string }:
		what = r.GetOperation()
		attrs = append(attrs, attribute.String("storyloop.operation", what))
	case interface{ GetTrigger() string }:
		attrs = append(attrs, attribute.String("storyloop.trigger", r.GetTrigger()))
	}
	return what, attrs
}

// end closes the span of a call with what came of it: a failure of its own, or the
// one in its last answer. It tells the kind only, since a message may quote a person.
func end(span trace.Span, f *connectorv1.Failure, answer any) {
	if !span.IsRecording() {
		return
	}
	defer span.End()
	if a, ok := answer.(interface{ GetFailure() *connectorv1.Failure }); ok && f == nil {
		f = a.GetFailure()
	}
	if f == nil {
		return
	}
	kind := strings.ToLower(strings.TrimPrefix(f.GetKind().String(), "FAILURE_KIND_"))
	applied := strings.ToLower(strings.TrimPrefix(f.GetApplied().String(), "APPLIED_"))
	span.SetStatus(codes.Error, kind)
	span.SetAttributes(attribute.String("error.type", kind), attribute.String("storyloop.applied", applied))
}

// traceEnvironment returns what tells a connector whether and where to send its
// own spans, the collector's key among it: it sends them itself. It is a service
// of its own, under the name of its binary.
func traceEnvironment(environ []string, path string) []string {
	var env []string
	for _, v := range environ {
		if strings.HasPrefix(v, "OTEL_") {
			env = append(env, v)
		}
	}
	if len(env) > 0 {
		env = append(env, "OTEL_SERVICE_NAME="+strings.TrimSuffix(filepath.Base(path), ".exe"))
	}
	return env
}
