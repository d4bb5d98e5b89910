package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/sqlite"
)

// problem opens a file that cannot be used, and returns what is said of it.
func problem(t *testing.T, path string) *sqlite.FileError {
	t.Helper()
	s, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err == nil {
		assert.NoError(t, s.Close())
	}
	var p *sqlite.FileError
	require.ErrorAs(t, err, &p)
	assert.ErrorContains(t, err, path)
	return p
}

func TestOpen_OnePerFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "storyloop.db")
	s := openStore(t, path)
	p := problem(t, path)
	assert.Equal(t, sqlite.InUse, p.Problem)
	assert.Equal(t, os.Getpid(), p.PID)

	out, err := process(t, "opener", path).Output()
	require.NoError(t, err)
	lines := strings.Split(string(out), "\n")
	assert.Equal(t, "in_use", lines[0])
	assert.Equal(t, fmt.Sprintf("%s is in use by process %d: two hosts cannot share a file; end that one or name another file", path, os.Getpid()), lines[1])

	link := filepath.Join(dir, "other-name.db")
	require.NoError(t, os.Symlink(path, link))
	_, err = sqlite.Open(context.Background(), link, sqlite.Options{})
	var same *sqlite.FileError
	require.ErrorAs(t, err, &same, "the same file by another name")
	assert.Equal(t, sqlite.InUse, same.Problem)

	require.NoError(t, s.Close())
	out, err = process(t, "opener", path).Output()
	require.NoError(t, err)
	assert.Equal(t, "fine\n", string(out))
}

func TestOpen_PrivateFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "odd #%?;name.db")
	s := openStore(t, path)
	_, _, err := s.CreateRun(context.Background(), host.Run{ID: "r"})
	require.NoError(t, err)
	for name, mode := range map[string]os.FileMode{
		filepath.Dir(path): os.ModeDir | 0o700, path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600, path + ".lock": 0o600, path + "-redo": 0o600,
	} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		assert.Equal(t, mode, info.Mode(), name)
	}
	require.NoError(t, s.Close())
	require.NoError(t, os.Chmod(path, 0o644))
	assert.Equal(t, sqlite.Exposed, problem(t, path).Problem)
}

func TestOpen_DirectoryOfOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o777))
	_, err := sqlite.Open(context.Background(), filepath.Join(dir, "storyloop.db"), sqlite.Options{})
	require.ErrorContains(t, err, "others may replace files in "+dir)
	require.NoError(t, os.Chmod(dir, 0o777|os.ModeSticky))
	openStore(t, filepath.Join(dir, "storyloop.db"))
}

func TestOpen_ReadOnly(t *testing.T) {
	t.Parallel()
	var path string
	if os.Getuid() == 0 { // whom no mode keeps from writing
		dir := smallDisk(t)
		path = filepath.Join(dir, "storyloop.db")
		require.NoError(t, openStore(t, path).Close())
		makeReadOnly(t, dir)
	} else {
		path = filepath.Join(t.TempDir(), "storyloop.db")
		require.NoError(t, openStore(t, path).Close())
		require.NoError(t, os.Chmod(path, 0o400))
	}
	p := problem(t, path)
	assert.Equal(t, sqlite.NotWritable, p.Problem)
	assert.ErrorContains(t, p, path+" cannot be written: it and its directory must be writable")
}

func TestOpen_NotOurs(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(t *testing.T, path string){
		"text":      func(t *testing.T, path string) { require.NoError(t, os.WriteFile(path, []byte("hello"), 0o600)) },
		"long text": func(t *testing.T, path string) { require.NoError(t, os.WriteFile(path, make([]byte, 10_000), 0o600)) },
		"another program's": func(t *testing.T, path string) {
			execute(t, path, "create table customers (name text)")
		},
		"text that others may read": func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, []byte("hello"), 0o644))
		},
		"directory": func(t *testing.T, path string) { require.NoError(t, os.Mkdir(path, 0o700)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "storyloop.db")
			put(t, path)
			before, _ := os.ReadFile(path)
			_, err := sqlite.Open(context.Background(), path, sqlite.Options{})
			require.Error(t, err)
			if name != "directory" {
				assert.Equal(t, sqlite.Foreign, problem(t, path).Problem)
			}
			after, _ := os.ReadFile(path)
			assert.Equal(t, before[:min(len(before), 16)], after[:min(len(after), 16)], "it is left alone")
			if name != "another program's" { // That must be opened to be known.
				assert.NoFileExists(t, path+".lock", "nothing is left beside it")
			}
		})
	}
}

func TestOpen_Damaged(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(text []byte) []byte{
		"cut off": func(text []byte) []byte { return text[:len(text)/2] },
		"overwritten": func(text []byte) []byte {
			for i := 4096; i < len(text); i++ {
				text[i] = 0xa5
			}
			return text
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, path := context.Background(), filepath.Join(t.TempDir(), "storyloop.db")
			s := openStore(t, path)
			_, _, err := s.CreateRun(ctx, host.Run{ID: "r"})
			require.NoError(t, err)
			for i := range 200 {
				require.NoError(t, s.PutEntry(ctx, someEntry("r", i), host.Written))
			}
			require.NoError(t, s.Close())
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, damage(text), 0o600))

			s, err = sqlite.Open(ctx, path, sqlite.Options{})
			if err == nil {
				defer s.Close()
				_, _, err = s.Entries(ctx, "r", 0, 1000)
			}
			var p *sqlite.FileError
			require.ErrorAs(t, err, &p)
			assert.Equal(t, sqlite.Damaged, p.Problem)
			assert.ErrorContains(t, err, path+" is damaged: restore a backup")
		})
	}
}

func TestOpen_FailedOneLeavesTheFileFree(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "storyloop.db")
	execute(t, path, "pragma application_id = 7")
	assert.Equal(t, sqlite.Foreign, problem(t, path).Problem)
	require.NoError(t, os.Remove(path))
	openStore(t, path)
}

// execute runs SQL on a file that no store has open.
func execute(t *testing.T, path, script string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec(script)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(path, 0o600))
}
