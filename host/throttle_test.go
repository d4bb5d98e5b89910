package host_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/core"
	"github.com/storyloop/storyloop/host/enginetest"
	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func used(name, subject string, used float64) *connectorv1.Report {
	return &connectorv1.Report{Requests: 1, Quotas: []*connectorv1.Quota{{Name: name, Subject: subject, Used: used}}}
}

const getForever = `
- id: loop
  connector: loop
  operation: loop_forever
  input: {max_iterations: %d}
  steps: [{id: get, connector: world, operation: get, credential: shop, input: {id: '1'}}]
`

// define stores a workflow of these steps.
func (l *lab) define(t *testing.T, name, trigger, steps string) {
	t.Helper()
	doc, err := workflow.Parse(name+".yaml", []byte("name: "+name+"\ntrigger: "+trigger+"\nsteps:\n"+steps))
	require.NoError(t, err)
	_, err = l.Define(context.Background(), doc, true, "")
	require.NoError(t, err)
}

func (l *lab) start(t *testing.T, name, id string) {
	t.Helper()
	_, _, err := l.Start(context.Background(), host.StartRequest{Workflow: name, ID: id})
	require.NoError(t, err)
}

// TestThrottle_SlowsDownBeforeTheLimit lets calls use up a budget that is forgotten
// evenly over an hour, as the remote service does, and sees it never run into the
// limit.
func TestThrottle_SlowsDownBeforeTheLimit(t *testing.T) {
	t.Parallel()
	clock := enginetest.NewClock().Hurry()
	l := newLab(t, func(s *host.Setup) { s.Clock, s.Vault = clock, vault{"shop": "x"} })
	var mu sync.Mutex
	level, seen, highest := 0.7, clock.Now(), 0.
	l.world.Report = func(enginetest.Call) *connectorv1.Report {
		mu.Lock()
		defer mu.Unlock()
		now := clock.Now()
		level = max(level-now.Sub(seen).Hours(), 0) + 0.01
		seen, highest = now, max(highest, level)
		return used("calls", "page", level)
	}
	began := clock.Now()
	run := l.run(t, fmt.Sprintf(getForever, 300))
	require.Equal(t, host.RunFailed, run.State, "a loop without end")
	assert.Len(t, l.world.Calls("get"), 300)
	assert.Less(t, highest, 1.)
	took := clock.Now().Sub(began)
	assert.Less(t, took, 4*time.Hour, "and wastes little: 300 calls of 1 %% each need 2 hours and 42 minutes")
}

func TestThrottle_SaysWhyAndUntilWhen(t *testing.T) {
	t.Parallel()
	clock := enginetest.NewClock()
	l := newLab(t, func(s *host.Setup) { s.Clock, s.Vault = clock, vault{"shop": "x"} })
	until := clock.Now().Add(5 * time.Minute)
	l.world.Report = func(enginetest.Call) *connectorv1.Report {
		return &connectorv1.Report{Quotas: []*connectorv1.Quota{{Name: "calls", Subject: "178414", Used: 0.96, BlockedUntil: timestamppb.New(until)}}}
	}
	l.define(t, "w", "{connector: manual}", fmt.Sprintf(getForever, 2))
	l.start(t, "w", "r")
	_, err := clock.BlockUntil(t.Context(), 1)
	require.NoError(t, err)
	run, err := l.store.Run(t.Context(), "r")
	require.NoError(t, err)
	assert.Equal(t, host.RunWaiting, run.State)
	assert.Equal(t, until, run.Until)
	assert.Equal(t, "96 % of world calls of @shop used", run.Reason)
	assert.Equal(t, "waits until 14:05, 96 % of world calls of @shop used", run.Waits(clock.Now()))
	require.NoError(t, l.Cancel(t.Context(), "r"))
}

// TestThrottle_Restart sees the next process know what the first was told.
func TestThrottle_Restart(t *testing.T) {
	t.Parallel()
	clock := enginetest.NewClock()
	until := clock.Now().Add(time.Hour)
	store := host.NewMemory()
	change := func(s *host.Setup) { s.Clock, s.Store, s.Vault = clock, store, vault{"shop": "x"} }
	first := newLab(t, change)
	first.world.Report = func(enginetest.Call) *connectorv1.Report {
		return &connectorv1.Report{Quotas: []*connectorv1.Quota{{Name: "calls", Subject: "page", Used: 1, BlockedUntil: timestamppb.New(until)}}}
	}
	const steps = "- {id: get, connector: world, operation: get, credential: shop, input: {id: '1'}}"
	first.define(t, "w", "{connector: manual}", steps)
	first.start(t, "w", "r")
	_, err := first.Wait(t.Context(), "r")
	require.NoError(t, err)
	require.NoError(t, first.Close(t.Context()))

	second := newLab(t, change)
	second.start(t, "w", "r2")
	waits, err := clock.BlockUntil(t.Context(), 1)
	require.NoError(t, err)
	assert.Equal(t, until, waits[0])
	assert.Empty(t, second.world.Calls(""))
	clock.Advance(time.Hour)
	run, err := second.Wait(t.Context(), "r2")
	require.NoError(t, err)
	assert.Equal(t, host.RunSucceeded, run.State)
}

