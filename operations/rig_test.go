package operations_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations"
	"github.com/storyloop/storyloop/operations/graph/sandbox"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// The test binary is also the connector, so that tests go through a real process.
const roleEnv = "OPERATIONS_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleEnv) != "" {
		connector.Main(operations.Instagram("1.0.0"))
	}
	code := m.Run()
	idle.end()
	os.Exit(code)
}

// process is a connector that runs.
type process struct {
	cmd  *exec.Cmd
	conn *grpc.ClientConn
	log  *output
}

// processes keeps connectors that no test uses any more for the next test: they keep
// nothing between calls, and settings are set anew.
type processes struct {
	mu sync.Mutex
	// guarded by mu

	free []*process
}

var idle processes

func (p *processes) take() *process {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) == 0 {
		return nil
	}
	last := p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	return last
}

func (p *processes) give(one *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, one)
}

func (p *processes) end() {
	for one := p.take(); one != nil; one = p.take() {
		_ = one.conn.Close() // it ends here anyway
		_ = one.cmd.Process.Kill()
		_ = one.cmd.Wait()
	}
}

// marker is part of every token in the tests, and must show up nowhere.
var marker = "m4rk3r"

// rig is a connector process and the local Instagram that it talks to.
type rig struct {
	*sandbox.Sandbox
	url  string
	info sandbox.Info
	conn *grpc.ClientConn
	log  *output

	facebook, instagram *connectorv1.Credential
}

// rigOptions says how a rig differs from the usual one.
type rigOptions struct {
	seed     sandbox.Seed
	world    func(*sandbox.World)
	settings map[string]any
}

var seedTime = sandbox.SeedTime

// newRig starts a connector against a sandbox of its own.
func newRig(t testing.TB, o rigOptions) *rig {
	t.Helper()
	world := o.seed.World()
	if o.world != nil {
		o.world(world)
	}
	s, err := sandbox.New(sandbox.Options{World: world})
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", s.Clock().Now().Format(http.TimeFormat)) // Meta's clock, not ours
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		assert.NoError(t, s.Close())
		server.Close()
	})
	c := idle.take()
	if c == nil {
		c = start(t)
	}
	t.Cleanup(func() { idle.give(c) })
	r := &rig{Sandbox: s, url: server.URL, info: s.Info(), conn: c.conn, log: c.log.since()}
	settings := map[string]any{"sandbox_url": server.URL, "container_poll_seconds": 0.02}
	for name, value := range o.settings {
		settings[name] = value
	}
	raw, err := json.Marshal(settings)
	require.NoError(t, err)
	configured, err := connectorv1.NewConnectorServiceClient(r.conn).Configure(t.Context(), &connectorv1.ConfigureRequest{Host: "storyloop/test", Settings: raw})
	require.NoError(t, err)
	require.Empty(t, configured.GetDiagnostics())

	r.facebook = r.paste(t, r.info.Accounts[0].UserToken)
	r.instagram = r.paste(t, r.info.Accounts[0].InstagramToken)
	return r
}

// start runs a connector and reads where it serves.
func start(t testing.TB) *process {
	p := &process{cmd: exec.Command(os.Args[0]), log: &output{}}
	p.cmd.Env = []string{
		roleEnv + "=connector", "PLUGIN_PROTOCOL_VERSIONS=1", "TMPDIR=" + os.TempDir(),
		connectorv1.Handshake.MagicCookieKey + "=" + connectorv1.Handshake.MagicCookieValue,
	}
	p.cmd.Stderr = p.log
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err, "%s", p.log)
	parts := strings.Split(strings.TrimSpace(line), "|")
	require.GreaterOrEqual(t, len(parts), 5, line)
	p.conn, err = grpc.NewClient(parts[2]+":"+parts[3], grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(connectorv1.MaxMessage)))
	require.NoError(t, err)
	return p
}

// app is the operator's registration, as the sandbox has it.
func (r *rig) app() *connectorv1.App {
	raw, err := json.Marshal(map[string]any{
		"app_id": r.info.AppID, "app_secret": r.info.AppSecret, "instagram_app_id": r.info.InstagramAppID,
		"instagram_app_secret": r.info.InstagramAppSecret, "verify_token": r.info.VerifyToken,
	})
	if err != nil {
		panic(err)
	}
	return &connectorv1.App{Config: raw}
}

