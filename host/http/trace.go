package http

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Traced serves each request in a span of its own, if there is a provider. A
// traceparent that a request may bring is left alone: anybody can send one.
func Traced(provider trace.TracerProvider, h http.Handler) http.Handler {
	if provider == nil {
		return h
	}
	tracer := provider.Tracer("github.com/storyloop/storyloop/host/http")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := "_OTHER" // What else strangers may write is not ours to hand on.
		if slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}, r.Method) {
			method = r.Method
		}
		ctx, span := tracer.Start(r.Context(), method, trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		s := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		r = r.WithContext(ctx)
		h.ServeHTTP(s, r)
		// The mux has found the pattern meanwhile.
		_, route, found := strings.Cut(r.Pattern, " ")
		if !found {
			route = r.Pattern
		}
		span.SetName(method + " " + cmp.Or(route, "(no route)"))
		span.SetAttributes(
			attribute.String("http.request.method", method),
			attribute.String("http.route", route),
			attribute.Int("http.response.status_code", s.status),
		)
		if s.status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, http.StatusText(s.status))
		}
	})
}

// statusWriter remembers the status that was sent.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
