package plugin_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing/fstest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/storyloop/storyloop/connector"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// crowd is how many calls of gather wait for each other.
const crowd = 200

type sharedKey struct{}

// way says by which of the two ways a call has come.
func way(ctx context.Context) string {
	if ctx.Value(sharedKey{}) != nil {
		return "shared"
	}
	return "alone"
}

// shares is the hand-made connector's side of a shared stream.
type shares struct {
	*server
	stream grpc.BidiStreamingServer[connectorv1.InvokeManyRequest, connectorv1.InvokeManyResponse]
	*sync.Mutex
	underWay map[uint64]context.CancelFunc
}

// InvokeMany is honest about the operations that Invoke knows. Others lie.
func (s *server) InvokeMany(stream grpc.BidiStreamingServer[connectorv1.InvokeManyRequest, connectorv1.InvokeManyResponse]) error {
	m := shares{s, stream, &sync.Mutex{}, map[uint64]context.CancelFunc{}}
	for {
		req, err := stream.Recv()
		if err != nil {
			return err
		}
		in := req.GetInvoke()
		if in == nil {
			m.Lock()
			if cancel := m.underWay[req.GetNumber()]; cancel != nil {
				cancel()
			}
			m.Unlock()
			continue
		}
		switch n := req.GetNumber(); in.GetOperation() {
		case "twice":
			m.answer(n+1, "nobody's")
			m.answer(n, "first")
			m.answer(n, "second")
		case "neither":
			m.send(&connectorv1.InvokeManyResponse{Number: n})
		case "code":
			code, _ := strconv.Atoi(string(in.GetInput()))
			m.send(&connectorv1.InvokeManyResponse{Number: n, Answer: &connectorv1.InvokeManyResponse_Error{
				Error: &connectorv1.InvokeError{Code: int32(code), Message: "because of " + string(in.GetCall().GetCredential().GetSecret())},
			}})
		case "silent":
		case "traced":
			m.answer(n, req.GetTraceparent())
		case "end":
			return nil
		case "end badly":
			return status.Error(codes.Unknown, "because of "+string(in.GetCall().GetCredential().GetSecret()))
		case "answer blindly":
			return m.blind(n)
		default:
			m.run(req)
		}
	}
}

// blind answers what it does not read.
func (m shares) blind(number uint64) error {
	for m.stream.Context().Err() == nil {
		for i := range uint64(100) {
			m.answer(number+i, "blind")
		}
		time.Sleep(time.Millisecond) // Or the machine does nothing else.
	}
	return nil
}

func (m shares) run(req *connectorv1.InvokeManyRequest) {
	ctx := context.WithValue(m.stream.Context(), sharedKey{}, true)
	ctx, cancel := context.WithTimeout(ctx, req.GetTimeout().AsDuration())
	m.Lock()
	m.underWay[req.GetNumber()] = cancel
	m.Unlock()
	go func() {
		answer := &connectorv1.InvokeManyResponse{Number: req.GetNumber()}
		if resp, err := m.Invoke(ctx, req.GetInvoke()); err == nil {
			answer.Answer = &connectorv1.InvokeManyResponse_Response{Response: resp}
		} else {
			answer.Answer = &connectorv1.InvokeManyResponse_Error{Error: &connectorv1.InvokeError{Code: int32(status.Code(err)), Message: err.Error()}}
		}
		m.send(answer)
	}()
}

func (m shares) answer(number uint64, output string) {
	m.send(&connectorv1.InvokeManyResponse{Number: number, Answer: &connectorv1.InvokeManyResponse_Response{Response: &connectorv1.InvokeResponse{
		Outcome: &connectorv1.InvokeResponse_Result{Result: &connectorv1.Result{Output: []byte(output)}},
	}}})
}

func (m shares) send(answer *connectorv1.InvokeManyResponse) {
	m.Lock()
	defer m.Unlock()
	_ = m.stream.Send(answer)
}

// beSDK is a connector made with the SDK.
func beSDK() {
	type input struct {
		Text string `json:"text"`
	}
	files := fstest.MapFS{}
	read := func(name string, h func(context.Context, *connector.Call, input) (any, string, error)) connector.Operation {
		files[name+".input.json"] = &fstest.MapFile{Data: []byte(`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","additionalProperties":false,"properties":{"text":{"type":"string"}}}`)}
		files[name+".output.json"] = &fstest.MapFile{Data: []byte(anything)}
		return connector.Handle(connector.Operation{Name: name, Title: name, Summary: "Does something.", Effect: connector.Read}, h)
	}
	connector.Main(connector.Spec{
		Name: "sdk", Version: "1.0.0", Title: "SDK", Summary: "Made with the SDK.", Schemas: files,
		Operations: []connector.Operation{
			read("echo", func(_ context.Context, _ *connector.Call, in input) (any, string, error) {
				return in, "", nil
			}),
			read("wait", func(ctx context.Context, c *connector.Call, in input) (any, string, error) {
				c.Log.Info(in.Text + " waits")
				<-ctx.Done()
				c.Log.Info(fmt.Sprintf("%s is let go: %v", in.Text, ctx.Err()))
				return nil, "", ctx.Err()
			}),
			read("deaf", func(context.Context, *connector.Call, input) (any, string, error) {
				select {}
			}),
			read("panic", func(_ context.Context, c *connector.Call, _ input) (any, string, error) {
				panic(string(c.Credential.Secret))
			}),
			read("big", func(context.Context, *connector.Call, input) (any, string, error) {
				return input{strings.Repeat("x", 8<<20)}, "", nil
			}),
		},
	})
}
