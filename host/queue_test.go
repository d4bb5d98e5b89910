package host_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/enginetest"
	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// counting is a store like one on disk: it hands out copies, and keeps no argument.
// It knows which of the triggers that went in and out are still in memory.
type counting struct {
	*host.Memory

	mu sync.Mutex
	// Guarded by mu.
	triggers []weak.Pointer[byte]
	most     int // Triggers in one answer.
}

func (c *counting) note(runs ...*host.Run) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.most = max(c.most, len(runs))
	for _, r := range runs {
		c.triggers = append(c.triggers, weak.Make(&r.Trigger[0]))
	}
}

func (c *counting) CreateRun(ctx context.Context, r host.Run) (host.Run, bool, error) {
	c.note(&r)
	given := r
	r.Trigger = bytes.Clone(r.Trigger)
	_, fresh, err := c.Memory.CreateRun(ctx, r)
	return given, fresh, err
}

func (c *counting) Run(ctx context.Context, id string) (host.Run, error) {
	r, err := c.Memory.Run(ctx, id)
	if err == nil {
		r.Trigger = bytes.Clone(r.Trigger)
		c.note(&r)
	}
	return r, err
}

func (c *counting) Runs(ctx context.Context, f host.RunFilter) ([]host.Run, error) {
	all, err := c.Memory.Runs(ctx, f)
	var out []*host.Run
	for i := range all {
		all[i].Trigger = bytes.Clone(all[i].Trigger)
		out = append(out, &all[i])
	}
	c.note(out...)
	return all, err
}

func (c *counting) alive() int {
	runtime.GC()
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, p := range c.triggers {
		if p.Value() != nil {
			n++
		}
	}
	return n
}

// TestQueue_HoldsNoTriggers queues runs behind one that takes long, in a process
// and in the next: only the store has what they are about.
func TestQueue_HoldsNoTriggers(t *testing.T) {
	t.Parallel()
	const queued = 12
	store := &counting{Memory: host.NewMemory()}
	doc, err := workflow.Parse("w.yaml", []byte("{name: w, trigger: {connector: manual}, steps: [{id: a, connector: world, operation: get, input: {id: $.steps.trigger.id}}]}"))
	require.NoError(t, err)
	started, release := make(chan struct{}), make(chan struct{})
	busy := func(s *host.Setup) { s.Store, s.MaxRuns = store, 1 }
	one := func(ctx context.Context, _ enginetest.Call) *connectorv1.Failure {
		select {
		case started <- struct{}{}:
		case <-ctx.Done():
		case <-release:
			return nil
		}
		select {
		case <-release:
		case <-ctx.Done():
			return enginetest.Lost()
		}
		return nil
	}
	few := func() bool { return store.alive() <= 1 }

	l := newLab(t, busy)
	l.world.Before = one
	_, err = l.Define(t.Context(), doc, true, "")
	require.NoError(t, err)
	for i := range queued {
		trigger := fmt.Appendf(nil, `{"id": "%d", "more": %q}`, i, strings.Repeat("x", 1<<12))
		_, _, err = l.Start(t.Context(), host.StartRequest{Workflow: "w", ID: fmt.Sprint("r", i), Trigger: trigger})
		require.NoError(t, err)
	}
	<-started
	assert.Eventually(t, few, time.Minute, time.Millisecond, "of the run that is under way")
	cut, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, l.Close(cut), context.Canceled)

	next := newLab(t, busy)
	next.world.Before = one
	n, err := next.Resume(t.Context())
	require.NoError(t, err)
	assert.Equal(t, queued, n)
	<-started
	assert.Eventually(t, few, time.Minute, time.Millisecond, "of the run that is under way")
	assert.LessOrEqual(t, store.most, 4, "at once")
	close(release)
	var ids []string
	for i := range queued {
		run, err := next.Wait(t.Context(), fmt.Sprint("r", i))
		require.NoError(t, err)
		require.Equal(t, host.RunSucceeded, run.State, run.Failure)
		assert.Contains(t, string(run.Trigger), fmt.Sprintf(`{"id": "%d"`, i), "it stays as it was created")
	}
	for _, call := range next.world.Calls("get") {
		ids = append(ids, call.Input)
	}
	for i := range queued {
		assert.Contains(t, strings.Join(ids, "\n"), fmt.Sprintf(`"%d"`, i))
	}
}
