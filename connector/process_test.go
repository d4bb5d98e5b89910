package connector_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/storyloop/storyloop/connector"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// The test binary is also the connector: no binary has to be built for a test.
const roleEnv = "CONNECTOR_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "connector":
		connector.Main(shop())
	case "host":
		abandon()
	}
	os.Exit(m.Run())
}

// shop is a connector that does one thing for each behaviour of the package.
func shop() connector.Spec {
	type item struct {
		ID   string `json:"id"`
		Mode string `json:"mode"`
		Size int    `json:"size"`
	}
	object := `{"type":"object","additionalProperties":false,"properties":{"id":{"$ref":"common.json#/$defs/id"},"mode":{"type":"string","lookup":{"operation":"modes"}},"size":{"type":"integer","minimum":0}}}`
	files := fstest.MapFS{
		"common.json":                  {Data: []byte(`{"$defs":{"id":{"type":"string","pattern":"^[0-9]+$"},"item":{"type":"object","required":["id"],"properties":{"id":{"$ref":"#/$defs/id"}}}}}`)},
		"settings.json":                {Data: []byte(`{"type":"object","additionalProperties":false,"properties":{"shout":{"type":"boolean"}}}`)},
		"token.form.json":              {Data: []byte(`{"type":"object","additionalProperties":false,"required":["token"],"properties":{"token":{"type":"string","minLength":3}}}`)},
		"token.app.json":               {Data: []byte(`{"type":"object","properties":{"app_id":{"type":"string"}}}`)},
		"items/list_items.input.json":  {Data: []byte(object)},
		"items/list_items.output.json": {Data: []byte(`{"type":"object","properties":{"data":{"type":"array","items":{"$ref":"common.json#/$defs/item"}}}}`)},
		"items/get_item.input.json":    {Data: []byte(object)},
		"items/get_item.output.json":   {Data: []byte(`{"$ref":"common.json#/$defs/item"}`)},
		"items/sell_item.input.json":   {Data: []byte(object)},
		"items/sell_item.output.json":  {Data: []byte(`{"type":"object"}`)},
		"sold.input.json":              {Data: []byte(`{"type":"object","additionalProperties":false,"properties":{"floor":{"type":"integer"}}}`)},
		"sold.output.json":             {Data: []byte(`{"type":"object","required":["id"],"properties":{"id":{"type":"string"}}}`)},
	}
	list := connector.Handle(connector.Operation{
		Name: "list_items", Title: "List items", Summary: "Lists items.", Effect: connector.Read, Items: "/data", Paginated: true,
	}, func(ctx context.Context, c *connector.Call, in item) (json.RawMessage, string, error) {
		c.Spend(1, connector.Quota{Name: "calls", Subject: "shop", Used: 0.5})
		switch in.Mode {
		case "panic":
			panic("s3cr3t-m4rk3r")
		case "garbled":
			return json.RawMessage(`{}`), "\xff", nil // No string of protobuf's.
		case "wordy":
			c.Warn(connector.Problem{Summary: strings.Repeat("very ", connectorv1.MaxMessage/5)})
		}
		if c.Resume == "" {
			return json.RawMessage(`{"data":[{"id":"17841405726653027"}]}`), "2", nil
		}
		return json.RawMessage(`{"data":[]}`), "", nil
	})
	get := connector.Handle(connector.Operation{
		Name: "get_item", Title: "Get item", Summary: "Reads an item.", Effect: connector.Read,
	}, func(ctx context.Context, c *connector.Call, in item) (json.RawMessage, string, error) {
		switch in.Mode {
		case "panic":
			panic(errors.New("s3cr3t-m4rk3r"))
		case "wait":
			fmt.Fprintln(os.Stderr, "waiting") // lost: go-plugin owns the name by now
			c.Log.Warn("waiting", "credential", c.Credential)
			<-ctx.Done()
			return nil, "", ctx.Err()
		case "secret":
			var s struct{ Token string }
			err := c.Credential.Secret.Decode(&s)
			return json.RawMessage(fmt.Sprintf(`{"id":"1","length":%d}`, len(s.Token))), "", err
		case "odd":
			return json.RawMessage(`{"id":17841405726653027,"html":"<&>"}`), "", nil
		case "bug":
			return nil, "", errors.New("s3cr3t-m4rk3r")
		case "goroutines":
			return json.RawMessage(fmt.Sprintf(`{"id":"%d"}`, runtime.NumGoroutine())), "", nil
		case "leak":
			token := "s3cr3t-m4rk3r"
			return nil, "", &connector.Error{
				Kind: connector.Refused, Message: "graph.facebook.com refused 17841405726653027 with " + token,
				Upstream: &connector.Upstream{Status: 400, Code: token, Message: token, TraceID: token},
			}
		case "dead":
			return nil, "", fmt.Errorf("reading: %w", &connector.Error{Kind: connector.Unauthenticated, Applied: connector.AppliedNo, Message: "The token has expired.", RetryAfter: time.Minute, Upstream: &connector.Upstream{Status: 400, Code: "190/463"}})
		}
		return json.RawMessage(`{"id":"` + in.ID + `","big":"` + strings.Repeat("x", in.Size) + `"}`), "", nil
	})
	sell := connector.Handle(connector.Operation{
		Name: "sell_item", Title: "Sell item", Summary: "Sells an item.", Effect: connector.Write, LongRunning: true, Scopes: []string{"sell"},
	}, func(ctx context.Context, c *connector.Call, in item) (map[string]string, string, error) {
		if c.Resume == "" {
			c.Report(connector.Progress{Message: "wrapped", Fraction: 0.5, Resume: "wrapped"})
		}
		if in.Mode == "fail" {
			return nil, "", &connector.Error{Kind: connector.Unavailable, Message: "The till is closed."}
		}
		return map[string]string{"from": c.Resume}, "", nil
	})
	sell = connector.Validate(sell, func(in item, known connector.Known) []connector.Problem {
		if known("/id") && in.ID == "13" {
			return []connector.Problem{{Pointer: "/id", Code: "unlucky", Summary: "is not for sale"}}
		}
		return nil
	})
	sell = connector.Reconcile(sell, func(_ context.Context, _ *connector.Call, in item, at time.Time) (map[string]string, bool, error) {
		return map[string]string{"at": at.UTC().Format(time.RFC3339)}, in.ID == "1", nil
	})
	return connector.Spec{
		Name: "shop", Version: "1.2.3", Title: "Shop", Summary: "Sells things.", Schemas: files,
		Operations: []connector.Operation{list, get, sell},
		OptionLists: []connector.OptionList{{Name: "modes", List: func(_ context.Context, _ *connector.Call, q connector.OptionQuery) (connector.OptionPage, error) {
			return connector.OptionPage{Options: []connector.Option{{Value: json.RawMessage(`"x"`), Label: "Search " + q.Search}}}, nil
		}}},
		AuthMethods: []connector.AuthMethod{{
			Name: "token", Title: "Token", Flow: connector.Form, Scopes: []connector.Scope{{Name: "sell", Summary: "Sell things.", Default: true}},
			Complete: func(_ context.Context, r connector.CompleteRequest) (connector.Credential, error) {
				return connector.Credential{Secret: r.Reply, Account: "@shop", Validity: connector.Validity{ExpiresAt: time.Unix(1_800_000_000, 0)}}, nil
			},
			Inspect: func(_ context.Context, _ connector.Secret, c connector.Credential) (connector.Credential, error) {
				c.Scopes = []string{"sell"}
				return c, nil
			},
		}},
		Triggers: []connector.Trigger{{
			Name: "sold", Title: "Sold", Summary: "An item was sold.", Webhook: true, AuthMethods: []string{"token"},
			Subscribe: func(_ context.Context, _ *connector.Call, r connector.SubscribeRequest) (connector.Subscription, error) {
				return connector.Subscription{Subject: "shop", State: []byte(r.CallbackURL)}, nil
			},
			Poll: func(_ context.Context, _ *connector.Call, _ json.RawMessage, cursor string) (connector.EventPage, error) {
				return connector.EventPage{Cursor: cursor + "1", Events: []connector.Event{{ID: "sold/1", Trigger: "sold", Subject: "shop", Payload: json.RawMessage(`{"id":"1"}`)}}}, nil
			},
		}},
		Receive: func(_ context.Context, d connector.Delivery) connector.Receipt {
			if d.Method == http.MethodGet {
				return connector.Receipt{Status: http.StatusOK, Body: []byte(d.Query)}
			}
			return connector.Receipt{Status: http.StatusOK, Events: []connector.Event{{ID: "1", Trigger: "sold", Subject: "shop", Payload: d.Body}}}
		},
	}
}

