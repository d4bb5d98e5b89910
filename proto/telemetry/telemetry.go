// Package telemetry sends traces to an OpenTelemetry collector, as the standard
// environment variables ask for. Where they do not ask, it does nothing and costs
// nothing. Both programs use it, each in its own process; what they record is
// their packages' affair, which know OpenTelemetry's API and not this package.
//
// The variables are those of
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
// and of its OTLP exporter. Traces are on where OTEL_EXPORTER_OTLP_ENDPOINT or
// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set, or OTEL_TRACES_EXPORTER is otlp;
// OTEL_TRACES_EXPORTER=none and OTEL_SDK_DISABLED=true turn them off.
package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Config says whose traces are sent.
type Config struct {
	Service string // Name of the process, unless OTEL_SERVICE_NAME says otherwise.
	Version string // Its version.

	// Getenv tells whether traces are wanted and the variables sound. What sends
	// them reads the environment of the process.
	Getenv func(string) string
	// Log takes what becomes of the sending.
	Log *slog.Logger
	// TraceID returns the id for a trace that begins, or false where any will do.
	// Nil means that any will always do.
	TraceID func(context.Context) (trace.TraceID, bool)
}

// Tracing sends spans in the background: whoever records them never waits, and
// what cannot be sent is dropped. Nil records nothing.
type Tracing struct {
	provider *sdktrace.TracerProvider
	sender   *sender
	log      *slog.Logger
}

// Open returns nil where no traces are wanted. It connects to nothing yet. Its
// error names the variable that is wrong, and never holds a secret.
func Open(ctx context.Context, cfg Config) (*Tracing, error) {
	env := environment(cfg.Getenv)
	if on, err := env.wanted(); err != nil || !on {
		return nil, err
	}
	exporter, err := newExporter(ctx, env.protocol())
	if err != nil {
		return nil, fmt.Errorf("setting up traces: %w", err)
	}
	// Later ones count: the environment may name the service otherwise.
	res, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", cfg.Service), attribute.String("service.version", cfg.Version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("setting up traces: %w", err)
	}
	t := &Tracing{log: cfg.Log, sender: &sender{SpanExporter: exporter, log: cfg.Log, hide: env.hide}}
	options := []sdktrace.TracerProviderOption{
		sdktrace.WithBatcher(t.sender), sdktrace.WithResource(res),
		sdktrace.WithoutPanicRecording(), // a panic's value may hold a secret
	}
	if cfg.TraceID != nil {
		options = append(options, sdktrace.WithIDGenerator(ids{cfg.TraceID}))
	}
	t.provider = sdktrace.NewTracerProvider(options...)
	return t, nil
}

func newExporter(ctx context.Context, protocol string) (sdktrace.SpanExporter, error) {
	if protocol == "grpc" {
		return otlptracegrpc.New(ctx)
	}
	return otlptracehttp.New(ctx) // finds out by itself whether it shall be JSON
}

// Provider returns what makes spans, or nil where none are wanted.
func (t *Tracing) Provider() trace.TracerProvider {
	if t == nil {
		return nil
	}
	return t.provider
}

// Close sends what has not been sent yet, as far as the limit allows.
func (t *Tracing) Close(limit time.Duration) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.log.Warn("the last traces were not sent in time", "limit", limit.String())
	}
}
