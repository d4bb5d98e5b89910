package sqlite_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/sqlite"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 123456789, time.UTC)

// filled sets every field of a value, so that one that a store forgets is missed.
func filled[T any](t *testing.T) T {
	t.Helper()
	var v T
	n := 0
	fill(t, reflect.ValueOf(&v).Elem(), &n)
	return v
}

func fill(t *testing.T, v reflect.Value, n *int) {
	*n++
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = noon.Add(time.Duration(*n) * time.Minute)
		return
	case *json.RawMessage:
		*x = json.RawMessage(fmt.Sprintf("{ \"id\" : 1784140572665%04d, \"t\":\"\\u0041 <&>\" }", *n)) // odd spaces and escapes stay
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("<text %d> \"é\"", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Float64:
		v.SetFloat(float64(*n) / 4)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), n)
		fill(t, v.Index(1), n)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), n)
		}
	default:
		t.Fatalf("no value for a %s", v.Type())
	}
}

func TestStore_KeepsEveryField(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "storyloop.db")
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	require.NoError(t, err)
	definition, run, entry, event := filled[host.Definition](t), filled[host.Run](t), filled[host.Entry](t), filled[host.Event](t)
	run.State, entry.Run = host.RunSucceeded, run.ID
	bare := host.Run{ID: "bare"}
	require.NoError(t, s.PutDefinition(ctx, definition))
	for _, r := range []host.Run{run, bare} {
		_, fresh, err := s.CreateRun(ctx, r)
		require.NoError(t, err)
		require.True(t, fresh)
	}
	require.NoError(t, s.PutEntry(ctx, entry, host.Written))
	require.NoError(t, s.PutEntry(ctx, host.Entry{Run: "bare", Path: "p"}, host.Written))
	_, err = s.AddEvents(ctx, []host.Event{event})
	require.NoError(t, err)
	require.NoError(t, s.Close())

	s = openStore(t, path)
	gotDefinition, err := s.Definition(ctx, definition.Name, "")
	require.NoError(t, err)
	assert.Equal(t, definition, gotDefinition)
	gotRun, err := s.Run(ctx, run.ID)
	require.NoError(t, err)
	assert.Equal(t, run, gotRun)
	gotRun, err = s.Run(ctx, "bare")
	require.NoError(t, err)
	assert.Equal(t, bare, gotRun)
	gotEntry, found, err := s.Entry(ctx, run.ID, entry.Path)
	require.NoError(t, err)
	require.True(t, found)
	assert.Equal(t, entry, gotEntry)
	gotEntry, _, err = s.Entry(ctx, "bare", "p")
	require.NoError(t, err)
	assert.Equal(t, host.Entry{Run: "bare", Path: "p"}, gotEntry)
	events, err := s.PendingEvents(ctx, "", 10)
	require.NoError(t, err)
	assert.Equal(t, []host.Event{event}, events)
}

func TestStore_KeepsLocalTimesAsTheSameInstant(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t), context.Background()
	far := time.Date(9999, 12, 31, 23, 0, 0, 0, time.UTC)
	_, _, err := s.CreateRun(ctx, host.Run{ID: "r", CreatedAt: noon.In(time.FixedZone("x", 7200)), Until: far})
	require.NoError(t, err)
	r, err := s.Run(ctx, "r")
	require.NoError(t, err)
	assert.Equal(t, noon, r.CreatedAt)
	assert.Equal(t, far, r.Until)
	err = s.UpdateRun(ctx, host.Run{ID: "r", Until: far.AddDate(1, 0, 0)}, host.Synced)
	assert.ErrorContains(t, err, "storing run r: encoding")
}

