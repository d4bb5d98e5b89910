package host_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/enginetest"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// TestWatch_TellsHowLongAStepTookThatHadBegun comes when the step is at its second
// page.
func TestWatch_TellsHowLongAStepTookThatHadBegun(t *testing.T) {
	t.Parallel()
	clock := enginetest.NewClock()
	l := newLab(t, func(s *host.Setup) { s.Clock = clock })
	var watcher *host.Watcher
	l.world.Before = func(_ context.Context, c enginetest.Call) *connectorv1.Failure {
		clock.Advance(2 * time.Second)
		if c.Nth == 2 {
			watcher = l.Watch("r")
		}
		return nil
	}
	require.Equal(t, host.RunSucceeded, l.run(t, "- {id: list, connector: world, operation: list, paging: {mode: all}}").State)
	defer watcher.Close()
	require.Len(t, l.world.Calls("list"), 3)
	for {
		p, ok := watcher.Next(t.Context())
		require.True(t, ok)
		if p.Kind == host.StepFinished {
			assert.Equal(t, 6*time.Second, p.Took, "all pages")
			return
		}
	}
}

func TestHistory_TellsHowLongTheStepsAroundOthersTook(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	run := l.run(t, `
- id: branch-1
  connector: branch
  operation: branch
  input: {value: a}
  branches:
    a:
      - {id: d, connector: delay, operation: delay, input: {duration: 90s}}
      - {id: get, connector: world, operation: get, input: {id: '1'}}`[1:])
	require.Equal(t, host.RunSucceeded, run.State, "%v", run.Failure)
	branch, err := l.Step(t.Context(), "r", "branch-1")
	require.NoError(t, err)
	assert.Equal(t, 90*time.Second, branch.EndedAt.Sub(branch.StartedAt))
}

func TestHistory_AStepAroundAParkedOneIsNotDone(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	l.world.After = func(context.Context, enginetest.Call) *connectorv1.Failure { return enginetest.Lost() }
	run := l.run(t, `
- id: branch-1
  connector: branch
  operation: branch
  input: {value: a}
  branches:
    a: [{id: send, connector: world, operation: send, input: {id: '1'}}]`[1:])
	require.Equal(t, host.RunParked, run.State)
	_, err := l.Step(t.Context(), "r", "branch-1")
	var missing *host.NotFoundError
	require.ErrorAs(t, err, &missing, "it is under way")

	require.NoError(t, l.Resolve(t.Context(), "r", "", host.Skip))
	_, err = l.Wait(t.Context(), "r")
	require.NoError(t, err)
	branch, err := l.Step(t.Context(), "r", "branch-1")
	require.NoError(t, err)
	assert.Equal(t, host.EntryDone, branch.State)
	assert.JSONEq(t, `{"branch":"a"}`, string(branch.Output))
}
