package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// maxInput bounds what is sent to a connector; the rest of a message is for
// credentials and keys.
const maxInput = connectorv1.MaxMessage - 64<<10

// longTimeout is for operations that may take minutes and do not say how many.
const longTimeout = 10 * time.Minute

// Refresher is a [Vault] that can renew a credential without a person.
type Refresher interface {
	// Refresh returns the credential, renewed and stored. Its error means that a
	// person must act.
	Refresh(ctx context.Context, name string) (*connectorv1.Credential, error)
}

// call is one call of an operation, with all that it takes to bring it to its
// outcome.
type call struct {
	workflow.Call
	x    *execution
	ctx  context.Context // The run's, with the step's span.
	span trace.Span
	conn Connector
	op   *connectorv1.Operation

	entry     Entry
	refreshed bool
	turn      *turn // Of the attempt that is under way; nil if it draws on no budget.
}

// Call runs an operation to its outcome, or returns what the journal says that it
// came to.
func (x *execution) Call(c workflow.Call) (out workflow.Outcome, err error) {
	if err := x.stopped(); err != nil {
		return workflow.Outcome{}, err
	}
	entry, found, err := x.recorded(c.Path)
	if err != nil {
		return workflow.Outcome{}, err
	}
	if found && entry.State.Final() {
		return settled(entry)
	}
	k := &call{Call: c, x: x, entry: x.entry(c.Path, c.Step)}
	k.ctx, k.span = x.traceStep(c.Path, c.Step)
	defer func() { k.traced(err) }()
	if failure := k.prepare(); failure != nil {
		return k.fail(failure)
	}
	if found {
		entry.Input = k.entry.Input
		k.entry = entry
	}
	switch {
	case c.Step.Connector == CallConnector:
		return k.callWorkflow()
	case found:
		return k.goOn()
	}
	return k.attempts()
}

// settled returns what a step has come to.
func settled(entry Entry) (workflow.Outcome, error) {
	switch {
	case entry.State == EntryFailed && entry.Failure != nil:
		return workflow.Outcome{}, entry.Failure
	case entry.State == EntrySkipped:
		return workflow.Outcome{Output: json.RawMessage("null")}, nil
	}
	return workflow.Outcome{Output: entry.Output, Items: entry.Items, Next: entry.Next}, nil
}

// prepare finds the operation and checks the input.
func (k *call) prepare() *workflow.Failure {
	s := k.Step
	conn, ok := k.x.e.Connectors.Connector(s.Connector)
	if !ok {
		return &workflow.Failure{Kind: "precondition", Applied: "no", Message: fmt.Sprintf("the connector %q is not loaded", s.Connector), Advice: "Install it and start the host again."}
	}
	op, ok := workflow.FindOperation(conn.Catalog(), s.Operation)
	if !ok {
		return &workflow.Failure{Kind: "precondition", Applied: "no", Message: fmt.Sprintf("the connector %s has no operation %q", s.Connector, s.Operation), Advice: "Run storyloop check on the workflow."}
	}
	k.conn, k.op = conn, op
	if n := len(k.Input); n > maxInput {
		return &workflow.Failure{Kind: workflow.InvalidInput, Applied: "no", Code: "too_large", Message: fmt.Sprintf("the input has %d bytes; at most %d can be sent", n, maxInput), Advice: "Pass large data by URL, or in parts."}
	}
	schema, err := k.x.e.schemas.get(op.GetInputSchema())
	if err != nil {
		return &workflow.Failure{Kind: workflow.Internal, Applied: "no", Message: fmt.Sprintf("the input schema of %s cannot be used: %v", s.Operation, err)}
	}
	problems, err := schema.check(k.Input)
	if err != nil {
		return &workflow.Failure{Kind: workflow.InvalidInput, Applied: "no", Message: err.Error()}
	}
	k.entry.Input = schema.mask(k.Input)
	if len(problems) == 0 {
		return nil
	}
	p := problems[0]
	f := &workflow.Failure{Kind: workflow.InvalidInput, Applied: "no", Code: p.Code, Pointer: p.Pointer, Message: p.Message, Advice: p.Detail}
	if n := len(problems); n > 1 {
		f.Message += fmt.Sprintf(" (and %d more problems)", n-1)
	}
	return f
}

// goOn continues what a former process has begun, by what it left behind.
func (k *call) goOn() (workflow.Outcome, error) {
	switch e := &k.entry; {
	case e.State == EntryParked && e.Answer == Skip:
		e.State, e.EndedAt = EntrySkipped, k.x.e.Clock.Now()
		if err := k.x.put(*e, Synced); err != nil {
			return workflow.Outcome{}, err
		}
		return settled(*e)
	case e.State == EntryParked && e.Answer == Repeat:
		e.Answer, e.Question, e.Before, e.Waited = "", nil, len(e.Attempts), 0
		return k.attempts()
	case e.State == EntryParked:
		return workflow.Outcome{}, k.x.park(e.Question, len(e.Attempts))
	case e.State == EntryWaiting:
		if err := k.x.wait(k.x.waitCtx, k.Path, k.Step, e.Until, k.made(), e.Reason); err != nil {
			return workflow.Outcome{}, err
		}
		return k.attempts()
	}
	// An attempt without an outcome: the process died meanwhile.
	lost := &connectorv1.Failure{
		Kind: connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, Applied: connectorv1.Applied_APPLIED_UNKNOWN,
		Message: "The host ended while the call was under way.", ResumeToken: k.entry.Resume,
	}
	if done, out, err := k.decide(lost, true); done {
		return out, err
	}
	return k.attempts()
}

