package telemetry_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/storyloop/storyloop/proto/telemetry"
	"github.com/storyloop/storyloop/proto/telemetry/collectortest"
)

const key = "k3y-of-the-collector"

// logged is a log that several goroutines write to.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// open opens traces with variables in the environment of the test's process.
func open(t *testing.T, env map[string]string) (*telemetry.Tracing, *logged) {
	t.Helper()
	for name, value := range env {
		t.Setenv(name, value)
	}
	log := &logged{}
	tracing, err := telemetry.Open(t.Context(), telemetry.Config{
		Service: "shop", Version: "1.2.3", Getenv: os.Getenv, Log: slog.New(slog.NewJSONHandler(log, nil)),
	})
	require.NoError(t, err)
	require.NotNil(t, tracing)
	t.Cleanup(func() { tracing.Close(time.Second) })
	return tracing, log
}

func record(tracing *telemetry.Tracing, name string) {
	_, span := tracing.Provider().Tracer("test").Start(context.Background(), name)
	span.End()
}

func TestOpen_OffUnlessAsked(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]map[string]string{
		"nothing is set":        {},
		"only how, not whether": {"OTEL_SERVICE_NAME": "shop", "OTEL_EXPORTER_OTLP_HEADERS": "a=b", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
		"blank":                 {"OTEL_EXPORTER_OTLP_ENDPOINT": " ", "OTEL_TRACES_EXPORTER": ""},
		"no exporter":           {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", "OTEL_TRACES_EXPORTER": "none"},
		"disabled":              {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", "OTEL_SDK_DISABLED": "True"},
		"disabled, and wrong":   {"OTEL_EXPORTER_OTLP_ENDPOINT": "nonsense", "OTEL_SDK_DISABLED": "true"},
		"other signals":         {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://localhost:4318"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tracing, err := telemetry.Open(t.Context(), telemetry.Config{Getenv: func(name string) string { return env[name] }})
			require.NoError(t, err)
			require.Nil(t, tracing)
			assert.Nil(t, tracing.Provider(), "what is off makes nothing")
			log := slog.New(slog.DiscardHandler)
			assert.Same(t, log, tracing.Log(log))
			tracing.Close(0)
		})
	}
}

func TestOpen_WrongVariables(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for name, test := range map[string]struct{ value, says string }{
		"OTEL_TRACES_EXPORTER":                         {"zipkin", `"zipkin" is not known here; use otlp or none`},
		"OTEL_SDK_DISABLED":                            {"yes", "use true or false"},
		"OTEL_EXPORTER_OTLP_PROTOCOL":                  {"thrift", "use http/protobuf, http/json or grpc"},
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL":           {"HTTP", "use http/protobuf, http/json or grpc"},
		"OTEL_EXPORTER_OTLP_ENDPOINT":                  {"localhost:4318", "an address such as http://localhost:4318"},
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT":           {"https://me:" + key + "@example.com", "keys go into OTEL_EXPORTER_OTLP_HEADERS"},
		"OTEL_EXPORTER_OTLP_HEADERS":                   {"a=b," + key, "pair 2 is not of the form name=value"},
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS":            {"a=%zz" + key, "pair 1 is not of the form name=value"},
		"OTEL_EXPORTER_OTLP_COMPRESSION":               {"zstd", "use gzip or none"},
		"OTEL_EXPORTER_OTLP_INSECURE":                  {"1", "use true or false"},
		"OTEL_EXPORTER_OTLP_TIMEOUT":                   {"10s", `must be a whole number from 1 to 1000000, not "10s"`},
		"OTEL_EXPORTER_OTLP_CERTIFICATE":               {empty, "holds no certificate"},
		"OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE":        {"/no/such.pem", "no such file"},
		"OTEL_EXPORTER_OTLP_CLIENT_KEY":                {empty, "one needs the other"},
		"OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY":         {empty, "one needs the other"},
		"OTEL_TRACES_SAMPLER":                          {"jaeger_remote", "is not known here; use always_on,"},
		"OTEL_TRACES_SAMPLER_ARG":                      {"50%", "a number from 0 to 1"},
		"OTEL_PROPAGATORS":                             {"b3", "as tracecontext only"},
		"OTEL_RESOURCE_ATTRIBUTES":                     {"team", "pair 1 is not of the form name=value"},
		"OTEL_BSP_MAX_QUEUE_SIZE":                      {"-1", "a whole number from 1"},
		"OTEL_BSP_MAX_EXPORT_BATCH_SIZE":               {"1e3", "a whole number from 1"},
		"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT":              {"many", "a whole number from 0"},
		"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT":       {"NaN", "a whole number from 0"},
		"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE":        {empty, "one needs the other"},
		"OTEL_EXPORTER_OTLP_TRACES_INSECURE":           {"maybe", "use true or false"},
		"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION":        {"deflate", "use gzip or none"},
		"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT":            {"0", "a whole number from 1"},
		"OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE": {empty, "one needs the other"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", name: test.value}
			tracing, err := telemetry.Open(t.Context(), telemetry.Config{Getenv: func(name string) string { return env[name] }})
			require.ErrorContains(t, err, test.says)
			assert.ErrorContains(t, err, name)
			assert.NotContains(t, err.Error(), key)
			assert.Nil(t, tracing)
		})
	}
}

