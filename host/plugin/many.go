package plugin

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	codec "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

const (
	// maxUnanswered is how many bytes of calls may be under way on a shared stream.
	// gRPC buffers more than that, so that sending never blocks, and no call is kept
	// from its deadline by another.
	maxUnanswered = 48 << 10
	// around is what a call takes on the stream beside its message: its number, its
	// cancellation, and what gRPC puts before the two.
	around = 64
	// sendLimit is how often to look whether sending blocks all the same: a connector
	// answers what it has not read.
	sendLimit = 3 * time.Second
)

// many makes calls of Invoke over one stream, which costs a fraction of a stream
// for each. Calls that are large, and what is more than fits, go by Invoke itself.
type many struct {
	stop context.CancelFunc // Ends the stream.

	sending sync.Mutex    // Guards the stream's sending side.
	sends   atomic.Uint64 // Counts its begins and ends: it is odd while something is being sent.
	stream  grpc.BidiStreamingClient[connectorv1.InvokeManyRequest, connectorv1.InvokeManyResponse]

	last atomic.Uint64 // The last call's number.

	mu sync.Mutex
	// Guarded by mu.
	unanswered int                   // Bytes.
	calls      map[uint64]sharedCall // Nil when the stream has ended.
}

// sharedCall is a call that was sent and not answered.
type sharedCall struct {
	size   int
	answer chan sharedAnswer // With room for the one.
}

type sharedAnswer struct {
	resp *connectorv1.InvokeResponse
	err  error
}

// share opens the stream that the process's calls share. One that breaks is not
// opened again: whatever broke it would do so to the calls of others.
func (p *process) share() error {
	ctx, stop := context.WithCancel(context.Background())
	stream, err := p.operations.InvokeMany(ctx, grpc.ForceCodecV2(encodedCodec{encoding.GetCodecV2(codec.Name)}))
	if err != nil {
		stop()
		return fmt.Errorf("opening the stream for its calls: %w", p.orExit(err))
	}
	m := &many{stop: stop, stream: stream, calls: map[uint64]sharedCall{}}
	p.many = m
	p.watch.Go(func() { m.watch(ctx) })
	p.watch.Go(func() {
		err := m.receive()
		stop()
		if s := status.Convert(err); s.Code() != codes.Unavailable && !p.ending.Load() && !p.child.gone() { // Or the whole process ends.
			p.cfg.Log.Warn("the stream that the connector's calls share has ended; each goes by itself from now on", "pid", p.child.pid(),
				"why", clip(p.secrets.clean(s.Code().String()+": "+s.Message())))
		}
	})
	return nil
}

// invoke makes an attempt, over the shared stream where it can.
func (p *process) invoke(ctx context.Context, req *connectorv1.InvokeRequest) (*connectorv1.InvokeResponse, error) {
	if p.many != nil {
		if resp, err, ok := p.many.invoke(ctx, req); ok {
			return resp, err
		}
	}
	return p.operations.Invoke(ctx, req)
}

// invoke runs an attempt as Invoke does. It returns false if this one cannot go
// over the stream, and has not.
func (m *many) invoke(ctx context.Context, req *connectorv1.InvokeRequest) (*connectorv1.InvokeResponse, error, bool) {
	if ctx.Err() != nil || len(req.GetInput()) > maxUnanswered {
		return nil, nil, false
	}
	out := &connectorv1.InvokeManyRequest{Number: m.last.Add(1), Action: &connectorv1.InvokeManyRequest_Invoke{Invoke: req}}
	if deadline, ok := ctx.Deadline(); ok {
		out.Timeout = durationpb.New(time.Until(deadline))
	}
	if md, ok := metadata.FromOutgoingContext(ctx); ok {
		out.Traceparent, out.Tracestate = first(md.Get("traceparent")), first(md.Get("tracestate"))
	}
	raw, err := proto.Marshal(out)
	if err != nil {
		return nil, nil, false // Invoke says why.
	}
	call, ok := m.enter(out.Number, len(raw)+around)
	if !ok {
		return nil, nil, false
	}
	if err := m.send(raw); err != nil {
		m.leave(out.Number)
		return nil, nil, false
	}
	began(ctx)
	select {
	case a := <-call.answer:
		return a.resp, a.err, true
	case <-ctx.Done():
		m.cancel(out.Number)
		return nil, status.FromContextError(ctx.Err()).Err(), true
	}
}

// enter gives a call its place on the stream, if there is one.
func (m *many) enter(number uint64, size int) (c sharedCall, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.calls == nil || m.unanswered+size > maxUnanswered {
		return c, false
	}
	c = sharedCall{size, make(chan sharedAnswer, 1)}
	m.unanswered += size
	m.calls[number] = c
	return c, true
}

// leave takes a call off the stream, and returns it if it was there.
func (m *many) leave(number uint64) (c sharedCall, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c, ok = m.calls[number]; ok {
		delete(m.calls, number)
		m.unanswered -= c.size
	}
	return c, ok
}

// cancel tells the connector that nobody waits for an answer any more. If that cannot
// be sent the stream has ended, and the attempt with it.
func (m *many) cancel(number uint64) {
	raw, err := proto.Marshal(&connectorv1.InvokeManyRequest{Number: number, Action: &connectorv1.InvokeManyRequest_Cancellation{}})
	if err == nil {
		_ = m.send(raw)
	}
}

// send returns an error if a message has not left.
func (m *many) send(raw encoded) error {
	m.sending.Lock()
	defer m.sending.Unlock()
	m.sends.Add(1)
	defer m.sends.Add(1)
	return m.stream.SendMsg(raw)
}

// watch ends the stream if sending blocks. A timer for each message would wake a
// thread for each.
func (m *many) watch(ctx context.Context) {
	tick := time.NewTicker(sendLimit)
	defer tick.Stop()
	for last := uint64(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		sends := m.sends.Load()
		if sends == last && sends%2 == 1 {
			m.stop()
		}
		last = sends
	}
}

// receive hands answers to those who wait for them, until the stream ends. It
// returns why that was.
func (m *many) receive() error {
	for {
		resp, err := m.stream.Recv()
		if err != nil {
			m.end(err)
			return err
		}
		c, ok := m.leave(resp.GetNumber())
		if !ok {
			continue // Nobody asked, or it has been answered.
		}
		a := sharedAnswer{resp: resp.GetResponse()}
		if e := resp.GetError(); e != nil {
			a.err = status.Error(codes.Code(e.GetCode()), e.GetMessage())
		}
		c.answer <- a
	}
}

// end fails what is under way. None of it need be what ended the stream.
func (m *many) end(err error) {
	if status.Code(err) != codes.Unavailable {
		err = status.Error(codes.Aborted, "the stream that calls share has ended")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.calls {
		c.answer <- sharedAnswer{err: err}
	}
	m.calls = nil
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}
