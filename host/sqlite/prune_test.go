package sqlite_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/sqlite"
)

// day returns a time n days after the first.
func day(n int) time.Time { return noon.AddDate(0, 0, n) }

// large returns JSON that is not kept in its row.
func large(n int) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`"%d %s"`, n, strings.Repeat("x", 20_000)))
}

func TestPrune(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t), context.Background()
	for i := range 10 {
		id := fmt.Sprint(i)
		r := host.Run{ID: id, Workflow: "w", State: host.RunSucceeded, Trigger: large(100), Output: large(i), EndedAt: day(i)}
		if i == 0 {
			r.State, r.EndedAt = host.RunParked, time.Time{} // waits for a person, however long
		}
		_, _, err := s.CreateRun(ctx, r)
		require.NoError(t, err)
		for j := range 450 {
			require.NoError(t, s.PutEntry(ctx, host.Entry{Run: id, Path: fmt.Sprintf("l[%d]/x", j), Loop: "l", Index: j}, host.Written))
		}
		require.NoError(t, s.PutEntry(ctx, host.Entry{Run: id, Path: "big", Input: large(200), Output: large(i)}, host.Written))
		require.NoError(t, s.PutValue(ctx, host.RunScope(id), "k", json.RawMessage("1"), host.Written))
		_, err = s.AddEvents(ctx, []host.Event{{Connector: "c", Trigger: "t", ID: id, Payload: large(300 + i), ReceivedAt: day(i)}})
		require.NoError(t, err)
		if i != 1 {
			require.NoError(t, s.DoneEvent(ctx, "c/t/"+id))
		}
	}
	nothing, err := s.Prune(ctx, host.Retention{})
	require.NoError(t, err)
	assert.Equal(t, host.Pruned{}, nothing)

	before := sizeOf(t, s)
	done, err := s.Prune(ctx, host.Retention{RunsBefore: day(8), KeepRuns: 4, EventsBefore: day(5)})
	require.NoError(t, err)
	// Runs 1 to 7 have ended before, and 6 to 9 are the latest four.
	assert.Equal(t, host.Pruned{Runs: 5, Entries: 5 * 451, Events: 4, Bodies: 5 + 4}, done)
	assert.Less(t, sizeOf(t, s), before*2/3, "the file has become smaller")

	runs, err := s.Runs(ctx, host.RunFilter{})
	require.NoError(t, err)
	var ids []string
	for _, r := range runs {
		ids = append(ids, r.ID)
		assert.Equal(t, large(100), r.Trigger)
		e, found, err := s.Entry(ctx, r.ID, "big")
		require.NoError(t, err)
		assert.True(t, found)
		assert.Equal(t, large(200), e.Input)
		_, found, err = s.Value(ctx, host.RunScope(r.ID), "k")
		require.NoError(t, err)
		assert.True(t, found)
		n, err := s.Iterations(ctx, r.ID, "l")
		require.NoError(t, err)
		assert.Equal(t, 450, n)
	}
	assert.Equal(t, []string{"9", "8", "7", "6", "0"}, ids)
	_, found, err := s.Value(ctx, host.RunScope("3"), "k")
	require.NoError(t, err)
	assert.False(t, found, "a run's values go with it")
	pending, err := s.PendingEvents(ctx, "", 10)
	require.NoError(t, err)
	require.Len(t, pending, 1, "an event that is not done stays, however old")
	assert.Equal(t, large(301), pending[0].Payload)
	fresh, err := s.AddEvents(ctx, []host.Event{{Connector: "c", Trigger: "t", ID: "5"}})
	require.NoError(t, err)
	assert.Empty(t, fresh, "a younger event stays known")

	again, err := s.Prune(ctx, host.Retention{RunsBefore: day(8), KeepRuns: 4, EventsBefore: day(5)})
	require.NoError(t, err)
	assert.Equal(t, host.Pruned{}, again)
	require.NoError(t, s.Close())
	checkIntegrity(t, s.Path())
}

func TestPrune_CutOff(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	ctx, cancel := context.WithCancel(context.Background())
	for i := range 5 {
		_, _, err := s.CreateRun(ctx, host.Run{ID: fmt.Sprint(i), State: host.RunFailed, EndedAt: day(i)})
		require.NoError(t, err)
	}
	cancel()
	_, err := s.Prune(ctx, host.Retention{RunsBefore: day(9)})
	require.ErrorIs(t, err, context.Canceled)
	done, err := s.Prune(context.Background(), host.Retention{RunsBefore: day(9)})
	require.NoError(t, err)
	assert.EqualValues(t, 5, done.Runs)
}