func TestStore_WhatIsNotThere(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t), context.Background()
	require.NoError(t, s.PutDefinition(ctx, host.Definition{Name: "w", Version: "1", Document: json.RawMessage("{}")}))
	for name, call := range map[string]func() error{
		"workflow":      func() error { _, err := s.Definition(ctx, "none", ""); return err },
		"version":       func() error { _, err := s.Definition(ctx, "w", "2"); return err },
		"run":           func() error { _, err := s.Run(ctx, "none"); return err },
		"update":        func() error { return s.UpdateRun(ctx, host.Run{ID: "none"}, host.Written) },
		"page":          func() error { _, err := s.Runs(ctx, host.RunFilter{Before: "none"}); return err },
		"put entry":     func() error { return s.PutEntry(ctx, host.Entry{Run: "none", Path: "p"}, host.Synced) },
		"entry":         func() error { _, _, err := s.Entry(ctx, "none", "p"); return err },
		"entries":       func() error { _, _, err := s.Entries(ctx, "none", 0, 10); return err },
		"iterations":    func() error { _, err := s.Iterations(ctx, "none", "loop-1"); return err },
		"event to mark": func() error { return s.DoneEvent(ctx, "none") },
	} {
		var missing *host.NotFoundError
		assert.ErrorAs(t, call(), &missing, name)
	}
}

func TestDefinitions_VersionsStay(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t), context.Background()
	one := host.Definition{Name: "w", Version: "1", Document: json.RawMessage(`{"n":1}`)}
	two := host.Definition{Name: "w", Version: "2", Document: json.RawMessage(`{"n":2}`), Enabled: true}
	other := host.Definition{Name: "a", Version: "9", Document: json.RawMessage(`{}`)}
	for _, d := range []host.Definition{one, two, other} {
		require.NoError(t, s.PutDefinition(ctx, d))
	}
	current := func() []host.Definition {
		all, err := s.Definitions(ctx)
		require.NoError(t, err)
		return all
	}
	assert.Equal(t, []host.Definition{other, two}, current())
	old, err := s.Definition(ctx, "w", "1")
	require.NoError(t, err)
	assert.Equal(t, one, old)

	one.Enabled = true
	require.NoError(t, s.PutDefinition(ctx, one))
	assert.Equal(t, []host.Definition{other, one}, current(), "an earlier version is the current one again")
}

func TestCreateRun_TakenID(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t), context.Background()
	first := host.Run{ID: "r", Workflow: "w", State: host.RunQueued}
	_, _, err := s.CreateRun(ctx, first)
	require.NoError(t, err)
	got, fresh, err := s.CreateRun(ctx, host.Run{ID: "r", Workflow: "other"})
	require.NoError(t, err)
	assert.False(t, fresh)
	assert.Equal(t, first, got)
}

func TestRuns_FiltersAndPages(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t), context.Background()
	states := []host.RunState{host.RunSucceeded, host.RunFailed, host.RunParked}
	var all []host.Run
	for i := range 30 {
		r := host.Run{ID: fmt.Sprintf("r%02d", i), Workflow: fmt.Sprintf("w%d", i%2), State: states[i%3], CreatedAt: day(i / 3)}
		_, _, err := s.CreateRun(ctx, r)
		require.NoError(t, err)
		all = append([]host.Run{r}, all...)
	}
	want := func(keep func(host.Run) bool) (ids []string) {
		for _, r := range all {
			if keep(r) {
				ids = append(ids, r.ID)
			}
		}
		return ids
	}
	for name, test := range map[string]struct {
		filter host.RunFilter
		keep   func(host.Run) bool
	}{
		"all":      {host.RunFilter{}, func(host.Run) bool { return true }},
		"workflow": {host.RunFilter{Workflow: "w1"}, func(r host.Run) bool { return r.Workflow == "w1" }},
		"states":   {host.RunFilter{States: states[:2]}, func(r host.Run) bool { return r.State != host.RunParked }},
		"both": {host.RunFilter{Workflow: "w0", States: states[1:2]}, func(r host.Run) bool {
			return r.Workflow == "w0" && r.State == host.RunFailed
		}},
		"days": {host.RunFilter{From: day(2), To: day(7)}, func(r host.Run) bool { return !r.CreatedAt.Before(day(2)) && r.CreatedAt.Before(day(7)) }},
		"states of days": {host.RunFilter{States: states[1:], To: day(7)}, func(r host.Run) bool {
			return r.State != host.RunSucceeded && r.CreatedAt.Before(day(7))
		}},
		"none": {host.RunFilter{Workflow: "x", States: states}, func(host.Run) bool { return false }},
	} {
		var got []string
		for f := test.filter; ; {
			f.Limit = 4
			page, err := s.Runs(ctx, f)
			require.NoError(t, err, name)
			for _, r := range page {
				got = append(got, r.ID)
			}
			if len(page) < 4 {
				break
			}
			f.Before = page[3].ID
		}
		assert.Equal(t, want(test.keep), got, name)
	}
	counts, err := s.CountRuns(ctx, "")
	require.NoError(t, err)
	assert.Equal(t, map[host.RunState]int{states[0]: 10, states[1]: 10, states[2]: 10}, counts)
	counts, err = s.CountRuns(ctx, "w0")
	require.NoError(t, err)
	assert.Equal(t, map[host.RunState]int{states[0]: 5, states[1]: 5, states[2]: 5}, counts)
}

