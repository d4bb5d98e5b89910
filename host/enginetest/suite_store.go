package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/storyloop/storyloop/host"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// testValues keeps values by scope, over a restart.
func testValues(t *testing.T, r *rig) {
	store := r.open()
	put := func(scope, key, value string) {
		require.NoError(t, store.PutValue(r.ctx, scope, key, json.RawMessage(value), host.Written))
	}
	put("a", "two", `{"id":17841405726653027}`)
	put("a", "one", "1")
	put("b", "one", "null")
	put("a", "gone", "3")
	put("a", "gone", "")

	value, found, err := store.Value(r.ctx, "a", "two")
	require.NoError(t, err)
	assert.True(t, found)
	assert.Equal(t, `{"id":17841405726653027}`, string(value))
	_, found, err = store.Value(r.ctx, "a", "gone")
	require.NoError(t, err)
	assert.False(t, found)
	all, err := r.open().Values(r.ctx, "a")
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, []string{"one", "two"}, []string{all[0].Key, all[1].Key})
}

// testStorage lets steps change values, each once however often it is repeated.
func testStorage(t *testing.T, r *rig) {
	store := r.open()
	_, _, err := store.CreateRun(r.ctx, host.Run{ID: "r", Workflow: "w", State: host.RunRunning, CreatedAt: r.clock.Now()})
	require.NoError(t, err)
	s := host.Storage{Values: store}
	step := func(path string) host.Caller { return host.Caller{Run: "r", Workflow: "w", Path: path} }
	answer := func(raw json.RawMessage, err error) string {
		t.Helper()
		require.NoError(t, err)
		return string(raw)
	}

	assert.Equal(t, `{"value":null,"exists":false}`, answer(s.Get(r.ctx, step("0"), "host", "x")))
	assert.Equal(t, `{"value":null,"exists":false}`, answer(s.Set(r.ctx, step("1"), "host", "x", json.RawMessage(`"a"`))))
	assert.Equal(t, `{"value":"a","exists":true}`, answer(s.Get(r.ctx, step("2"), "host", "x")))
	assert.Equal(t, `{"value":null,"exists":false}`, answer(s.Get(r.ctx, step("2"), "workflow", "x")), "scopes are apart")

	for range 2 { // the second time after a crash
		assert.Equal(t, `{"value":17841405726653027}`, answer(s.Increment(r.ctx, step("3"), "workflow", "n", "17841405726653027")))
		assert.Equal(t, `{"value":17841405726653028.5}`, answer(s.Increment(r.ctx, step("4"), "workflow", "n", "1.5")))
		assert.Equal(t, `{"length":1}`, answer(s.Append(r.ctx, step("5"), "run", "l", json.RawMessage(`{"a":1}`), 2)))
		assert.Equal(t, `{"length":2}`, answer(s.Append(r.ctx, step("6"), "run", "l", json.RawMessage("2"), 2)))
		assert.Equal(t, `{"length":2}`, answer(s.Append(r.ctx, step("7"), "run", "l", json.RawMessage("3"), 2)))
		assert.Equal(t, `{"value":2,"exists":true,"length":1}`, answer(s.Shift(r.ctx, step("8"), "run", "l")))
	}
	assert.Equal(t, `{"value":3,"exists":true,"length":0}`, answer(s.Shift(r.ctx, step("9"), "run", "l")))
	assert.Equal(t, `{"value":null,"exists":false,"length":0}`, answer(s.Shift(r.ctx, step("10"), "run", "l")))
	assert.Equal(t, `{"value":"a","exists":true}`, answer(s.Delete(r.ctx, step("11"), "host", "x")))
	assert.Equal(t, `{"value":null,"exists":false}`, answer(s.Delete(r.ctx, step("12"), "host", "x")))

	var wrong *host.InputError
	_, err = s.Increment(r.ctx, step("13"), "run", "l", "1")
	require.ErrorAs(t, err, &wrong, "a list is no number")
	_, err = s.Increment(r.ctx, step("14"), "run", "n", "1e999999999")
	require.ErrorAs(t, err, &wrong)
	_, err = s.Get(r.ctx, step("15"), "world", "x")
	require.ErrorAs(t, err, &wrong)
	assert.Equal(t, "/scope", wrong.Pointer)

	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			_, err := s.Increment(r.ctx, step(fmt.Sprint("many ", i)), "host", "counter", "1")
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assert.Equal(t, `{"value":20,"exists":true}`, answer(s.Get(r.ctx, step("end"), "host", "counter")), "nobody comes in between")

	refuse := errors.New("no")
	_, err = store.ChangeValue(r.ctx, host.Change{Scope: "host", Key: "counter", Run: "r", Path: "refused", Change: func(json.RawMessage) (json.RawMessage, json.RawMessage, error) {
		return json.RawMessage("0"), nil, refuse
	}})
	require.ErrorIs(t, err, refuse)
	assert.Equal(t, `{"value":20,"exists":true}`, answer(s.Get(r.ctx, step("end"), "host", "counter")))
}