// process is a running connector with plain clients: what a generic host sees.
type process struct {
	connectorv1.ConnectorServiceClient
	connectorv1.OperationServiceClient
	connectorv1.AuthServiceClient
	connectorv1.TriggerServiceClient
	client *goplugin.Client
	cmd    *exec.Cmd
	stderr *lockedBuffer
}

type dialer struct {
	goplugin.NetRPCUnsupportedPlugin
}

func (dialer) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error { return errors.New("no server") }

func (dialer) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, cc *grpc.ClientConn) (any, error) {
	return cc, nil
}

// quiet keeps go-plugin from parsing stderr, which it hands on unchanged.
type quiet struct{ hclog.Logger }

func (quiet) Named(string) hclog.Logger { return hclog.New(&hclog.LoggerOptions{Level: hclog.Off}) }

func start(t testing.TB, env ...string) *process {
	t.Helper()
	p := &process{stderr: &lockedBuffer{}, cmd: exec.Command(os.Args[0])}
	dir, err := os.MkdirTemp("", "c")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	p.cmd.Env = append([]string{roleEnv + "=connector", "PLUGIN_UNIX_SOCKET_DIR=" + dir}, env...)
	p.client = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig: connectorv1.Handshake, Plugins: goplugin.PluginSet{connectorv1.PluginName: dialer{}},
		Cmd: p.cmd, SkipHostEnv: true, AutoMTLS: true, AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		Stderr: p.stderr, Logger: quiet{hclog.NewNullLogger()}, StartTimeout: 30 * time.Second,
	})
	t.Cleanup(p.client.Kill)
	rpc, err := p.client.Client()
	require.NoError(t, err)
	raw, err := rpc.Dispense(connectorv1.PluginName)
	require.NoError(t, err)
	cc := raw.(*grpc.ClientConn)
	p.ConnectorServiceClient = connectorv1.NewConnectorServiceClient(cc)
	p.OperationServiceClient = connectorv1.NewOperationServiceClient(cc)
	p.AuthServiceClient = connectorv1.NewAuthServiceClient(cc)
	p.TriggerServiceClient = connectorv1.NewTriggerServiceClient(cc)
	return p
}

// abandon starts a connector, says its pid, and waits to be killed: a host that
// cannot say goodbye.
func abandon() {
	os.Setenv(roleEnv, "connector")
	cmd := exec.Command(os.Args[0])
	client := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig: connectorv1.Handshake, Plugins: goplugin.PluginSet{connectorv1.PluginName: dialer{}},
		Cmd: cmd, AutoMTLS: true, AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC}, Logger: hclog.NewNullLogger(),
	})
	if _, err := client.Client(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(cmd.Process.Pid)
	select {}
}

// lockedBuffer collects what a process prints.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// line reads one line that a process prints.
func line(t testing.TB, s *bufio.Scanner) string {
	t.Helper()
	require.True(t, s.Scan(), "the process ended: %v", s.Err())
	return s.Text()
}
