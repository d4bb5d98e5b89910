package plugin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// process is one running connector. It is never started again: whoever wants
// another one calls start.
type process struct {
	cfg        *Config
	catalog    *connectorv1.Catalog
	born       time.Time
	child      *child
	client     *goplugin.Client
	cc         *grpc.ClientConn
	operations connectorv1.OperationServiceClient
	many       *many // Nil if the connector has no such stream.
	auth       connectorv1.AuthServiceClient
	triggers   connectorv1.TriggerServiceClient
	dir        rundir
	journal    *journal
	secrets    *secrets
	flush      func()

	calls   int         // Under way; guarded by Connector.mu.
	ending  atomic.Bool // We are ending it: it did not crash.
	suspect chan struct{}
	watch   sync.WaitGroup
	once    sync.Once
}

const (
	killAfter  = 3 * time.Second // How long a process may take to end when told to.
	exitGrace  = time.Second     // How long an exit may follow the loss of the connection.
	probeLimit = 5 * time.Second // How long a process may take to say that it lives.
)

// StartError says why a process could not be started.
type StartError struct {
	Path string
	Err  error
	Log  []string // The last lines that it wrote, without secrets.
}

// Error tells the cause and the last lines.
func (e *StartError) Error() string {
	s := fmt.Sprintf("starting connector %s: %v", e.Path, e.Err)
	if len(e.Log) > 0 {
		s += "; it wrote: " + strings.Join(e.Log, " | ")
	}
	return s
}

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Err }

// start runs the binary, configures it and fetches its catalog.
func start(ctx context.Context, cfg *Config) (*process, error) {
	// What is checked shall be what is run, wherever a link may lead by then.
	path, err := filepath.EvalSymlinks(cfg.Path)
	if err != nil {
		return nil, &StartError{Path: cfg.Path, Err: err}
	}
	if !cfg.Unverified {
		if err := Verify(path, cfg.SHA256); err != nil {
			return nil, err
		}
	}
	dir, err := makeRundir(cfg.RuntimeDir)
	if err != nil {
		return nil, &StartError{Path: cfg.Path, Err: err}
	}
	p := newProcess(cfg, path, dir)

	// go-plugin's Start knows no context: ending the process ends it.
	ctx, cancel := context.WithTimeout(ctx, cfg.StartTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, p.child.kill)
	defer stop()
	if err := p.introduce(ctx); err != nil {
		gaveUp := context.Cause(ctx) // Ending it may take until after the deadline.
		p.end()
		switch {
		case errors.Is(gaveUp, context.DeadlineExceeded), status.Code(err) == codes.DeadlineExceeded:
			err = fmt.Errorf("it was not ready in time: %w", err)
		case gaveUp != nil:
			err = gaveUp
		}
		return nil, &StartError{Path: cfg.Path, Err: err, Log: p.journal.lastWords()}
	}
	cfg.Log.Info("connector started", "name", p.catalog.GetName(), "version", p.catalog.GetVersion(), "pid", p.child.pid())
	alive, died := context.WithCancel(context.Background())
	p.watch.Go(func() { <-p.child.exited; died() })
	p.watch.Go(func() { p.watchConnection(alive) })
	p.watch.Go(func() { p.watchHealth(alive) })
	return p, nil
}

// newProcess prepares a process that does not run yet.
func newProcess(cfg *Config, path string, dir rundir) *process {
	p := &process{cfg: cfg, dir: dir, secrets: &secrets{}, born: cfg.Clock.Now(), suspect: make(chan struct{}, 1)}
	p.journal = newJournal(cfg.Log, cfg.Clock.Now, p.secrets)
	out, errs := p.journal.writer(), p.journal.writer()
	p.flush = func() { out.flush(); errs.flush(); p.journal.end() }
	p.child = newChild(path, environment(cfg.Env, cfg.Path), dir.path, out, errs)
	p.client = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  connectorv1.Handshake,
		Plugins:          goplugin.PluginSet{connectorv1.PluginName: dialer{}},
		RunnerFunc:       p.child.runner,
		SkipHostEnv:      true, // Or the connector gets every secret of ours.
		AutoMTLS:         true,
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		StartTimeout:     cfg.StartTimeout + time.Minute, // Ours ends before.
		MaxPort:          1,                              // With MinPort 0: the system picks, where there are no Unix sockets.
		SyncStdout:       p.journal.writer(),
		SyncStderr:       p.journal.writer(),
		Logger:           hclog.NewNullLogger(), // What matters of it we say ourselves.
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: dir.path},
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDefaultCallOptions(
				grpc.MaxCallRecvMsgSize(connectorv1.MaxMessage),
				grpc.MaxCallSendMsgSize(connectorv1.MaxMessage)),
			grpc.WithStaticStreamWindowSize(connectorv1.MaxMessage), // Or gRPC sends a ping for each message to size its windows.
			grpc.WithStaticConnWindowSize(connectorv1.MaxMessage),
			grpc.WithStatsHandler(tripHandler{}),
		},
	})
	return p
}

