package sqlite_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	hosthttp "github.com/storyloop/storyloop/host/http"
	"github.com/storyloop/storyloop/host/sqlite"
)

func TestStore_FileFull(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	var room func() error
	noSpace(t, s, func() {
		var err error
		room, err = s.LimitPages(100)
		require.NoError(t, err)
	}, func() { require.NoError(t, room()) })
}

func TestStore_DiskFull(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t)
	s := openStore(t, filepath.Join(dir, "storyloop.db"))
	ballast := filepath.Join(dir, "ballast")
	noSpace(t, s, func() { fillDisk(t, ballast) }, func() { require.NoError(t, os.Remove(ballast)) })
}

// fillDisk writes a file that leaves no room beside it.
func fillDisk(t *testing.T, ballast string) {
	t.Helper()
	f, err := os.Create(ballast)
	require.NoError(t, err)
	defer f.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	require.ErrorContains(t, err, "no space left")
}

func TestHealth_DiskFull(t *testing.T) {
	t.Parallel()
	dir, now := smallDisk(t), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := openStore(t, filepath.Join(dir, "storyloop.db"))
	mux := http.NewServeMux()
	(&hosthttp.Health{Store: s, Now: func() time.Time { return now }}).Register(mux)
	ready := func() int {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
		return w.Code
	}
	require.Equal(t, 200, ready())
	log := func() int64 {
		info, err := os.Stat(s.LogPath())
		require.NoError(t, err)
		return info.Size()
	}
	size := log()
	for range 100 {
		require.Equal(t, 200, ready())
	}
	assert.Equal(t, size, log(), "to ask often writes nothing")

	ballast := filepath.Join(dir, "ballast")
	fillDisk(t, ballast)
	for i := 0; ready() == 200; i++ { // the log's last block may have room yet
		require.Less(t, i, 10)
		now = now.Add(10 * time.Second)
	}
	require.NoError(t, os.Remove(ballast))
	now = now.Add(10 * time.Second)
	assert.Equal(t, 200, ready())
}

// noSpace writes until no space is left, and on once there is some again.
func noSpace(t *testing.T, s *sqlite.Store, fill, free func()) {
	ctx := context.Background()
	_, _, err := s.CreateRun(ctx, host.Run{ID: "r"})
	require.NoError(t, err)
	fill()
	entry := func(path string, iteration int) host.Entry {
		return host.Entry{Run: "r", Path: path, Loop: "l", Index: iteration, Output: json.RawMessage(`"` + strings.Repeat("x", 3000) + `"`)}
	}
	var want []string
	for i := 0; ; i++ {
		require.Less(t, i, 10_000, "the file never gets full")
		err = s.PutEntry(ctx, entry(fmt.Sprint(i), i), host.Durability(i%2))
		if err != nil {
			break
		}
		want = append(want, fmt.Sprint(i))
	}
	isNoSpace := func(err error) {
		t.Helper()
		var problem *sqlite.FileError
		require.ErrorAs(t, err, &problem)
		assert.Equal(t, sqlite.NoSpace, problem.Problem)
		assert.ErrorContains(t, err, "no space is left to write "+s.Path()+": make room on its disk")
	}
	isNoSpace(err)
	isNoSpace(s.PutEntry(ctx, entry("refused", 1<<20), host.Written))

	payload := json.RawMessage(`"` + strings.Repeat("y", 3000) + `"`)
	events := []host.Event{{Connector: "c", Trigger: "t", ID: "1", Payload: payload}, {Connector: "c", Trigger: "t", ID: "2", Payload: payload}}
	_, err = s.AddEvents(ctx, events)
	isNoSpace(err)
	pending, err := s.PendingEvents(ctx, "", 10)
	require.NoError(t, err, "reading goes on")
	assert.Empty(t, pending, "all or none")
	_, err = s.AddPolled(ctx, events[:1], host.ScopedValue{Scope: "polls", Key: "p", Value: payload})
	isNoSpace(err)
	pending, err = s.PendingEvents(ctx, "", 10)
	require.NoError(t, err)
	assert.Empty(t, pending, "no event without the cursor")
	_, found, err := s.Value(ctx, "polls", "p")
	require.NoError(t, err)
	assert.False(t, found, "no cursor without the events")

	there := paths(t, s)
	require.GreaterOrEqual(t, len(there), len(want)-1, "only the last may have been acknowledged before it was tried")
	assert.Equal(t, want[:len(there)], there, "what was refused is not there")
	for _, d := range []host.Durability{host.Written, host.Synced} {
		isNoSpace(s.PutEntry(ctx, entry("after", 1<<21), d))
	}

	free()
	fresh, err := s.AddEvents(ctx, events)
	require.NoError(t, err)
	assert.Len(t, fresh, 2)
	require.NoError(t, s.PutEntry(ctx, entry("last", len(want)), host.Written))
	assert.Equal(t, append(want, "last"), paths(t, s), "what was acknowledged is there, in its place")
	n, err := s.Iterations(ctx, "r", "l")
	require.NoError(t, err)
	assert.Equal(t, len(want)+1, n, "what was refused is not counted")
	require.NoError(t, s.Close())
	checkIntegrity(t, s.Path())
}

// What was acknowledged and found no space before the end is stored with the next
// opening.
func TestClose_KeepsWhatFoundNoSpace(t *testing.T) {
	t.Parallel()
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "storyloop.db")
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	require.NoError(t, err)
	_, err = s.LimitPages(1) // as small as it is
	require.NoError(t, err)
	large := json.RawMessage(`"` + strings.Repeat("x", 60_000) + `"`)
	require.NoError(t, s.PutValue(ctx, "s", "k", large, host.Written))
	err = s.Close()
	var problem *sqlite.FileError
	require.ErrorAs(t, err, &problem)
	assert.Equal(t, sqlite.NoSpace, problem.Problem)
	assert.ErrorContains(t, err, "1 writes are kept in "+path+"-redo until the store is opened again")
	s = openStore(t, path)
	value, found, err := s.Value(ctx, "s", "k")
	require.NoError(t, err)
	assert.True(t, found)
	assert.Equal(t, large, value)
}

// A write that cannot be done does not take along those that were made with it.
func TestStore_OneBadWriteAmongMany(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t), context.Background()
	_, _, err := s.CreateRun(ctx, host.Run{ID: "r"})
	require.NoError(t, err)
	results := make(chan error, 200)
	for i := range cap(results) {
		go func() {
			run := "r"
			if i%10 == 0 {
				run = "none"
			}
			results <- s.PutEntry(ctx, host.Entry{Run: run, Path: fmt.Sprint(i), Loop: "l", Index: i}, host.Durability(i%2))
		}()
	}
	refused := 0
	for range cap(results) {
		err := <-results
		var missing *host.NotFoundError
		if errors.As(err, &missing) {
			refused++
			continue
		}
		require.NoError(t, err)
	}
	assert.Equal(t, 20, refused)
	assert.Len(t, paths(t, s), 180)
	n, err := s.Iterations(ctx, "r", "l")
	require.NoError(t, err)
	assert.Equal(t, 200, n)
}

func paths(t *testing.T, s *sqlite.Store) []string {
	t.Helper()
	var all []string
	for from := int64(0); ; {
		page, next, err := s.Entries(context.Background(), "r", from, 1000)
		require.NoError(t, err)
		for _, e := range page {
			all = append(all, e.Path)
		}
		if from = next; next == 0 {
			return all
		}
	}
}
