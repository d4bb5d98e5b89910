package enginetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func stamp(t time.Time) *timestamppb.Timestamp { return timestamppb.New(t) }

// everything is a workflow with one of each: reads in pages, a loop within a loop,
// writes of all kinds, a wait, a branch, a failure that is dealt with.
const everything = `
- {id: list, connector: world, operation: list, paging: {mode: all, max_items: 4}}
- id: loop
  connector: loop
  operation: loop_list
  input: {list: $.steps.list.data, concurrency: %CONCURRENCY%, collect: $.steps.post.id}
  steps:
    - {id: get, connector: world, operation: get, input: {id: $.steps.loop.value.id}}
    - id: boolean-condition-1
      connector: boolean-condition
      operation: boolean_condition
      input: {conditions: [{value1: $.steps.loop.index, comparison: "!==", value2: 2}]}
      branches:
        true: [{id: delete, connector: world, operation: delete, input: {id: $.steps.get.id}}]
    - {id: post, connector: world, operation: post, input: {id: $.steps.get.id, text: "for {$.steps.loop.value.id}"}}
    - id: inner
      connector: loop
      operation: loop_forever
      steps:
        - {id: again, connector: world, operation: get, input: {id: "{$.steps.inner.index}"}}
        - {id: break, connector: loop, operation: break_loop, input: {loop: inner}}
- {id: delay, connector: delay, operation: delay, input: {duration: 10m}}
- id: missing
  connector: world
  operation: get
  input: {id: missing}
  on_error: {strategy: branch, error: [{id: instead, connector: world, operation: post, input: {text: $.errors.missing.kind}}]}
- {id: publish, connector: world, operation: publish, input: {id: "1"}}
- {id: end, connector: terminate, operation: finish, input: {output: {posts: $.steps.loop.results, published: $.steps.publish.id}}}
`

const everythingOutput = `{"posts":["new r/loop[0]/post","new r/loop[1]/post","new r/loop[2]/post","new r/loop[3]/post"],"published":"new r/publish"}`

// testKilledAnywhere lets the process die after each single write to the store, in
// turn, and a second one go on. The end must be the same, no write may happen
// twice, and no finished read be repeated.
func testKilledAnywhere(t *testing.T, r *rig) {
	for _, concurrency := range []string{"1", "3"} {
		t.Run("concurrency "+concurrency, func(t *testing.T) {
			died := true
			for writes := 2; died; writes++ {
				died = killedAfter(t, newRig(t, r.subject), replaced(everything, "%CONCURRENCY%", concurrency), writes)
				require.Less(t, writes, 500)
			}
		})
	}
}

// killedAfter reports whether the process died at all.
func killedAfter(t *testing.T, r *rig, steps string, writes int) bool {
	t.Helper()
	r.clock.Hurry()
	r.world.Before = func(_ context.Context, c Call) *connectorv1.Failure {
		if c.Input == `{"id":"missing"}` {
			return Failed(connectorv1.FailureKind_FAILURE_KIND_NOT_FOUND, "It is gone.")
		}
		return nil
	}
	store := r.open()
	first := &mortal{Store: store, left: writes}
	e := r.start(first)
	r.begin(e, steps)
	run, err := e.Wait(r.ctx, "r")
	if !first.dead() {
		require.NoError(t, err)
		require.Equal(t, host.RunSucceeded, run.State, "%v", run.Failure)
		assert.JSONEq(t, everythingOutput, string(run.Output))
		return false
	}
	r.close(e)

	finished := map[string]bool{}
	for _, entry := range r.entries(store) {
		if entry.State.Final() {
			finished["r/"+entry.Path] = true
		}
	}
	before := len(r.world.Calls(""))

	e = r.start(r.open())
	_, err = e.Resume(r.ctx)
	require.NoError(t, err)
	run = r.wait(e)
	if run.State == host.RunParked && run.Question.Path == "publish" && len(r.world.Happened("publish")) == 0 {
		// Cut off before there was a token: a person looks, and says that it has not happened.
		require.NoError(t, e.Resolve(r.ctx, "r", "", host.Repeat))
		run = r.wait(e)
	}
	require.Equal(t, host.RunSucceeded, run.State, "killed after %d writes: %v %v", writes, run.Failure, run.Question)
	assert.JSONEq(t, everythingOutput, string(run.Output), "killed after %d writes", writes)
	for _, operation := range []string{"post", "publish", "container"} {
		seen := map[string]bool{}
		for _, c := range r.world.Happened(operation) {
			if operation == "container" && !finished[c.Key] {
				continue // the process died before it could note the token
			}
			assert.False(t, seen[c.Key], "killed after %d writes: %s happened twice", writes, c.Key)
			seen[c.Key] = true
		}
	}
	assert.Len(t, r.world.Happened("post"), 5, "killed after %d writes", writes)
	for _, c := range r.world.Calls("")[before:] {
		assert.False(t, finished[c.Key], "killed after %d writes: %s was finished and is repeated", writes, c.Key)
	}
	return true
}

