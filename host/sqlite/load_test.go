package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
)

// 64 runs at once, each of a loop of 100 steps that is looked at while it goes on.
func TestStore_ManyRunsAtOnce(t *testing.T) {
	t.Parallel()
	const runs, steps = 64, loopSteps
	s, ctx := newStore(t), context.Background()
	var finished atomic.Int64
	var slowest [runs]int // How many steps of others were done when a run's half was.
	var wg sync.WaitGroup
	for r := range runs {
		wg.Go(func() {
			id := fmt.Sprint(r)
			_, fresh, err := s.CreateRun(ctx, host.Run{ID: id, Workflow: "w", State: host.RunRunning})
			assert.NoError(t, err)
			assert.True(t, fresh)
			for i := range steps {
				e := someEntry(id, i)
				e.State = host.EntryIntent
				assert.NoError(t, s.PutEntry(ctx, e, host.Durability(i%3)))
				e.State = host.EntryDone
				assert.NoError(t, s.PutEntry(ctx, e, host.Durability((i+r)%3)))
				got, found, err := s.Entry(ctx, id, e.Path)
				assert.NoError(t, err)
				assert.True(t, found, "readable as soon as the call has returned")
				assert.Equal(t, host.EntryDone, got.State)
				finished.Add(1)
				if i == steps/2 {
					slowest[r] = int(finished.Load())
				}
			}
			assert.NoError(t, s.UpdateRun(ctx, host.Run{ID: id, Workflow: "w", State: host.RunSucceeded, EndedAt: noon}, host.Synced))
			_, err = s.Runs(ctx, host.RunFilter{Workflow: "w", States: []host.RunState{host.RunRunning, host.RunSucceeded}})
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	for r, n := range slowest {
		assert.Less(t, n, runs*steps*9/10, "run %d got its turn only when the others were done", r)
	}
	done, err := s.Runs(ctx, host.RunFilter{States: []host.RunState{host.RunSucceeded}})
	require.NoError(t, err)
	assert.Len(t, done, runs)
	for r := range runs {
		entries, next, err := s.Entries(ctx, fmt.Sprint(r), 0, 1000)
		require.NoError(t, err)
		assert.Zero(t, next)
		assert.Len(t, entries, steps)
	}
}

// Readers that follow each other without a gap do not let the log grow for ever.
func TestStore_LogStaysSmall(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t), context.Background()
	s.LimitLog(1 << 19)
	_, _, err := s.CreateRun(ctx, host.Run{ID: "r"})
	require.NoError(t, err)
	require.NoError(t, s.PutEntry(ctx, someEntry("r", 0), host.Written))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_, _, err := s.Entries(ctx, "r", 0, 20)
					assert.NoError(t, err)
				}
			}
		})
	}
	var largest int64
	for i := 0; i < 1500 || largest < 1<<19 && i < 100_000; i++ {
		if !assert.NoError(t, s.PutEntry(ctx, someEntry("r", i), host.Written)) {
			break
		}
		if i%20 == 0 {
			info, err := os.Stat(s.LogPath())
			assert.NoError(t, err)
			largest = max(largest, info.Size())
		}
	}
	close(stop)
	wg.Wait()
	assert.Less(t, largest, int64(2<<20))
	assert.Greater(t, largest, int64(1<<19), "enough was written to tell")
}

func TestRuns_AreLookedUp(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for name, f := range map[string]host.RunFilter{
		"all":      {},
		"states":   {States: []host.RunState{host.RunQueued, host.RunRunning, host.RunWaiting}},
		"workflow": {Workflow: "w"},
		"both":     {Workflow: "w", States: []host.RunState{host.RunFailed}},
	} {
		plan, err := s.Explain(f)
		require.NoError(t, err)
		for _, step := range plan {
			assert.NotRegexp(t, `^SCAN runs$|AUTOMATIC`, step, "%s: %v", name, plan)
		}
	}
}
