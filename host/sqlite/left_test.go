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