// testKilledInEvent lets the process die between storing an event and starting its
// run, and after.
func testKilledInEvent(t *testing.T, r *rig) {
	for writes := 2; writes < 6; writes++ {
		r := newRig(t, r.subject)
		first := &mortal{Store: r.open(), left: writes}
		e := r.start(first)
		_, err := e.Define(r.ctx, r.triggered("{connector: world, trigger: mentioned}", onMention), true, "")
		require.NoError(t, err)
		_, err = e.Accept(r.ctx, "world", mention("m1", "shop"))
		require.NoError(t, err, "the event is stored")
		dispatched := e.Dispatch(r.ctx)
		r.close(e)

		store := r.open()
		e = r.start(store)
		_, err = e.Resume(r.ctx)
		require.NoError(t, err, "after %v", dispatched)
		n, err := e.Accept(r.ctx, "world", mention("m1", "shop"))
		require.NoError(t, err)
		assert.Zero(t, n, "the redelivery is known")
		require.NoError(t, e.Dispatch(r.ctx))
		runs, err := store.Runs(r.ctx, host.RunFilter{})
		require.NoError(t, err)
		require.Len(t, runs, 1, "after %d writes", writes)
		run, err := e.Wait(r.ctx, runs[0].ID)
		require.NoError(t, err)
		assert.Equal(t, host.RunSucceeded, run.State)
		assert.Len(t, r.world.Happened("post"), 1, "after %d writes", writes)
	}
}

// testLostWrite asks a person about a write of which nobody can tell whether it
// has happened.
func testLostWrite(t *testing.T, r *rig) {
	const steps = "- {id: send, connector: world, operation: send, input: {id: '1'}}\n- {id: get, connector: world, operation: get, input: {id: '1'}}\n"
	for answer, sent := range map[host.Choice]int{host.Repeat: 2, host.Skip: 1} {
		r := newRig(t, r.subject)
		r.world.After = func(_ context.Context, c Call) *connectorv1.Failure {
			if c.Operation == "send" && c.Nth == 1 {
				return Lost()
			}
			return nil
		}
		store := r.open()
		e := r.start(store)
		r.begin(e, steps)
		run := r.wait(e)
		require.Equal(t, host.RunParked, run.State)
		require.NotNil(t, run.Question)
		assert.Equal(t, host.AskHappened, run.Question.Kind)
		assert.Equal(t, "send", run.Question.Path)
		assert.Contains(t, run.Question.Text, "world send may have happened")
		assert.Empty(t, r.world.Calls("get"))

		r.close(e) // a parked run stays parked
		e = r.start(r.open())
		n, err := e.Resume(r.ctx)
		require.NoError(t, err)
		assert.Zero(t, n)
		require.Error(t, e.Resolve(r.ctx, "r", "", "perhaps"))
		require.NoError(t, e.Resolve(r.ctx, "r", "", answer))
		assert.Equal(t, host.RunSucceeded, r.wait(e).State)
		assert.Len(t, r.world.Happened("send"), sent)
		assert.Len(t, r.world.Calls("get"), 1)
		require.Error(t, e.Resolve(r.ctx, "r", "", answer), "it asks nothing any more")
	}
}

