package connectortest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/storyloop/storyloop/connector/conformance"
	"github.com/storyloop/storyloop/connector/connectortest"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// byHand is a connector that somebody made without the SDK, with one operation.
// Its flaw is in what it does with a shared stream.
type byHand struct {
	goplugin.NetRPCUnsupportedPlugin
	connectorv1.UnimplementedConnectorServiceServer
	connectorv1.UnimplementedOperationServiceServer
	connectorv1.UnimplementedAuthServiceServer
	connectorv1.UnimplementedTriggerServiceServer
	flaw string
	base string
}

func serveByHand(flaw string) {
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: connectorv1.Handshake, GRPCServer: goplugin.DefaultGRPCServer,
		Plugins: goplugin.PluginSet{connectorv1.PluginName: &byHand{flaw: flaw}},
	})
	os.Exit(0)
}

func (b *byHand) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	connectorv1.RegisterConnectorServiceServer(s, b)
	connectorv1.RegisterOperationServiceServer(s, b)
	connectorv1.RegisterAuthServiceServer(s, b)
	connectorv1.RegisterTriggerServiceServer(s, b)
	return nil
}

func (*byHand) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("a connector is no host")
}

func (b *byHand) Configure(_ context.Context, req *connectorv1.ConfigureRequest) (*connectorv1.ConfigureResponse, error) {
	var settings struct {
		Base string `json:"base_url"`
	}
	err := json.Unmarshal(req.GetSettings(), &settings)
	b.base = settings.Base
	return &connectorv1.ConfigureResponse{Capabilities: &connectorv1.ConnectorCapabilities{InvokeMany: b.flaw != "not announced"}}, err
}

func (*byHand) GetCatalog(context.Context, *connectorv1.GetCatalogRequest) (*connectorv1.GetCatalogResponse, error) {
	object := []byte(`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object"}`)
	return &connectorv1.GetCatalogResponse{Catalog: &connectorv1.Catalog{Name: "byhand", Version: "1.0.0", Operations: []*connectorv1.Operation{
		{Name: "whoami", Effect: connectorv1.Effect_EFFECT_READ, InputSchema: object, OutputSchema: object},
	}}}, nil
}

