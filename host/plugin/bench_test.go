package plugin_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
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
