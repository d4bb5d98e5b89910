package host_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/enginetest"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

const oneSend = "- {id: a, connector: world, operation: send, input: {id: '1'}}"

// parkedLab has a run that asks whether a write has happened.
func parkedLab(t *testing.T) *lab {
	t.Helper()
	l := newLab(t, nil)
	var once sync.Once
	l.world.After = func(context.Context, enginetest.Call) (f *connectorv1.Failure) {
		once.Do(func() { f = enginetest.Lost() })
		return f
	}
	require.Equal(t, host.RunParked, l.run(t, oneSend).State)
	return l
}

func TestResolve_WhatCannotBe(t *testing.T) {
	t.Parallel()
	l := parkedLab(t)
	var wrong *host.InputError
	require.ErrorAs(t, l.Resolve(t.Context(), "r", "", "perhaps"), &wrong)
	assert.Equal(t, "/answer", wrong.Pointer)
	var missing *host.NotFoundError
	require.ErrorAs(t, l.Resolve(t.Context(), "none", "", host.Skip), &missing)

	var state *host.StateError
	require.ErrorAs(t, l.Resolve(t.Context(), "r", "another", host.Repeat), &state)
	assert.Equal(t, "/path", state.Pointer)
	assert.Regexp(t, "^run r asks about [a-z]+, not about another$", state.Error())

	require.NoError(t, l.Cancel(t.Context(), "r"))
	require.ErrorAs(t, l.Resolve(t.Context(), "r", "", host.Skip), &state)
	assert.Equal(t, "run r is cancelled and asks nothing", state.Error())
}

// TestResolve_OfManyAnswersOneCounts answers in both ways at the same time.
func TestResolve_OfManyAnswersOneCounts(t *testing.T) {
	t.Parallel()
	l := parkedLab(t)
	errs := make([]error, 16)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = l.Resolve(t.Context(), "r", "", []host.Choice{host.Repeat, host.Skip}[i%2]) })
	}
	wg.Wait()
	sent := 1
	taken := 0
	for i, err := range errs {
		var state *host.StateError
		switch {
		case err == nil:
			taken++
			sent += 1 - i%2
		case !errors.As(err, &state):
			t.Errorf("answer %d: %v", i, err)
		}
	}
	assert.Equal(t, 1, taken)
	run, err := l.Wait(t.Context(), "r")
	require.NoError(t, err)
	assert.Equal(t, host.RunSucceeded, run.State)
	assert.Len(t, l.world.Happened("send"), sent, "the answer that was taken is the one that is followed")
}

// TestCancel_OrResolveButNotBoth cancels a run while it is answered.
func TestCancel_OrResolveButNotBoth(t *testing.T) {
	t.Parallel()
	for range 20 {
		l := parkedLab(t)
		var answered, cancelled error
		var wg sync.WaitGroup
		wg.Go(func() { answered = l.Resolve(t.Context(), "r", "", host.Skip) })
		wg.Go(func() { cancelled = l.Cancel(t.Context(), "r") })
		wg.Wait()
		require.NoError(t, cancelled)
		run, err := l.Wait(t.Context(), "r")
		require.NoError(t, err)
		if answered != nil {
			assert.Equal(t, host.RunCancelled, run.State)
		}
		assert.True(t, run.State.Ended())
		assert.Nil(t, run.Question)
	}
}
