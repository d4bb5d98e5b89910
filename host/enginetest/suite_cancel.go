package enginetest

import (
	"context"
	"testing"
	"time"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func testCancelInCall(t *testing.T, r *rig) {
	entered := make(chan struct{})
	r.world.Before = func(ctx context.Context, c Call) *connectorv1.Failure {
		close(entered)
		<-ctx.Done()
		return Lost()
	}
	e := r.start(r.open())
	r.begin(e, "- {id: send, connector: world, operation: send, input: {id: '1'}}\n")
	<-entered
	r.cancelWithinASecond(e)
}

func testCancelInDelay(t *testing.T, r *rig) {
	e := r.start(r.open())
	r.begin(e, "- {id: d, connector: delay, operation: delay, input: {duration: 300d}}\n")
	r.blockUntil(1)
	r.cancelWithinASecond(e)
}

func testCancelParked(t *testing.T, r *rig) {
	r.world.After = func(context.Context, Call) *connectorv1.Failure { return Lost() }
	e := r.start(r.open())
	r.begin(e, "- {id: send, connector: world, operation: send, input: {id: '1'}}\n")
	require.Equal(t, host.RunParked, r.wait(e).State)
	r.cancelWithinASecond(e)
}

func (r *rig) cancelWithinASecond(e Engine) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.ctx, time.Second)
	defer cancel()
	require.NoError(r.t, e.Cancel(ctx, "r"))
	run := r.wait(e)
	assert.Equal(r.t, host.RunCancelled, run.State)
	assert.Nil(r.t, run.Question)
	require.NoError(r.t, e.Cancel(ctx, "r"), "to cancel twice is no error")
}