// testVersions keeps each version of a workflow, and whether it is enabled.
func testVersions(t *testing.T, r *rig) {
	store := r.open()
	put := func(version string, enabled bool) {
		require.NoError(t, store.PutDefinition(r.ctx, host.Definition{
			Name: "w", Version: version, Document: json.RawMessage(`{"name":"w"}`), Enabled: enabled, AddedAt: r.clock.Now(),
		}))
		r.clock.Advance(time.Minute)
	}
	put("1", true)
	put("2", true)
	put("2", false)
	versions, err := store.Versions(r.ctx, "w")
	require.NoError(t, err)
	require.Len(t, versions, 2)
	assert.Equal(t, []string{"2", "1"}, []string{versions[0].Version, versions[1].Version})
	all, err := store.Definitions(r.ctx)
	require.NoError(t, err)
	require.Len(t, all, 1, "also what is not enabled")
	assert.False(t, all[0].Enabled)
	var missing *host.NotFoundError
	_, err = store.Versions(r.ctx, "none")
	require.ErrorAs(t, err, &missing)
}

// testFindingRuns narrows lists of runs, counts them, and forgets the old ones.
func testFindingRuns(t *testing.T, r *rig) {
	store := r.open()
	states := []host.RunState{host.RunSucceeded, host.RunFailed, host.RunRunning}
	began := r.clock.Now()
	want := host.Run{}
	for i := range 9 {
		run := host.Run{ID: fmt.Sprint("run-", i), Workflow: fmt.Sprint("w", i%2), State: states[i%3], CreatedAt: r.clock.Now(), Trigger: json.RawMessage("{}")}
		if run.State.Ended() {
			run.EndedAt = run.CreatedAt
		}
		if i == 0 {
			run.Origin = host.Origin{Kind: host.ByCall, Run: "x", Path: "p", Depth: 2, Due: began, Again: host.AgainIterations, Loop: "l", Ready: true, Alert: true}
			run.Forecast = &host.Forecast{Loop: "l", Iterations: 3, Calls: 4, Used: 0.5, DoneAt: began, Text: "soon"}
			want = run
		}
		_, fresh, err := store.CreateRun(r.ctx, run)
		require.NoError(t, err)
		require.True(t, fresh)
		require.NoError(t, store.PutEntry(r.ctx, host.Entry{Run: run.ID, Path: "a", State: host.EntryDone, From: "another"}, host.Written))
		require.NoError(t, store.PutValue(r.ctx, host.RunScope(run.ID), "k", json.RawMessage("1"), host.Written))
		r.clock.Advance(time.Hour)
	}
	got, err := store.Run(r.ctx, "run-0")
	require.NoError(t, err)
	assert.Equal(t, want.Origin, got.Origin)
	assert.Equal(t, want.Forecast, got.Forecast)
	entry, _, err := store.Entry(r.ctx, "run-0", "a")
	require.NoError(t, err)
	assert.Equal(t, "another", entry.From)

	found := func(f host.RunFilter) []string {
		t.Helper()
		runs, err := store.Runs(r.ctx, f)
		require.NoError(t, err)
		ids := []string{}
		for _, run := range runs {
			ids = append(ids, run.ID[4:])
		}
		return ids
	}
	assert.Equal(t, []string{"8", "6", "4", "2", "0"}, found(host.RunFilter{Workflow: "w0"}))
	assert.Equal(t, []string{"8", "5", "2"}, found(host.RunFilter{States: []host.RunState{host.RunRunning}}))
	assert.Equal(t, []string{"5", "4", "3"}, found(host.RunFilter{From: began.Add(3 * time.Hour), To: began.Add(6 * time.Hour)}))
	assert.Equal(t, []string{"2", "0"}, found(host.RunFilter{Workflow: "w0", To: began.Add(3 * time.Hour), Limit: 5}))
	assert.Equal(t, []string{"4", "3"}, found(host.RunFilter{Before: "run-5", States: states[:2], Limit: 2}))
	var missing *host.NotFoundError
	_, err = store.Runs(r.ctx, host.RunFilter{Before: "none"})
	require.ErrorAs(t, err, &missing)

	counts, err := store.CountRuns(r.ctx, "")
	require.NoError(t, err)
	assert.Equal(t, []int{3, 3, 3, 0}, []int{counts[host.RunSucceeded], counts[host.RunFailed], counts[host.RunRunning], counts[host.RunParked]})
	counts, err = store.CountRuns(r.ctx, "w0")
	require.NoError(t, err)
	assert.Equal(t, 2, counts[host.RunSucceeded])

	pruned, err := store.Prune(r.ctx, host.Retention{})
	require.NoError(t, err)
	assert.Zero(t, pruned)
	pruned, err = store.Prune(r.ctx, host.Retention{RunsBefore: began.Add(6 * time.Hour), KeepRuns: 3})
	require.NoError(t, err)
	assert.Equal(t, []int64{2, 2}, []int64{pruned.Runs, pruned.Entries})
	assert.Equal(t, []string{"8", "7", "6", "5", "4", "3", "2"}, found(host.RunFilter{}), "unfinished ones stay, and the latest three of each workflow")
	_, ok, err := store.Value(r.ctx, host.RunScope("run-0"), "k")
	require.NoError(t, err)
	assert.False(t, ok, "values go with their run")
}

