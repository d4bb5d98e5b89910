package host_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/core"
	"github.com/storyloop/storyloop/host/enginetest"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const work = `
- {id: list, connector: world, operation: list, paging: {mode: all}}
- id: loop
  connector: loop
  operation: loop_list
  input: {list: $.steps.list.data, concurrency: %d, on_error: %s, collect: $.steps.post.id}
  steps:
    - {id: get, connector: world, operation: get, input: {id: $.steps.loop.value.id}}
    - {id: post, connector: world, operation: post, input: {id: $.steps.get.id}}
- {id: after, connector: world, operation: post, input: {text: after}}
- {id: end, connector: terminate, operation: finish, input: {output: $.steps.loop}}
`

// broken is a lab whose world refuses posts of the items 2 and 5 until it is mended.
func broken(t *testing.T) (*lab, *atomic.Bool) {
	l := newLab(t, nil)
	mended := &atomic.Bool{}
	l.world.Before = func(_ context.Context, c enginetest.Call) *connectorv1.Failure {
		if c.Operation == "post" && !mended.Load() && (strings.Contains(c.Key, "[2]") || strings.Contains(c.Key, "[5]")) {
			return enginetest.Failed(connectorv1.FailureKind_FAILURE_KIND_REFUSED, "No.")
		}
		return nil
	}
	return l, mended
}

// again does run r again and returns how the new run ended.
func (l *lab) again(t *testing.T, req host.AgainRequest) host.Run {
	t.Helper()
	req.Run = "r"
	fresh, err := l.Again(t.Context(), req)
	require.NoError(t, err)
	assert.NotEqual(t, "r", fresh.ID)
	run, err := l.Wait(t.Context(), fresh.ID)
	require.NoError(t, err)
	assert.Equal(t, host.ByAgain, run.Origin.Kind)
	assert.Equal(t, "r", run.Origin.Run)
	return run
}

// posted counts the posts that have happened, by what they were for.
func (l *lab) posted() map[string]int {
	n := map[string]int{}
	for _, c := range l.world.Happened("post") {
		_, path, _ := strings.Cut(c.Key, "/")
		n[path]++
	}
	return n
}

func TestAgain_Whole(t *testing.T) {
	t.Parallel()
	l, mended := broken(t)
	require.Equal(t, host.RunFailed, l.run(t, fmt.Sprintf(work, 1, "stop")).State)
	mended.Store(true)
	run := l.again(t, host.AgainRequest{})
	require.Equal(t, host.RunSucceeded, run.State, "%v", run.Failure)
	assert.Equal(t, 2, l.posted()["loop[0]/post"])
	assert.Len(t, l.world.Calls("list"), 6)
}

func TestAgain_FromTheFailedStep(t *testing.T) {
	t.Parallel()
	for _, concurrency := range []int{1, 7} {
		t.Run(fmt.Sprint("concurrency ", concurrency), func(t *testing.T) {
			t.Parallel()
			l, mended := broken(t)
			require.Equal(t, host.RunFailed, l.run(t, fmt.Sprintf(work, concurrency, "stop")).State)
			mended.Store(true)
			run := l.again(t, host.AgainRequest{From: host.AgainFailed})
			require.Equal(t, host.RunSucceeded, run.State, "%v", run.Failure)
			posted := l.posted()
			assert.Len(t, posted, 8)
			for path, n := range posted {
				assert.Equal(t, 1, n, path)
			}
			assert.Len(t, l.world.Calls("list"), 3, "what was read is not read again")
			entry, found, err := l.store.Entry(t.Context(), run.ID, "loop[0]/post")
			require.NoError(t, err)
			require.True(t, found)
			assert.Equal(t, "r", entry.From)
		})
	}
}

func TestAgain_FailedIterations(t *testing.T) {
	t.Parallel()
	l, mended := broken(t)
	require.Equal(t, host.RunSucceeded, l.run(t, fmt.Sprintf(work, 1, "continue")).State)
	mended.Store(true)
	run := l.again(t, host.AgainRequest{From: host.AgainIterations, Loop: "loop"})
	require.Equal(t, host.RunSucceeded, run.State, "%v", run.Failure)
	assert.Contains(t, string(run.Output), `"succeeded":7,"failed":0`)
	for path, n := range l.posted() {
		assert.Equal(t, 1, n, path)
	}
	assert.Len(t, l.posted(), 8, "also the step after the loop is not done again")
	assert.Len(t, l.world.Calls("get"), 7, "what worked in a failed iteration is kept")
	entry, _, err := l.store.Entry(t.Context(), run.ID, "end")
	require.NoError(t, err)
	assert.JSONEq(t, string(run.Output), string(entry.Output), "the history has the output of this run")
}

