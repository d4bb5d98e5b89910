package sqlite_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/sqlite"
)

// A process that ends without closing its store, however soon after its last write,
// leaves all that it was told is written.
func TestOpen_AfterAProcessThatDidNotClose(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "storyloop.db")
	require.NoError(t, process(t, "leaver", path).Run())
	left, err := os.Stat(path + "-redo")
	require.NoError(t, err)
	require.Positive(t, left.Size(), "all was committed already, so that this shows nothing")

	ctx := context.Background()
	for opening := range 2 {
		var log bytes.Buffer
		s, err := sqlite.Open(ctx, path, sqlite.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		require.NoError(t, err)
		assert.Equal(t, opening == 0, strings.Contains(log.String(), "writes of a process that was killed were done again"), log.String())
		checkLeft(t, s)
		require.NoError(t, s.Close())
		checkIntegrity(t, path)
		assert.NoFileExists(t, path+"-redo")
	}
}

// leave writes of each kind, and ends the process.
func leave() error {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, os.Getenv("STORE_TEST_PATH"), sqlite.Options{})
	if err != nil {
		return err
	}
	run := host.Run{ID: "r", Workflow: "w", State: host.RunQueued, CreatedAt: noon}
	if _, _, err := s.CreateRun(ctx, run); err != nil {
		return err
	}
	for i := range 300 {
		if i == 50 {
			s.Hold()
		}
		if err := s.PutEntry(ctx, someEntry("r", i), host.Written); err != nil {
			return err
		}
		if err := s.PutValue(ctx, "scope", "last", json.RawMessage(fmt.Sprint(i)), host.Written); err != nil {
			return err
		}
	}
	if err := s.PutValue(ctx, "scope", "gone", json.RawMessage("1"), host.Written); err != nil {
		return err
	}
	if err := s.PutValue(ctx, "scope", "gone", nil, host.Written); err != nil {
		return err
	}
	run.State, run.EndedAt, run.Output = host.RunSucceeded, noon, json.RawMessage(`{"large":17841405726653027}`)
	return s.UpdateRun(ctx, run, host.Written)
}

func checkLeft(t *testing.T, s *sqlite.Store) {
	ctx := context.Background()
	entries, _, err := s.Entries(ctx, "r", 0, 1000)
	require.NoError(t, err)
	require.Len(t, entries, 300)
	for i, e := range entries {
		require.Equal(t, someEntry("r", i), e)
	}
	n, err := s.Iterations(ctx, "r", "loop-1")
	require.NoError(t, err)
	assert.Equal(t, 300, n)
	values, err := s.Values(ctx, "scope")
	require.NoError(t, err)
	assert.Equal(t, []host.NamedValue{{Key: "last", Value: json.RawMessage("299")}}, values)
	r, err := s.Run(ctx, "r")
	require.NoError(t, err)
	assert.Equal(t, host.RunSucceeded, r.State)
	assert.Equal(t, noon, r.EndedAt)
	assert.JSONEq(t, `{"large":17841405726653027}`, string(r.Output))
	ended, err := s.Prune(ctx, host.Retention{RunsBefore: noon})
	require.NoError(t, err)
	assert.Zero(t, ended.Runs, "it ended at noon, and not before")
}

// What is larger than a record, and what finds the file full, is written as well; the
// file stays small.
func TestPutEntry_MoreThanTheRedoFileHolds(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t), context.Background()
	_, _, err := s.CreateRun(ctx, host.Run{ID: "r"})
	require.NoError(t, err)
	large := json.RawMessage(`"` + strings.Repeat("x", 30_000) + `"`)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := w; i < 800; i += 8 {
				e := someEntry("r", i)
				e.Output = large
				if i%100 == 0 {
					e.Output = json.RawMessage(fmt.Sprintf(`"%d %s"`, i, strings.Repeat("y", 1<<17)))
				}
				assert.NoError(t, s.PutEntry(ctx, e, host.Written))
			}
		})
	}
	wg.Wait()
	assert.Len(t, paths(t, s), 800)
	info, err := os.Stat(s.Path() + "-redo")
	require.NoError(t, err)
	assert.Less(t, info.Size(), int64(sqlite.MaxRedo+sqlite.MaxRecord+1024))
}

// The file may be damaged in any way: what is read is a beginning of what was written.
func TestReadRedo_Damaged(t *testing.T) {
	t.Parallel()
	const salt = 77
	whole := sqlite.RedoRecords(salt, 1, 5)
	second := len(sqlite.RedoRecords(salt, 1, 1))
	flipped := bytes.Clone(whole)
	flipped[second+20] ^= 1
	for name, c := range map[string]struct {
		text         []byte
		salt, number uint64
		want         int
	}{
		"whole":                      {whole, salt, 0, 5},
		"some are there":             {whole, salt, 3, 2},
		"all are there":              {whole, salt, 5, 0},
		"more is there":              {whole, salt, 9, 0},
		"of another opening":         {whole, salt + 1, 0, 0},
		"cut off":                    {whole[:len(whole)-1], salt, 0, 4},
		"cut off in a head":          {whole[:second+10], salt, 0, 1},
		"changed":                    {flipped, salt, 0, 1},
		"empty":                      {nil, salt, 0, 0},
		"zeros":                      {make([]byte, 1000), salt, 0, 0},
		"a write had no record":      {append(bytes.Clone(whole[:second]), whole[2*second:]...), salt, 0, 4},
		"what is left of an earlier": {append(sqlite.RedoRecords(salt, 6, 2), whole[2*second:]...), salt, 5, 2},
		"commits before it are lost": {sqlite.RedoRecords(salt, 6, 2), salt, 4, 0},
	} {
		assert.Equal(t, c.want, sqlite.CountRedo(c.text, c.salt, c.number), name)
	}
}

func FuzzReadRedo(f *testing.F) {
	f.Add(sqlite.RedoRecords(0, 1, 3), uint64(0))
	f.Add([]byte("\x10\x00\x00\x00"), uint64(1))
	f.Fuzz(func(t *testing.T, text []byte, number uint64) {
		assert.LessOrEqual(t, sqlite.CountRedo(text, 0, number), len(text)/32)
		assert.LessOrEqual(t, sqlite.CountRedo(sqlite.Sealed(text), 0, number), 1, "with a checksum that is right")
	})
}