func TestEntries_KeepTheirPlace(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t), context.Background()
	for _, id := range []string{"a", "b"} {
		_, _, err := s.CreateRun(ctx, host.Run{ID: id})
		require.NoError(t, err)
	}
	var want []string
	for i := range 25 {
		path := fmt.Sprintf("loop-1[%d]/x-1", i)
		want = append(want, path)
		for _, run := range []string{"a", "b"} {
			require.NoError(t, s.PutEntry(ctx, host.Entry{Run: run, Path: path, Loop: "loop-1", Index: i, State: host.EntryIntent}, host.Written))
		}
	}
	require.NoError(t, s.PutEntry(ctx, host.Entry{Run: "a", Path: want[3], Loop: "loop-1", Index: 3, State: host.EntryDone}, host.Written))

	var got []string
	for from := int64(0); ; {
		page, next, err := s.Entries(ctx, "a", from, 5)
		require.NoError(t, err)
		require.Len(t, page, 5)
		for _, e := range page {
			got = append(got, e.Path)
			assert.Equal(t, "a", e.Run)
		}
		if from = next; next == 0 {
			break
		}
	}
	assert.Equal(t, want, got)
	e, _, err := s.Entry(ctx, "a", want[3])
	require.NoError(t, err)
	assert.Equal(t, host.EntryDone, e.State)
	n, err := s.Iterations(ctx, "a", "loop-1")
	require.NoError(t, err)
	assert.Equal(t, 25, n)
	n, err = s.Iterations(ctx, "a", "loop-2")
	require.NoError(t, err)
	assert.Zero(t, n)
}

func TestEntries_PageOfLargeOnesEndsEarly(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t), context.Background()
	_, _, err := s.CreateRun(ctx, host.Run{ID: "r"})
	require.NoError(t, err)
	for i := range 12 {
		text := json.RawMessage(fmt.Sprintf(`"%d%s"`, i, strings.Repeat("x", 1<<20)))
		require.NoError(t, s.PutEntry(ctx, host.Entry{Run: "r", Path: fmt.Sprint(i), Output: text}, host.Written))
	}
	first, next, err := s.Entries(ctx, "r", 0, 100)
	require.NoError(t, err)
	require.NotZero(t, next)
	assert.Less(t, len(first), 12)
	rest, next, err := s.Entries(ctx, "r", next, 100)
	require.NoError(t, err)
	assert.Zero(t, next)
	assert.Equal(t, 12, len(first)+len(rest))
}

