package plugin

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/stats"
	"google.golang.org/protobuf/proto"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// call hands a request to a running process and returns what came back, or why
// nothing did. Exactly one of the two is set.
func call[Resp proto.Message](ctx context.Context, c *Connector, req proto.Message, rpc func(context.Context, *process) (Resp, error)) (Resp, *connectorv1.Failure) {
	ctx, span := c.begin(ctx, req)
	resp, f := ask(ctx, c, req, rpc)
	end(span, f, resp)
	return resp, f
}

func ask[Resp proto.Message](ctx context.Context, c *Connector, req proto.Message, rpc func(context.Context, *process) (Resp, error)) (resp Resp, f *connectorv1.Failure) {
	f = c.do(ctx, req, func(ctx context.Context, p *process) (err error) {
		resp, err = rpc(ctx, p)
		if err != nil {
			return err
		}
		p.secrets.learn(resp)
		if r, ok := any(resp).(interface{ GetFailure() *connectorv1.Failure }); ok {
			p.cleanse(r.GetFailure())
		}
		return nil
	})
	if f != nil {
		return resp, f
	}
	if !hasOutcome(resp) {
		return resp, noOutcome(req)
	}
	return resp, nil
}

// hasOutcome reports whether an answer says what came of the request, if it has a place
// for that.
func hasOutcome(resp proto.Message) bool {
	if r, ok := resp.(*connectorv1.InvokeResponse); ok { // As nearly all are.
		return r.GetOutcome() != nil
	}
	m := resp.ProtoReflect()
	o := m.Descriptor().Oneofs().ByName("outcome")
	return o == nil || m.WhichOneof(o) != nil
}

// do runs an exchange with a running process: it waits for one, bounds the time,
// counts the exchange, and turns an error into a failure.
func (c *Connector) do(ctx context.Context, req proto.Message, exchange func(context.Context, *process) error) *connectorv1.Failure {
	if f := tooLarge(req); f != nil {
		return f
	}
	ctx, cancel := c.bound(ctx, req)
	defer cancel()
	p, f := c.acquire(ctx)
	if f != nil {
		c.logFailure(ctx, req, f)
		return f
	}
	defer c.release(p)
	p.secrets.learn(req)
	t := &trip{Context: ctx}
	if err := exchange(t, p); err != nil {
		f := p.failure(ctx, req, t.began.Load(), err)
		c.logFailure(ctx, req, f)
		return f
	}
	return nil
}

// logFailure logs that a call had no answer, unless nobody wanted it any more.
func (c *Connector) logFailure(ctx context.Context, req proto.Message, f *connectorv1.Failure) {
	level := slog.LevelWarn
	if errors.Is(ctx.Err(), context.Canceled) {
		level = slog.LevelDebug
	}
	caller, _ := host.CallerOf(ctx)
	if r, ok := req.(interface{ GetCall() *connectorv1.Call }); ok {
		caller.Call = r.GetCall().GetId() // Also outside of workflows.
	}
	c.cfg.Log.LogAttrs(ctx, level, "call was not answered", append(caller.LogAttrs(), slog.String("why", f.GetMessage()))...)
}

const (
	// longCall bounds a call to an operation that takes minutes and does not say
	// how many.
	longCall = 15 * time.Minute
	// longestCall bounds what an operation may say.
	longestCall = time.Hour
)

// bound gives a call a deadline, if its caller did not.
func (c *Connector) bound(ctx context.Context, req proto.Message) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	limit := c.cfg.CallTimeout
	if r, ok := req.(interface{ GetOperation() string }); ok {
		op := c.operations[r.GetOperation()]
		switch t := op.GetTimeout().AsDuration(); {
		case t > 0:
			limit = min(t, longestCall)
		case op.GetLongRunning():
			limit = longCall
		}
	}
	return context.WithTimeout(ctx, limit)
}

// trip is the context of a call, and notes whether it has left for the connector. One
// that has not, has certainly done nothing.
type trip struct {
	context.Context
	began atomic.Bool
}

type tripKey struct{}

// Value returns the trip itself to those who ask for it.
func (t *trip) Value(key any) any {
	if key == (tripKey{}) {
		return t
	}
	return t.Context.Value(key)
}

type tripHandler struct{}

func (tripHandler) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if _, ok := s.(*stats.OutHeader); ok {
		began(ctx)
	}
}

// began notes that the call of ctx leaves.
func began(ctx context.Context) {
	if t, ok := ctx.Value(tripKey{}).(*trip); ok {
		t.began.Store(true)
	}
}

func (tripHandler) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (tripHandler) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (tripHandler) HandleConn(context.Context, stats.ConnStats)                       {}
