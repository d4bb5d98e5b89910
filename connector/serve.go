package connector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/storyloop/storyloop/proto/telemetry"
)

// flushLimit bounds how long the last traces may take at the end. A host on
// go-plugin waits two seconds for a connector to end.
const flushLimit = 1500 * time.Millisecond

// streamWorkers is how many goroutines wait for calls. One that has answered a
// call has a stack that is large enough for the next: a new one for each call
// would grow its own anew, several times.
const streamWorkers = 16

// serve runs the connector until its host ends it or goes away. With stay it
// outlives every host, for people who try it by hand.
func serve(spec Spec, stay bool) error {
	// go-plugin takes os.Stderr over when it serves; the log keeps the real one.
	level := slog.LevelInfo
	if stay {
		level = slog.LevelDebug
	}
	log := newLogger(os.Stderr, level)
	traces, err := telemetry.Open(context.Background(), telemetry.Config{
		Service: "connector-" + spec.Name, Version: spec.Version, Getenv: os.Getenv, Log: log,
	})
	if err != nil {
		// The environment is the host's affair, and calls can do without.
		log.Error("the environment's variables for traces are wrong; there are no traces", "error", err)
	}
	defer traces.Close(flushLimit)
	log = traces.Log(log)
	srv, err := newServer(spec, log)
	if err != nil {
		return err
	}
	// The host decides when the connector ends. A service manager that signals the
	// whole group would otherwise cut calls which the host is still waiting for.
	// The lease ends what the host cannot.
	signal.Ignore(os.Interrupt, syscall.SIGTERM)

	recovering := recoverer{log: log}
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(connectorv1.MaxMessage),
		grpc.MaxSendMsgSize(connectorv1.MaxMessage),
		grpc.StaticStreamWindowSize(connectorv1.MaxMessage), // Or gRPC sends a ping for each message to size its windows.
		grpc.StaticConnWindowSize(connectorv1.MaxMessage),
		grpc.NumStreamWorkers(streamWorkers),
	}
	if p := traces.Provider(); p != nil {
		t := newTracing(p, srv) // The first, so that it sees what a panic was turned into.
		srv.around = chain(t.unary, recovering.unary)
		options = append(options, grpc.ChainStreamInterceptor(t.stream))
	}
	options = append(options, grpc.ChainUnaryInterceptor(srv.around), grpc.ChainStreamInterceptor(recovering.stream))
	if !stay {
		options = append(options, grpc.StatsHandler(newLease(firstLease, func() {
			log.Info("no host is connected; ending")
			traces.Close(flushLimit)
			os.Exit(0)
		})))
	}
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: connectorv1.Handshake,
		Plugins:         goplugin.PluginSet{connectorv1.PluginName: &plugin{srv: srv}},
		Logger:          hclog.NewNullLogger(),
		GRPCServer: func(own []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(own, options...)...)
		},
	})
	return nil
}

type plugin struct {
	goplugin.NetRPCUnsupportedPlugin
	srv *server
}

// GRPCServer registers the protocol's services. There is no broker: a request
// carries all that its handler needs.
func (p *plugin) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	connectorv1.RegisterConnectorServiceServer(s, p.srv)
	connectorv1.RegisterOperationServiceServer(s, p.srv)
	connectorv1.RegisterAuthServiceServer(s, p.srv)
	connectorv1.RegisterTriggerServiceServer(s, p.srv)
	return nil
}

// GRPCClient refuses: a connector is no host.
func (*plugin) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("a connector is no host")
}

// recoverer turns a handler's panic into an answer: the other calls of the
// process are somebody else's workflow.
type recoverer struct{ log *slog.Logger }

func (r recoverer) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, h grpc.UnaryHandler) (_ any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = r.answer(info.FullMethod, callID(req), p)
		}
	}()
	return h(ctx, req)
}

func (r recoverer) stream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, h grpc.StreamHandler) (err error) {
	asked := &asking{ServerStream: s}
	defer func() {
		if p := recover(); p != nil {
			err = r.answer(info.FullMethod, asked.call, p)
		}
	}()
	return h(srv, asked)
}

// answer logs a panic, under the call that it was in, and returns the answer.
func (r recoverer) answer(method, call string, p any) error {
	// A panic's value may hold a secret; a runtime error's text does not.
	what := fmt.Sprintf("%T", p)
	if e, ok := p.(runtime.Error); ok {
		what = e.Error()
	}
	r.log.Error("panic in a handler", "method", method, "call", call, "panic", what, "stack", string(debug.Stack()))
	return status.Errorf(codes.Internal, "the connector panicked in %s: its log has the stack", method)
}

// asking is a stream that remembers which call its request was.
type asking struct {
	grpc.ServerStream
	call string
}

// RecvMsg takes a request.
func (s *asking) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	s.call = callID(m)
	return err
}

// callID returns the id of the call that a request is; empty if it is none.
func callID(req any) string {
	if r, ok := req.(interface{ GetCall() *connectorv1.Call }); ok {
		return r.GetCall().GetId()
	}
	return ""
}
