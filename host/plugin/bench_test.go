package plugin_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/storyloop/storyloop/host/plugin"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// BenchmarkInvoke compares a call with a bare gRPC call over go-plugin, with the
// same bytes and the same TLS. The two take turns, so that both see the same
// machine; "ratio" is how much longer ours takes.
func BenchmarkInvoke(b *testing.B) {
	for name, size := range map[string]int{"small": 30, "page of 25 KB": 25_000} {
		b.Run(name, func(b *testing.B) {
			cfg, _ := config(b, "good")
			ours, bare := open(b, cfg), dialBare(b)
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
			defer cancel()
			req := &connectorv1.InvokeRequest{
				Call:      &connectorv1.Call{Id: "call-1", Credential: &connectorv1.Credential{Method: "token", Secret: []byte(`{"token":"` + marker + `"}`)}},
				Operation: "echo", Input: []byte(`{"x":"` + strings.Repeat("x", size) + `"}`),
			}
			var oursTook, bareTook time.Duration
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				t0 := time.Now()
				_, err := bare.Invoke(ctx, req)
				t1 := time.Now()
				f := ours.Invoke(ctx, req).GetFailure()
				oursTook += time.Since(t1)
				bareTook += t1.Sub(t0)
				if err != nil || f != nil {
					b.Fatal(err, f)
				}
			}
			b.ReportMetric(float64(oursTook)/float64(bareTook), "ratio")
			b.ReportMetric(float64(bareTook.Microseconds())/float64(b.N), "bare-µs/op")
			b.ReportMetric(float64(oursTook.Microseconds())/float64(b.N), "ours-µs/op")
		})
	}
}

// BenchmarkFloor shows what a loop of HTTP requests costs at the least when a
// connector makes them: bare go-plugin, no engine, no journal, no checks, and a
// handler that only passes the answer on. The two loops take turns;
// "x-of-plain-loop" is how much longer the one through the connector takes than
// one that makes the requests itself.
func BenchmarkFloor(b *testing.B) {
	const items = 1000
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"id":"17841405726653027","media_type":"IMAGE","timestamp":"2026-01-01T00:00:00+0000"}`)
	}))
	defer srv.Close()
	for _, concurrency := range []int{1, 16} {
		b.Run(fmt.Sprint("concurrency=", concurrency), func(b *testing.B) {
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: concurrency}}
			itself := func() error {
				resp, err := client.Get(srv.URL)
				if err != nil {
					return err
				}
				defer resp.Body.Close()
				_, err = io.ReadAll(resp.Body)
				return err
			}
			bare := dialBare(b)
			through := func() error {
				_, err := bare.Invoke(context.Background(), &connectorv1.InvokeRequest{Operation: "get", Input: []byte(srv.URL)})
				return err
			}
			inTurns(b, 50, concurrency, itself) // Connections are made.
			inTurns(b, 50, concurrency, through)
			var plain, bareTook time.Duration
			b.ResetTimer()
			for range b.N {
				plain += inTurns(b, items, concurrency, itself)
				bareTook += inTurns(b, items, concurrency, through)
			}
			b.ReportMetric(float64(bareTook)/float64(plain), "x-of-plain-loop")
			b.ReportMetric(float64(plain.Microseconds())/float64(b.N*items), "plain-µs/step")
			b.ReportMetric(float64(bareTook.Microseconds())/float64(b.N*items), "bare-µs/step")
		})
	}
}

// inTurns does something n times, so many at once.
func inTurns(b *testing.B, n, concurrency int, do func() error) time.Duration {
	start := time.Now()
	var wg sync.WaitGroup
	var next atomic.Int64
	for range concurrency {
		wg.Go(func() {
			for next.Add(1) <= int64(n) {
				if err := do(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

// BenchmarkOpen measures the way from nothing to the first catalog, with the
// checksum of the binary, and the way back.
func BenchmarkOpen(b *testing.B) {
	sum, err := plugin.Sum(os.Args[0])
	require.NoError(b, err)
	cfg, _ := config(b, "good")
	cfg.SHA256, cfg.Unverified = sum, false
	var opened time.Duration
	for range b.N {
		t0 := time.Now()
		c, err := plugin.Open(context.Background(), cfg)
		if err != nil {
			b.Fatal(err)
		}
		opened += time.Since(t0)
		if err := c.Close(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(opened.Milliseconds())/float64(b.N), "catalog-ms/op")
}

// dialBare starts the same connector with go-plugin and nothing else.
func dialBare(b *testing.B) connectorv1.OperationServiceClient {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"TEST_ROLE=good"}
	client := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig: connectorv1.Handshake, Plugins: goplugin.PluginSet{connectorv1.PluginName: bareDialer{}},
		Cmd: cmd, SkipHostEnv: true, AutoMTLS: true, AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		Logger: hclog.NewNullLogger(),
	})
	b.Cleanup(client.Kill)
	protocol, err := client.Client()
	require.NoError(b, err)
	cc, err := protocol.Dispense(connectorv1.PluginName)
	require.NoError(b, err)
	return connectorv1.NewOperationServiceClient(cc.(*grpc.ClientConn))
}

type bareDialer struct {
	goplugin.NetRPCUnsupportedPlugin
}

func (bareDialer) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error { return nil }

func (bareDialer) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, cc *grpc.ClientConn) (any, error) {
	return cc, nil
}