func (p *process) introduce(ctx context.Context) error {
	protocol, err := p.client.Client()
	if err != nil {
		return p.child.why(err)
	}
	cc, err := protocol.Dispense(connectorv1.PluginName)
	if err != nil {
		return fmt.Errorf("connecting to it: %w", err)
	}
	p.cc = cc.(*grpc.ClientConn)
	p.operations = connectorv1.NewOperationServiceClient(p.cc)
	p.auth = connectorv1.NewAuthServiceClient(p.cc)
	p.triggers = connectorv1.NewTriggerServiceClient(p.cc)
	service := connectorv1.NewConnectorServiceClient(p.cc)
	answer, err := service.Configure(ctx, &connectorv1.ConfigureRequest{
		Host: p.cfg.Host, Settings: p.cfg.Settings, Capabilities: &connectorv1.HostCapabilities{},
	})
	if err != nil {
		return fmt.Errorf("configuring it: %w", p.orExit(err))
	}
	if err := refusal(answer.GetDiagnostics()); err != nil {
		return fmt.Errorf("configuring it: %w", err)
	}
	if answer.GetCapabilities().GetInvokeMany() {
		if err := p.share(); err != nil {
			return err
		}
	}
	got, err := service.GetCatalog(ctx, &connectorv1.GetCatalogRequest{})
	if err != nil {
		return fmt.Errorf("asking it for its catalog: %w", p.orExit(err))
	}
	p.catalog = got.GetCatalog()
	return nil
}

// orExit returns the better explanation of a broken call, if there is one.
func (p *process) orExit(err error) error {
	if status.Code(err) != codes.Unavailable {
		return err
	}
	select {
	case <-p.child.quiet:
		return fmt.Errorf("it ended (%s)", p.child.epitaph())
	case <-time.After(exitGrace):
		return err
	}
}

// SettingsError says what a connector has against its settings.
type SettingsError struct{ Problem string }

// Error says that it refuses them, and why.
func (e *SettingsError) Error() string { return "it refuses its settings: " + e.Problem }

// refusal returns the errors among diagnostics.
func refusal(ds []*connectorv1.Diagnostic) error {
	var errs []error
	for _, d := range ds {
		if d.GetSeverity() == connectorv1.Severity_SEVERITY_WARNING {
			continue
		}
		text := d.GetSummary()
		if d.GetPointer() != "" {
			text = d.GetPointer() + ": " + text
		}
		if d.GetDetail() != "" {
			text += " (" + d.GetDetail() + ")"
		}
		errs = append(errs, &SettingsError{text})
	}
	return errors.Join(errs...)
}

// environment returns what a connector may know of the host's environment, and
// what the operator gives it.
func environment(extra []string, path string) []string {
	env := traceEnvironment(os.Environ(), path)
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "TZ"} {
		for _, n := range []string{name, strings.ToLower(name)} {
			if v, ok := os.LookupEnv(n); ok {
				env = append(env, n+"="+v)
			}
		}
	}
	return append(env, extra...)
}

// watchConnection ends a process that is not to be reached any more, such as one
// whose socket is gone. The connection never breaks by itself: both ends are on
// this machine.
func (p *process) watchConnection(alive context.Context) {
	if !p.cc.WaitForStateChange(alive, connectivity.Ready) || p.ending.Load() {
		return
	}
	select {
	case <-alive.Done():
	case <-time.After(exitGrace):
		p.cfg.Log.Error("connection to the connector is lost; ending it", "pid", p.child.pid())
		p.child.kill()
	}
}

// watchHealth ends a process that is stuck as a whole. It looks when a call got
// no answer in time.
func (p *process) watchHealth(alive context.Context) {
	health := grpc_health_v1.NewHealthClient(p.cc)
	for {
		select {
		case <-alive.Done():
			return
		case <-p.suspect:
		}
		ctx, cancel := context.WithTimeout(alive, probeLimit)
		_, err := health.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: goplugin.GRPCServiceName})
		cancel()
		if status.Code(err) == codes.DeadlineExceeded && !p.ending.Load() {
			p.cfg.Log.Error("connector is stuck; ending it", "pid", p.child.pid())
			p.child.kill()
			return
		}
	}
}

// probe asks for a look at the process's health.
func (p *process) probe() {
	select {
	case p.suspect <- struct{}{}:
	default: // Asked already.
	}
}

// end ends the process, whatever it does, and leaves nothing behind. Calls under
// way are cut.
func (p *process) end() {
	p.once.Do(func() {
		p.ending.Store(!p.child.gone())
		// go-plugin asks it to end, and waits for the answer without a limit.
		timer := time.AfterFunc(killAfter, p.child.kill)
		defer timer.Stop()
		if p.many != nil {
			p.many.stop() // Or a connector that ends in peace would wait for it.
		}
		p.client.Kill()
		if p.child.pid() != 0 {
			p.child.kill() // If go-plugin never got so far.
			<-p.child.quiet
		}
		p.watch.Wait()
		p.flush()
		p.dir.remove()
	})
}

// dialer hands out the connection.
type dialer struct {
	goplugin.NetRPCUnsupportedPlugin
}

func (dialer) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error {
	return errors.New("a host is no connector")
}

// GRPCClient leaves the broker alone: the host calls, the connector answers.
func (dialer) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, cc *grpc.ClientConn) (any, error) {
	return cc, nil
}
