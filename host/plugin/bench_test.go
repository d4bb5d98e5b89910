package plugin_test

import (
	"bufio"
	"context"
	"errors"
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
// connector makes them: no engine, no journal, no checks, and a handler that only
// passes the answer on. The loops take turns; each "x-of-plain-loop" is how much
// longer one takes than one that makes the requests itself: "bare" with a call of
// Invoke for each over go-plugin and nothing else, "shared" through Connector.Invoke
// and its one stream. The service is a process of its own, as any real one is, or
// within the plain loop's, which then crosses no process at all.
func BenchmarkFloor(b *testing.B) {
	for _, where := range []string{"beside", "within"} {
		for _, concurrency := range []int{1, 16} {
			b.Run(fmt.Sprintf("concurrency=%d/service=%s", concurrency, where), func(b *testing.B) { floor(b, where, concurrency) })
		}
	}
}

func floor(b *testing.B, where string, concurrency int) {
	const items = 1000
	url := ""
	if where == "beside" {
		url = beside(b)
	} else {
		srv := httptest.NewServer(http.HandlerFunc(serve))
		b.Cleanup(srv.Close)
		url = srv.URL
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: concurrency}}
	get := &connectorv1.InvokeRequest{Operation: "get", Input: []byte(url)}
	bare := dialBare(b)
	cfg, _ := config(b, "shares")
	shared := open(b, cfg)
	loops := []struct {
		name string
		do   func() error
		took time.Duration
	}{
		{name: "plain", do: func() error {
			resp, err := client.Get(url)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			_, err = io.ReadAll(resp.Body)
			return err
		}},
		{name: "bare", do: func() error {
			_, err := bare.Invoke(context.Background(), get)
			return err
		}},
		{name: "shared", do: func() error {
			if f := shared.Invoke(context.Background(), get).GetFailure(); f != nil {
				return errors.New(f.GetMessage())
			}
			return nil
		}},
	}
	for _, l := range loops {
		inTurns(b, 50, concurrency, l.do) // Connections are made.
	}
	b.ResetTimer()
	for range b.N {
		for i := range loops {
			loops[i].took += inTurns(b, items, concurrency, loops[i].do)
		}
	}
	for _, l := range loops {
		b.ReportMetric(float64(l.took.Microseconds())/float64(b.N*items), l.name+"-µs/step")
		if l.name != "plain" {
			b.ReportMetric(float64(l.took)/float64(loops[0].took), l.name+"-x-of-plain-loop")
		}
	}
}

func serve(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprint(w, `{"id":"17841405726653027","media_type":"IMAGE","timestamp":"2026-01-01T00:00:00+0000"}`)
}

// beside serves in a process of its own, and returns the URL.
func beside(b *testing.B) string {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TEST_ROLE=service")
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	url, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(b, err)
	return strings.TrimSpace(url)
}

// beService serves until standard input ends.
func beService() {
	srv := httptest.NewServer(http.HandlerFunc(serve))
	fmt.Println(srv.URL)
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
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
