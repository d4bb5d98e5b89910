package plugin_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/storyloop/storyloop/host/plugin"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// The test binary is also the connectors, good and bad, and a host.
func TestMain(m *testing.M) {
	switch role := os.Getenv("TEST_ROLE"); role {
	case "":
		flag.Parse()
		_ = flag.Set("test.parallel", "8") // They wait for processes more than they compute.
		os.Exit(m.Run())
	case "host":
		beHost()
	case "service":
		beService()
	case "sdk":
		beSDK()
	default:
		time.AfterFunc(2*time.Minute, func() { os.Exit(9) }) // No orphans, whatever a test does.
		beConnector(role)
	}
}

// beConnector is a connector made by hand, without the SDK's good manners.
func beConnector(role string) {
	handshake := connectorv1.Handshake
	switch role {
	case "exits":
		fmt.Fprintln(os.Stderr, "no such library")
		os.Exit(3)
	case "panics at start":
		panic("no settings")
	case "silent":
		select {}
	case "chatty":
		fmt.Println("hello world")
		select {}
	case "version 2":
		handshake.ProtocolVersion = 2
	case "not grpc":
		fmt.Printf("1|1|unix|%s|netrpc\n", filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "x"))
		select {}
	case "elsewhere":
		fmt.Println("1|1|unix|/run/somebody-else.sock|grpc|")
		select {}
	}
	s := &server{role: role, stderr: os.Stderr, complete: make(chan struct{})}
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: handshake,
		Plugins:         goplugin.PluginSet{connectorv1.PluginName: s},
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			if role == "shares" {
				opts = append(opts, grpc.StaticStreamWindowSize(64<<10)) // As small as any connector's.
			}
			if role != "small" {
				opts = append(opts, grpc.MaxRecvMsgSize(connectorv1.MaxMessage))
			}
			s.grpc = grpc.NewServer(opts...)
			return s.grpc
		},
	})
	if role == "lingers" {
		select {}
	}
	os.Exit(0)
}

// server answers all services; what it does depends on the operation.
type server struct {
	goplugin.NetRPCUnsupportedPlugin
	connectorv1.UnimplementedConnectorServiceServer
	connectorv1.UnimplementedOperationServiceServer
	connectorv1.UnimplementedAuthServiceServer
	connectorv1.UnimplementedTriggerServiceServer

	role   string
	stderr io.Writer // The real one.
	grpc   *grpc.Server

	arrived  atomic.Int32  // Calls of gather.
	complete chan struct{} // Closed when all of them are there.
}

func (s *server) GRPCServer(_ *goplugin.GRPCBroker, g *grpc.Server) error {
	connectorv1.RegisterConnectorServiceServer(g, s)
	connectorv1.RegisterOperationServiceServer(g, s)
	connectorv1.RegisterTriggerServiceServer(g, s)
	connectorv1.RegisterAuthServiceServer(g, s)
	return nil
}

func (*server) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("a connector is no host")
}

func (s *server) Configure(_ context.Context, r *connectorv1.ConfigureRequest) (*connectorv1.ConfigureResponse, error) {
	resp := &connectorv1.ConfigureResponse{Capabilities: &connectorv1.ConnectorCapabilities{InvokeMany: s.role == "shares"}}
	if s.role == "hangs at start" {
		select {}
	}
	if strings.Contains(string(r.GetSettings()), "wrong") {
		resp.Diagnostics = []*connectorv1.Diagnostic{
			{Severity: connectorv1.Severity_SEVERITY_WARNING, Summary: "only a warning"},
			{Severity: connectorv1.Severity_SEVERITY_ERROR, Pointer: "/region", Summary: "there is no such region", Detail: "choose eu"},
		}
	}
	return resp, nil
}

const anything = `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object"}`

