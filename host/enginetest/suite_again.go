package enginetest

import (
	"context"
	"errors"
	"testing"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// calls is what a host describes of the connector "call-workflow". Engines carry it
// out by themselves.
type calls struct{ host.Connector }

// Calls returns a connector with the operations that call workflows.
func Calls() host.Connector { return calls{} }

func (calls) Catalog() *connectorv1.Catalog {
	input := []byte(`{"type":"object","required":["workflow"],"properties":{"workflow":{"type":"string"},"input":{"type":"object"}}}`)
	const write, keyed = connectorv1.Effect_EFFECT_WRITE, connectorv1.Idempotency_IDEMPOTENCY_KEYED
	return &connectorv1.Catalog{Name: host.CallConnector, Version: "1.0.0", Operations: []*connectorv1.Operation{
		{Name: host.Call, Effect: write, Idempotency: keyed, InputSchema: input},
		{Name: host.CallAndWait, Effect: write, Idempotency: keyed, InputSchema: input},
	}}
}

// doomed fails after it has written, in a loop and beside one.
const doomed = `
- {id: list, connector: world, operation: list, paging: {mode: all, max_items: 3}}
- id: loop
  connector: loop
  operation: loop_list
  input: {list: $.steps.list.data}
  steps:
    - {id: post, connector: world, operation: post, input: {id: $.steps.loop.value.id}}
    - {id: get, connector: world, operation: get, input: {id: "{$.steps.loop.index}"}}
- {id: last, connector: world, operation: post, input: {text: last}}
`

// testKilledInAgain does a failed run again from the failed step, and lets the
// process die after each single write.
func testKilledInAgain(t *testing.T, r *rig) {
	died := true
	for writes := 0; died; writes++ {
		require.Less(t, writes, 200)
		r := newRig(t, r.subject)
		r.clock.Hurry()
		mended := false
		r.world.Before = func(_ context.Context, c Call) *connectorv1.Failure {
			if c.Input == `{"id":"1"}` && !mended {
				return Failed(connectorv1.FailureKind_FAILURE_KIND_NOT_FOUND, "It is gone.")
			}
			return nil
		}
		store := r.open()
		e := r.start(store)
		r.begin(e, doomed)
		require.Equal(t, host.RunFailed, r.wait(e).State)
		r.close(e)

		mended = true
		mortal := &mortal{Store: store, left: writes}
		e = r.start(mortal)
		_, err := e.Again(r.ctx, host.AgainRequest{Run: "r", From: host.AgainFailed, ID: "again"})
		if err == nil {
			_, _ = e.Wait(r.ctx, "again") // or dies
		}
		r.close(e)
		died = mortal.dead()

		store = r.open()
		e = r.start(store)
		_, err = e.Resume(r.ctx)
		require.NoError(t, err)
		var missing *host.NotFoundError
		if _, err := store.Run(r.ctx, "again"); errors.As(err, &missing) {
			require.Zero(t, writes, "it died before the run was stored")
			continue
		}
		run, err := e.Wait(r.ctx, "again")
		require.NoError(t, err)
		require.Equal(t, host.RunSucceeded, run.State, "after %d writes: %v", writes, run.Failure)
		assert.Len(t, r.world.Happened("post"), 4, "after %d writes", writes)
		assert.Len(t, r.world.Calls("list"), 1, "after %d writes", writes)
		r.close(e)
	}
}

// testKilledInCall calls a workflow that writes, and lets the process die after
// each single write.
func testKilledInCall(t *testing.T, r *rig) {
	died := true
	for writes := 3; died; writes++ {
		require.Less(t, writes, 200)
		r := newRig(t, r.subject)
		r.clock.Hurry()
		store := r.open()
		mortal := &mortal{Store: store, left: writes}
		e := r.start(mortal)
		child, err := workflow.Parse("child.yaml", []byte(`
name: child
trigger: {connector: callable}
steps:
- {id: post, connector: world, operation: post, input: {id: $.steps.trigger.id}}
- {id: end, connector: terminate, operation: finish, input: {output: {posted: $.steps.post.id}}}
`))
		require.NoError(t, err)
		_, err = e.Define(r.ctx, child, true, "")
		require.NoError(t, err)
		r.begin(e, `
- {id: call, connector: call-workflow, operation: call_and_wait, input: {workflow: child, input: {id: "1"}}}
- {id: last, connector: world, operation: post, input: {text: $.steps.call.output.posted}}
`)
		_, _ = e.Wait(r.ctx, "r") // or dies
		r.close(e)
		died = mortal.dead()

		store = r.open()
		e = r.start(store)
		_, err = e.Resume(r.ctx)
		require.NoError(t, err)
		run := r.wait(e)
		require.Equal(t, host.RunSucceeded, run.State, "after %d writes: %v", writes, run.Failure)
		assert.Len(t, r.world.Happened("post"), 2, "after %d writes", writes)
		runs, err := store.Runs(r.ctx, host.RunFilter{Workflow: "child"})
		require.NoError(t, err)
		assert.Len(t, runs, 1, "after %d writes", writes)
		r.close(e)
	}
}