// hinted is a world whose catalog knows a budget that is never reported.
type hinted struct{ *enginetest.World }

func (h hinted) Catalog() *connectorv1.Catalog {
	c := h.World.Catalog()
	c.Quotas = []*connectorv1.QuotaHint{{Name: "gets", Calls: 10, Window: durationpb.New(time.Minute)}}
	for _, op := range c.GetOperations() {
		if op.GetName() == "get" {
			op.Quotas = []string{"gets"}
		}
	}
	return c
}

func TestThrottle_BudgetOfTheCatalog(t *testing.T) {
	t.Parallel()
	clock := enginetest.NewClock().Hurry()
	world := &enginetest.World{}
	l := newLab(t, func(s *host.Setup) {
		s.Clock, s.Connectors, s.Vault = clock, append(host.ConnectorList{hinted{world}}, core.Connectors()...), vault{"shop": "x"}
	})
	var times []time.Time
	world.Before = func(context.Context, enginetest.Call) *connectorv1.Failure {
		times = append(times, clock.Now())
		return nil
	}
	l.run(t, fmt.Sprintf(getForever, 50))
	require.Len(t, times, 50)
	for i := 10; i < len(times); i++ {
		assert.GreaterOrEqual(t, times[i].Sub(times[i-10]), time.Minute, "call %d", i)
	}
	assert.Less(t, times[49].Sub(times[0]), 5*time.Minute)
}

// TestThrottle_RunsTakeTurns lets a greedy run and a modest one share a budget that
// has room for one call a minute.
func TestThrottle_RunsTakeTurns(t *testing.T) {
	t.Parallel()
	clock := enginetest.NewClock()
	l := newLab(t, func(s *host.Setup) { s.Clock, s.Vault = clock, vault{"shop": "x"} })
	l.world.Report = func(enginetest.Call) *connectorv1.Report { return used("calls", "page", 1) }
	const greedy = 16
	items := "[" + strings.Repeat("1,", 99) + "1]"
	l.define(t, "greedy", "{connector: manual}", fmt.Sprintf(`
- id: loop
  connector: loop
  operation: loop_list
  input: {list: %s, concurrency: %d}
  steps: [{id: get, connector: world, operation: get, credential: shop, input: {id: '1'}}]
`, items, greedy))
	l.define(t, "modest", "{connector: manual}", fmt.Sprintf(getForever, 100))
	l.start(t, "greedy", "greedy")
	block := func(n int) {
		t.Helper()
		_, err := clock.BlockUntil(t.Context(), n)
		require.NoError(t, err)
	}
	block(1)
	l.start(t, "modest", "modest")
	began := len(l.world.Calls("get"))
	for turn := 1; turn <= 10; turn++ {
		block(greedy + 1)
		clock.Advance(time.Minute)
		require.Eventually(t, func() bool { return len(l.world.Calls("get")) >= began+turn }, time.Minute, time.Millisecond)
	}
	served := map[string]int{}
	for _, c := range l.world.Calls("get")[began:] {
		run, _, _ := strings.Cut(c.Key, "/")
		served[run]++
	}
	assert.GreaterOrEqual(t, served["modest"], 4, "%v", served)
	assert.GreaterOrEqual(t, served["greedy"], 4, "%v", served)
	require.NoError(t, l.Cancel(t.Context(), "greedy"))
	require.NoError(t, l.Cancel(t.Context(), "modest"))
}

// TestRuns_WaitingLeavesItsPlace lets more runs wait than may go on at once.
func TestRuns_WaitingLeavesItsPlace(t *testing.T) {
	t.Parallel()
	clock := enginetest.NewClock()
	l := newLab(t, func(s *host.Setup) { s.Clock, s.MaxRuns = clock, 1 })
	l.define(t, "sleeper", "{connector: manual}", "- {id: d, connector: delay, operation: delay, input: {duration: 1h}}\n")
	l.define(t, "w", "{connector: manual}", "- {id: get, connector: world, operation: get, input: {id: '1'}}\n")
	for i := range 3 {
		l.start(t, "sleeper", fmt.Sprint("s", i))
	}
	_, err := clock.BlockUntil(t.Context(), 3)
	require.NoError(t, err)
	l.start(t, "w", "w")
	run, err := l.Wait(t.Context(), "w")
	require.NoError(t, err)
	assert.Equal(t, host.RunSucceeded, run.State)
	clock.Advance(time.Hour)
	for i := range 3 {
		run, err := l.Wait(t.Context(), fmt.Sprint("s", i))
		require.NoError(t, err)
		assert.Equal(t, host.RunSucceeded, run.State)
	}
}