// TestAgain_FailedIterationsOfAnotherVersion does no iteration again that went well,
// whatever has become of its step.
func TestAgain_FailedIterationsOfAnotherVersion(t *testing.T) {
	t.Parallel()
	const posts = `
- {id: list, connector: world, operation: list, paging: {mode: all}}
- id: loop
  connector: loop
  operation: loop_list
  input: {list: $.steps.list.data, on_error: %s%s}
  steps:
    - {id: %s, connector: world, operation: post, input: {id: $.steps.loop.value.id}}
`
	for _, collect := range []string{"", ", collect: $.steps.loop.index"} {
		for _, req := range []host.AgainRequest{{From: host.AgainIterations, Loop: "loop", Latest: true}, {From: host.AgainFailed, Latest: true}} {
			t.Run(string(req.From)+collect, func(t *testing.T) {
				t.Parallel()
				l, mended := broken(t)
				onError, want := "continue", []string{"loop[2]/other", "loop[5]/other"}
				if req.From == host.AgainFailed {
					onError, want = "stop", []string{"loop[2]/other", "loop[3]/other", "loop[4]/other", "loop[5]/other", "loop[6]/other"}
				}
				l.run(t, fmt.Sprintf(posts, onError, collect, "post"))
				mended.Store(true)
				l.define(t, "w", "{connector: manual}", fmt.Sprintf(posts, onError, collect, "other"))
				run := l.again(t, req)
				require.Equal(t, host.RunSucceeded, run.State, "%v", run.Failure)
				var others []string
				for path := range l.posted() {
					if strings.HasSuffix(path, "other") {
						others = append(others, path)
					}
				}
				assert.ElementsMatch(t, want, others)
			})
		}
	}
}

// TestAgain_FailedIterationsAndMore also goes on where the run failed after the loop:
// to take that failure over would fail each run of it anew.
func TestAgain_FailedIterationsAndMore(t *testing.T) {
	t.Parallel()
	l, mended := broken(t)
	refuse := l.world.Before
	l.world.Before = func(ctx context.Context, c enginetest.Call) *connectorv1.Failure {
		if strings.HasSuffix(c.Key, "/after") && !mended.Load() {
			return enginetest.Failed(connectorv1.FailureKind_FAILURE_KIND_REFUSED, "No.")
		}
		return refuse(ctx, c)
	}
	run := l.run(t, fmt.Sprintf(work, 1, "continue"))
	require.Equal(t, host.RunFailed, run.State)
	require.Equal(t, "after", run.Failure.Path)
	mended.Store(true)
	run = l.again(t, host.AgainRequest{From: host.AgainIterations, Loop: "loop"})
	require.Equal(t, host.RunSucceeded, run.State, "%v", run.Failure)
	for path, n := range l.posted() {
		assert.Equal(t, 1, n, path)
	}
	assert.Len(t, l.posted(), 8)
}

// TestAgain_LoopsWithin does again all that failed in a loop within one that goes on.
func TestAgain_LoopsWithin(t *testing.T) {
	t.Parallel()
	for _, outer := range []string{"continue", "stop"} {
		t.Run(outer, func(t *testing.T) {
			t.Parallel()
			const loops = `
- id: out
  connector: loop
  operation: loop_list
  input: {list: [1, 2], concurrency: 2, on_error: %s}
  steps:
    - id: in
      connector: loop
      operation: loop_list
      input: {list: [1, 2], concurrency: 2}
      steps:
        - {id: post, connector: world, operation: post, input: {text: "at {$.steps.in.index}"}}
`
			l := newLab(t, nil)
			var mended atomic.Bool
			var entered sync.WaitGroup
			entered.Add(4)
			l.world.Before = func(_ context.Context, c enginetest.Call) *connectorv1.Failure {
				if mended.Load() {
					return nil
				}
				entered.Done()
				entered.Wait() // so that all of them fail
				return enginetest.Failed(connectorv1.FailureKind_FAILURE_KIND_REFUSED, "No.")
			}
			l.run(t, fmt.Sprintf(loops, outer))
			mended.Store(true)
			req := host.AgainRequest{From: host.AgainIterations, Loop: "out"}
			if outer == "stop" {
				req = host.AgainRequest{From: host.AgainFailed}
			}
			run := l.again(t, req)
			require.Equal(t, host.RunSucceeded, run.State, "%v", run.Failure)
			assert.Len(t, l.posted(), 4, "all are done in the end, and none of them failed again")
		})
	}
}

