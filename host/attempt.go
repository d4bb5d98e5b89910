package host

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// attempt makes one attempt. A write leaves an intent first, so that whoever comes
// after a crash knows that it may have happened.
func (k *call) attempt(cred *connectorv1.Credential) (*connectorv1.Result, *connectorv1.Failure, error) {
	a := k.begin(false)
	if !k.reads() {
		k.entry.State, k.entry.Reason = EntryIntent, ""
		if err := k.x.put(k.entry, Synced); err != nil {
			return nil, nil, err
		}
	}
	k.x.tell(Progress{Kind: Attempted, Path: k.Path, Attempt: k.made()}.of(k.Step))
	k.log(slog.LevelDebug, "call begins", slog.String("operation", k.op.GetName()))

	ctx, cancel := context.WithTimeout(WithCaller(k.ctx, k.caller()), k.timeout())
	defer cancel()
	req := &connectorv1.InvokeRequest{
		Call:      &connectorv1.Call{Id: a.ID, Credential: cred, IdempotencyKey: k.key()},
		Operation: k.op.GetName(), Input: k.Input, ResumeToken: k.Token,
	}
	if k.entry.Resume != "" {
		req.ResumeToken = k.entry.Resume
	}
	var r reply
	if k.op.GetLongRunning() && !k.op.GetPaginated() {
		r = k.stream(ctx, cancel, req)
	} else {
		r = k.invoke(ctx, req)
	}
	if r.broken != nil {
		return nil, nil, r.broken
	}
	k.finish(a, r)
	return r.result, r.failure, nil
}

// key is the same for all attempts, also if another run made the first of them.
func (k *call) key() string { return cmp.Or(k.entry.From, k.x.run.ID) + "/" + k.Path }

// reply is what an attempt came to.
type reply struct {
	result   *connectorv1.Result
	failure  *connectorv1.Failure
	requests int
	broken   error // The store's.
}

func (k *call) timeout() time.Duration {
	switch op := k.op.GetTimeout().AsDuration(); {
	case k.Step.Timeout > 0:
		return k.Step.Timeout
	case op > 0:
		return op
	case k.op.GetLongRunning():
		return longTimeout
	}
	return k.x.e.Timeout
}

func (k *call) begin(reconcile bool) *Attempt {
	id := k.x.run.ID + "/" + k.Path + "@" + strconv.Itoa(len(k.entry.Attempts)+1)
	if k.entry.Attempts == nil {
		k.entry.Attempts = k.first[:0]
	}
	k.entry.Attempts = append(k.entry.Attempts, Attempt{ID: id, StartedAt: k.x.e.Clock.Now(), Reconcile: reconcile})
	return &k.entry.Attempts[len(k.entry.Attempts)-1]
}

func (k *call) finish(a *Attempt, r reply) {
	a.EndedAt, a.Requests = k.x.e.Clock.Now(), r.requests
	k.traceAttempt(r.failure)
	if r.failure == nil && !a.Reconcile {
		k.x.e.throttle.spent(k.Step.Connector, k.op, a.EndedAt.Sub(a.StartedAt))
	}
	if r.failure != nil {
		a.Kind, a.Message = kindName(r.failure.GetKind()), r.failure.GetMessage()
		a.Unsure = !a.Reconcile && !k.reads() && r.failure.GetApplied() != connectorv1.Applied_APPLIED_NO
		a.Upstream, a.Said = r.failure.GetUpstream().GetCode(), cut(r.failure.GetUpstream().GetMessage(), 1000)
	}
	k.log(slog.LevelDebug, "call ended", slog.Duration("took", a.EndedAt.Sub(a.StartedAt)), slog.Int("requests", a.Requests), slog.String("kind", a.Kind))
}

// invoke makes a call with one answer.
func (k *call) invoke(ctx context.Context, req *connectorv1.InvokeRequest) reply {
	var resp *connectorv1.InvokeResponse
	if f := k.safely(func() { resp = k.conn.Invoke(ctx, req) }); f != nil {
		return reply{failure: f}
	}
	k.report(resp.GetReport())
	return k.judge(resp.GetResult(), resp.GetFailure(), int(resp.GetReport().GetRequests()))
}

// stream makes a call that tells how far it is. Where it could go on is journaled
// at once: whoever continues from there repeats nothing.
func (k *call) stream(ctx context.Context, cancel context.CancelFunc, req *connectorv1.InvokeRequest) reply {
	var result *connectorv1.Result
	var failure *connectorv1.Failure
	var broken error
	requests := 0
	f := k.safely(func() {
		k.conn.InvokeStream(ctx, req, func(m *connectorv1.InvokeStreamResponse) {
			k.report(m.GetReport())
			requests += int(m.GetReport().GetRequests())
			switch ev := m.GetEvent().(type) {
			case *connectorv1.InvokeStreamResponse_Page:
				result = ev.Page
			case *connectorv1.InvokeStreamResponse_Failure:
				failure = ev.Failure
			case *connectorv1.InvokeStreamResponse_Progress:
				p := ev.Progress
				k.x.tell(Progress{Kind: InProgress, Path: k.Path, Message: p.GetMessage(), Fraction: p.GetFraction()}.of(k.Step))
				if t := p.GetResumeToken(); t != "" && t != k.entry.Resume && broken == nil {
					k.entry.Resume = t
					if broken = k.x.put(k.entry, Synced); broken != nil {
						cancel()
					}
				}
			}
		})
	})
	if f != nil {
		failure = f
	}
	if broken != nil {
		return reply{broken: broken}
	}
	if failure != nil {
		result = nil
	}
	return k.judge(result, failure, requests)
}

