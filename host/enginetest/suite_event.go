package enginetest

import (
	"testing"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func testSameID(t *testing.T, r *rig) {
	e := r.start(r.open())
	r.begin(e, looped(1, "stop"))
	_, fresh, err := e.Start(r.ctx, host.StartRequest{Workflow: "w", ID: "r"})
	require.NoError(t, err)
	assert.False(t, fresh)
	r.wait(e)
	assert.Len(t, r.world.Calls("get"), 7)

	_, _, err = e.Start(r.ctx, host.StartRequest{Workflow: "none"})
	var missing *host.NotFoundError
	require.ErrorAs(t, err, &missing)
}

func mention(id, subject string) []*connectorv1.Event {
	return []*connectorv1.Event{{Id: id, Trigger: "mentioned", Subject: subject, Payload: []byte(`{"media_id":"17841405726653027"}`)}}
}

const onMention = "- {id: post, connector: world, operation: post, input: {id: $.steps.trigger.media_id}}\n"

func testEvents(t *testing.T, r *rig) {
	store := r.open()
	e := r.start(store)
	_, err := e.Define(r.ctx, r.triggered("{connector: world, trigger: mentioned}", onMention), true, "shop")
	require.NoError(t, err)
	for i, want := range []int{1, 0, 0} {
		n, err := e.Accept(r.ctx, "world", mention("m1", "shop"))
		require.NoError(t, err)
		assert.Equal(t, want, n, "delivery %d", i)
		require.NoError(t, e.Dispatch(r.ctx))
	}
	_, err = e.Accept(r.ctx, "world", mention("m2", "another shop"))
	require.NoError(t, err)
	_, err = e.Accept(r.ctx, "world", []*connectorv1.Event{{Id: "m1", Trigger: "followed", Subject: "shop"}})
	require.NoError(t, err)
	require.NoError(t, e.Dispatch(r.ctx))

	runs, err := store.Runs(r.ctx, host.RunFilter{})
	require.NoError(t, err)
	require.Len(t, runs, 1)
	run, err := e.Wait(r.ctx, runs[0].ID)
	require.NoError(t, err)
	assert.Equal(t, host.RunSucceeded, run.State)
	assert.Equal(t, "world/mentioned/m1", run.Event)
	require.Len(t, r.world.Happened("post"), 1)
	assert.JSONEq(t, `{"id":"17841405726653027"}`, r.world.Happened("post")[0].Input)
}