// TestAgain_History says of a condition how it went this time.
func TestAgain_History(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	var mended atomic.Bool
	l.world.Before = func(context.Context, enginetest.Call) *connectorv1.Failure {
		if mended.Load() {
			return nil
		}
		return enginetest.Failed(connectorv1.FailureKind_FAILURE_KIND_REFUSED, "No.")
	}
	l.run(t, `
- id: if
  connector: boolean-condition
  operation: boolean_condition
  input: {conditions: [{value1: 1, comparison: "===", value2: 1}]}
  branches:
    true: [{id: post, connector: world, operation: post, input: {text: a}}]
`)
	mended.Store(true)
	run := l.again(t, host.AgainRequest{From: host.AgainFailed})
	require.Equal(t, host.RunSucceeded, run.State, "%v", run.Failure)
	entry, found, err := l.store.Entry(t.Context(), run.ID, "if")
	require.NoError(t, err)
	require.True(t, found)
	assert.Equal(t, host.EntryDone, entry.State)
	assert.Nil(t, entry.Failure)
	assert.Empty(t, entry.From)
}

// TestAgain_LostWrite goes on with a run that was cancelled in the middle of a
// write: that must not be doubled.
func TestAgain_LostWrite(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	entered := make(chan struct{})
	l.world.After = func(ctx context.Context, c enginetest.Call) *connectorv1.Failure {
		if c.Nth == 1 {
			close(entered)
			<-ctx.Done()
			return enginetest.Lost()
		}
		return nil
	}
	l.define(t, "w", "{connector: manual}", "- {id: post, connector: world, operation: post, input: {id: '1'}}\n")
	l.start(t, "w", "r")
	<-entered
	require.NoError(t, l.Cancel(t.Context(), "r"))
	run := l.again(t, host.AgainRequest{From: host.AgainFailed})
	require.Equal(t, host.RunSucceeded, run.State, "%v", run.Failure)
	assert.Len(t, l.world.Happened("post"), 1)
	assert.Equal(t, "r/post", l.world.Calls("reconcile")[0].Key, "by the key of the run that began it")
}

// TestAgain_StoresOnce goes on with a run that was cancelled after a step had
// stored something and before it had said so.
func TestAgain_StoresOnce(t *testing.T) {
	t.Parallel()
	world, store := &enginetest.World{}, host.NewMemory()
	l := newLab(t, func(s *host.Setup) {
		s.Store, s.Connectors = store, append(host.ConnectorList{storing{world, host.Storage{Values: store}}}, core.Connectors()...)
	})
	entered := make(chan struct{})
	world.Before = func(ctx context.Context, c enginetest.Call) *connectorv1.Failure {
		if c.Nth == 1 {
			close(entered)
			<-ctx.Done()
			return enginetest.Lost()
		}
		return nil
	}
	l.define(t, "w", "{connector: manual}", "- {id: delete, connector: world, operation: delete, input: {id: '1'}}\n")
	l.start(t, "w", "r")
	<-entered
	require.NoError(t, l.Cancel(t.Context(), "r"))
	run := l.again(t, host.AgainRequest{From: host.AgainFailed})
	require.Equal(t, host.RunSucceeded, run.State, "%v", run.Failure)
	require.Len(t, world.Calls("delete"), 2)
	value, _, err := store.Value(t.Context(), host.WorkflowScope("w"), "gets")
	require.NoError(t, err)
	assert.Equal(t, "1", string(value))
}

// TestAgain_WhatWasCalled goes on with a run that was cancelled while it waited for
// another.
func TestAgain_WhatWasCalled(t *testing.T) {
	t.Parallel()
	l := callLab(t, nil)
	entered := make(chan struct{})
	l.world.Before = func(ctx context.Context, c enginetest.Call) *connectorv1.Failure {
		if c.Operation == "get" && c.Nth == 1 {
			close(entered)
			<-ctx.Done()
			return enginetest.Lost()
		}
		return nil
	}
	l.define(t, "child", "{connector: callable}", "- {id: post, connector: world, operation: post, input: {id: '1'}}\n"+called)
	l.define(t, "parent", "{connector: manual}", caller)
	l.start(t, "parent", "r")
	<-entered
	require.NoError(t, l.Cancel(t.Context(), "r"))
	run := l.again(t, host.AgainRequest{From: host.AgainFailed})
	require.Equal(t, host.RunSucceeded, run.State, "%v", run.Failure)
	assert.Len(t, l.world.Happened("post"), 1, "what the called run had done is not done again")
	assert.JSONEq(t, `{"id":"17841405726653027","likes":17841405726653027}`, string(run.Output))
}

