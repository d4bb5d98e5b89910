package host

import (
	"time"

	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// Action is what the host does about a failure.
type Action string

// Actions.
const (
	TryAgain      Action = "try_again"      // After Decision.Wait.
	RefreshFirst  Action = "refresh_first"  // Refresh the credential, then try again.
	LookFirst     Action = "look_first"     // Reconcile: ask the connector whether it has happened.
	AskPerson     Action = "ask_person"     // Park: it may have happened; repeat, or skip?
	AskOwner      Action = "ask_owner"      // Park: the owner must sign in again.
	AskOwnerScope Action = "ask_owner_more" // Park: the owner must consent to more.
	GiveUp        Action = "give_up"        // The step fails.
)

// Decision is what the host does about a failure, and when.
type Decision struct {
	Action Action
	Wait   time.Duration // Before another attempt.
}

// Tries is what has been tried so far for one step.
type Tries struct {
	Attempts  int           // Made, the failed one included.
	Waited    time.Duration // Between them, in all.
	Refreshed bool          // The credential has been refreshed for this step.
	Jitter    float64       // 0 to 1: where in its range a wait falls.
	Cut       bool          // There was no answer: the host itself has died since.
	Unsure    bool          // An attempt before may have taken effect, and nobody has looked since.
}

// Defaults of a step's retry.
const (
	defaultAttempts = 5
	firstBackoff    = time.Second
	lastBackoff     = 5 * time.Minute
)

// Decide says what follows from a failed attempt. It is the host's whole retry
// rule and rests on nothing but its arguments: what the operation does, what the
// connector says, and what has been tried. A write of which an earlier attempt may have
// taken effect has not failed for what the last one says of itself.
func Decide(op *connectorv1.Operation, f *connectorv1.Failure, tries Tries, bounds workflow.Retry) Decision {
	d := decide(op, f, tries, bounds)
	if d.Action == GiveUp && tries.Unsure && op.GetEffect() != connectorv1.Effect_EFFECT_READ {
		return mayHaveHappened(op)
	}
	return d
}

func decide(op *connectorv1.Operation, f *connectorv1.Failure, tries Tries, bounds workflow.Retry) Decision {
	switch f.GetKind() {
	case connectorv1.FailureKind_FAILURE_KIND_RATE_LIMITED, connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE:
		if !harmless(op, f) {
			return mayHaveHappened(op)
		}
		limit := bounds.MaxAttempts
		if limit == 0 {
			limit = defaultAttempts
		}
		return again(op, f, tries, limit, bounds.MaxWait)
	case connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED:
		if !tries.Refreshed {
			return Decision{Action: RefreshFirst}
		}
		return Decision{Action: AskOwner}
	case connectorv1.FailureKind_FAILURE_KIND_PERMISSION_DENIED:
		return Decision{Action: AskOwnerScope}
	case connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, connectorv1.FailureKind_FAILURE_KIND_NOT_FOUND,
		connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, connectorv1.FailureKind_FAILURE_KIND_REFUSED:
		return Decision{Action: GiveUp}
	}
	// INTERNAL, and every kind that this host does not know.
	switch {
	case op.GetEffect() == connectorv1.Effect_EFFECT_READ:
		return again(op, f, tries, 2, bounds.MaxWait)
	case f.GetApplied() == connectorv1.Applied_APPLIED_NO:
		return Decision{Action: GiveUp}
	}
	return mayHaveHappened(op)
}

// harmless reports whether another attempt cannot do a thing twice.
func harmless(op *connectorv1.Operation, f *connectorv1.Failure) bool {
	return op.GetEffect() == connectorv1.Effect_EFFECT_READ ||
		f.GetApplied() == connectorv1.Applied_APPLIED_NO ||
		op.GetIdempotency() == connectorv1.Idempotency_IDEMPOTENCY_INHERENT ||
		op.GetIdempotency() == connectorv1.Idempotency_IDEMPOTENCY_KEYED ||
		f.GetResumeToken() != ""
}

// again tries again while the bounds allow it. A write that may have happened is
// not given up as failed even then.
func again(op *connectorv1.Operation, f *connectorv1.Failure, tries Tries, limit int, longest time.Duration) Decision {
	wait := backoff(f, tries)
	if tries.Attempts < limit && (longest == 0 || tries.Waited+wait <= longest) {
		return Decision{Action: TryAgain, Wait: wait}
	}
	if op.GetEffect() == connectorv1.Effect_EFFECT_READ || f.GetApplied() == connectorv1.Applied_APPLIED_NO {
		return Decision{Action: GiveUp}
	}
	return mayHaveHappened(op)
}

func mayHaveHappened(op *connectorv1.Operation) Decision {
	if op.GetReconcilable() {
		return Decision{Action: LookFirst}
	}
	return Decision{Action: AskPerson}
}

// backoff doubles with each attempt, in the upper half of its range, unless the
// remote service has said when.
func backoff(f *connectorv1.Failure, tries Tries) time.Duration {
	if tries.Cut {
		return 0
	}
	if after := f.GetRetryAfter().AsDuration(); f.GetRetryAfter() != nil && after > 0 {
		return after
	}
	wait := firstBackoff
	for range tries.Attempts - 1 {
		if wait *= 2; wait >= lastBackoff {
			wait = lastBackoff
			break
		}
	}
	return wait/2 + time.Duration(tries.Jitter*float64(wait/2))
}