func TestOpen_SendsByEachProtocol(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"http/protobuf": {},
		"http/json":     {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
		"compressed":    {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"},
		"grpc":          {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
	} {
		t.Run(name, func(t *testing.T) {
			c := collectortest.Start(t)
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
			if name == "grpc" {
				t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.GRPC)
			}
			t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20"+key)
			tracing, log := open(t, env)
			record(tracing, "first")
			tracing.Close(10 * time.Second)
			require.Len(t, c.Headers(), 1, "%s", log)
			assert.Equal(t, "Bearer "+key, c.Headers()[0].Get("Authorization"))
			assert.Empty(t, log.String())
			if name == "http/json" {
				assert.Contains(t, c.Bytes(), `"first"`)
				return
			}
			require.Len(t, c.Spans(), 1)
			assert.Equal(t, "shop", c.Spans()[0].Service)
			assert.Equal(t, "first", c.Spans()[0].Name)
		})
	}
}

func TestOpen_TrustsTheCertificateThatItIsGiven(t *testing.T) {
	var came sync.WaitGroup
	came.Add(1)
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { came.Done() }))
	t.Cleanup(server.Close)
	path := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	tracing, log := open(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL, "OTEL_EXPORTER_OTLP_CERTIFICATE": path})
	record(tracing, "first")
	tracing.Close(10 * time.Second)
	came.Wait()
	assert.Empty(t, log.String())
}

func TestOpen_TheEnvironmentNamesTheServiceAndTheSampler(t *testing.T) {
	c := collectortest.Start(t)
	tracing, _ := open(t, map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_SERVICE_NAME": "market", "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5",
	})
	for range 200 {
		record(tracing, "some")
	}
	tracing.Close(10 * time.Second)
	require.NotEmpty(t, c.Spans())
	assert.Equal(t, "market", c.Spans()[0].Service)
	assert.Less(t, len(c.Spans()), 190)
}

func TestTracing_SaysOnceThatTheCollectorIsAway(t *testing.T) {
	answer := make(chan int, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(<-answer)
		_, _ = io.WriteString(w, "your key "+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")+" is not known")
	}))
	t.Cleanup(server.Close)
	tracing, log := open(t, map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL, "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer%20" + key,
		"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1",
	})
	for range 3 {
		answer <- http.StatusForbidden
		record(tracing, "lost")
	}
	answer <- http.StatusOK
	record(tracing, "sent")
	tracing.Close(10 * time.Second)
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	require.Len(t, lines, 2)
	assert.Contains(t, lines[0], "traces cannot be sent; runs go on without")
	assert.Contains(t, lines[0], "403 Forbidden")
	assert.Contains(t, lines[0], "your key [secret] is not known")
	assert.Contains(t, lines[1], `"lost_spans":3`)
	assert.NotContains(t, log.String(), key)
}

func TestTracing_NeitherRecordingNorTheEndWaitsForASilentCollector(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { silent.Close() })
	tracing, log := open(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + silent.Addr().String()})
	began := time.Now()
	for range 50_000 { // far more than the queue holds
		record(tracing, "lost")
	}
	tracing.Close(100 * time.Millisecond)
	assert.Less(t, time.Since(began), 8*time.Second, "the collector has 10 s to answer each batch")
	assert.Contains(t, log.String(), "the last traces were not sent in time")
}

func TestTracing_APanicIsNotRecorded(t *testing.T) {
	c := collectortest.Start(t)
	tracing, _ := open(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL})
	assert.Panics(t, func() {
		_, span := tracing.Provider().Tracer("test").Start(context.Background(), "panics")
		defer span.End()
		panic("s3cr3t")
	})
	tracing.Close(10 * time.Second)
	require.Len(t, c.Spans(), 1)
	assert.NotContains(t, c.Bytes(), "s3cr3t")
}

func TestTracing_TakesTheTraceIDThatIsWanted(t *testing.T) {
	c := collectortest.Start(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	type wanted struct{}
	tracing, err := telemetry.Open(t.Context(), telemetry.Config{
		Service: "shop", Getenv: os.Getenv, Log: slog.New(slog.DiscardHandler),
		TraceID: func(ctx context.Context) (trace.TraceID, bool) {
			id, ok := ctx.Value(wanted{}).(trace.TraceID)
			return id, ok
		},
	})
	require.NoError(t, err)
	tracer := tracing.Provider().Tracer("test")
	id := trace.TraceID{1, 2, 3}
	for range 2 {
		_, span := tracer.Start(context.WithValue(context.Background(), wanted{}, id), "again")
		span.End()
	}
	record(tracing, "any")
	tracing.Close(10 * time.Second)
	spans := c.Spans()
	require.Len(t, spans, 3)
	assert.Equal(t, id.String(), spans[0].TraceID)
	assert.Equal(t, id.String(), spans[1].TraceID)
	assert.NotEqual(t, spans[0].ID, spans[1].ID)
	assert.NotEqual(t, id.String(), spans[2].TraceID)
	assert.NotEqual(t, strings.Repeat("0", 32), spans[2].TraceID)
}

func TestLog_NamesTraceAndSpan(t *testing.T) {
	c := collectortest.Start(t)
	tracing, _ := open(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL})
	var out bytes.Buffer
	log := tracing.Log(slog.New(slog.NewJSONHandler(&out, nil))).With("run", "r1")
	ctx, span := tracing.Provider().Tracer("test").Start(context.Background(), "work")
	log.InfoContext(ctx, "within")
	log.Info("without")
	span.End()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 2)
	assert.Contains(t, lines[0], fmt.Sprintf(`"run":"r1","trace_id":%q,"span_id":%q`, span.SpanContext().TraceID(), span.SpanContext().SpanID()))
	assert.NotContains(t, lines[1], "trace_id")
}