// testReconcile looks whether a write has happened, whichever it was.
func testReconcile(t *testing.T, r *rig) {
	const steps = "- {id: post, connector: world, operation: post, input: {id: '1'}}\n"
	for name, lose := range map[string]func(*World){
		"before": func(w *World) { w.Before = firstPost },
		"after":  func(w *World) { w.After = firstPost },
	} {
		r := newRig(t, r.subject)
		r.clock.Hurry()
		lose(r.world)
		store := r.open()
		e := r.start(store)
		r.begin(e, steps)
		require.Equal(t, host.RunSucceeded, r.wait(e).State, name)
		assert.Len(t, r.world.Happened("post"), 1, name)
		assert.Len(t, r.world.Calls("reconcile"), 1, name)
		assert.JSONEq(t, `{"id":"new r/post"}`, string(r.entry(store, "post").Output), name)
	}
}

func firstPost(_ context.Context, c Call) *connectorv1.Failure {
	if c.Operation == "post" && c.Nth == 1 {
		return Lost()
	}
	return nil
}

// testResumeToken goes on from where a long operation was cut off.
func testResumeToken(t *testing.T, r *rig) {
	r.clock.Hurry()
	r.world.Before = func(_ context.Context, c Call) *connectorv1.Failure {
		if c.Nth == 1 {
			return Lost()
		}
		return nil
	}
	e := r.start(r.open())
	r.begin(e, "- {id: publish, connector: world, operation: publish, input: {id: '1'}}\n")
	require.Equal(t, host.RunSucceeded, r.wait(e).State)
	assert.Len(t, r.world.Happened("container"), 1)
	assert.Len(t, r.world.Happened("publish"), 1)
	assert.Equal(t, "container", r.world.Calls("publish")[1].Resume)
}

// testCloseAndGoOn lets a call finish that is under way when the host closes, and
// begins nothing more.
func testCloseAndGoOn(t *testing.T, r *rig) {
	entered, leave := make(chan struct{}), make(chan struct{})
	r.world.Before = func(_ context.Context, c Call) *connectorv1.Failure {
		if c.Key == "r/post" {
			close(entered)
			<-leave
		}
		return nil
	}
	e := r.start(r.open())
	r.begin(e, "- {id: post, connector: world, operation: post, input: {id: '1'}}\n- {id: get, connector: world, operation: get, input: {id: '1'}}\n")
	<-entered
	closed := make(chan error)
	go func() { closed <- e.Close(r.ctx) }()
	last := ""
	for i := 0; ; i++ { // until the engine takes no more
		last = fmt.Sprint("other ", i)
		if _, _, err := e.Start(r.ctx, host.StartRequest{Workflow: "w", ID: last}); err != nil {
			require.ErrorIs(t, err, host.ErrClosed)
			break
		}
	}
	close(leave)
	require.NoError(t, <-closed)
	for _, c := range r.world.Calls("get") {
		assert.NotEqual(t, "r/get", c.Key, "no step begins once the engine closes")
	}

	e = r.start(r.open())
	r.world.Before = nil
	n, err := e.Resume(r.ctx)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, n, 2, "also the run that was stored and could not begin")
	for _, id := range []string{"r", last} {
		run, err := e.Wait(r.ctx, id)
		require.NoError(t, err)
		assert.Equal(t, host.RunSucceeded, run.State)
	}
	written := map[string]int{}
	for _, c := range r.world.Happened("post") {
		written[c.Key]++
	}
	assert.Equal(t, 1, written["r/post"])
}

func replaced(s, old, new string) string { return strings.ReplaceAll(s, old, new) }
