package host_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	read        = connectorv1.Effect_EFFECT_READ
	write       = connectorv1.Effect_EFFECT_WRITE
	destructive = connectorv1.Effect_EFFECT_DESTRUCTIVE
	unspecified = connectorv1.Effect_EFFECT_UNSPECIFIED

	noneSaid = connectorv1.Idempotency_IDEMPOTENCY_UNSPECIFIED
	none     = connectorv1.Idempotency_IDEMPOTENCY_NONE
	inherent = connectorv1.Idempotency_IDEMPOTENCY_INHERENT
	keyed    = connectorv1.Idempotency_IDEMPOTENCY_KEYED

	unsaid  = connectorv1.Applied_APPLIED_UNSPECIFIED
	no      = connectorv1.Applied_APPLIED_NO
	unknown = connectorv1.Applied_APPLIED_UNKNOWN
	yes     = connectorv1.Applied_APPLIED_YES

	limited     = connectorv1.FailureKind_FAILURE_KIND_RATE_LIMITED
	unavailable = connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE
	internal    = connectorv1.FailureKind_FAILURE_KIND_INTERNAL
)

// TestDecide_Table is the table of the protocol, row by row.
func TestDecide_Table(t *testing.T) {
	t.Parallel()
	for i, c := range []struct {
		kind     connectorv1.FailureKind
		effect   connectorv1.Effect
		idem     connectorv1.Idempotency
		applied  connectorv1.Applied
		token    string
		canLook  bool
		attempts int
		want     host.Action
	}{
		{limited, read, none, unknown, "", false, 1, host.TryAgain},
		{unavailable, read, none, unknown, "", false, 1, host.TryAgain},
		{unavailable, read, none, unknown, "", false, 5, host.GiveUp},
		{limited, write, none, no, "", false, 1, host.TryAgain},
		{limited, write, none, no, "", false, 5, host.GiveUp},
		{unavailable, write, none, no, "", true, 1, host.TryAgain},
		{unavailable, write, none, unknown, "", false, 1, host.AskPerson},
		{unavailable, write, none, unknown, "", true, 1, host.LookFirst},
		{unavailable, write, none, unsaid, "", false, 1, host.AskPerson},
		{unavailable, write, none, yes, "", false, 1, host.AskPerson},
		{unavailable, write, noneSaid, unknown, "", false, 1, host.AskPerson},
		{unavailable, unspecified, none, unknown, "", false, 1, host.AskPerson},
		{unavailable, write, inherent, unknown, "", false, 1, host.TryAgain},
		{unavailable, destructive, inherent, unknown, "", false, 1, host.TryAgain},
		{unavailable, write, keyed, unknown, "", false, 1, host.TryAgain},
		{unavailable, write, keyed, unknown, "", false, 5, host.AskPerson},
		{unavailable, write, keyed, unknown, "", true, 5, host.LookFirst},
		{unavailable, write, none, unknown, "container", false, 1, host.TryAgain},
		{unavailable, write, none, yes, "container", false, 1, host.TryAgain},
		{limited, destructive, none, unknown, "", false, 1, host.AskPerson},
		{connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED, write, none, no, "", false, 1, host.RefreshFirst},
		{connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED, read, none, unsaid, "", false, 1, host.RefreshFirst},
		{connectorv1.FailureKind_FAILURE_KIND_PERMISSION_DENIED, read, none, no, "", false, 1, host.AskOwnerScope},
		{connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, read, none, no, "", false, 1, host.GiveUp},
		{connectorv1.FailureKind_FAILURE_KIND_NOT_FOUND, read, none, no, "", false, 1, host.GiveUp},
		{connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, write, none, no, "", false, 1, host.GiveUp},
		{connectorv1.FailureKind_FAILURE_KIND_REFUSED, write, none, no, "", false, 1, host.GiveUp},
		{internal, read, none, unknown, "", false, 1, host.TryAgain},
		{internal, read, none, unknown, "", false, 2, host.GiveUp},
		{internal, write, none, unknown, "", false, 1, host.AskPerson},
		{internal, write, none, unknown, "", true, 1, host.LookFirst},
		{internal, write, none, no, "", false, 1, host.GiveUp},
		{connectorv1.FailureKind_FAILURE_KIND_UNSPECIFIED, write, none, unknown, "", false, 1, host.AskPerson},
		{99, read, none, unknown, "", false, 1, host.TryAgain},
		{99, write, none, unknown, "", false, 1, host.AskPerson},
	} {
		op := &connectorv1.Operation{Effect: c.effect, Idempotency: c.idem, Reconcilable: c.canLook}
		f := &connectorv1.Failure{Kind: c.kind, Applied: c.applied, ResumeToken: c.token}
		got := host.Decide(op, f, host.Tries{Attempts: c.attempts}, workflow.Retry{})
		assert.Equal(t, c.want, got.Action, fmt.Sprintf("row %d: %+v", i, c))
	}
	refused := &connectorv1.Failure{Kind: connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED}
	assert.Equal(t, host.AskOwner, host.Decide(&connectorv1.Operation{}, refused, host.Tries{Attempts: 1, Refreshed: true}, workflow.Retry{}).Action)
}

