package main

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/sqlite"
)

// keep puts runs into a new data file, as a host that was killed leaves them.
func keep(t *testing.T, runs ...host.Run) shell {
	t.Helper()
	s := shell{t, filepath.Join(t.TempDir(), "storyloop.db")}
	store, err := sqlite.Open(t.Context(), s.data, sqlite.Options{})
	require.NoError(t, err)
	for i, r := range runs {
		r.Workflow, r.Version, r.Trigger = "w", "1", json.RawMessage("{}")
		r.CreatedAt = time.Date(2026, 1, 31, 14, i, 0, 0, time.UTC)
		_, _, err := store.CreateRun(t.Context(), r)
		require.NoError(t, err)
	}
	require.NoError(t, store.Close())
	return s
}

func TestRuns_OfAHostThatWasKilled(t *testing.T) {
	t.Parallel()
	const nobody = "no host is running"
	s := keep(t, host.Run{ID: "over", State: host.RunSucceeded}, host.Run{ID: "cut", State: host.RunRunning})

	r := s.do("runs", "list")
	assert.Contains(t, r.stdout, "running")
	assert.Contains(t, r.stderr, "no host is running: storyloop up goes on with what is not over")
	assert.NotContains(t, s.do("runs", "list", "--state", "succeeded").stderr, nobody)
	assert.NotContains(t, s.do("runs", "list", "--json").stderr, nobody)

	assert.Contains(t, s.must("runs", "show", "cut"), "running, and no host is running: storyloop up goes on with it")
	assert.NotContains(t, s.must("runs", "show", "over"), nobody)
	assert.NotContains(t, s.must("runs", "show", "cut", "--json"), nobody)

	r = s.do("runs", "watch", "cut")
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.stderr, "run cut is running, and no host is running: storyloop up goes on with it")
}
