// Package collectortest is an OpenTelemetry collector for tests: it takes traces by
// OTLP, over HTTP and gRPC, and shows what came.
package collectortest

import (
	"compress/gzip"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// Collector is a running collector.
type Collector struct {
	URL  string // For http/protobuf and http/json.
	GRPC string // For grpc.

	mu sync.Mutex
	// Guarded by mu.
	spans   []Span
	bytes   strings.Builder
	headers []http.Header
}

// Span is one that came in.
type Span struct {
	Service    string
	Name       string
	Kind       tracev1.Span_SpanKind
	TraceID    string
	ID         string
	Parent     string // Empty for the first of a trace.
	Failed     bool
	Attributes map[string]string
	Events     []string
	Links      []string // Ids of traces.
}

// Start starts a collector that ends with the test.
func Start(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{}
	web := httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(web.Close)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	collectorv1.RegisterTraceServiceServer(server, &service{c: c})
	go func() { _ = server.Serve(listener) }() // until it is stopped
	t.Cleanup(server.Stop)
	c.URL, c.GRPC = web.URL, "http://"+listener.Addr().String()
	return c
}

// Spans returns what has come so far.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Span(nil), c.spans...)
}

// Bytes returns all bodies, as they came.
func (c *Collector) Bytes() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes.String()
}

// Headers returns the headers of all requests.
func (c *Collector) Headers() []http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]http.Header(nil), c.headers...)
}

// Await waits until a span has come for which want holds, and returns it.
func (c *Collector) Await(t testing.TB, want func(Span) bool) Span {
	t.Helper()
	var found Span
	require.Eventually(t, func() bool {
		for _, s := range c.Spans() {
			if want(s) {
				found = s
				return true
			}
		}
		return false
	}, 30*time.Second, 10*time.Millisecond, "the span did not come")
	return found
}

func (c *Collector) serve(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = unzipped
	}
	raw, err := io.ReadAll(body)
	req := &collectorv1.ExportTraceServiceRequest{}
	if err == nil && r.Header.Get("Content-Type") == "application/x-protobuf" {
		err = proto.Unmarshal(raw, req)
	}
	if err != nil || r.URL.Path != "/v1/traces" {
		http.Error(w, fmt.Sprint("no traces: ", r.URL.Path, err), http.StatusBadRequest)
		return
	}
	c.take(req, raw, r.Header)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func (c *Collector) take(req *collectorv1.ExportTraceServiceRequest, raw []byte, header http.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes.Write(raw)
	c.headers = append(c.headers, header)
	for _, resource := range req.GetResourceSpans() {
		from := attributes(resource.GetResource().GetAttributes())["service.name"]
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, span(from, s))
			}
		}
	}
}

func span(from string, s *tracev1.Span) Span {
	out := Span{
		Service: from, Name: s.GetName(), Kind: s.GetKind(), TraceID: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()),
		Parent: hex.EncodeToString(s.GetParentSpanId()), Failed: s.GetStatus().GetCode() == tracev1.Status_STATUS_CODE_ERROR,
		Attributes: attributes(s.GetAttributes()),
	}
	for _, e := range s.GetEvents() {
		out.Events = append(out.Events, e.GetName())
	}
	for _, l := range s.GetLinks() {
		out.Links = append(out.Links, hex.EncodeToString(l.GetTraceId()))
	}
	return out
}

func attributes(from []*commonv1.KeyValue) map[string]string {
	out := map[string]string{}
	for _, a := range from {
		switch v := a.GetValue().GetValue().(type) {
		case *commonv1.AnyValue_StringValue:
			out[a.GetKey()] = v.StringValue
		case *commonv1.AnyValue_IntValue:
			out[a.GetKey()] = fmt.Sprint(v.IntValue)
		case *commonv1.AnyValue_BoolValue:
			out[a.GetKey()] = fmt.Sprint(v.BoolValue)
		}
	}
	return out
}

type service struct {
	collectorv1.UnimplementedTraceServiceServer
	c *Collector
}

// Export takes spans by gRPC.
func (s *service) Export(ctx context.Context, req *collectorv1.ExportTraceServiceRequest) (*collectorv1.ExportTraceServiceResponse, error) {
	raw, err := proto.Marshal(req)
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	sent, _ := metadata.FromIncomingContext(ctx)
	for name, values := range sent {
		for _, v := range values {
			header.Add(name, v)
		}
	}
	s.c.take(req, raw, header)
	return &collectorv1.ExportTraceServiceResponse{}, nil
}
