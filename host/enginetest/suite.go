// Package enginetest is what an engine and a store must do, as tests that any of
// them can run.
package enginetest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Engine is what the suite asks of an engine.
type Engine interface {
	Define(ctx context.Context, doc *workflow.Document, enabled bool, subject string) (host.Definition, error)
	Start(context.Context, host.StartRequest) (host.Run, bool, error)
	Resume(context.Context) (int, error)
	Cancel(ctx context.Context, id string) error
	Resolve(ctx context.Context, id string, answer host.Choice) error
	Wait(ctx context.Context, id string) (host.Run, error)
	Accept(ctx context.Context, connector string, events []*connectorv1.Event) (int, error)
	Dispatch(context.Context) error
	Again(context.Context, host.AgainRequest) (host.Run, error)
	Close(context.Context) error
}

var _ Engine = (*host.Engine)(nil)

// Subject is what is tested: an engine, or a store with the embedded engine.
type Subject struct {
	// Store returns a function that opens one and the same store again and again,
	// each time as a host does that starts. Required.
	Store func(t *testing.T) (open func() host.Store)
	// Engine returns an engine. Nil means the embedded one.
	Engine func(host.Setup) Engine
}

// Run runs the whole suite.
func Run(t *testing.T, s Subject) {
	if s.Engine == nil {
		s.Engine = func(setup host.Setup) Engine { return host.NewEngine(setup) }
	}
	for name, test := range map[string]func(*testing.T, *rig){
		"Loop":             testLoop,
		"ParallelLoop":     testParallelLoop,
		"Retry":            testRetry,
		"RateLimit":        testRateLimit,
		"TimerOverRestart": testTimerOverRestart,
		"CancelInCall":     testCancelInCall,
		"CancelInDelay":    testCancelInDelay,
		"CancelParked":     testCancelParked,
		"SameID":           testSameID,
		"Events":           testEvents,
		"KilledAnywhere":   testKilledAnywhere,
		"KilledInEvent":    testKilledInEvent,
		"LostWrite":        testLostWrite,
		"Reconcile":        testReconcile,
		"ResumeToken":      testResumeToken,
		"CloseAndGoOn":     testCloseAndGoOn,
		"KilledInAgain":    testKilledInAgain,
		"KilledInCall":     testKilledInCall,
		"Values":           testValues,
		"Storage":          testStorage,
		"Versions":         testVersions,
		"FindingRuns":      testFindingRuns,
		"PrunedEvents":     testPrunedEvents,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newRig(t, s))
		})
	}
}

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
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
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

const everyItem = `
- {id: list, connector: world, operation: list, paging: {mode: all}}
- id: loop
  connector: loop
  operation: loop_list
  input: {list: $.steps.list.data, concurrency: %d, on_error: %s, collect: {id: $.steps.get.id, likes: $.steps.get.likes}}
  steps:
    - {id: get, connector: world, operation: get, input: {id: $.steps.loop.value.id}}
- {id: end, connector: terminate, operation: finish, input: {output: $.steps.loop}}
`

func looped(concurrency int, onError string) string {
	return fmt.Sprintf(everyItem, concurrency, onError)
}

type loopOutput struct {
	Count, Succeeded, Failed int
	Results                  []json.RawMessage
	Failures                 []struct {
		Index   int
		Kind    string
		Message string
	}
}

func output(t *testing.T, run host.Run) loopOutput {
	t.Helper()
	require.Equal(t, host.RunSucceeded, run.State, "%v %v", run.Failure, run.Question)
	var out loopOutput
	require.NoError(t, json.Unmarshal(run.Output, &out))
	return out
}

func testLoop(t *testing.T, r *rig) {
	store := r.open()
	e := r.start(store)
	r.begin(e, looped(1, "stop"))
	out := output(t, r.wait(e))
	assert.Equal(t, 7, out.Count)
	assert.Equal(t, 7, out.Succeeded)
	require.Len(t, out.Results, 7)
	assert.Equal(t, `{"id":"17841405726650003","likes":17841405726653027}`, string(out.Results[3]), "ids keep their digits")
	assert.Len(t, r.world.Calls("list"), 3)

	get := r.entry(store, "loop[3]/get")
	assert.Equal(t, host.EntryDone, get.State)
	assert.Equal(t, "loop", get.Loop)
	assert.Equal(t, 3, get.Index)
	assert.JSONEq(t, `{"id":"17841405726650003"}`, string(get.Input))
	require.Len(t, get.Attempts, 1)
	assert.Equal(t, "r/loop[3]/get", r.world.Calls("get")[3].Key)

	n, err := store.Iterations(r.ctx, "r", "loop")
	require.NoError(t, err)
	assert.Equal(t, 7, n)
	var paths []string
	for _, entry := range r.entries(store) {
		paths = append(paths, entry.Path)
	}
	assert.Subset(t, paths, []string{"list", "list#2", "list#3", "loop[0]/get", "loop[0]", "loop", "end"})
}

func testParallelLoop(t *testing.T, r *rig) {
	together := make(chan struct{})
	arrived := make(chan struct{}, 7)
	r.world.Before = func(ctx context.Context, c Call) *connectorv1.Failure {
		if c.Operation != "get" {
			return nil
		}
		arrived <- struct{}{}
		if len(arrived) == 3 {
			close(together) // nobody goes on before three have come
		}
		<-together
		if c.Input == `{"id":"17841405726650002"}` {
			return Failed(connectorv1.FailureKind_FAILURE_KIND_NOT_FOUND, "It is gone.")
		}
		return nil
	}
	e := r.start(r.open())
	r.begin(e, looped(3, "continue"))
	out := output(t, r.wait(e))
	assert.Equal(t, 3, r.world.AtOnce())
	assert.Equal(t, 7, out.Count)
	assert.Equal(t, 1, out.Failed)
	for i, result := range out.Results {
		if i == 2 {
			assert.Equal(t, "null", string(result))
			continue
		}
		assert.Contains(t, string(result), fmt.Sprintf("1784140572665%04d", i), "results keep their order")
	}
	require.Len(t, out.Failures, 1)
	assert.Equal(t, 2, out.Failures[0].Index)
	assert.Equal(t, "not_found", out.Failures[0].Kind)
}

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

// quota is one reported quota.
func quota(name, subject string, used float64, until time.Time) *connectorv1.Quota {
	return &connectorv1.Quota{Name: name, Subject: subject, Used: used, BlockedUntil: stamp(until)}
}
