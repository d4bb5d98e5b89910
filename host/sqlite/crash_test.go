package sqlite_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/sqlite"
)

// seed returns what makes a test's random choices: always the same, unless
// STORYLOOP_TEST_SEED says otherwise.
func seed(t *testing.T) uint64 {
	t.Helper()
	s := uint64(1)
	if text := os.Getenv("STORYLOOP_TEST_SEED"); text != "" {
		var err error
		s, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, "STORYLOOP_TEST_SEED")
	}
	t.Logf("STORYLOOP_TEST_SEED=%d", s)
	return s
}

// process prepares the test binary to be another process.
func process(t *testing.T, what, path string, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(append(os.Environ(), "STORE_TEST_PROCESS="+what, "STORE_TEST_PATH="+path), env...)
	return cmd
}

// A process that writes is killed again and again, at any point. What it was told
// is written is there, and whatever is there has all before it.
func TestStore_Killed(t *testing.T) {
	t.Parallel()
	first := seed(t)
	random := rand.New(rand.NewPCG(first, 0))
	path := filepath.Join(t.TempDir(), "storyloop.db")
	var owed [crashWriters]int // How many entries of each must be there.
	for round := range 40 {
		lines := 1 + random.IntN(10)
		if round%2 == 0 {
			lines = 1 + random.IntN(800)
		}
		killWriter(t, path, first+uint64(round), lines, &owed)
		checkCrashed(t, path, &owed)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
}

// killWriter lets a process write until it has told of so many writes, and notes
// those that must outlive it.
func killWriter(t *testing.T, path string, seed uint64, lines int, owed *[crashWriters]int) {
	cmd := process(t, "writer", path, fmt.Sprintf("STORE_TEST_SEED=%d", seed))
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	told := bufio.NewScanner(out)
	for n := 1; told.Scan(); n++ {
		var w, i int
		var d host.Durability
		if told.Text() != "opening" {
			_, err := fmt.Sscan(told.Text(), &w, &i, &d)
			require.NoError(t, err, told.Text())
			owed[w] = max(owed[w], i+1)
		}
		if n == lines {
			require.NoError(t, cmd.Process.Kill())
		}
	}
	err = cmd.Wait()
	require.Empty(t, complaints.String())
	require.ErrorContains(t, err, "killed")
}

func checkCrashed(t *testing.T, path string, owed *[crashWriters]int) {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	require.NoError(t, err)
	var have [crashWriters]int
	var seen [][crashWriters]int
	for w := range crashWriters {
		if _, err := s.Run(ctx, fmt.Sprint(w)); err != nil && owed[w] == 0 {
			continue // killed before it was created
		}
		for from := int64(0); ; {
			page, next, err := s.Entries(ctx, fmt.Sprint(w), from, 1000)
			require.NoError(t, err)
			for _, e := range page {
				want := crashEntry(w, have[w], e.Input)
				require.Equal(t, want, e)
				have[w]++
				var others [crashWriters]int
				require.NoError(t, json.Unmarshal(e.Input, &others))
				seen = append(seen, others)
			}
			if from = next; next == 0 {
				break
			}
		}
		assert.GreaterOrEqual(t, have[w], owed[w], "writer %d was told that more was written", w)
		owed[w] = have[w] // read once, it stays
	}
	for _, others := range seen {
		for w, n := range others {
			require.GreaterOrEqual(t, have[w], n, "a write is there, and one of writer %d that was made before it is not", w)
		}
	}
	require.NoError(t, s.Close())
	checkIntegrity(t, path)
}

func checkIntegrity(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	var verdict string
	require.NoError(t, db.QueryRow("pragma integrity_check").Scan(&verdict))
	require.Equal(t, "ok", verdict)
	var dangling int
	require.NoError(t, db.QueryRow(`
		select (select count(*) from entries where input_body is not null and input_body not in (select id from bodies))
			+ (select count(*) from entries where output_body is not null and output_body not in (select id from bodies))
			+ (select count(*) from entries where run not in (select seq from runs) or run <> seq >> 32)`).Scan(&dangling))
	require.Zero(t, dangling)
}
