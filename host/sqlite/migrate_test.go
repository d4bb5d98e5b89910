package sqlite_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/sqlite"
)

func TestOpen_FilesOfEveryFormat(t *testing.T) {
	t.Parallel()
	fresh := schemaOf(t, openedAndClosed(t, filepath.Join(t.TempDir(), "storyloop.db")))
	for format := range sqlite.Latest() + 1 {
		t.Run(fmt.Sprint(format), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "storyloop.db")
			for n := range format + 1 {
				require.NoError(t, sqlite.MakeFormat(context.Background(), path, n))
				if n > 0 {
					rows, err := os.ReadFile(fmt.Sprintf("testdata/format-%d.sql", n))
					require.NoError(t, err, "each format has rows to bring along")
					execute(t, path, string(rows))
				}
			}
			require.NoError(t, os.Chmod(path, 0o600))
			s := openStore(t, path)
			checkFormat(t, s, format)
			require.NoError(t, s.Close())
			assert.Equal(t, fresh, schemaOf(t, path), "as if made anew")
			checkIntegrity(t, path)
		})
	}
}

// checkFormat checks that what a file of a format holds is there.
func checkFormat(t *testing.T, s *sqlite.Store, format int) {
	ctx, noon := context.Background(), time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	if format >= 1 {
		d, err := s.Definition(ctx, "every-story", "")
		require.NoError(t, err)
		assert.Equal(t, host.Definition{
			Name: "every-story", Version: "v1", Document: json.RawMessage(`{"name": "every-story"}`), File: "every-story.yaml", Enabled: true, AddedAt: noon,
		}, d)
		r, err := s.Run(ctx, "r1")
		require.NoError(t, err)
		assert.Equal(t, host.Run{
			ID: "r1", Workflow: "every-story", Version: "v1", State: host.RunSucceeded, Trigger: json.RawMessage(`{ "id": 17841405726653027 }`),
			Output: json.RawMessage(`{"large":17841405726653027}`), CreatedAt: noon, EndedAt: noon,
		}, r)
		e, found, err := s.Entry(ctx, "r1", "loop-1[4]/instagram-2")
		require.NoError(t, err)
		require.True(t, found)
		assert.Equal(t, host.Entry{
			Run: "r1", Path: "loop-1[4]/instagram-2", Loop: "loop-1", Index: 4, Step: "instagram-2", State: host.EntryDone,
			Output: json.RawMessage(`{"a":1}`), Attempts: []host.Attempt{{ID: "7f3c2a", Requests: 2}}, Waited: time.Microsecond,
		}, e)
		n, err := s.Iterations(ctx, "r1", "loop-1")
		require.NoError(t, err)
		assert.Equal(t, 5, n)
	}
	if format >= 2 {
		events, err := s.PendingEvents(ctx, "", 10)
		require.NoError(t, err)
		assert.Equal(t, []host.Event{{
			Connector: "instagram", Trigger: "mentioned", ID: "9", Subject: "17841405726653026", Payload: json.RawMessage("{}"), ReceivedAt: noon,
		}}, events)
	}
	if format >= 3 {
		value, _, err := s.Value(ctx, "quota", "instagram")
		require.NoError(t, err)
		assert.Equal(t, json.RawMessage(`{"used":96}`), value)
	}
	if format >= 4 {
		n, err := s.Iterations(ctx, "r1", "loop-2")
		require.NoError(t, err)
		assert.Equal(t, 7, n)
	}
}

// A file of the format in which SQLite itself counted iterations goes on from there.
func TestOpen_LoopsGoOn(t *testing.T) {
	t.Parallel()
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "storyloop.db")
	for format := range 4 {
		require.NoError(t, sqlite.MakeFormat(ctx, path, format))
		if format == 1 {
			rows, err := os.ReadFile("testdata/format-1.sql")
			require.NoError(t, err)
			execute(t, path, string(rows))
		}
	}
	require.NoError(t, os.Chmod(path, 0o600))
	s := openStore(t, path)
	for _, x := range []struct{ index, want int }{{2, 5}, {4, 5}, {5, 6}} {
		e := someEntry("r1", x.index)
		require.NoError(t, s.PutEntry(ctx, e, host.Written))
		n, err := s.Iterations(ctx, "r1", "loop-1")
		require.NoError(t, err)
		assert.Equal(t, x.want, n)
	}
	entries, _, err := s.Entries(ctx, "r1", 0, 0)
	require.NoError(t, err)
	var order []int
	for _, e := range entries {
		order = append(order, e.Index)
	}
	assert.Equal(t, []int{4, 2, 5}, order, "in the order in which they were first put")
}

func TestOpen_NewerFormat(t *testing.T) {
	t.Parallel()
	path := openedAndClosed(t, filepath.Join(t.TempDir(), "storyloop.db"))
	execute(t, path, "pragma user_version = 99")
	p := problem(t, path)
	assert.Equal(t, sqlite.TooNew, p.Problem)
	assert.Equal(t, fmt.Sprintf("%s was written by a newer storyloop (format 99, this one knows up to %d): run that one", path, sqlite.Latest()), p.Error())
}

// A step to the next format that cannot be made leaves the one before.
func TestOpen_MigrationThatFails(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "storyloop.db")
	require.NoError(t, sqlite.MakeFormat(context.Background(), path, 1))
	execute(t, path, "create table named_values (in_the_way text)")
	_, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	require.ErrorContains(t, err, "bringing the store to format 3 (0003_values.sql)")
	execute(t, path, "drop table named_values")
	s := openStore(t, path)
	checkFormat(t, s, 0)
	require.NoError(t, s.PutValue(context.Background(), "s", "k", json.RawMessage("1"), host.Synced))
}

func openedAndClosed(t *testing.T, path string) string {
	t.Helper()
	require.NoError(t, openStore(t, path).Close())
	return path
}

func schemaOf(t *testing.T, path string) (all []string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	rows, err := db.Query("select coalesce(sql, name) from sqlite_schema order by name")
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var text string
		require.NoError(t, rows.Scan(&text))
		all = append(all, text)
	}
	require.NoError(t, rows.Err())
	var format string
	for _, pragma := range []string{"user_version", "application_id", "auto_vacuum", "journal_mode"} {
		require.NoError(t, db.QueryRow("pragma "+pragma).Scan(&format))
		all = append(all, pragma+"="+format)
	}
	return all
}