// attempts makes attempts until there is an outcome.
func (k *call) attempts() (workflow.Outcome, error) {
	for {
		result, failure, err := k.once()
		switch {
		case err != nil:
			return workflow.Outcome{}, err
		case failure == nil:
			return k.succeed(result)
		}
		if done, out, err := k.decide(failure, false); done {
			return out, err
		}
	}
}

// once makes one attempt when it is its turn.
func (k *call) once() (result *connectorv1.Result, failure *connectorv1.Failure, err error) {
	if k.turn, err = k.take(); err != nil {
		return nil, nil, err
	}
	defer func() {
		k.turn.leave(k.x.e.Clock.Now())
		k.turn = nil
	}()
	cred, failure := k.credential()
	if failure != nil {
		return nil, failure, nil
	}
	result, failure, err = k.attempt(cred)
	if failure != nil && k.x.ctx.Err() != nil { // cut off by us; the entry tells what was under way
		return nil, nil, context.Cause(k.x.ctx)
	}
	return result, failure, err
}

// take waits for the call's turn, while the remote service would refuse or is
// about to. Leave the turn when the call has been made.
func (k *call) take() (*turn, error) {
	e := k.x.e
	tn := e.throttle.enter(k.x.run.ID, k.Step.Credential, k.conn.Catalog(), k.op)
	for tn != nil {
		if err := k.x.stopped(); err != nil {
			tn.leave(e.Clock.Now())
			return nil, err
		}
		ctx, wake := context.WithCancel(k.x.waitCtx)
		until, reason := tn.ask(e.Clock.Now(), wake)
		if until.IsZero() {
			wake()
			return tn, nil
		}
		err := k.queue(ctx, until, reason)
		wake()
		if err != nil {
			tn.leave(e.Clock.Now())
			return nil, err
		}
	}
	return nil, k.x.stopped()
}

// queue waits for a turn. Nothing is under way, so that the journal is told for
// people only, and once.
func (k *call) queue(ctx context.Context, until time.Time, reason string) error {
	if k.entry.State == "" {
		k.entry.State, k.entry.Until, k.entry.Reason = EntryWaiting, until, reason
		if err := k.x.put(k.entry, Queued); err != nil {
			return err
		}
		k.log(slog.LevelInfo, "step waits", slog.Time("until", until), slog.String("why", reason))
	}
	return k.x.wait(ctx, k.Path, k.Step, until, k.made()+1, reason)
}

// pause waits, and journals for what.
func (k *call) pause(until time.Time, reason string) error {
	k.entry.State, k.entry.Until, k.entry.Reason = EntryWaiting, until, reason
	if err := k.x.put(k.entry, Written); err != nil {
		return err
	}
	return k.x.wait(k.x.waitCtx, k.Path, k.Step, until, k.made()+1, reason)
}

// credential takes the step's credential out of the vault.
func (k *call) credential() (*connectorv1.Credential, *connectorv1.Failure) {
	name := k.Step.Credential
	if name == "" {
		return nil, nil
	}
	missing := &NotFoundError{Kind: "credential", Name: name}
	if k.x.e.Vault != nil {
		cred, err := k.x.e.Vault.Credential(k.ctx, name)
		if err == nil {
			return cred, nil
		}
		if !errors.As(err, &missing) {
			k.log(slog.LevelError, "the vault cannot be read", slog.String("credential", name), slog.Any("error", err))
			return nil, &connectorv1.Failure{Kind: connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, Applied: connectorv1.Applied_APPLIED_NO, Message: "The vault cannot be read; the host's log says more."}
		}
	}
	k.refreshed = true // there is nothing to refresh
	return nil, &connectorv1.Failure{Kind: connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED, Applied: connectorv1.Applied_APPLIED_NO, Message: fmt.Sprintf("The vault has no credential %q.", name)}
}

