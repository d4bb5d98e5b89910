package host

import (
	"context"
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
	first     [1]Attempt // Room for the attempt that most calls take.
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
	cred, failure := k.credential(false)
	if failure == nil {
		result, failure, err = k.attempt(cred)
	}
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
		if err := k.x.put(k.entry, Written); err != nil {
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

// credential takes the step's credential out of the vault. That the vault does not
// give it is an attempt too: it may have asked the remote service, and must not do so
// for ever. Reconcile says that the call is to look whether a write has happened.
func (k *call) credential(reconcile bool) (*connectorv1.Credential, *connectorv1.Failure) {
	name := k.Step.Credential
	if name == "" {
		return nil, nil
	}
	err := error(&NotFoundError{Kind: "credential", Name: name})
	if k.x.e.Vault != nil {
		var cred *connectorv1.Credential
		if cred, err = k.x.e.Vault.Credential(k.ctx, name); err == nil {
			return cred, nil
		}
	}
	f, known := refusedCredential(err)
	if !known {
		k.log(slog.LevelError, "the vault cannot be read", slog.String("credential", name), slog.Any("error", err))
	}
	if f.GetKind() == connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED {
		k.refreshed = true // there is nothing to refresh
	}
	k.finish(k.begin(reconcile), reply{failure: f})
	return nil, f
}

// made counts the attempts that have run the operation, of those that count.
func (k *call) made() int {
	n := 0
	for _, a := range k.counted() {
		if !a.Reconcile {
			n++
		}
	}
	return n
}

// counted returns the attempts since a person last said: again.
func (k *call) counted() []Attempt {
	return k.entry.Attempts[min(k.entry.Before, len(k.entry.Attempts)):]
}

// unsure reports whether an attempt before the last one may have taken effect, and
// nobody has looked since.
func (k *call) unsure() bool {
	unsure, all := false, k.counted()
	for i, a := range all {
		switch {
		case a.Reconcile && !a.EndedAt.IsZero() && a.Kind == "":
			unsure = false
		case !a.Reconcile && i < len(all)-1:
			unsure = unsure || a.Unsure || a.EndedAt.IsZero() // or it was cut off
		}
	}
	return unsure
}
