package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// shared is a stream of attempts.
type shared struct {
	stream  grpc.BidiStreamingClient[connectorv1.InvokeManyRequest, connectorv1.InvokeManyResponse]
	answers chan *connectorv1.InvokeManyResponse // Closed at the end of the stream.
	err     error                                // Why it ended, once answers is closed.
	last    uint64
}

// share opens a stream that ends with ctx. It ends the check of a connector that
// does not announce one.
func (k *kit) share(ctx context.Context, r Reporter) *shared {
	r.Helper()
	p := k.process(r)
	if !p.invokeMany {
		r.Skipf("it does not apply: the connector does not announce ConnectorCapabilities.invoke_many")
	}
	stream, err := p.InvokeMany(ctx)
	if err != nil {
		r.Fatalf("InvokeMany: %v", err)
	}
	s := &shared{stream: stream, answers: make(chan *connectorv1.InvokeManyResponse)}
	go func() {
		defer close(s.answers)
		for {
			answer, err := stream.Recv()
			if err != nil {
				s.err = err
				return
			}
			select {
			case s.answers <- answer:
			case <-ctx.Done():
			}
		}
	}()
	return s
}

// invoke begins an attempt and returns its number. A limit of zero is none. What
// cannot be sent will not be answered.
func (s *shared) invoke(req *connectorv1.InvokeRequest, limit time.Duration) uint64 {
	s.last++
	m := &connectorv1.InvokeManyRequest{Number: s.last, Action: &connectorv1.InvokeManyRequest_Invoke{Invoke: req}}
	if limit > 0 {
		m.Timeout = durationpb.New(limit)
	}
	_ = s.stream.Send(m)
	return s.last
}

func (s *shared) cancel(number uint64) {
	_ = s.stream.Send(&connectorv1.InvokeManyRequest{
		Number: number, Action: &connectorv1.InvokeManyRequest_Cancellation{Cancellation: &connectorv1.InvokeCancellation{}},
	})
}

// answer returns the next answer, or why there is none.
func (s *shared) answer(limit time.Duration) (*connectorv1.InvokeManyResponse, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case answer, ok := <-s.answers:
		if !ok {
			return nil, fmt.Errorf("the stream ended: %w", s.err)
		}
		return answer, nil
	case <-timer.C:
		return nil, fmt.Errorf("none came within %v", limit)
	}
}

// sharedStream asks for much that is wrong at once. Each must be answered with
// what Invoke says of it, and once.
func (k *kit) sharedStream(r Reporter) {
	ctx, cancel := k.bound(r.Context())
	defer cancel()
	s := k.share(ctx, r)
	reqs := k.wrong()
	want := map[uint64]string{}
	for range 10 {
		for _, req := range reqs {
			want[s.invoke(req, 0)] = said(k.attempt(r, req))
		}
	}
	for len(want) > 0 {
		answer, err := s.answer(k.CallTimeout)
		if err != nil {
			r.Fatalf("%d attempts have no answer: %v", len(want), err)
		}
		expected, ok := want[answer.GetNumber()]
		delete(want, answer.GetNumber())
		switch got := said(answer.GetResponse()); {
		case !ok:
			r.Fatalf("an answer has number %d, which no attempt without an answer has", answer.GetNumber())
		case answer.GetError() != nil:
			r.Fatalf("an error means that the connector is broken, and bad input is no reason: code %d, %s", answer.GetError().GetCode(), answer.GetError().GetMessage())
		case got != expected:
			r.Fatalf("the answer should be that of Invoke, %s; it was %s", expected, got)
		}
	}
	_ = s.stream.CloseSend()
	switch answer, err := s.answer(k.CallTimeout); {
	case err == nil:
		r.Errorf("a second answer came for number %d", answer.GetNumber())
	case !errors.Is(err, io.EOF):
		r.Errorf("when the host ends the stream, so should the connector, with OK: %v", err)
	}
}

// wrong returns calls that are refused before anything is sent.
func (k *kit) wrong() []*connectorv1.InvokeRequest {
	reqs := []*connectorv1.InvokeRequest{k.request("no_such_name", []byte("{}"), nil)}
	for _, op := range k.catalog.GetOperations() {
		reqs = append(reqs, k.request(op.GetName(), []byte(`{"`), nil), k.request(op.GetName(), []byte(`[]`), nil))
	}
	return reqs
}

// said returns what an answer says that does not differ from attempt to attempt.
func said(resp *connectorv1.InvokeResponse) string {
	f := resp.GetFailure()
	if f == nil {
		return "no failure"
	}
	var at []string
	for _, d := range f.GetDiagnostics() {
		at = append(at, fmt.Sprintf("%q", d.GetPointer()))
	}
	return fmt.Sprintf("%s and %s at %s", short(f.GetKind().String(), "FAILURE_KIND_"), f.GetApplied(), strings.Join(at, ", "))
}

// sharedLetsGo has a service that does not answer, and looks whether each attempt
// on a stream ends by itself.
func (k *kit) sharedLetsGo(r Reporter) {
	ctx, cancel := k.bound(r.Context())
	defer cancel()
	s := k.share(ctx, r)
	read := k.anyRead(r)
	if read == nil {
		r.Fatalf("no operation that reads reaches the service: there is no call to be held")
	}
	attempt := func(limit time.Duration) uint64 {
		return s.invoke(k.request(read.GetOperation(), read.GetInput(), read.GetCall().GetCredential()), limit)
	}
	k.front.set(hold, 0)
	defer k.front.set(pass, 0)

	number := attempt(0)
	k.reaches(r)
	s.cancel(number)
	k.letsGo(r, s, number, letGo, "an attempt that was cancelled")
	k.holdsNothing(r, "an attempt was cancelled")
	k.letsGo(r, s, attempt(shortDeadline), shortDeadline+letGo, fmt.Sprintf("an attempt with a timeout of %v", shortDeadline))
	k.holdsNothing(r, "the timeout of an attempt")

	spared := attempt(0)
	k.reaches(r)
	number = attempt(0)
	s.cancel(number)
	k.letsGo(r, s, number, letGo, "an attempt that was cancelled beside another")
	k.front.set(pass, 0)
	answer, err := s.answer(k.CallTimeout)
	if err != nil || answer.GetNumber() != spared || answer.GetResponse().GetResult() == nil {
		r.Errorf("the other attempt was not spared: %s (error: %v)", told(answer.GetResponse().GetFailure()), err)
	}
}

// reaches waits until an attempt is held by the service.
func (k *kit) reaches(r Reporter) {
	ctx, cancel := k.bound(r.Context())
	defer cancel()
	if !k.front.awaitHeld(true, ctx.Done()) {
		r.Fatalf("the attempt never reached the service")
	}
}

// letsGo wants the next answer to be that of an attempt without an answer from
// the service.
func (k *kit) letsGo(r Reporter, s *shared, number uint64, limit time.Duration, what string) {
	answer, err := s.answer(limit)
	switch {
	case err != nil:
		r.Fatalf("%s should be answered within %v: %v", what, limit, err)
	case answer.GetNumber() != number:
		r.Fatalf("%s ends another: number %d is answered instead of %d", what, answer.GetNumber(), number)
	case answer.GetResponse().GetResult() != nil:
		r.Fatalf("%s succeeded without an answer from the service", what)
	}
}

func (k *kit) holdsNothing(r Reporter, after string) {
	if held := k.stillHeld(); held != "" {
		r.Errorf("a second after %s the connector still waits for %s", after, held)
	}
}
