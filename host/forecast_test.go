package host_test

import (
	"context"
	"testing"
	"time"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/core"
	"github.com/storyloop/storyloop/host/enginetest"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestForecast_BeforeALoopBegins has a budget of 10 calls a minute, and 50 to make.
func TestForecast_BeforeALoopBegins(t *testing.T) {
	t.Parallel()
	clock := enginetest.NewClock().Hurry()
	world := &enginetest.World{Items: 50}
	l := newLab(t, func(s *host.Setup) {
		s.Clock, s.Connectors, s.Vault = clock, append(host.ConnectorList{hinted{world}}, core.Connectors()...), vault{"shop": "x"}
	})
	w := l.Watch("r")
	defer w.Close()
	began := clock.Now()
	run := l.run(t, `
- {id: list, connector: world, operation: list, paging: {mode: all}}
- id: loop
  connector: loop
  operation: loop_list
  input: {list: $.steps.list.data}
  steps: [{id: get, connector: world, operation: get, credential: shop, input: {id: $.steps.loop.value.id}}]
`)
	require.Equal(t, host.RunSucceeded, run.State)
	require.NotNil(t, run.Forecast)
	assert.Equal(t, host.Forecast{
		Loop: "loop", Iterations: 50, Calls: 50, Connector: "world", Quota: "gets", Subject: "@shop", Left: 10, DoneAt: began.Add(4 * time.Minute),
		Text: "50 iterations with 50 calls or more; room for 10 now: 0 % of world gets of @shop used; done at about 14:04",
	}, *run.Forecast)
	assert.WithinDuration(t, run.Forecast.DoneAt, clock.Now(), 30*time.Second, "and so it was")
	for {
		p, ok := w.Next(t.Context())
		require.True(t, ok)
		if p.Kind == host.LoopStarted {
			assert.Equal(t, run.Forecast, p.Forecast)
			return
		}
	}
}

// secretive is a world whose outputs hold a secret.
type secretive struct{ *enginetest.World }

func (s secretive) Catalog() *connectorv1.Catalog {
	c := s.World.Catalog()
	for _, op := range c.GetOperations() {
		if op.GetName() == "get" {
			op.OutputSchema = []byte(`{"type":"object","properties":{"id":{"type":"string","x-secret":true}}}`)
		}
	}
	return c
}

func TestHistory_AnIterationIsNoStep(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	run := l.run(t, `- id: loop
  connector: loop
  operation: loop_list
  input: {list: [1], collect: $.steps.a.id}
  steps:
    - {id: a, connector: world, operation: get, input: {id: "1"}}
    - {id: b, connector: world, operation: get, input: {id: "2"}}
`)
	require.Equal(t, host.RunSucceeded, run.State)
	it, err := l.Step(t.Context(), "r", "loop[0]")
	require.NoError(t, err)
	assert.Equal(t, host.EntryDone, it.State)
	assert.Empty(t, it.Step+it.Connector+it.Operation)
	assert.Empty(t, it.Output, "its steps have entries of their own")
	steps, _, err := l.History(t.Context(), "r", 0, 10)
	require.NoError(t, err)
	assert.Contains(t, steps, it)
	loop, err := l.Step(t.Context(), "r", "loop")
	require.NoError(t, err)
	assert.Equal(t, "loop_list", loop.Operation)
	assert.JSONEq(t, `{"count":1,"succeeded":1,"failed":0,"results":["1"],"failures":[]}`, string(loop.Output))
}

func TestHistory_HidesSecretsOfOutputs(t *testing.T) {
	t.Parallel()
	clock := enginetest.NewClock().Hurry()
	world := &enginetest.World{}
	l := newLab(t, func(s *host.Setup) {
		s.Random = func() float64 { return 0.5 }
		s.Clock, s.Connectors = clock, append(host.ConnectorList{secretive{world}}, core.Connectors()...)
	})
	world.Before = func(_ context.Context, c enginetest.Call) *connectorv1.Failure {
		if c.Operation == "get" && c.Nth == 1 {
			return enginetest.Failed(unavailable, "Down.")
		}
		return nil
	}
	w := l.Watch("r")
	defer w.Close()
	run := l.run(t, "- {id: a, connector: world, operation: get, input: {id: m4rker}}\n- {id: b, connector: world, operation: post, input: {id: $.steps.a.id}}\n")
	require.Equal(t, host.RunSucceeded, run.State)
	assert.JSONEq(t, `{"id":"m4rker"}`, world.Calls("post")[0].Input, "later steps get it")

	steps, next, err := l.History(t.Context(), "r", 0, 10)
	require.NoError(t, err)
	assert.Zero(t, next)
	require.Len(t, steps, 2)
	assert.JSONEq(t, `{"id":"(hidden)","likes":17841405726653027}`, string(steps[0].Output))
	assert.Len(t, steps[0].Attempts, 2)
	assert.Equal(t, 750*time.Millisecond, steps[0].EndedAt.Sub(steps[0].StartedAt))
	step, err := l.Step(t.Context(), "r", "a")
	require.NoError(t, err)
	assert.Equal(t, steps[0], step)
	_, err = l.Step(t.Context(), "r", "none")
	var missing *host.NotFoundError
	require.ErrorAs(t, err, &missing)

	for {
		p, ok := w.Next(t.Context())
		if !ok {
			break
		}
		if p.Kind == host.StepFinished && p.Path == "a" {
			assert.NotContains(t, string(p.Output), "m4rker")
			assert.Equal(t, 750*time.Millisecond, p.Took)
		}
	}
}
