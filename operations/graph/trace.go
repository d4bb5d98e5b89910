package graph

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// begin opens a span for a request within the span of the call that it serves, if
// that is recorded. What a person wrote, ids, parameters and tokens stay out of
// it, and Meta never learns of the trace.
func (c *Client) begin(ctx context.Context, r Request) (context.Context, trace.Span) {
	within := trace.SpanFromContext(ctx)
	if !within.IsRecording() {
		return ctx, within
	}
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	path := template(r.Path)
	tracer := within.TracerProvider().Tracer("github.com/storyloop/storyloop/operations/graph")
	return tracer.Start(ctx, method+" "+path, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("http.request.method", method),
		attribute.String("url.template", path),
		attribute.String("server.address", string(r.Host)),
		attribute.Bool("storyloop.sandbox", c.Sandbox != ""),
	))
}

// end closes a span of begin with what Meta answered.
func end(span trace.Span, resp *Response, err error) {
	if !span.IsRecording() {
		return
	}
	defer span.End()
	status, support := 0, ""
	if resp != nil {
		status, support = resp.Status, resp.Header.Get("X-Fb-Trace-Id")
	}
	var e *Error
	if errors.As(err, &e) {
		status, support = e.Status, e.Upstream.TraceID
		span.SetStatus(codes.Error, string(e.Class))
		span.SetAttributes(attribute.String("error.type", string(e.Class)), attribute.String("storyloop.applied", string(e.Applied)))
		if code := e.Upstream.String(); code != "" {
			span.SetAttributes(attribute.String("meta.error_code", code))
		}
	}
	if status != 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
	}
	if support != "" {
		span.SetAttributes(attribute.String("meta.fbtrace_id", clip(support)))
	}
}

// segment is what a part of a path looks like that Meta has named, rather than an
// id or something that a person wrote.
var segment = regexp.MustCompile(`^([a-z][a-z_-]{0,39}|v[0-9]{1,2}\.[0-9])$`)

// template returns a path with its ids taken out: "/{id}/stories".
func template(path string) string {
	path, _, _ = strings.Cut(path, "?")
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if part != "" && !segment.MatchString(part) {
			parts[i] = "{id}"
		}
	}
	return strings.Join(parts, "/")
}

// clip bounds an id that somebody else made. Spans are UTF-8.
func clip(id string) string {
	const most = 64
	return strings.ToValidUTF8(id[:min(len(id), most)], "")
}