func (b *byHand) Invoke(ctx context.Context, req *connectorv1.InvokeRequest) (*connectorv1.InvokeResponse, error) {
	if string(req.GetInput()) != "{}" || req.GetOperation() != "whoami" {
		return failed(connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT), nil
	}
	var secret struct{ Token string }
	if err := json.Unmarshal(req.GetCall().GetCredential().GetSecret(), &secret); err != nil {
		return nil, err
	}
	get, err := http.NewRequestWithContext(ctx, http.MethodGet, b.base+"/me", nil)
	if err != nil {
		return nil, err
	}
	get.Header.Set("Authorization", "Bearer "+secret.Token)
	resp, err := http.DefaultClient.Do(get)
	if err != nil {
		return failed(connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE), nil
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	return &connectorv1.InvokeResponse{
		Outcome: &connectorv1.InvokeResponse_Result{Result: &connectorv1.Result{Output: out}}, Report: &connectorv1.Report{Requests: 1},
	}, err
}

func failed(kind connectorv1.FailureKind) *connectorv1.InvokeResponse {
	return &connectorv1.InvokeResponse{Outcome: &connectorv1.InvokeResponse_Failure{Failure: &connectorv1.Failure{Kind: kind, Applied: connectorv1.Applied_APPLIED_NO, Message: "No."}}}
}

// InvokeMany is sound but for the flaw.
func (b *byHand) InvokeMany(stream grpc.BidiStreamingServer[connectorv1.InvokeManyRequest, connectorv1.InvokeManyResponse]) error {
	if b.flaw == "not implemented" {
		return b.UnimplementedOperationServiceServer.InvokeMany(stream)
	}
	var running sync.WaitGroup
	defer running.Wait()
	all, end := context.WithCancel(stream.Context())
	defer end()
	var sending sync.Mutex
	cancels := map[uint64]context.CancelFunc{}
	for {
		req, err := stream.Recv()
		if errors.Is(err, io.EOF) && b.flaw != "ends in error" {
			return nil
		}
		if err != nil {
			return err
		}
		n := req.GetNumber()
		if req.GetInvoke() == nil {
			if b.flaw == "cancels another" {
				n = min(n, 3)
			}
			cancels[n]()
			continue
		}
		ctx, cancel := context.WithCancel(all)
		if limit := req.GetTimeout(); limit != nil && b.flaw != "no timeout" {
			ctx, cancel = context.WithTimeout(all, limit.AsDuration())
		}
		cancels[n] = cancel
		running.Go(func() {
			resp, err := b.Invoke(ctx, req.GetInvoke())
			sending.Lock()
			defer sending.Unlock()
			for _, answer := range b.answers(n, resp, err) {
				_ = stream.Send(answer)
			}
		})
	}
}

func (b *byHand) answers(n uint64, resp *connectorv1.InvokeResponse, err error) []*connectorv1.InvokeManyResponse {
	one := &connectorv1.InvokeManyResponse{Number: n, Answer: &connectorv1.InvokeManyResponse_Response{Response: resp}}
	broken := &connectorv1.InvokeManyResponse{Number: n, Answer: &connectorv1.InvokeManyResponse_Error{Error: &connectorv1.InvokeError{Code: 13, Message: "nil map"}}}
	switch {
	case err != nil, b.flaw == "error":
		return []*connectorv1.InvokeManyResponse{broken}
	case b.flaw == "answers twice":
		return []*connectorv1.InvokeManyResponse{one, one}
	case b.flaw == "leaves one out" && n == 7:
		return nil
	case b.flaw == "no answer in it":
		return []*connectorv1.InvokeManyResponse{{Number: n}}
	case b.flaw == "another answer":
		one.GetResponse().GetFailure().Kind = connectorv1.FailureKind_FAILURE_KIND_REFUSED
	}
	return []*connectorv1.InvokeManyResponse{one}
}

const (
	oneByOne  = "calls that share a stream are answered one by one"
	byItself  = "a call on a shared stream is let go by itself"
	noFinding = ""
)

func exampleByHand(flaw string) connectortest.Config {
	c := example("")
	c.Env = []string{roleEnv + "=by hand", flawEnv + "=" + flaw}
	c.CallTimeout = 5 * time.Second
	c.Operations = map[string]connectortest.Operation{"whoami": {Cases: []connectortest.Case{{Input: json.RawMessage(`{}`)}}}}
	return c
}

func TestRun_AFlawedSharedStreamFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ flaw, check, finding string }{
		{"", oneByOne, noFinding},
		{"", byItself, noFinding},
		{"not implemented", oneByOne, "Unimplemented"},
		{"answers twice", oneByOne, "which no attempt without an answer has"},
		{"leaves one out", oneByOne, "1 attempts have no answer"},
		{"no answer in it", oneByOne, "it was no failure"},
		{"another answer", oneByOne, "it was REFUSED"},
		{"error", oneByOne, "the connector is broken"},
		{"ends in error", oneByOne, "when the host ends the stream"},
		{"cancels another", byItself, "ends another"},
		{"no timeout", byItself, "with a timeout of 500ms should be answered within"},
	} {
		t.Run(tt.flaw+": "+tt.check, func(t *testing.T) {
			t.Parallel()
			found := failures(t, exampleByHand(tt.flaw), tt.check)[tt.check]
			if tt.finding == noFinding {
				assert.Empty(t, found)
			}
			assert.Contains(t, found, tt.finding)
		})
	}
	assert.Contains(t, failures(t, example("holds on"), byItself)[byItself], "should be answered within")
}

func TestRun_ASharedStreamIsNobodysDuty(t *testing.T) {
	t.Parallel()
	sheet := conformance.NewSheet(t.Context())
	conformance.Run(chosen{sheet, []string{oneByOne, byItself, "the connector starts and accepts its settings"}}, exampleByHand("not announced"))
	results := sheet.Results()
	require.GreaterOrEqual(t, len(results), 2)
	for _, r := range results[len(results)-2:] {
		assert.Equal(t, conformance.NotApplicable, r.Status, r.Check)
		assert.Contains(t, r.Findings[0], "does not announce")
	}
}
