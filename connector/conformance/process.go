package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// startTimeout bounds a start. It is long: the checks may share a slow machine.
const startTimeout = 30 * time.Second

// process is a connector that runs, with a client for each of its services.
type process struct {
	connectorv1.ConnectorServiceClient
	connectorv1.OperationServiceClient
	connectorv1.AuthServiceClient
	connectorv1.TriggerServiceClient

	child      *child
	client     *goplugin.Client
	conn       *grpc.ClientConn
	log        *lockedBuffer
	invokeMany bool // It announces that.
}

// launch starts the connector as a host does, and configures it.
func (k *kit) launch(ctx context.Context) (*process, error) {
	log := &lockedBuffer{}
	k.logs = append(k.logs, log)
	c := &child{path: k.Path, env: append([]string(nil), k.Env...), stderr: log, exited: make(chan struct{})}
	p := &process{child: c, log: log}
	p.client = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig: connectorv1.Handshake, Plugins: goplugin.PluginSet{connectorv1.PluginName: dialer{}},
		RunnerFunc: c.runner, SkipHostEnv: true, AutoMTLS: true,
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		Logger:           hclog.NewNullLogger(), StartTimeout: startTimeout,
		SyncStdout: log, SyncStderr: log, MinPort: 0, MaxPort: 1,
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(connectorv1.MaxMessage), grpc.MaxCallSendMsgSize(connectorv1.MaxMessage)),
			grpc.WithUnaryInterceptor(k.leaks.unary), grpc.WithStreamInterceptor(k.leaks.stream),
		},
	})
	k.started = append(k.started, p)
	if err := p.connect(); err != nil {
		p.end()
		return nil, fmt.Errorf("starting the connector: %w%s", err, lastLines(log))
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	resp, err := p.Configure(ctx, &connectorv1.ConfigureRequest{
		Host: "conformance/1.0.0", Settings: k.settings(), Capabilities: &connectorv1.HostCapabilities{},
	})
	if err == nil {
		for _, d := range resp.GetDiagnostics() {
			if d.GetSeverity() != connectorv1.Severity_SEVERITY_WARNING {
				err = errors.Join(err, fmt.Errorf("%s %s", d.GetPointer(), d.GetSummary()))
			}
		}
	}
	if err != nil {
		p.end()
		return nil, fmt.Errorf("configuring the connector: %w", err)
	}
	p.invokeMany = resp.GetCapabilities().GetInvokeMany()
	return p, nil
}

func (p *process) connect() error {
	rpc, err := p.client.Client()
	if err != nil {
		return err
	}
	raw, err := rpc.Dispense(connectorv1.PluginName)
	if err != nil {
		return err
	}
	p.conn = raw.(*grpc.ClientConn)
	p.ConnectorServiceClient = connectorv1.NewConnectorServiceClient(p.conn)
	p.OperationServiceClient = connectorv1.NewOperationServiceClient(p.conn)
	p.AuthServiceClient = connectorv1.NewAuthServiceClient(p.conn)
	p.TriggerServiceClient = connectorv1.NewTriggerServiceClient(p.conn)
	return nil
}

// end stops the connector as a host does that goes in peace.
func (p *process) end() {
	p.client.Kill()
	p.child.hangUp()
}

// abandon does to the connector what the death of its host does: the connection
// and the pipes break, and nobody says goodbye.
func (p *process) abandon() {
	_ = p.conn.Close()
	p.child.hangUp()
}

// lastLines returns the end of a log, to explain a death.
func lastLines(log *lockedBuffer) string {
	text := log.String()
	const shown = 2000
	if len(text) > shown {
		text = "…" + text[len(text)-shown:]
	}
	if text == "" {
		return ""
	}
	return "\nits log ends in:\n" + text
}

// dialer hands the connection on.
type dialer struct {
	goplugin.NetRPCUnsupportedPlugin
}

// GRPCServer refuses: this side is the host.
func (dialer) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error {
	return errors.New("a host is no connector")
}

// GRPCClient returns the connection.
func (dialer) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, cc *grpc.ClientConn) (any, error) {
	return cc, nil
}

// stream runs an operation to its end and returns its pages, or its failure.
func (p *process) stream(ctx context.Context, req *connectorv1.InvokeRequest, limit int) (pages []*connectorv1.Result, f *connectorv1.Failure, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := p.InvokeStream(ctx, req)
	if err != nil {
		return nil, nil, err
	}
	for {
		m, err := s.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return pages, nil, nil
		case err != nil:
			return pages, nil, err
		case m.GetFailure() != nil:
			return pages, m.GetFailure(), nil
		case m.GetPage() != nil:
			if pages = append(pages, m.GetPage()); len(pages) > limit {
				return pages, nil, fmt.Errorf("there is no end after %d pages", limit)
			}
		}
	}
}
