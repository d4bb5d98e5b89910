package sqlite_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/sqlite"
)

// killed returns the path of a store as its process would leave it if it was killed
// now.
func killed(t *testing.T, s *sqlite.Store) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "storyloop.db")
	for _, file := range []string{"", "-wal", "-redo"} {
		text, err := os.ReadFile(s.Path() + file)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path+file, text, 0o600))
	}
	return path
}

// heldStore returns a store that commits nothing any more. It is never closed.
func heldStore(t *testing.T, before func(*sqlite.Store)) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "storyloop.db"), sqlite.Options{})
	require.NoError(t, err)
	before(s)
	s.Hold()
	return s
}

// What makes a record long need not be a value.
func TestPutValue_LongNameIsNotRecorded(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	name := strings.Repeat("n", 2*sqlite.MaxRecord)
	require.NoError(t, s.PutValue(context.Background(), "s", name, json.RawMessage("1"), host.Written))
	info, err := os.Stat(s.Path() + "-redo")
	require.NoError(t, err)
	assert.Less(t, info.Size(), int64(sqlite.MaxRecord), "the end of such a file would not be read")
}

// A backup that is put in the place of a store is not opened with what a process that
// was killed has left there.
func TestOpen_BackupInThePlaceOfAKilledStore(t *testing.T) {
	t.Parallel()
	ctx, copied := context.Background(), filepath.Join(t.TempDir(), "copy.db")
	put := func(s *sqlite.Store, value string, d host.Durability) {
		require.NoError(t, s.PutValue(ctx, "s", "k", json.RawMessage(value), d))
	}
	s := heldStore(t, func(s *sqlite.Store) {
		put(s, "1", host.Synced)
		require.NoError(t, s.Backup(ctx, copied))
	})
	put(s, "2", host.Written)
	path := killed(t, s)
	text, err := os.ReadFile(copied)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, text, 0o600))

	for _, beside := range []string{"-wal", "-redo"} {
		p := problem(t, path)
		assert.Equal(t, sqlite.Mixed, p.Problem)
		assert.ErrorContains(t, p, path+beside)
		require.NoError(t, os.Remove(path+beside))
	}
	for range 2 {
		s, err = sqlite.Open(ctx, path, sqlite.Options{})
		require.NoError(t, err)
		value, _, err := s.Value(ctx, "s", "k")
		require.NoError(t, err)
		assert.Equal(t, "1", string(value))
		put(s, "1", host.Written)
		require.NoError(t, s.Close())
	}
}

// Whatever stands where a store's redo file goes, Open does not wait for it, write to
// it, or tell it what the store is told.
func TestOpen_StrangeRedoFile(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(path string) error{
		"directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"pipe":      makePipe,
		"link": func(path string) error {
			return errors.Join(os.WriteFile(path+"-target", []byte("mine"), 0o600), os.Symlink(path+"-target", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "storyloop.db")
			require.NoError(t, put(path+"-redo"))
			_, err := sqlite.Open(context.Background(), path, sqlite.Options{})
			require.ErrorContains(t, err, path+"-redo is not a file of storyloop: move it away")
			if name == "link" {
				text, err := os.ReadFile(path + "-redo-target")
				require.NoError(t, err)
				assert.Equal(t, "mine", string(text))
			}
			require.NoError(t, os.Remove(path+"-redo"))
			openStore(t, path)
		})
	}
}

func TestOpen_RedoFileThatOthersMayRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "storyloop.db")
	require.NoError(t, os.WriteFile(path+"-redo", make([]byte, 9<<20), 0o644))
	openStore(t, path)
	info, err := os.Stat(path + "-redo")
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
	assert.Zero(t, info.Size())
}

func TestClose_WithoutItsRedoFile(t *testing.T) {
	t.Parallel()
	s, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "storyloop.db"), sqlite.Options{})
	require.NoError(t, err)
	require.NoError(t, os.Remove(s.Path()+"-redo"))
	require.NoError(t, s.Close())
}
