package connector_test

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/storyloop/storyloop/connector"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/storyloop/storyloop/proto/telemetry/collectortest"
)

// shared is a stream of attempts, as any gRPC client has it.
type shared struct {
	grpc.BidiStreamingClient[connectorv1.InvokeManyRequest, connectorv1.InvokeManyResponse]
	t *testing.T
}

func share(t *testing.T, p *process) shared {
	t.Helper()
	stream, err := p.InvokeMany(t.Context(), grpc.MaxCallRecvMsgSize(connectorv1.MaxMessage))
	require.NoError(t, err)
	return shared{stream, t}
}

func (s shared) send(m *connectorv1.InvokeManyRequest) {
	s.t.Helper()
	require.NoError(s.t, s.Send(m))
}

func (s shared) invoke(number uint64, req *connectorv1.InvokeRequest) {
	s.t.Helper()
	s.send(&connectorv1.InvokeManyRequest{Number: number, Action: &connectorv1.InvokeManyRequest_Invoke{Invoke: req}})
}

func (s shared) cancel(number uint64) {
	s.t.Helper()
	s.send(&connectorv1.InvokeManyRequest{Number: number, Action: &connectorv1.InvokeManyRequest_Cancellation{Cancellation: &connectorv1.InvokeCancellation{}}})
}

// next is the next answer, which must be that of the number.
func (s shared) next(number uint64) *connectorv1.InvokeManyResponse {
	s.t.Helper()
	answer, err := s.Recv()
	require.NoError(s.t, err)
	require.Equal(s.t, number, answer.GetNumber())
	return answer
}

const cutOff = "The call was cut off before it had an answer."

func TestInvokeMany_AnswersAsInvokeDoes(t *testing.T) {
	t.Parallel()
	p := start(t)
	s := share(t, p)
	for i, req := range []*connectorv1.InvokeRequest{
		request("get_item", `{"id":"1","size":100000}`), request("get_item", `{"mode":"dead"}`), request("get_item", `{"mode":"bug"}`),
		request("list_items", `{}`), request("no_such", `{}`), request("get_item", `{"id":"one"}`), request("get_item", `{`), {},
	} {
		want, err := p.Invoke(t.Context(), req)
		require.NoError(t, err)
		s.invoke(uint64(i), req)
		answer := s.next(uint64(i))
		assert.True(t, proto.Equal(want, answer.GetResponse()), "%s: %s", req, answer)
	}
}

func TestInvokeMany_AnswersInTheOrderOfTheirEnds(t *testing.T) {
	t.Parallel()
	s := share(t, start(t))
	s.invoke(1, request("get_item", `{"mode":"wait"}`))
	s.invoke(2, request("get_item", `{"mode":"wait"}`))
	s.invoke(3, request("get_item", `{"id":"3"}`))
	assert.JSONEq(t, `{"id":"3","big":""}`, string(s.next(3).GetResponse().GetResult().GetOutput()))
	for _, number := range []uint64{2, 1} {
		s.cancel(number)
		assert.Equal(t, cutOff, s.next(number).GetResponse().GetFailure().GetMessage())
	}
	s.invoke(1, request("get_item", `{"id":"4"}`)) // Not what the protocol wants, but there is no doubt.
	assert.NotNil(t, s.next(1).GetResponse().GetResult())
}

func TestInvokeMany_IgnoresWhatItCannotMean(t *testing.T) {
	t.Parallel()
	s := share(t, start(t))
	s.cancel(7)
	s.invoke(0, request("get_item", `{"mode":"wait"}`))
	s.send(&connectorv1.InvokeManyRequest{}) // It cancels nothing, number 0 or other.
	for _, number := range []uint64{7, 8, 9} {
		s.invoke(number, request("get_item", `{"id":"1"}`))
		assert.NotNil(t, s.next(number).GetResponse().GetResult(), "cancelled before it was there")
	}
	s.cancel(7)
	s.cancel(0)
	assert.Equal(t, cutOff, s.next(0).GetResponse().GetFailure().GetMessage())
}

func TestInvokeMany_TimeoutOfOneAttempt(t *testing.T) {
	t.Parallel()
	s := share(t, start(t))
	s.invoke(1, request("get_item", `{"mode":"wait"}`))
	for i, limit := range []*durationpb.Duration{{Nanos: 1}, {}, {Seconds: -1}, {Seconds: -1 << 62}, durationpb.New(20 * time.Millisecond)} {
		number := uint64(i + 2)
		s.send(&connectorv1.InvokeManyRequest{Number: number, Timeout: limit, Action: &connectorv1.InvokeManyRequest_Invoke{Invoke: request("get_item", `{"mode":"wait"}`)}})
		assert.Equal(t, cutOff, s.next(number).GetResponse().GetFailure().GetMessage(), limit)
	}
	s.cancel(1)
	s.next(1)
}

func TestInvokeMany_TwoOfOneNumberEndTheStream(t *testing.T) {
	t.Parallel()
	p := start(t)
	s := share(t, p)
	s.invoke(1, request("get_item", `{"mode":"wait"}`))
	s.invoke(1, request("get_item", `{"id":"1"}`))
	s.next(1) // The first one's, which is cancelled.
	_, err := s.Recv()
	assert.Equal(t, codes.InvalidArgument, status.Code(err), err)
	assert.ErrorContains(t, err, "two attempts of the number 1")

	other := share(t, p)
	other.invoke(1, request("get_item", `{"id":"1"}`))
	assert.NotNil(t, other.next(1).GetResponse().GetResult(), "another stream is not concerned")
}

