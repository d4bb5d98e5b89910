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

func testRetry(t *testing.T, r *rig) {
	r.world.Before = func(_ context.Context, c Call) *connectorv1.Failure {
		if c.Operation == "get" && c.Nth <= 2 {
			return Failed(connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, "Down.")
		}
		return nil
	}
	store := r.open()
	e := r.start(store)
	r.begin(e, "- {id: get, connector: world, operation: get, input: {id: '1'}}\n")
	for _, wait := range []time.Duration{750 * time.Millisecond, 1500 * time.Millisecond} {
		until := r.blockUntil(1)
		assert.Equal(t, r.clock.Now().Add(wait), until[0])
		run, err := store.Run(r.ctx, "r")
		require.NoError(t, err)
		assert.Equal(t, host.RunWaiting, run.State)
		assert.Contains(t, run.Reason, "Down.")
		r.clock.Advance(wait)
	}
	assert.Equal(t, host.RunSucceeded, r.wait(e).State)
	entry := r.entry(store, "get")
	require.Len(t, entry.Attempts, 3)
	assert.Equal(t, "unavailable", entry.Attempts[0].Kind)
	assert.Empty(t, entry.Attempts[2].Kind)
	ids := map[string]bool{}
	for _, c := range r.world.Calls("get") {
		ids[c.ID] = true
		assert.Equal(t, "r/get", c.Key, "the key is the same for all attempts")
	}
	assert.Len(t, ids, 3, "the id is another for each attempt")
}

func testRateLimit(t *testing.T, r *rig) {
	blocked := r.clock.Now().Add(time.Hour)
	r.world.Report = func(c Call) *connectorv1.Report {
		return &connectorv1.Report{Requests: 1, Quotas: []*connectorv1.Quota{quota("calls", "page", 1, blocked)}}
	}
	e := r.start(r.open())
	r.begin(e, "- {id: a, connector: world, operation: get, input: {id: '1'}}\n- {id: b, connector: world, operation: get, input: {id: '1'}}\n")
	until := r.blockUntil(1)
	assert.Equal(t, blocked, until[0])
	assert.Len(t, r.world.Calls("get"), 1)
	r.clock.Advance(time.Hour)
	assert.Equal(t, host.RunSucceeded, r.wait(e).State)
}

func testTimerOverRestart(t *testing.T, r *rig) {
	const steps = "- {id: d, connector: delay, operation: delay, input: {duration: 1h}}\n- {id: get, connector: world, operation: get, input: {id: '1'}}\n"
	began := r.clock.Now()
	e := r.start(r.open())
	r.begin(e, steps)
	r.blockUntil(1)
	r.close(e)

	r.clock.Advance(40 * time.Minute)
	e = r.start(r.open())
	n, err := e.Resume(r.ctx)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	until := r.blockUntil(1)
	assert.Equal(t, began.Add(time.Hour), until[0], "the wait does not begin anew")
	r.clock.Advance(20 * time.Minute)
	assert.Equal(t, host.RunSucceeded, r.wait(e).State)
	assert.Len(t, r.world.Calls("get"), 1)
}

func testTimePastAtStart(t *testing.T, r *rig) {
	until := r.clock.Now().Add(time.Hour)
	e := r.start(r.open())
	r.begin(e, "- {id: d, connector: delay, operation: delay_until, input: {time: '"+until.Format(time.RFC3339)+"'}}\n")
	r.blockUntil(1)
	r.close(e)

	r.clock.Advance(2 * time.Hour)
	store := r.open()
	e = r.start(store)
	_, err := e.Resume(r.ctx)
	require.NoError(t, err)
	assert.Equal(t, host.RunSucceeded, r.wait(e).State)
	assert.Equal(t, host.EntryDone, r.entry(store, "d").State, "nothing waits any more")
}

// quota is one reported quota.
func quota(name, subject string, used float64, until time.Time) *connectorv1.Quota {
	return &connectorv1.Quota{Name: name, Subject: subject, Used: used, BlockedUntil: stamp(until)}
}