// testPrunedEvents forgets events that are done.
func testPrunedEvents(t *testing.T, r *rig) {
	store := r.open()
	old := host.Event{Connector: "world", Trigger: "mentioned", ID: "1", ReceivedAt: r.clock.Now()}
	waiting := host.Event{Connector: "world", Trigger: "mentioned", ID: "2", ReceivedAt: r.clock.Now()}
	_, err := store.AddEvents(r.ctx, []host.Event{old, waiting})
	require.NoError(t, err)
	require.NoError(t, store.DoneEvent(r.ctx, old.Key()))
	pruned, err := store.Prune(context.WithoutCancel(r.ctx), host.Retention{EventsBefore: r.clock.Now().Add(time.Hour)})
	require.NoError(t, err)
	assert.EqualValues(t, 1, pruned.Events)
	fresh, err := store.AddEvents(r.ctx, []host.Event{old, waiting})
	require.NoError(t, err)
	require.Len(t, fresh, 1)
	assert.Equal(t, "1", fresh[0].ID)
}

// testPolledEvents keeps what a poll has found together with where it stopped.
func testPolledEvents(t *testing.T, r *rig) {
	store := r.open()
	event := func(id, source string) host.Event {
		return host.Event{Connector: "world", Trigger: "published", ID: id, Source: source, Payload: json.RawMessage(`{"id":17841405726653027}`), ReceivedAt: r.clock.Now()}
	}
	cursor := func(value string) host.ScopedValue {
		return host.ScopedValue{Scope: "polls", Key: "p", Value: json.RawMessage(value)}
	}
	fresh, err := store.AddPolled(r.ctx, []host.Event{event("1", "p"), event("2", "p")}, cursor(`{"cursor":"2"}`))
	require.NoError(t, err)
	assert.Len(t, fresh, 2)
	fresh, err = store.AddPolled(r.ctx, []host.Event{event("2", "p"), event("2", "q"), event("2", "")}, cursor(`{"cursor":"3"}`))
	require.NoError(t, err)
	assert.Equal(t, []host.Event{event("2", "q"), event("2", "")}, fresh, "each poll has events of its own")
	fresh, err = store.AddPolled(r.ctx, nil, cursor(`{"cursor":"4"}`))
	require.NoError(t, err)
	assert.Empty(t, fresh)

	store = r.open()
	value, found, err := store.Value(r.ctx, "polls", "p")
	require.NoError(t, err)
	assert.True(t, found)
	assert.Equal(t, `{"cursor":"4"}`, string(value))
	pending, err := store.PendingEvents(r.ctx, "", 10)
	require.NoError(t, err)
	var keys []string
	for _, e := range pending {
		keys = append(keys, e.Key())
		require.NoError(t, store.DoneEvent(r.ctx, e.Key()))
	}
	assert.Equal(t, []string{"world/published/1@p", "world/published/2@p", "world/published/2@q", "world/published/2"}, keys)
}
