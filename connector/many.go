package connector

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// InvokeMany runs attempts that come over one stream, side by side.
func (s *server) InvokeMany(stream grpc.BidiStreamingServer[connectorv1.InvokeManyRequest, connectorv1.InvokeManyResponse]) error {
	ctx, cancel := context.WithCancel(stream.Context())
	m := &many{srv: s, ctx: ctx, end: cancel, stream: stream, underWay: map[uint64]context.CancelFunc{}, idle: 1}
	m.workers.Go(m.work)
	m.workers.Wait() // Or they would answer on a stream that has ended.
	if errors.Is(m.err, io.EOF) {
		return nil
	}
	return m.err
}

// many is one stream of attempts. Its workers take turns at receiving: who has
// received an attempt runs it, without handing it on, while another receives.
type many struct {
	srv     *server
	ctx     context.Context
	end     context.CancelFunc // Cancels all attempts.
	stream  grpc.BidiStreamingServer[connectorv1.InvokeManyRequest, connectorv1.InvokeManyResponse]
	workers sync.WaitGroup

	receiving sync.Mutex
	err       error // Why there will be no more attempts; guarded by receiving.

	sending sync.Mutex

	mu sync.Mutex
	// Guarded by mu.
	underWay map[uint64]context.CancelFunc
	idle     int // Workers that receive, or wait to.
}

// work runs one attempt after the other, for as long as there are not workers
// enough without it.
func (m *many) work() {
	for {
		ctx, req := m.next()
		if req == nil {
			return
		}
		m.attempt(ctx, req)
		m.mu.Lock()
		enough := m.idle >= streamWorkers
		if !enough {
			m.idle++
		}
		m.mu.Unlock()
		if enough {
			return
		}
	}
}

// next returns the next attempt, and sees to it that somebody waits for the one
// after that. It returns nil when there are no more.
func (m *many) next() (context.Context, *connectorv1.InvokeManyRequest) {
	m.receiving.Lock()
	defer m.receiving.Unlock()
	for m.err == nil {
		req, err := m.stream.Recv()
		switch {
		case err != nil:
			m.err = err
		case req.GetCancellation() != nil:
			m.cancel(req.GetNumber())
		case req.GetInvoke() != nil: // What is neither, only a newer host can mean.
			ctx, ok := m.begin(req)
			if ok {
				return ctx, req
			}
			m.err = status.Errorf(codes.InvalidArgument, "there are two attempts of the number %d", req.GetNumber())
		}
	}
	if !errors.Is(m.err, io.EOF) { // Or the host has no more to ask, and waits for what is under way.
		m.end()
	}
	return nil, nil
}

// begin notes an attempt. It returns false if there is one of that number.
func (m *many) begin(req *connectorv1.InvokeManyRequest) (context.Context, bool) {
	ctx, cancel := m.ctx, context.CancelFunc(nil)
	if limit := req.GetTimeout(); limit != nil {
		ctx, cancel = context.WithTimeout(ctx, limit.AsDuration())
	} else {
		ctx, cancel = context.WithCancel(ctx)
	}
	if req.GetTraceparent() != "" {
		ctx = metadata.NewIncomingContext(ctx, metadata.Pairs("traceparent", req.GetTraceparent(), "tracestate", req.GetTracestate()))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.underWay[req.GetNumber()] != nil {
		cancel()
		return nil, false
	}
	m.underWay[req.GetNumber()] = cancel
	if m.idle--; m.idle == 0 {
		m.idle++
		m.workers.Go(m.work)
	}
	return ctx, true
}

func (m *many) cancel(number uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if cancel := m.underWay[number]; cancel != nil {
		cancel()
	}
}

// attempt makes one attempt and answers it.
func (m *many) attempt(ctx context.Context, req *connectorv1.InvokeManyRequest) {
	answer := &connectorv1.InvokeManyResponse{Number: req.GetNumber()}
	resp, err := m.srv.around(ctx, req.GetInvoke(), invokeInfo, m.srv.anyInvoke)
	if err != nil {
		answer.Answer = invokeError(err)
	} else {
		answer.Answer = &connectorv1.InvokeManyResponse_Response{Response: resp.(*connectorv1.InvokeResponse)}
	}
	m.mu.Lock()
	m.underWay[answer.Number]()
	delete(m.underWay, answer.Number)
	m.mu.Unlock()

	msg, err := m.encode(answer)
	if err != nil {
		answer.Answer = invokeError(err)
		msg, _ = m.encode(answer) // It is short, and gRPC's own words.
	}
	m.sending.Lock()
	defer m.sending.Unlock()
	_ = m.stream.SendMsg(msg) // If that fails the host is gone.
}

// encode makes an answer ready to be sent. What cannot be sent must not be tried:
// gRPC would end the stream with it, and all other attempts.
func (m *many) encode(answer *connectorv1.InvokeManyResponse) (*grpc.PreparedMsg, error) {
	if size := proto.Size(answer); size > connectorv1.MaxMessage {
		return nil, status.Errorf(codes.ResourceExhausted, "the answer has %d bytes; at most %d may be sent", size, connectorv1.MaxMessage)
	}
	msg := &grpc.PreparedMsg{}
	return msg, msg.Encode(m.stream, answer)
}

// invokeInfo says of an attempt what gRPC would say of a call of Invoke.
var invokeInfo = &grpc.UnaryServerInfo{FullMethod: connectorv1.OperationService_Invoke_FullMethodName}

func (s *server) anyInvoke(ctx context.Context, req any) (any, error) {
	return s.Invoke(ctx, req.(*connectorv1.InvokeRequest))
}

func invokeError(err error) *connectorv1.InvokeManyResponse_Error {
	st := status.Convert(err)
	return &connectorv1.InvokeManyResponse_Error{Error: &connectorv1.InvokeError{Code: int32(st.Code()), Message: st.Message()}}
}

// chain puts one interceptor around another.
func chain(outer, inner grpc.UnaryServerInterceptor) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
		return outer(ctx, req, info, func(ctx context.Context, req any) (any, error) { return inner(ctx, req, info, h) })
	}
}