// decide does what the retry rule says about a failure. It returns done if there
// is an outcome; otherwise another attempt follows.
func (k *call) decide(f *connectorv1.Failure, cut bool) (done bool, out workflow.Outcome, err error) {
	if f.GetResumeToken() == "" {
		f.ResumeToken = k.entry.Resume // from progress
	}
	k.entry.Resume = f.GetResumeToken()
	d := Decide(k.op, f, Tries{
		Attempts: max(k.made(), 1), Waited: k.entry.Waited, Refreshed: k.refreshed, Jitter: k.x.e.Random(), Cut: cut,
	}, k.Step.Retry)
	switch d.Action {
	case TryAgain:
		k.entry.Waited += d.Wait
		k.log(slog.LevelInfo, "step is tried again", append(failureAttrs(failureOf(f)), slog.Duration("after", d.Wait))...)
		err = k.pause(k.x.e.Clock.Now().Add(d.Wait), fmt.Sprintf("attempt %d: %s", k.made()+1, f.GetMessage()))
		return err != nil, out, err
	case RefreshFirst:
		k.refreshed = true
		if r, ok := k.x.e.Vault.(Refresher); ok && k.Step.Credential != "" {
			_, err := r.Refresh(k.ctx, k.Step.Credential)
			if err == nil {
				k.log(slog.LevelInfo, "credential was refreshed", slog.String("credential", k.Step.Credential))
				return false, out, nil
			}
			k.log(slog.LevelWarn, "credential was not refreshed", slog.String("credential", k.Step.Credential), slog.Any("error", err))
		}
		return true, out, k.park(AskCredential, f)
	case AskOwner:
		return true, out, k.park(AskCredential, f)
	case AskOwnerScope:
		return true, out, k.park(AskPermission, f)
	case AskPerson:
		return true, out, k.park(AskHappened, f)
	case LookFirst:
		k.log(slog.LevelInfo, "step looks whether its write has happened", failureAttrs(failureOf(f))...)
		return k.look(f)
	}
	out, err = k.fail(failureOf(f))
	return true, out, err
}

// park asks a person.
func (k *call) park(kind QuestionKind, f *connectorv1.Failure) error {
	what := k.Step.Connector + " " + k.Step.Operation
	q := &Question{Path: k.Path, Step: k.Step.ID, Kind: kind, Choices: []Choice{Repeat, Skip}}
	switch kind {
	case AskHappened:
		q.Text = fmt.Sprintf("%s may have happened: %s Look, then say: repeat, or skip?", what, f.GetMessage())
	case AskCredential:
		q.Text = fmt.Sprintf("The credential %q does not work: %s Sign in again, then say: repeat.", k.Step.Credential, f.GetMessage())
	case AskPermission:
		q.Text = fmt.Sprintf("The credential %q lacks a permission that %s needs (%s): %s Consent to it, then say: repeat.", k.Step.Credential, what, list(k.op.GetScopes()), f.GetMessage())
	}
	k.entry.State, k.entry.Question, k.entry.Failure = EntryParked, q, failureOf(f)
	if err := k.x.put(k.entry, Synced); err != nil {
		return err
	}
	k.log(slog.LevelInfo, "step asks a person", append(failureAttrs(k.entry.Failure), slog.String("question", string(kind)))...)
	return k.x.park(q, len(k.entry.Attempts))
}

func (k *call) succeedWith(output json.RawMessage) (workflow.Outcome, error) {
	return k.succeed(&connectorv1.Result{Output: output})
}

// succeed journals an output.
func (k *call) succeed(r *connectorv1.Result) (workflow.Outcome, error) {
	e := &k.entry
	e.State, e.EndedAt, e.Failure, e.Question = EntryDone, k.x.e.Clock.Now(), nil, nil
	e.Output, e.Next, e.Items, e.Reason = r.GetOutput(), r.GetNextToken(), k.op.GetItemsPointer(), ""
	if err := k.x.put(*e, k.durability()); err != nil {
		return workflow.Outcome{}, err
	}
	return settled(*e)
}

// fail journals that the step has failed for good.
func (k *call) fail(f *workflow.Failure) (workflow.Outcome, error) {
	f.Workflow, f.Step, f.Path, f.Operation = k.x.run.Workflow, k.Step.ID, k.Path, k.Step.Connector+" "+k.Step.Operation
	e := &k.entry
	e.State, e.EndedAt, e.Failure, e.Reason = EntryFailed, k.x.e.Clock.Now(), f, ""
	if err := k.x.put(*e, k.durability()); err != nil {
		return workflow.Outcome{}, err
	}
	k.log(slog.LevelInfo, "step failed", failureAttrs(f)...)
	return workflow.Outcome{}, f
}

// quick is how long an attempt took at most whose result is not waited for to be
// written: it takes no longer to get it again.
const quick = 5 * time.Millisecond

func (k *call) durability() Durability {
	switch {
	case !k.reads():
		return Synced
	case k.entry.EndedAt.Sub(k.entry.StartedAt) < quick && len(k.entry.Attempts) < 2:
		return Queued
	}
	return Written
}

func (k *call) reads() bool {
	return k.op == nil || k.op.GetEffect() == connectorv1.Effect_EFFECT_READ
}

// made counts the attempts since a person last said: again.
func (k *call) made() int {
	n := 0
	for _, a := range k.entry.Attempts[min(k.entry.Before, len(k.entry.Attempts)):] {
		if !a.Reconcile {
			n++
		}
	}
	return n
}