func TestEvents_KnownOnesAreNotNew(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t), context.Background()
	event := func(id string) host.Event {
		return host.Event{Connector: "instagram", Trigger: "mentioned", ID: id, Payload: json.RawMessage(`{"id":17841405726653027}`), ReceivedAt: noon}
	}
	fresh, err := s.AddEvents(ctx, []host.Event{event("1"), event("2"), event("1")})
	require.NoError(t, err)
	assert.Equal(t, []host.Event{event("1"), event("2")}, fresh)
	require.NoError(t, s.DoneEvent(ctx, event("1").Key()))
	fresh, err = s.AddEvents(ctx, []host.Event{event("1"), event("3")})
	require.NoError(t, err)
	assert.Equal(t, []host.Event{event("3")}, fresh, "a done event stays known")
	pending, err := s.PendingEvents(ctx, "", 10)
	require.NoError(t, err)
	assert.Equal(t, []host.Event{event("2"), event("3")}, pending)
	pending, err = s.PendingEvents(ctx, "", 1)
	require.NoError(t, err)
	assert.Equal(t, []host.Event{event("2")}, pending)
	pending, err = s.PendingEvents(ctx, event("2").Key(), 10)
	require.NoError(t, err)
	assert.Equal(t, []host.Event{event("3")}, pending)
}

func TestValues_ChangeOncePerStep(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t), context.Background()
	append1 := host.Change{Scope: "workflow/w", Key: "k", Run: "r", Path: "storage-1", Change: func(old json.RawMessage) (json.RawMessage, json.RawMessage, error) {
		now := json.RawMessage(string(old) + "1")
		return now, now, nil
	}}
	for range 2 { // the second is a repetition
		answer, err := s.ChangeValue(ctx, append1)
		require.NoError(t, err)
		assert.Equal(t, json.RawMessage("1"), answer)
	}
	append1.Path = "storage-2"
	answer, err := s.ChangeValue(ctx, append1)
	require.NoError(t, err)
	assert.Equal(t, json.RawMessage("11"), answer)
	value, found, err := s.Value(ctx, "workflow/w", "k")
	require.NoError(t, err)
	assert.True(t, found)
	assert.Equal(t, json.RawMessage("11"), value)

	require.NoError(t, s.PutValue(ctx, "workflow/w", "a", json.RawMessage(`{"x":1}`), host.Written))
	all, err := s.Values(ctx, "workflow/w")
	require.NoError(t, err)
	assert.Equal(t, []host.NamedValue{{Key: "a", Value: json.RawMessage(`{"x":1}`)}, {Key: "k", Value: json.RawMessage("11")}}, all)
	require.NoError(t, s.PutValue(ctx, "workflow/w", "a", nil, host.Synced))
	_, found, err = s.Value(ctx, "workflow/w", "a")
	require.NoError(t, err)
	assert.False(t, found)

	append1.Path, append1.Change = "storage-3", func(json.RawMessage) (json.RawMessage, json.RawMessage, error) {
		return nil, nil, assert.AnError
	}
	_, err = s.ChangeValue(ctx, append1)
	require.ErrorIs(t, err, assert.AnError)
	value, _, err = s.Value(ctx, "workflow/w", "k")
	require.NoError(t, err)
	assert.Equal(t, json.RawMessage("11"), value)
}

func TestStore_Closed(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t), context.Background()
	require.NoError(t, s.Close())
	_, err := s.Definitions(ctx)
	require.ErrorIs(t, err, sqlite.ErrClosed)
	require.ErrorIs(t, s.DoneEvent(ctx, "x"), sqlite.ErrClosed)
	require.NoError(t, s.Close(), "a second time")
}

func TestStore_EndedContextWritesNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _, err := s.CreateRun(ctx, host.Run{ID: "r"})
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Runs(ctx, host.RunFilter{})
	require.ErrorIs(t, err, context.Canceled)
	runs, err := s.Runs(context.Background(), host.RunFilter{})
	require.NoError(t, err)
	assert.Empty(t, runs)
}
