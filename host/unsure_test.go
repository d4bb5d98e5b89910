package host_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/enginetest"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// TestUnsure_LaterFailuresDoNotHideThatAWriteMayHaveHappened has a publication done
// and its answer lost. That it can go on where it was lets it be tried again; then the
// service is away.
func TestUnsure_LaterFailuresDoNotHideThatAWriteMayHaveHappened(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	l.world.After = func(context.Context, enginetest.Call) *connectorv1.Failure { return enginetest.Lost() }
	l.world.Before = func(_ context.Context, c enginetest.Call) *connectorv1.Failure {
		if c.Nth == 1 {
			return nil
		}
		return enginetest.Failed(unavailable, "The service could not be reached.")
	}
	run := l.run(t, "- {id: a, connector: world, operation: publish, input: {id: '1'}}")
	require.Equal(t, host.RunParked, run.State, "%v", run.Failure)
	assert.Equal(t, host.AskHappened, run.Question.Kind)
	assert.Len(t, l.world.Calls("publish"), 5)
	entry, _, err := l.store.Entry(t.Context(), "r", "a")
	require.NoError(t, err)
	assert.True(t, entry.Attempts[0].Unsure)
	assert.False(t, entry.Attempts[4].Unsure)

	l.world.Before, l.world.After = nil, nil
	require.NoError(t, l.Resolve(t.Context(), "r", "", host.Repeat))
	run, err = l.Wait(t.Context(), "r")
	require.NoError(t, err)
	assert.Equal(t, host.RunSucceeded, run.State)
	assert.Len(t, l.world.Happened("publish"), 1)
}

// TestUnsure_IsOverWhenThereIsAnAnswer has one that nothing is known against.
func TestUnsure_IsOverWhenThereIsAnAnswer(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	l.world.Before = func(_ context.Context, c enginetest.Call) *connectorv1.Failure {
		if c.Nth == 1 {
			return enginetest.Lost()
		}
		return enginetest.Failed(unavailable, "The service could not be reached.")
	}
	run := l.run(t, "- {id: a, connector: world, operation: post, input: {id: '1'}}")
	require.Equal(t, host.RunFailed, run.State)
	assert.Equal(t, "no", run.Failure.Applied, "it was looked for, and had not happened")
	assert.Len(t, l.world.Calls("reconcile"), 1)
}
