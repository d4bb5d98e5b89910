package host_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/core"
	"github.com/storyloop/storyloop/host/enginetest"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func callLab(t *testing.T, change func(*host.Setup)) *lab {
	world := &enginetest.World{}
	l := newLab(t, func(s *host.Setup) {
		s.Connectors = append(host.ConnectorList{world, enginetest.Calls()}, core.Connectors()...)
		if change != nil {
			change(s)
		}
	})
	l.world = world
	return l
}

const called = `
- {id: d, connector: delay, operation: delay, input: {duration: 1h}}
- {id: get, connector: world, operation: get, input: {id: $.steps.trigger.id}}
- {id: end, connector: terminate, operation: finish, input: {output: $.steps.get}}
`

const caller = `
- {id: call, connector: call-workflow, operation: call_and_wait, input: {workflow: child, input: {id: "17841405726653027"}}}
- {id: end, connector: terminate, operation: finish, input: {output: $.steps.call.output}}
`

func TestCall_WaitsForTheOutputOverARestart(t *testing.T) {
	t.Parallel()
	clock, store := enginetest.NewClock(), host.NewMemory()
	change := func(s *host.Setup) { s.Clock, s.Store, s.MaxRuns = clock, store, 1 }
	l := callLab(t, change)
	l.define(t, "child", "{connector: callable}", called)
	l.define(t, "parent", "{connector: manual}", caller)
	l.start(t, "parent", "r")
	_, err := clock.BlockUntil(t.Context(), 1) // the child, although only one run may go on at once
	require.NoError(t, err)
	run, err := store.Run(t.Context(), "r")
	require.NoError(t, err)
	assert.Equal(t, host.RunWaiting, run.State)
	assert.Regexp(t, `^waits for run call-[0-9a-f]+ of child$`, run.Waits(clock.Now()))
	require.NoError(t, l.Close(t.Context()))

	clock.Advance(time.Hour)
	l = callLab(t, change)
	n, err := l.Resume(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	run, err = l.Wait(t.Context(), "r")
	require.NoError(t, err)
	require.Equal(t, host.RunSucceeded, run.State, "%v", run.Failure)
	assert.JSONEq(t, `{"id":"17841405726653027","likes":17841405726653027}`, string(run.Output))
	runs, err := store.Runs(t.Context(), host.RunFilter{Workflow: "child"})
	require.NoError(t, err)
	require.Len(t, runs, 1)
	assert.Equal(t, host.Origin{Kind: host.ByCall, Run: "r", Path: "call", Depth: 1}, runs[0].Origin)
}

func TestCall_GoesOnAtOnce(t *testing.T) {
	t.Parallel()
	clock := enginetest.NewClock()
	l := callLab(t, func(s *host.Setup) { s.Clock = clock })
	l.define(t, "child", "{connector: callable}", called)
	l.define(t, "parent", "{connector: manual}", "- {id: call, connector: call-workflow, operation: call, input: {workflow: child, input: {id: '1'}}}\n")
	l.start(t, "parent", "r")
	run, err := l.Wait(t.Context(), "r")
	require.NoError(t, err)
	require.Equal(t, host.RunSucceeded, run.State, "%v", run.Failure)
	entry, _, err := l.Store.Entry(t.Context(), "r", "call")
	require.NoError(t, err)
	var out struct{ Run string }
	require.NoError(t, json.Unmarshal(entry.Output, &out))
	child, err := l.Store.Run(t.Context(), out.Run)
	require.NoError(t, err)
	assert.False(t, child.State.Ended())
}

func TestCall_WhatCannotBeCalled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ trigger, steps, want string }{
		"not callable": {"{connector: manual}", oneGet, "cannot be called: its trigger is manual, not callable"},
		"fails":        {"{connector: callable}", "- {id: end, connector: terminate, operation: fail, input: {message: out of stock}}\n", "out of stock"},
		"calls itself": {"{connector: callable}", "- {id: call, connector: call-workflow, operation: call_and_wait, input: {workflow: child}}\n", "16 calls are within each other"},
		"calls none":   {"{connector: callable}", "- {id: call, connector: call-workflow, operation: call_and_wait, input: {workflow: none}}\n", `there is no workflow "none"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := callLab(t, nil)
			l.define(t, "child", c.trigger, c.steps)
			l.define(t, "parent", "{connector: manual}", caller)
			l.start(t, "parent", "r")
			run, err := l.Wait(t.Context(), "r")
			require.NoError(t, err)
			require.Equal(t, host.RunFailed, run.State)
			assert.ErrorContains(t, run.Failure, c.want)
		})
	}
}

func TestCall_CancelReachesWhatWasCalled(t *testing.T) {
	t.Parallel()
	clock := enginetest.NewClock()
	l := callLab(t, func(s *host.Setup) { s.Clock = clock })
	l.define(t, "child", "{connector: callable}", called)
	l.define(t, "parent", "{connector: manual}", caller)
	l.start(t, "parent", "r")
	_, err := clock.BlockUntil(t.Context(), 1)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.NoError(t, l.Cancel(ctx, "r"))
	runs, err := l.Store.Runs(t.Context(), host.RunFilter{})
	require.NoError(t, err)
	require.Len(t, runs, 2)
	for _, run := range runs {
		assert.Equal(t, host.RunCancelled, run.State)
	}
}

func TestAlert_TellsOfRunsThatStop(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	l.world.Before = func(_ context.Context, c enginetest.Call) *connectorv1.Failure {
		switch {
		case c.Operation == "send" && c.Nth == 1:
			return enginetest.Lost()
		case c.Operation == "get":
			return enginetest.Failed(connectorv1.FailureKind_FAILURE_KIND_NOT_FOUND, "It is gone.")
		}
		return nil
	}
	l.define(t, "watchman", "{connector: alert}", "- {id: post, connector: world, operation: post, input: {text: \"{$.steps.trigger.workflow} {$.steps.trigger.state}: {$.steps.trigger.message}\"}}\n- {id: get, connector: world, operation: get, input: {id: '1'}}\n")
	l.define(t, "picky", "{connector: alert, input: {workflows: [another]}}", "- {id: delete, connector: world, operation: delete, input: {id: '1'}}\n")
	l.define(t, "fails", "{connector: manual}", oneGet)
	l.define(t, "parks", "{connector: manual}", "- {id: send, connector: world, operation: send, input: {id: '1'}}\n")
	l.start(t, "fails", "r1")
	l.start(t, "parks", "r2")
	ended := func(n int) {
		t.Helper()
		for _, id := range l.runs(t, n) {
			_, err := l.Wait(t.Context(), id)
			require.NoError(t, err)
		}
	}
	ended(4) // the watchman's own failures alert nobody
	var texts []string
	for _, c := range l.world.Happened("post") {
		texts = append(texts, c.Input)
	}
	require.Len(t, texts, 2)
	assert.Contains(t, texts[0]+texts[1], "fails failed: fails: step get (world get): It is gone.")
	assert.Contains(t, texts[0]+texts[1], "parks parked: world send may have happened")
	assert.Empty(t, l.world.Calls("delete"))
	require.NoError(t, l.Resolve(t.Context(), "r2", "", host.Skip))
	ended(4)
}

func TestWebhook_StartsTheWorkflowOfItsPath(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	l.define(t, "orders", "{connector: webhook}", oneGet)
	l.define(t, "other", "{connector: webhook, input: {path: /shop/new/}}", oneGet)
	for path, want := range map[string]string{"orders": "orders", "shop/new": "other", "none": ""} {
		n, err := l.Accept(t.Context(), host.WebhookConnector, []*connectorv1.Event{{Id: path, Trigger: host.WebhookConnector, Subject: path, Payload: []byte(`{"n":1}`)}})
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.NoError(t, l.Dispatch(t.Context()))
		runs, err := l.store.Runs(t.Context(), host.RunFilter{Workflow: want})
		require.NoError(t, err)
		if want != "" {
			require.Len(t, runs, 1, path)
			_, err := l.Wait(t.Context(), runs[0].ID)
			require.NoError(t, err)
		}
	}
}