// judge turns an answer that breaks the contract into a failure of the connector.
func (k *call) judge(result *connectorv1.Result, failure *connectorv1.Failure, requests int) reply {
	r := reply{result: result, failure: failure, requests: requests}
	switch {
	case failure != nil:
		r.result = nil
	case result == nil:
		r.failure = k.fault("The connector gave neither a result nor a failure.", connectorv1.Applied_APPLIED_UNKNOWN)
	case len(result.GetOutput()) == 0:
		result.Output = []byte("null")
	case !json.Valid(result.GetOutput()):
		r.result = nil
		r.failure = k.fault("The connector's output is not JSON.", connectorv1.Applied_APPLIED_YES)
	}
	return r
}

func (k *call) fault(message string, applied connectorv1.Applied) *connectorv1.Failure {
	return &connectorv1.Failure{Kind: connectorv1.FailureKind_FAILURE_KIND_INTERNAL, Applied: applied, Message: message}
}

// safely survives a built-in connector that panics. One in its own process does
// not come here: it answers with a failure.
func (k *call) safely(f func()) (failure *connectorv1.Failure) {
	defer func() {
		if p := recover(); p != nil {
			k.log(slog.LevelError, "a connector panicked", slog.String("connector", k.Step.Connector), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			failure = k.fault("The connector has a fault of its own; the host's log says more.", connectorv1.Applied_APPLIED_UNKNOWN)
		}
	}()
	f()
	return nil
}

func (k *call) report(r *connectorv1.Report) {
	k.x.e.throttle.report(k.Step.Connector, k.Step.Credential, k.turn, r, k.x.e.Clock.Now())
}

// look asks the connector whether a write whose answer was lost has happened. To
// look is to read, so it is tried again like a read. If it was lost because the host
// itself ended, and has not happened, that says nothing against the step, and it has
// all its attempts again.
func (k *call) look(lost *connectorv1.Failure, cut bool) (done bool, out workflow.Outcome, err error) {
	began := k.x.e.Clock.Now()
	for _, a := range k.entry.Attempts {
		if !a.Reconcile {
			began = a.StartedAt
		}
	}
	reading := &connectorv1.Operation{Effect: connectorv1.Effect_EFFECT_READ}
	for tries := 1; ; tries++ {
		resp, failure := k.lookOnce(began)
		if k.x.ctx.Err() != nil {
			return true, out, context.Cause(k.x.ctx)
		}
		switch {
		case failure == nil && resp.GetHappened() != nil:
			if r := k.judge(resp.GetHappened(), nil, 0); r.failure != nil {
				return true, out, k.park(AskHappened, r.failure)
			}
			out, err = k.succeed(resp.GetHappened())
			return true, out, err
		case failure == nil && resp.GetNotHappened() != nil:
			lost.Applied = connectorv1.Applied_APPLIED_NO
			if cut {
				k.entry.Before, k.entry.Waited = len(k.entry.Attempts), 0
			}
			return k.decide(lost, false)
		}
		if failure == nil {
			failure = k.fault("The connector did not say whether it happened.", connectorv1.Applied_APPLIED_NO)
		}
		d := Decide(reading, failure, Tries{Attempts: tries, Refreshed: true, Jitter: k.x.e.Random()}, k.Step.Retry)
		if d.Action != TryAgain {
			return true, out, k.park(AskHappened, lost)
		}
		// The entry stays an intent: a restart looks again.
		k.log(slog.LevelInfo, "step looks again", append(failureAttrs(failureOf(failure)), slog.Duration("after", d.Wait))...)
		until := k.x.e.Clock.Now().Add(d.Wait)
		if err := k.x.wait(k.x.waitCtx, k.Path, k.Step, until, tries+1, "looking whether it happened: "+failure.GetMessage()); err != nil {
			return true, out, err
		}
	}
}

// lookOnce asks the connector once whether the write that began then has happened.
func (k *call) lookOnce(began time.Time) (resp *connectorv1.ReconcileResponse, failure *connectorv1.Failure) {
	cred, failure := k.credential(true)
	if failure != nil {
		return nil, failure
	}
	a := k.begin(true)
	ctx, cancel := context.WithTimeout(WithCaller(k.ctx, k.caller()), k.timeout())
	defer cancel()
	failure = k.safely(func() {
		resp = k.conn.Reconcile(ctx, &connectorv1.ReconcileRequest{
			Call:      &connectorv1.Call{Id: a.ID, Credential: cred, IdempotencyKey: k.key()},
			Operation: k.op.GetName(), Input: k.Input, AttemptedAt: timestamppb.New(began), ResumeToken: k.entry.Resume,
		})
	})
	k.report(resp.GetReport())
	if failure == nil {
		failure = resp.GetFailure()
	}
	k.finish(a, reply{failure: failure, requests: int(resp.GetReport().GetRequests())})
	return resp, failure
}
