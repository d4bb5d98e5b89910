package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/sqlite"
)

// A write for which nobody waits, and that nobody reads, is soon in the file.
func TestPutEntry_QueuedIsSoonInTheFile(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t), context.Background()
	_, _, err := s.CreateRun(ctx, host.Run{ID: "r"})
	require.NoError(t, err)
	other, err := sql.Open("sqlite", s.Path())
	require.NoError(t, err)
	defer other.Close()
	for i := range 3 {
		require.NoError(t, s.PutEntry(ctx, someEntry("r", i), host.Written))
		assert.Eventually(t, func() bool {
			var n int
			require.NoError(t, other.QueryRow("select count(*) from entries").Scan(&n))
			return n == i+1
		}, time.Minute, time.Millisecond)
	}
}

// A run that is made anew after it was forgotten has nothing to do with the former,
// and neither has one that has got its place in the file.
func TestPutEntry_RunsThatWereForgotten(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t), context.Background()
	create := func(id string) {
		_, fresh, err := s.CreateRun(ctx, host.Run{ID: id, State: host.RunFailed, EndedAt: day(1)})
		require.NoError(t, err)
		require.True(t, fresh)
	}
	create("a")
	for i := range 3 {
		require.NoError(t, s.PutEntry(ctx, someEntry("a", i), host.Written))
	}
	done, err := s.Prune(ctx, host.Retention{RunsBefore: day(2)})
	require.NoError(t, err)
	assert.Equal(t, host.Pruned{Runs: 1, Entries: 3}, done)
	var missing *host.NotFoundError
	require.ErrorAs(t, s.PutEntry(ctx, someEntry("a", 3), host.Written), &missing)

	create("b")
	create("a")
	require.NoError(t, s.PutEntry(ctx, someEntry("a", 7), host.Written))
	for run, want := range map[string]int{"a": 8, "b": 0} {
		n, err := s.Iterations(ctx, run, "loop-1")
		require.NoError(t, err)
		assert.Equal(t, want, n, run)
		entries, _, err := s.Entries(ctx, run, 0, 0)
		require.NoError(t, err)
		assert.Len(t, entries, want/8, run)
	}
	require.NoError(t, s.Close())
	checkIntegrity(t, s.Path())
}

// However many runs go on at once, the steps of each are in order, also after the
// store was opened anew.
func TestPutEntry_MoreRunsThanAreRemembered(t *testing.T) {
	t.Parallel()
	const runs, writers = sqlite.MaxJournals + 10, 16
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "storyloop.db")
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	require.NoError(t, err)
	each := func(do func(run string)) {
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for r := w; r < runs; r += writers {
					do(fmt.Sprint(r))
				}
			})
		}
		wg.Wait()
	}
	each(func(run string) {
		_, _, err := s.CreateRun(ctx, host.Run{ID: run})
		assert.NoError(t, err)
	})
	var want []string
	for i := range 3 {
		if i == 2 {
			require.NoError(t, s.Close())
			s = openStore(t, path)
		}
		e := someEntry("", 2-i) // not in the order of their paths
		want = append(want, e.Path)
		each(func(run string) {
			e := e
			e.Run = run
			assert.NoError(t, s.PutEntry(ctx, e, host.Written))
			assert.NoError(t, s.PutEntry(ctx, e, host.Written), "again")
		})
	}
	each(func(run string) {
		entries, _, err := s.Entries(ctx, run, 0, 0)
		assert.NoError(t, err)
		var got []string
		for _, e := range entries {
			got = append(got, e.Path)
		}
		assert.Equal(t, want, got)
	})
}