func (s *server) GetCatalog(context.Context, *connectorv1.GetCatalogRequest) (*connectorv1.GetCatalogResponse, error) {
	c := &connectorv1.Catalog{Name: "test", Version: "1.2.3", Title: "Test"}
	for _, name := range []string{"echo", "exit", "panic", "hang", "wait", "big", "say", "tell", "flood", "environment", "nothing", "leak", "hangup", "stop", "fault"} {
		c.Operations = append(c.Operations, &connectorv1.Operation{
			Name: name, InputSchema: []byte(anything), OutputSchema: []byte(anything),
		})
	}
	c.Operations[3].Timeout = durationpb.New(200 * time.Millisecond) // hang
	switch {
	case s.role == "bad catalog":
		c.Operations[0].InputSchema = []byte(`{"$ref":"file:///etc/passwd"}`)
		c.Operations[1].Name = "Echo Twice"
		c.Operations[2].Name = "hang"
		c.Triggers = []*connectorv1.Trigger{{Name: "rings", AuthMethods: []string{"login"}, InputSchema: []byte(anything), OutputSchema: []byte(anything)}}
	case s.role == "no catalog":
		c = nil
	case strings.HasPrefix(s.role, "version in "):
		b, err := os.ReadFile(strings.TrimPrefix(s.role, "version in "))
		if err != nil {
			return nil, err
		}
		c.Version = string(b)
	}
	return &connectorv1.GetCatalogResponse{Catalog: c}, nil
}

func (s *server) Invoke(ctx context.Context, r *connectorv1.InvokeRequest) (*connectorv1.InvokeResponse, error) {
	out := r.GetInput()
	switch r.GetOperation() {
	case "echo":
	case "exit":
		fmt.Fprintf(s.stderr, "leaving with %s\n", r.GetCall().GetCredential().GetSecret())
		os.Exit(2)
	case "panic":
		done := make(chan struct{})
		go func() { panic("index out of range with " + string(r.GetCall().GetCredential().GetSecret())) }()
		<-done
	case "gather": // And answer when all are there.
		if s.arrived.Add(1) == crowd {
			close(s.complete)
		}
		<-s.complete
		out = append(out, way(ctx)...)
	case "way":
		out = []byte(way(ctx))
	case "hang":
		select {} // Deaf to its deadline.
	case "wait":
		fmt.Fprintln(s.stderr, "waiting")
		<-ctx.Done()
		fmt.Fprintln(s.stderr, "cancelled:", ctx.Err())
		return nil, ctx.Err()
	case "big":
		out = []byte(`{"x":"` + strings.Repeat("x", connectorv1.MaxMessage) + `"}`)
	case "say":
		_, _ = s.stderr.Write(append(r.GetInput(), '\n'))
	case "tell":
		fmt.Fprintln(os.Stdout, "told out loud")
		fmt.Fprintln(os.Stderr, "told in a whisper")
	case "flood":
		line := strings.Repeat("flood ", 20)
		for range 20_000 {
			fmt.Fprintln(s.stderr, line)
		}
		fmt.Fprintln(s.stderr, strings.Repeat("long", 1<<20))
	case "get":
		resp, err := getter.Get(string(r.GetInput()))
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		if out, err = io.ReadAll(resp.Body); err != nil {
			return nil, err
		}
	case "environment":
		stdin, err := os.Readlink("/proc/self/fd/0")
		if err != nil {
			return nil, err
		}
		out = []byte(stdin + "\n" + strings.Join(os.Environ(), "\n"))
	case "nothing":
		return &connectorv1.InvokeResponse{}, nil
	case "leak":
		secret := string(r.GetCall().GetCredential().GetSecret())
		return &connectorv1.InvokeResponse{Outcome: &connectorv1.InvokeResponse_Failure{Failure: &connectorv1.Failure{
			Message: "refused " + secret, Diagnostics: []*connectorv1.Diagnostic{{Summary: secret, Detail: secret}},
			Upstream: &connectorv1.Upstream{Message: secret},
		}}}, nil
	case "hangup":
		go s.grpc.Stop()
		select {}
	case "stop":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		select {}
	case "fault":
		return nil, status.Error(codes.Internal, "nil map: "+string(r.GetCall().GetCredential().GetSecret()))
	}
	return &connectorv1.InvokeResponse{Outcome: &connectorv1.InvokeResponse_Result{Result: &connectorv1.Result{Output: out}}}, nil
}

// getter keeps a connection for each of many calls at once.
var getter = http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