// paste makes a credential of a token.
func (r *rig) paste(t testing.TB, token string) *connectorv1.Credential {
	t.Helper()
	resp, err := connectorv1.NewAuthServiceClient(r.conn).CompleteAuthorization(t.Context(), &connectorv1.CompleteAuthorizationRequest{
		Method: "access_token", App: r.app(), Reply: fmt.Appendf(nil, `{"access_token":%q}`, token),
	})
	require.NoError(t, err)
	require.Nil(t, resp.GetFailure(), "%s", r.log)
	return resp.GetCredential()
}

// invoke calls an operation with a credential of Facebook Login.
func (r *rig) invoke(t testing.TB, op, input string) *connectorv1.InvokeResponse {
	return r.invokeAs(t, r.facebook, op, input, "")
}

func (r *rig) invokeAs(t testing.TB, c *connectorv1.Credential, op, input, token string) *connectorv1.InvokeResponse {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	resp, err := connectorv1.NewOperationServiceClient(r.conn).Invoke(ctx, &connectorv1.InvokeRequest{
		Call: &connectorv1.Call{Id: "c1", Credential: c}, Operation: op, Input: []byte(input), ResumeToken: token,
	})
	require.NoError(t, err, "%s", r.log)
	return resp
}

// ok calls an operation that must work, and returns its output.
func (r *rig) ok(t testing.TB, op, input string) string {
	t.Helper()
	resp := r.invoke(t, op, input)
	require.Nil(t, resp.GetFailure(), "%s: %v %s", op, resp.GetFailure(), r.log)
	return string(resp.GetResult().GetOutput())
}

// fails calls an operation that must not work, and returns why.
func (r *rig) fails(t testing.TB, op, input string) *connectorv1.Failure {
	t.Helper()
	resp := r.invoke(t, op, input)
	require.NotNil(t, resp.GetFailure(), "%s: %s", op, resp.GetResult().GetOutput())
	return resp.GetFailure()
}

// all calls an operation page by page, and returns the items of each.
func (r *rig) all(t testing.TB, op, input string) (pages [][]string) {
	t.Helper()
	for token := ""; ; {
		resp := r.invokeAs(t, r.facebook, op, input, token)
		require.Nil(t, resp.GetFailure(), "%v", resp.GetFailure())
		var out struct{ Data []struct{ ID string } }
		require.NoError(t, json.Unmarshal(resp.GetResult().GetOutput(), &out))
		ids := []string{}
		for _, item := range out.Data {
			ids = append(ids, item.ID)
		}
		pages = append(pages, ids)
		require.Less(t, len(pages), 200, "no end")
		if token = resp.GetResult().GetNextToken(); token == "" {
			return pages
		}
		require.NotContains(t, token, "EAAB", "a page's token carries the credential's")
	}
}

// receive hands a webhook to the connector.
func (r *rig) receive(t testing.TB, req *connectorv1.ReceiveRequest) *connectorv1.ReceiveResponse {
	t.Helper()
	if req.App == nil {
		req.App = r.app()
	}
	resp, err := connectorv1.NewTriggerServiceClient(r.conn).Receive(t.Context(), req)
	require.NoError(t, err, "%s", r.log)
	return resp
}

// output keeps what a process writes. A view of it shows what came since.
type output struct {
	mu sync.Mutex
	// guarded by mu

	b    bytes.Buffer
	of   *output
	from int
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) since() *output {
	o.mu.Lock()
	defer o.mu.Unlock()
	return &output{of: o, from: o.b.Len()}
}

func (o *output) String() string {
	if o.of != nil {
		return o.of.String()[o.from:]
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// completeLogin ends a sign-in, in this process and with nobody to ask at Meta.
func completeLogin(ctx context.Context, reply string) (connector.Credential, error) {
	return completeLoginAt(ctx, "http://127.0.0.1:1", reply)
}

func completeLoginAt(ctx context.Context, url, reply string) (connector.Credential, error) {
	spec := operations.Instagram("1.0.0")
	if err := spec.Configure(connector.Settings{JSON: fmt.Appendf(nil, `{"sandbox_url":%q}`, url)}); err != nil {
		return connector.Credential{}, err
	}
	return spec.AuthMethods[1].Complete(ctx, connector.CompleteRequest{
		App:     connector.Secret(`{"instagram_app_id":"1","instagram_app_secret":"` + appSecret + `"}`),
		Session: connector.Secret(`{"state":"goodstate"}`), Reply: connector.Secret(reply),
	})
}

// actionComment is a comment on the newest post of @bluebottle.
var actionComment = sandbox.Action{Kind: "comment", MediaID: "17900001000000001", Text: "Love it"}