func TestDecide_AnEarlierAttemptMayHaveTakenEffect(t *testing.T) {
	t.Parallel()
	for _, kind := range []connectorv1.FailureKind{unavailable, connectorv1.FailureKind_FAILURE_KIND_REFUSED, internal} {
		f := &connectorv1.Failure{Kind: kind, Applied: no}
		tries := host.Tries{Attempts: 5, Unsure: true}
		assert.Equal(t, host.AskPerson, host.Decide(&connectorv1.Operation{Effect: write, Idempotency: keyed}, f, tries, workflow.Retry{}).Action)
		assert.Equal(t, host.LookFirst, host.Decide(&connectorv1.Operation{Effect: write, Reconcilable: true}, f, tries, workflow.Retry{}).Action)
		assert.Equal(t, host.GiveUp, host.Decide(&connectorv1.Operation{Effect: read}, f, tries, workflow.Retry{}).Action)
	}
}

func TestDecide_Waits(t *testing.T) {
	t.Parallel()
	op := &connectorv1.Operation{Effect: read}
	down := &connectorv1.Failure{Kind: unavailable}
	wait := func(f *connectorv1.Failure, tries host.Tries, r workflow.Retry) host.Decision {
		return host.Decide(op, f, tries, r)
	}
	many := workflow.Retry{MaxAttempts: 100}

	assert.Equal(t, 500*time.Millisecond, wait(down, host.Tries{Attempts: 1}, many).Wait)
	assert.Equal(t, time.Second, wait(down, host.Tries{Attempts: 1, Jitter: 1}, many).Wait)
	assert.Equal(t, 8*time.Second, wait(down, host.Tries{Attempts: 4, Jitter: 1}, many).Wait)
	assert.Equal(t, 5*time.Minute, wait(down, host.Tries{Attempts: 90, Jitter: 1}, many).Wait, "it grows no further")
	assert.Zero(t, wait(down, host.Tries{Attempts: 1, Cut: true}, many).Wait, "the host was away long enough")

	later := &connectorv1.Failure{Kind: limited, RetryAfter: durationpb.New(time.Hour)}
	assert.Equal(t, time.Hour, wait(later, host.Tries{Attempts: 1, Jitter: 1}, workflow.Retry{}).Wait)
	assert.Equal(t, host.GiveUp, wait(later, host.Tries{Attempts: 1}, workflow.Retry{MaxWait: 59 * time.Minute}).Action)
	assert.Equal(t, host.GiveUp, wait(later, host.Tries{Attempts: 2, Waited: time.Hour}, workflow.Retry{MaxWait: 90 * time.Minute}).Action)
	assert.Equal(t, host.GiveUp, wait(down, host.Tries{Attempts: 1}, workflow.Retry{MaxAttempts: 1}).Action)
}
