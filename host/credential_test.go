package host_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/enginetest"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// refusing is a vault that, after it has given its credential so often, refuses it
// so many times.
type refusing struct {
	vault
	err    error
	spared int
	times  int
	asked  *int
}

func (v refusing) Credential(ctx context.Context, name string) (*connectorv1.Credential, error) {
	if *v.asked++; *v.asked > v.spared && *v.asked <= v.spared+v.times {
		return nil, v.err
	}
	return v.vault.Credential(ctx, name)
}

func newRefusing(times int, err error) refusing {
	return refusing{vault: vault{"shop": "works"}, err: err, times: times, asked: new(int)}
}

const writeForShop = "- {id: a, connector: world, operation: send, credential: shop, input: {id: '1'}}"

func failing(kind connectorv1.FailureKind, message string) error {
	// A connector says nothing of what happened where nothing can.
	return &host.FailureError{Failure: &connectorv1.Failure{Kind: kind, Message: message}}
}

func TestCredential_ThatConnectorRefusesWantsItsOwner(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]connectorv1.FailureKind{
		"dead token":       connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED,
		"wrong form":       connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT,
		"app is not there": connectorv1.FailureKind_FAILURE_KIND_PRECONDITION,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newRefusing(1, failing(kind, "The access token has expired."))
			l := newLab(t, func(s *host.Setup) { s.Vault = v })
			run := l.run(t, writeForShop)
			require.Equal(t, host.RunParked, run.State)
			assert.Equal(t, host.AskCredential, run.Question.Kind)
			assert.Contains(t, run.Question.Text, `The credential "shop" does not work: The access token has expired.`)
			assert.Equal(t, 1, *v.asked, "the remote service is not asked again and again")

			require.NoError(t, l.Resolve(t.Context(), "r", "", host.Repeat))
			run, err := l.Wait(t.Context(), "r")
			require.NoError(t, err)
			assert.Equal(t, host.RunSucceeded, run.State)
			assert.Len(t, l.world.Calls("send"), 1)
		})
	}
}

func TestCredential_ThatCannotBeLookedAtUsesUpAttempts(t *testing.T) {
	t.Parallel()
	unreachable := failing(unavailable, "The service could not be reached.")
	for name, c := range map[string]struct {
		err     error
		message string
	}{
		"service is away": {unreachable, "The service could not be reached."},
		"vault is broken": {errors.New("m4rker"), "The vault cannot be read; the host's log says more."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newRefusing(1000, c.err)
			l := newLab(t, func(s *host.Setup) { s.Vault = v })
			run := l.run(t, writeForShop)
			require.Equal(t, host.RunFailed, run.State)
			assert.Equal(t, "unavailable", run.Failure.Kind)
			assert.Equal(t, "no", run.Failure.Applied)
			assert.Equal(t, c.message, run.Failure.Message)
			assert.Equal(t, 5, *v.asked)
			entry, _, err := l.store.Entry(t.Context(), "r", "a")
			require.NoError(t, err)
			require.Len(t, entry.Attempts, 5)
			assert.Equal(t, c.message, entry.Attempts[4].Message)
			assert.Empty(t, l.world.Calls(""))
		})
	}
	t.Run("service comes back", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, func(s *host.Setup) { s.Vault = newRefusing(4, unreachable) })
		assert.Equal(t, host.RunSucceeded, l.run(t, writeForShop).State)
	})
}

func TestCredential_ThatCannotBeLookedAtDoesNotHideThatWriteHasHappened(t *testing.T) {
	t.Parallel()
	v := newRefusing(2, failing(unavailable, "The service could not be reached."))
	v.spared = 1 // the write itself; what is refused is to look for it
	l := newLab(t, func(s *host.Setup) { s.Vault = v })
	l.world.After = func(context.Context, enginetest.Call) *connectorv1.Failure { return enginetest.Lost() }
	run := l.run(t, "- {id: a, connector: world, operation: post, credential: shop, input: {id: '1'}}")
	require.Equal(t, host.RunSucceeded, run.State)
	assert.Len(t, l.world.Calls("post"), 1)
	assert.Equal(t, 4, *v.asked)
}