func TestInvokeMany_AHostThatHasNoMoreToAskGetsItsAnswers(t *testing.T) {
	t.Parallel()
	s := share(t, start(t))
	const calls = 100
	for number := range uint64(calls) {
		s.invoke(number, request("get_item", `{"id":"1"}`))
	}
	require.NoError(t, s.CloseSend())
	for range calls {
		answer, err := s.Recv()
		require.NoError(t, err)
		assert.NotNil(t, answer.GetResponse().GetResult(), "%v", answer.GetResponse().GetFailure())
	}
	_, err := s.Recv()
	assert.ErrorIs(t, err, io.EOF)
}

func TestInvokeMany_AnAnswerThatCannotBeSentSparesOthers(t *testing.T) {
	t.Parallel()
	s := share(t, start(t))
	s.invoke(1, request("get_item", `{"mode":"wait"}`))
	s.invoke(2, request("list_items", `{"mode":"wordy"}`))
	answer := s.next(2)
	assert.EqualValues(t, codes.ResourceExhausted, answer.GetError().GetCode())
	assert.Contains(t, answer.GetError().GetMessage(), "at most 16777216 may be sent")
	s.invoke(3, request("list_items", `{"mode":"garbled"}`))
	assert.EqualValues(t, codes.Internal, s.next(3).GetError().GetCode())
	s.cancel(1)
	assert.Equal(t, cutOff, s.next(1).GetResponse().GetFailure().GetMessage())
}

func TestInvokeMany_APanicSparesOthers(t *testing.T) {
	t.Parallel()
	p := start(t)
	s := share(t, p)
	s.invoke(1, request("get_item", `{"mode":"wait"}`))
	req := request("list_items", `{"mode":"panic"}`)
	req.Call.Id = "call-2"
	s.invoke(2, req)
	answer := s.next(2)
	assert.EqualValues(t, codes.Internal, answer.GetError().GetCode())
	assert.NotContains(t, answer.GetError().GetMessage(), "s3cr3t")
	s.cancel(1)
	assert.NotNil(t, s.next(1).GetResponse().GetFailure())
	p.client.Kill() // Its last lines have been read.
	assert.Equal(t, 1, strings.Count(p.stderr.String(), "panic in a handler"), "%s", p.stderr)
	assert.Contains(t, p.stderr.String(), `"call":"call-2","panic":"string"`)
}

func TestInvokeMany_ABurstLeavesNothing(t *testing.T) {
	t.Parallel()
	const burst = 500
	s := share(t, start(t))
	last := uint64(0)
	goroutines := func() int {
		last++
		s.invoke(last, request("get_item", `{"mode":"goroutines"}`))
		var item struct{ ID string }
		require.NoError(t, connector.Secret(s.next(last).GetResponse().GetResult().GetOutput()).Decode(&item))
		n, err := strconv.Atoi(item.ID)
		require.NoError(t, err)
		return n
	}
	before := goroutines()
	first := last + 1
	for range burst {
		last++
		s.invoke(last, request("get_item", `{"mode":"wait"}`))
	}
	assert.Greater(t, goroutines(), burst, "they run side by side")
	for number := first; number < first+burst; number++ {
		s.cancel(number)
		s.next(number)
	}
	limit, now := time.Now().Add(10*time.Second), goroutines()
	for now > before+16 && time.Now().Before(limit) {
		now = goroutines() // The last ones are about to end.
	}
	assert.LessOrEqual(t, now, before+16, "workers are left behind")
}

func TestInvokeMany_EachAttemptHasItsTrace(t *testing.T) {
	t.Parallel()
	c := collectortest.Start(t)
	p := start(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL)
	s := share(t, p)
	for number := range uint64(3) {
		span := fmt.Sprintf("b7ad6b716920333%d", number)
		s.send(&connectorv1.InvokeManyRequest{
			Number: number, Traceparent: "00-" + hostTrace + "-" + span + "-01", Tracestate: "vendor=x",
			Action: &connectorv1.InvokeManyRequest_Invoke{Invoke: request("get_item", `{"id":"1"}`)},
		})
		s.next(number)
	}
	s.invoke(3, request("list_items", `{"mode":"panic"}`)) // The host records nothing of this one.
	s.next(3)
	p.client.Kill()

	spans := c.Spans()
	require.Len(t, spans, 4, "the stream itself has none")
	for i, got := range spans[:3] {
		assert.Equal(t, "shop get_item", got.Name)
		assert.Equal(t, hostTrace, got.TraceID)
		assert.Equal(t, fmt.Sprintf("b7ad6b716920333%d", i), got.Parent)
		assert.Equal(t, "call-1", got.Attributes["storyloop.call"])
		assert.Equal(t, "Invoke", got.Attributes["rpc.method"])
	}
	assert.Empty(t, spans[3].Parent)
	assert.Equal(t, "Internal", spans[3].Attributes["error.type"], "a panic")
}
