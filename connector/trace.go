package connector

import (
	"context"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// tracing opens a span for each call. It goes on with the trace whose traceparent
// the host has sent in the call's metadata, be it whichever host.
type tracing struct {
	tracer trace.Tracer
	srv    *server
}

func newTracing(provider trace.TracerProvider, srv *server) tracing {
	return tracing{provider.Tracer("github.com/storyloop/storyloop/connector"), srv}
}

func (t tracing) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
	ctx, span := t.begin(ctx, info.FullMethod)
	defer span.End()
	t.describe(span, req)
	resp, err := h(ctx, req)
	t.outcome(span, resp)
	t.broken(span, err)
	return resp, err
}

func (t tracing) stream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, h grpc.StreamHandler) error {
	ctx, span := t.begin(s.Context(), info.FullMethod)
	defer span.End()
	err := h(srv, &tracedStream{ServerStream: s, ctx: ctx, t: t, span: span})
	t.broken(span, err)
	return err
}

// begin opens the span of a call. What is none, such as a look at the process's
// health or at an input while a workflow is written, gets none; a shared stream
// gets one for each attempt.
func (t tracing) begin(ctx context.Context, fullMethod string) (context.Context, trace.Span) {
	service, method, _ := strings.Cut(strings.TrimPrefix(fullMethod, "/"), "/")
	calls := []string{connectorv1.OperationService_ServiceDesc.ServiceName, connectorv1.AuthService_ServiceDesc.ServiceName, connectorv1.TriggerService_ServiceDesc.ServiceName}
	none := []string{connectorv1.OperationService_Validate_FullMethodName, connectorv1.OperationService_InvokeMany_FullMethodName}
	if !slices.Contains(calls, service) || slices.Contains(none, fullMethod) {
		return ctx, trace.SpanFromContext(context.Background())
	}
	sent, _ := metadata.FromIncomingContext(ctx)
	carrier := propagation.MapCarrier{}
	for _, name := range (propagation.TraceContext{}).Fields() {
		if values := sent.Get(name); len(values) > 0 {
			carrier[name] = strings.Join(values, ",")
		}
	}
	ctx = propagation.TraceContext{}.Extract(ctx, carrier)
	return t.tracer.Start(ctx, t.srv.spec.Name+" "+method, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("rpc.system", "grpc"),
		attribute.String("rpc.service", service),
		attribute.String("rpc.method", method),
	))
}

// describe says what a request asks for, by names of the catalog only.
func (t tracing) describe(span trace.Span, req any) {
	if !span.IsRecording() {
		return
	}
	if r, ok := req.(interface{ GetCall() *connectorv1.Call }); ok {
		span.SetAttributes(attribute.String("storyloop.call", clip(r.GetCall().GetId())))
	}
	if r, ok := req.(interface{ GetOperation() string }); ok {
		if op, known := t.srv.operations[r.GetOperation()]; known {
			span.SetName(t.srv.spec.Name + " " + op.Name)
			span.SetAttributes(attribute.String("storyloop.operation", op.Name), attribute.String("storyloop.effect", enumName(op.Effect.String(), "EFFECT_")))
		}
	}
	if r, ok := req.(interface{ GetTrigger() string }); ok {
		if _, known := t.srv.triggers[r.GetTrigger()]; known {
			span.SetAttributes(attribute.String("storyloop.trigger", r.GetTrigger()))
		}
	}
	if r, ok := req.(*connectorv1.ListOptionsRequest); ok {
		if _, known := t.srv.lists[r.GetList()]; known {
			span.SetAttributes(attribute.String("storyloop.list", r.GetList()))
		}
	}
}

// outcome says how a call failed, if it did: in kinds and codes, never in words.
func (t tracing) outcome(span trace.Span, resp any) {
	r, ok := resp.(interface{ GetFailure() *connectorv1.Failure })
	if !ok || r.GetFailure() == nil || !span.IsRecording() {
		return
	}
	f := r.GetFailure()
	kind := enumName(f.GetKind().String(), "FAILURE_KIND_")
	span.SetStatus(codes.Error, kind)
	span.SetAttributes(attribute.String("error.type", kind), attribute.String("storyloop.applied", enumName(f.GetApplied().String(), "APPLIED_")))
	if code := f.GetUpstream().GetCode(); code != "" {
		span.SetAttributes(attribute.String("storyloop.upstream_code", clip(code)))
	}
}

// broken says that a call had no answer.
func (t tracing) broken(span trace.Span, err error) {
	if err != nil {
		code := status.Code(err).String()
		span.SetStatus(codes.Error, code)
		span.SetAttributes(attribute.String("error.type", code))
	}
}

// tracedStream carries the span to its handler, and sees what goes by.
type tracedStream struct {
	grpc.ServerStream
	ctx  context.Context
	t    tracing
	span trace.Span
}

// Context returns the call's, with the span.
func (s *tracedStream) Context() context.Context { return s.ctx }

// RecvMsg takes a request.
func (s *tracedStream) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	if err == nil {
		s.t.describe(s.span, m)
	}
	return err
}

// SendMsg sends an event.
func (s *tracedStream) SendMsg(m any) error {
	s.t.outcome(s.span, m)
	return s.ServerStream.SendMsg(m)
}

// clip bounds an id or a code that somebody else made.
func clip(id string) string {
	const most = 256
	return strings.ToValidUTF8(id[:min(len(id), most)], "")
}
