package enginetest

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/core"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// testKilledInStorage lets the process die in each attempt at a change of a stored
// value, more often than a step has attempts. No person is asked, and the change is
// made once.
func testKilledInStorage(t *testing.T, r *rig) {
	const kills = 8
	const steps = "- {id: count, connector: storage, operation: increment, input: {key: n, scope: host}}\n"
	for name, after := range map[string]bool{"before the change": false, "after it": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, r.subject)
			r.clock.Hurry()
			for life := range kills {
				store := &fatal{mortal: &mortal{Store: r.open(), left: 1000}, after: after}
				e := r.startStorage(store)
				if life == 0 {
					r.begin(e, steps)
				} else {
					_, err := e.Resume(r.ctx)
					require.NoError(t, err)
				}
				run, _ := e.Wait(r.ctx, "r")
				require.True(t, store.dead(), "after %d deaths: %s", life, run.State)
				r.close(e)
			}

			store := r.open()
			e := r.startStorage(store)
			_, err := e.Resume(r.ctx)
			require.NoError(t, err)
			run := r.wait(e)
			require.Equal(t, host.RunSucceeded, run.State, "%v %v", run.Failure, run.Question)
			assert.JSONEq(t, `{"value":1}`, string(r.entry(store, "count").Output))
			value, _, err := store.Value(r.ctx, host.HostScope, "n")
			require.NoError(t, err)
			assert.Equal(t, "1", string(value))
		})
	}
}

// startStorage begins the life of a host with the built-in connectors.
func (r *rig) startStorage(store host.Store) Engine {
	list, err := core.New(core.Config{Values: store})
	require.NoError(r.t, err)
	e := r.subject.Engine(host.Setup{Store: store, Clock: r.clock, Random: func() float64 { return 0.5 }, Connectors: list})
	r.t.Cleanup(func() { r.close(e) })
	return e
}

// fatal is a store whose process dies when it changes a value.
type fatal struct {
	*mortal
	after bool // It dies once the change has been made.
}

func (f *fatal) ChangeValue(ctx context.Context, c host.Change) (json.RawMessage, error) {
	if f.after && !f.dead() {
		_, _ = f.mortal.ChangeValue(ctx, c)
	}
	f.kill()
	return nil, errDead
}