// TestAgain_TakesOverValues keeps what was stored for the run.
func TestAgain_TakesOverValues(t *testing.T) {
	t.Parallel()
	l, mended := broken(t)
	require.Equal(t, host.RunFailed, l.run(t, fmt.Sprintf(work, 1, "stop")).State)
	require.NoError(t, l.store.PutValue(t.Context(), host.RunScope("r"), "seen", []byte("3"), host.Written))
	mended.Store(true)
	run := l.again(t, host.AgainRequest{From: host.AgainFailed})
	value, found, err := l.store.Value(t.Context(), host.RunScope(run.ID), "seen")
	require.NoError(t, err)
	assert.True(t, found)
	assert.Equal(t, "3", string(value))
}

func TestAgain_WhatCannotBe(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	require.Equal(t, host.RunSucceeded, l.run(t, oneGet).State)
	var missing *host.NotFoundError
	_, err := l.Again(t.Context(), host.AgainRequest{Run: "none"})
	require.ErrorAs(t, err, &missing)
	for want, req := range map[string]host.AgainRequest{
		"/loop: say which loop":       {Run: "r", From: host.AgainIterations},
		"/loop: a loop is named only": {Run: "r", Loop: "loop"},
		`not "middle"`:                {Run: "r", From: "middle"},
	} {
		_, err := l.Again(t.Context(), req)
		var wrong *host.InputError
		require.ErrorAs(t, err, &wrong)
		require.ErrorContains(t, err, want)
	}
	for want, req := range map[string]host.AgainRequest{
		"has succeeded":              {Run: "r", From: host.AgainFailed},
		`no iterations of a loop "l`: {Run: "r", From: host.AgainIterations, Loop: "loop"},
	} {
		_, err := l.Again(t.Context(), req)
		var state *host.StateError
		require.ErrorAs(t, err, &state)
		require.ErrorContains(t, err, want)
	}
}

func TestAgain_ALoopWithoutFailures(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	const loop = "- {id: loop, connector: loop, operation: loop_list, input: {list: [1, 2]}, steps: [{id: a, connector: world, operation: get, input: {id: x}}]}\n"
	require.Equal(t, host.RunSucceeded, l.run(t, loop).State)
	_, err := l.Again(t.Context(), host.AgainRequest{Run: "r", From: host.AgainIterations, Loop: "loop"})
	var state *host.StateError
	require.ErrorAs(t, err, &state)
	require.ErrorContains(t, err, "no iteration of the loop loop of run r has failed")
}

// TestAgain_CancelledLoopThatWasAboutToFail goes on with a run that was cancelled
// between the failure of an iteration and that of its loop.
func TestAgain_CancelledLoopThatWasAboutToFail(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	entered, refused := make(chan struct{}), make(chan struct{})
	l.world.Before = func(ctx context.Context, c enginetest.Call) *connectorv1.Failure {
		if !strings.HasPrefix(c.Key, "r/") {
			return nil
		}
		if strings.Contains(c.Key, "[0]") {
			<-entered
			return enginetest.Failed(connectorv1.FailureKind_FAILURE_KIND_REFUSED, "No.")
		}
		close(entered)
		<-ctx.Done()
		return enginetest.Lost()
	}
	watch := l.Watch("r")
	defer watch.Close()
	go func() {
		for {
			p, ok := watch.Next(t.Context())
			if !ok {
				return
			}
			if p.Kind == host.Iterated {
				close(refused)
				return
			}
		}
	}()
	l.define(t, "w", "{connector: manual}", `
- id: loop
  connector: loop
  operation: loop_list
  input: {list: [1, 2], concurrency: 2}
  steps:
    - {id: get, connector: world, operation: get, input: {id: "{$.steps.loop.index}"}}
`)
	l.start(t, "w", "r")
	<-refused
	require.NoError(t, l.Cancel(t.Context(), "r"))
	old, err := l.Wait(t.Context(), "r")
	require.NoError(t, err)
	require.Equal(t, host.RunCancelled, old.State)
	run := l.again(t, host.AgainRequest{From: host.AgainFailed})
	assert.Equal(t, host.RunSucceeded, run.State, "%v", run.Failure)
}