func (s *server) InvokeStream(r *connectorv1.InvokeRequest, stream grpc.ServerStreamingServer[connectorv1.InvokeStreamResponse]) error {
	for i := range 3 {
		msg := &connectorv1.InvokeStreamResponse{Event: &connectorv1.InvokeStreamResponse_Progress{
			Progress: &connectorv1.Progress{Message: "step", ResumeToken: fmt.Sprintf("container-%d", i)},
		}}
		if err := stream.Send(msg); err != nil {
			return err
		}
	}
	switch r.GetOperation() {
	case "exit":
		// Wait for the host to have seen the messages: it hangs up, or tells by a file.
		waitForFile(string(r.GetInput()))
		os.Exit(2)
	case "fault":
		return stream.Send(&connectorv1.InvokeStreamResponse{Event: &connectorv1.InvokeStreamResponse_Failure{
			Failure: &connectorv1.Failure{Kind: connectorv1.FailureKind_FAILURE_KIND_REFUSED, Message: "no"},
		}})
	}
	return nil
}

func (s *server) Receive(_ context.Context, r *connectorv1.ReceiveRequest) (*connectorv1.ReceiveResponse, error) {
	if string(r.GetBody()) == "exit" {
		fmt.Fprintf(s.stderr, "app is %s\n", r.GetApp().GetConfig())
		os.Exit(2)
	}
	return &connectorv1.ReceiveResponse{Reply: &connectorv1.HttpReply{Status: 200}}, nil
}

func waitForFile(path string) {
	for {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// beHost opens a connector, says which process it is, and waits to be killed.
func beHost() {
	c, err := plugin.Open(context.Background(), plugin.Config{
		Path: os.Args[0], Unverified: true, Env: []string{"TEST_ROLE=sdk"}, RuntimeDir: os.Getenv("TEST_DIR"),
	})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(c.Status().PID)
	select {}
}

// record is a log that a test can wait on.
type record struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{}
}

func newRecord() *record { return &record{changed: make(chan struct{})} }

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text.Write(p)
	close(r.changed)
	r.changed = make(chan struct{})
	return len(p), nil
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func (r *record) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(r, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// await returns when the log holds a text.
func (r *record) await(t testing.TB, text string) {
	t.Helper()
	r.awaitTimes(t, text, 1)
}

func (r *record) awaitTimes(t testing.TB, text string, n int) {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		r.mu.Lock()
		changed, found := r.changed, strings.Count(r.text.String(), text) >= n
		r.mu.Unlock()
		if found {
			return
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("%q never came; the log:\n%.4000s", text, r)
		}
	}
}

// clock stands still until a test moves it.
type clock struct {
	asked chan time.Duration // What After was asked for.

	mu     sync.Mutex
	now    time.Time
	timers map[chan time.Time]time.Time
}

func newClock() *clock {
	return &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), asked: make(chan time.Duration, 100), timers: map[chan time.Time]time.Time{}}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan time.Time, 1)
	if d <= 0 {
		ch <- c.now
	} else {
		c.timers[ch] = c.now.Add(d)
	}
	c.asked <- d
	return ch
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for ch, at := range c.timers {
		if !at.After(c.now) {
			ch <- c.now
			delete(c.timers, ch)
		}
	}
}

// hasty is a clock on which nobody waits.
type hasty struct{}

func (hasty) Now() time.Time { return time.Now() }
func (hasty) After(time.Duration) <-chan time.Time {
	ch := make(chan time.Time, 1)
	ch <- time.Now()
	return ch
}

// config returns the configuration of a connector of the test binary.
func config(t testing.TB, role string) (plugin.Config, *record) {
	t.Helper()
	log := newRecord()
	return plugin.Config{
		Path: os.Args[0], Unverified: true, Env: []string{"TEST_ROLE=" + role, "GORACE=atexit_sleep_ms=0"}, // A raced process would linger for a second.
		Host: "test/1", Log: log.logger(), Clock: hasty{}, RuntimeDir: shortDir(t), StartTimeout: time.Minute,
	}, log
}

// shortDir is t.TempDir with a name that suits sockets.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "p")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func open(t testing.TB, cfg plugin.Config) *plugin.Connector {
	t.Helper()
	c, err := plugin.Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(cancelled()) })
	return c
}

// cancelled returns a context that waits for nothing.
func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// invoke runs an operation with a secret in its credential.
func invoke(ctx context.Context, c *plugin.Connector, op, input string) *connectorv1.InvokeResponse {
	return c.Invoke(ctx, &connectorv1.InvokeRequest{
		Call:      &connectorv1.Call{Id: "call-1", Credential: &connectorv1.Credential{Method: "token", Secret: []byte(`{"token":"` + marker + `"}`)}},
		Operation: op, Input: []byte(input),
	})
}

const marker = "EAABmarker\u00e9/+secret"
