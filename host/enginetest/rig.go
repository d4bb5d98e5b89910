package enginetest

import (
	"context"
	"testing"
	"time"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/workflow"
	"github.com/stretchr/testify/require"
)

// rig is a host for one test: a store, a world and a clock, and engines on them.
type rig struct {
	t       *testing.T
	subject Subject
	open    func() host.Store
	world   *World
	clock   *Clock
	ctx     context.Context
}

func newRig(t *testing.T, s Subject) *rig {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return &rig{t: t, subject: s, open: s.Store(t), world: &World{}, clock: NewClock(), ctx: ctx}
}

// start begins a host's life.
func (r *rig) start(store host.Store) Engine {
	e := r.subject.Engine(host.Setup{
		Store: store, Clock: r.clock, Random: func() float64 { return 0.5 },
		Connectors: host.ConnectorList{r.world, Calls()},
		Env:        func(string) (string, bool) { return "", false },
	})
	r.t.Cleanup(func() { r.close(e) })
	return e
}

// close ends a host's life.
func (r *rig) close(e Engine) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	require.NoError(r.t, e.Close(ctx))
}

// document reads a workflow's steps.
func (r *rig) document(steps string) *workflow.Document {
	return r.triggered("{connector: manual}", steps)
}

func (r *rig) triggered(trigger, steps string) *workflow.Document {
	r.t.Helper()
	doc, err := workflow.Parse("w.yaml", []byte("name: w\ntrigger: "+trigger+"\nsteps:\n"+steps))
	require.NoError(r.t, err)
	return doc
}

// begin defines a workflow and starts a run "r" of it.
func (r *rig) begin(e Engine, steps string) {
	r.t.Helper()
	_, err := e.Define(r.ctx, r.document(steps), true, "")
	require.NoError(r.t, err)
	_, fresh, err := e.Start(r.ctx, host.StartRequest{Workflow: "w", ID: "r"})
	require.NoError(r.t, err)
	require.True(r.t, fresh)
}

func (r *rig) wait(e Engine) host.Run {
	r.t.Helper()
	run, err := e.Wait(r.ctx, "r")
	require.NoError(r.t, err)
	return run
}

// entries returns the whole journal.
func (r *rig) entries(s host.Store) []host.Entry {
	r.t.Helper()
	var all []host.Entry
	for from := int64(0); ; {
		page, next, err := s.Entries(r.ctx, "r", from, 5)
		require.NoError(r.t, err)
		all = append(all, page...)
		if from = next; next == 0 {
			return all
		}
	}
}

func (r *rig) entry(s host.Store, path string) host.Entry {
	r.t.Helper()
	e, found, err := s.Entry(r.ctx, "r", path)
	require.NoError(r.t, err)
	require.True(r.t, found, path)
	return e
}

func (r *rig) blockUntil(n int) []time.Time {
	r.t.Helper()
	until, err := r.clock.BlockUntil(r.ctx, n)
	require.NoError(r.t, err)
	return until
}