// Large values are kept once, whoever has them.
func TestStore_LargeValuesOnce(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t), context.Background()
	text := json.RawMessage(`"` + strings.Repeat("é", 1<<20) + `"`)
	_, _, err := s.CreateRun(ctx, host.Run{ID: "r", Trigger: text})
	require.NoError(t, err)
	for i := range 20 {
		require.NoError(t, s.PutEntry(ctx, host.Entry{Run: "r", Path: fmt.Sprint(i), Input: text, Output: text}, host.Written))
	}
	require.NoError(t, s.UpdateRun(ctx, host.Run{ID: "r", Output: text}, host.Synced))
	r, err := s.Run(ctx, "r")
	require.NoError(t, err)
	assert.Equal(t, text, r.Output)
	assert.Equal(t, text, r.Trigger, "it stays as it was created")
	require.NoError(t, s.Close())
	info, err := os.Stat(s.Path())
	require.NoError(t, err)
	assert.Less(t, info.Size(), int64(3<<20))
}

func TestBackup_WhileWriting(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t), context.Background()
	_, _, err := s.CreateRun(ctx, host.Run{ID: "r", Trigger: large(1)})
	require.NoError(t, err)
	const before = 2000
	for i := range before {
		require.NoError(t, s.PutEntry(ctx, someEntry("r", i), host.Written))
	}
	writing, stop := context.WithCancel(ctx)
	stopped := make(chan int, 1)
	go func() {
		i := before
		for ; writing.Err() == nil; i++ {
			if !assert.NoError(t, s.PutEntry(ctx, someEntry("r", i), host.Durability(i%3))) {
				break
			}
		}
		stopped <- i
	}()
	last := 0
	halt := sync.OnceFunc(func() { stop(); last = <-stopped })
	defer halt()
	copies := t.TempDir()
	one, two := filepath.Join(copies, "one.db"), filepath.Join(copies, "two.db")
	require.NoError(t, s.Backup(ctx, one))
	require.NoError(t, sqlite.Backup(ctx, s.Path(), two), "as another process does")
	halt()

	require.ErrorContains(t, s.Backup(ctx, one), "there is a file "+one+" already")
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	require.ErrorIs(t, s.Backup(cancelled, filepath.Join(copies, "three.db")), context.Canceled)
	files, err := os.ReadDir(copies)
	require.NoError(t, err)
	require.Len(t, files, 2, "nothing half done is left")

	for _, path := range []string{one, two} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode())
		checkIntegrity(t, path)
		backup := openStore(t, path)
		all := paths(t, backup)
		assert.GreaterOrEqual(t, len(all), before)
		assert.LessOrEqual(t, len(all), last)
		for i, path := range all {
			require.Equal(t, someEntry("r", i).Path, path, "a prefix")
		}
		r, err := backup.Run(ctx, "r")
		require.NoError(t, err)
		assert.Equal(t, large(1), r.Trigger)
	}
}

func TestBackup_NoStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.ErrorIs(t, sqlite.Backup(context.Background(), filepath.Join(dir, "none.db"), filepath.Join(dir, "copy.db")), os.ErrNotExist)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, files)
}

func sizeOf(t *testing.T, s *sqlite.Store) int64 {
	t.Helper()
	require.NoError(t, s.EmptyLog())
	info, err := os.Stat(s.Path())
	require.NoError(t, err)
	return info.Size()
}

// Who writes while a run is forgotten does not have it remembered as one that is there.
func TestPrune_LateWritesAreRefused(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t), context.Background()
	for i := range 20 {
		run := fmt.Sprint(i)
		_, _, err := s.CreateRun(ctx, host.Run{ID: run, State: host.RunSucceeded, EndedAt: noon})
		require.NoError(t, err)
		var wg sync.WaitGroup
		for w := range 3 {
			wg.Go(func() {
				for s.PutEntry(ctx, host.Entry{Run: run, Path: fmt.Sprint(w)}, host.Synced) == nil {
				}
			})
		}
		pruned, err := s.Prune(ctx, host.Retention{RunsBefore: noon.Add(time.Hour)})
		require.NoError(t, err)
		require.EqualValues(t, 1, pruned.Runs)
		wg.Wait()
		var missing *host.NotFoundError
		require.ErrorAs(t, s.PutEntry(ctx, host.Entry{Run: run, Path: "late"}, host.Written), &missing)
	}
}
