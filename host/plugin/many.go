package plugin

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// maxUnanswered is how many bytes of calls may be under way on a shared stream.
// gRPC buffers more than that, so that sending never blocks, and no call is kept
// from its deadline by another.
const maxUnanswered = 48 << 10

// around is how much a call takes on the stream beside its request, with its
// cancellation, at most.
const around = 256

// many makes calls of Invoke over one stream, which costs a fraction of a stream
// for each. Calls that are large, and what is more than fits, go by Invoke itself.
type many struct {
	client connectorv1.OperationServiceClient
	log    *slog.Logger
	open   sync.Once

	sending sync.Mutex // Guards stream's sending side.
	stream  grpc.BidiStreamingClient[connectorv1.InvokeManyRequest, connectorv1.InvokeManyResponse]

	mu sync.Mutex
	// Guarded by mu.
	broken     bool // The stream is not to be used, now or any more.
	last       uint64
	unanswered int // Bytes.
	calls      map[uint64]sharedCall
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

// invoke runs an attempt as Invoke does. It returns false if this one cannot go
// over the stream.
func (m *many) invoke(ctx context.Context, req *connectorv1.InvokeRequest) (*connectorv1.InvokeResponse, error, bool) {
	m.open.Do(m.begin)
	number, call, ok := m.enter(proto.Size(req) + around)
	if !ok {
		return nil, nil, false
	}
	out := &connectorv1.InvokeManyRequest{Number: number, Action: &connectorv1.InvokeManyRequest_Invoke{Invoke: req}}
	if deadline, ok := ctx.Deadline(); ok {
		out.Timeout = durationpb.New(time.Until(deadline))
	}
	if md, ok := metadata.FromOutgoingContext(ctx); ok {
		out.Traceparent, out.Tracestate = first(md.Get("traceparent")), first(md.Get("tracestate"))
	}
	began(ctx)
	m.send(out)
	select {
	case a := <-call.answer:
		return a.resp, a.err, true
	case <-ctx.Done():
		m.send(&connectorv1.InvokeManyRequest{Number: number, Action: &connectorv1.InvokeManyRequest_Cancellation{}})
		return nil, status.FromContextError(ctx.Err()).Err(), true
	}
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

// begin opens the stream. It ends with the process.
func (m *many) begin() {
	stream, err := m.client.InvokeMany(context.Background())
	if err != nil {
		m.end(err)
		return
	}
	m.stream, m.calls = stream, map[uint64]sharedCall{}
	go m.receive()
}

// enter gives a call its place on the stream, if there is one.
func (m *many) enter(size int) (number uint64, c sharedCall, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken || m.unanswered+size > maxUnanswered {
		return 0, c, false
	}
	m.last++
	m.unanswered += size
	c = sharedCall{size, make(chan sharedAnswer, 1)}
	m.calls[m.last] = c
	return m.last, c, true
}

// send needs to tell nobody of an error: it is one of the stream, which receive
// meets too.
func (m *many) send(req *connectorv1.InvokeManyRequest) {
	m.sending.Lock()
	defer m.sending.Unlock()
	_ = m.stream.Send(req)
}

// receive hands answers to those who wait for them.
func (m *many) receive() {
	for {
		resp, err := m.stream.Recv()
		if err != nil {
			m.end(err)
			return
		}
		a := sharedAnswer{resp: resp.GetResponse()}
		if e := resp.GetError(); e != nil {
			a.err = status.Error(codes.Code(e.GetCode()), e.GetMessage())
		}
		m.mu.Lock()
		c, ok := m.calls[resp.GetNumber()]
		if ok {
			delete(m.calls, resp.GetNumber())
			m.unanswered -= c.size
			c.answer <- a
		}
		m.mu.Unlock()
	}
}

// end fails what is under way. A stream that broke is not opened again: whatever
// broke it would do so to the calls of others.
func (m *many) end(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = true
	for _, c := range m.calls {
		c.answer <- sharedAnswer{err: err}
	}
	m.calls = nil
	m.log.Debug("the connector's shared stream has ended", "error", err)
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}
