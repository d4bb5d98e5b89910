package host_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/core"
	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// TestAccept_AnUnsoundEventDoesNotKeepTheOthersOut brings what no repetition of the
// delivery would mend.
func TestAccept_AnUnsoundEventDoesNotKeepTheOthersOut(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	doc, err := workflow.Parse("w.yaml", []byte("name: w\ntrigger: {connector: world, trigger: mentioned}\nsteps:\n- {id: post, connector: world, operation: post, input: {id: $.steps.trigger.media_id}}"))
	require.NoError(t, err)
	_, err = l.Define(t.Context(), doc, true, "")
	require.NoError(t, err)
	event := func(id, trigger, payload string) *connectorv1.Event {
		return &connectorv1.Event{Id: id, Trigger: trigger, Payload: []byte(payload)}
	}
	const payload = `{"media_id":"17841405726653027"}`
	fresh, err := l.Accept(t.Context(), "world", []*connectorv1.Event{
		event("torn", "mentioned", `{"media_id":"m4rk`),
		event("", "mentioned", payload),
		event("good", "mentioned", payload),
		event("stray", "", payload),
		event("huge", "mentioned", `"`+strings.Repeat("m4rker", 3<<20)+`"`),
		event("binary", "mentioned", "\"\xff\""),
	})
	require.NoError(t, err)
	assert.Equal(t, 1, fresh)
	require.NoError(t, l.Dispatch(t.Context()))
	runs, err := l.Store.Runs(t.Context(), host.RunFilter{})
	require.NoError(t, err)
	require.Len(t, runs, 1)
	assert.Equal(t, "world/mentioned/good", runs[0].Event)
	_, err = l.Wait(t.Context(), runs[0].ID)
	require.NoError(t, err)

	log := l.log.String()
	for _, want := range []string{
		`event=torn error="/trigger: the payload is not JSON`, `trigger=mentioned event="" error="it has no id`, `trigger="" event=stray`, `event=huge error="/trigger: the payload has`, `event=binary`,
	} {
		assert.Contains(t, log, `level=ERROR msg="an unsound event was left out" connector=world `)
		assert.Contains(t, log, want)
	}
	assert.NotContains(t, log, "m4rk", "what it holds is not logged")
}

// TestDispatch_AnEventThatCanStartNothingHoldsNoneUp has one in the inbox that was
// stored in spite of all.
func TestDispatch_AnEventThatCanStartNothingHoldsNoneUp(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	doc, err := workflow.Parse("w.yaml", []byte("name: w\ntrigger: {connector: world, trigger: mentioned}\nsteps: []"))
	require.NoError(t, err)
	_, err = l.Define(t.Context(), doc, true, "")
	require.NoError(t, err)
	_, err = l.Store.AddEvents(t.Context(), []host.Event{
		{Connector: "world", Trigger: "mentioned", ID: "torn", Payload: []byte(`{"media_id":"m4rk`)},
		{Connector: "world", Trigger: "mentioned", ID: "good", Payload: []byte(`{}`)},
	})
	require.NoError(t, err)
	n, err := l.Resume(t.Context())
	require.NoError(t, err, "the host can start")
	assert.Zero(t, n)
	runs, err := l.Store.Runs(t.Context(), host.RunFilter{})
	require.NoError(t, err)
	require.Len(t, runs, 1)
	assert.Equal(t, "world/mentioned/good", runs[0].Event)
	_, err = l.Wait(t.Context(), runs[0].ID)
	require.NoError(t, err)
	pending, err := l.Store.PendingEvents(t.Context(), "", 10)
	require.NoError(t, err)
	assert.Empty(t, pending)
	assert.Contains(t, l.log.String(), `level=ERROR msg="an event can start no run" workflow=w event=world/mentioned/torn`)
	assert.NotContains(t, l.log.String(), "m4rk", "what it holds is not logged")
}

// TestAlert_OfALongFailure tells of a failure that is too long for a trigger.
func TestAlert_OfALongFailure(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	doc, err := workflow.Parse("alerted.yaml", []byte("name: alerted\ntrigger: {connector: alert}\nsteps: []"))
	require.NoError(t, err)
	_, err = l.Define(t.Context(), doc, true, "")
	require.NoError(t, err)
	failed := l.run(t, `- {id: long, connector: transform, operation: jq, input: {program: '"<é" * 1048576', inputs: {}}}
- {id: a, connector: terminate, operation: fail, input: {message: $.steps.long.result}}
`)
	require.Equal(t, host.RunFailed, failed.State)
	runs, err := l.Store.Runs(t.Context(), host.RunFilter{Workflow: "alerted"})
	require.NoError(t, err)
	require.Len(t, runs, 1)
	run, err := l.Wait(t.Context(), runs[0].ID)
	require.NoError(t, err)
	assert.Equal(t, host.RunSucceeded, run.State)
	var alert host.Alert
	require.NoError(t, json.Unmarshal(run.Trigger, &alert))
	assert.Equal(t, "r", alert.Run)
	assert.Equal(t, "terminated", alert.Failure.Kind)
	assert.Contains(t, alert.Message, "<é<é")
	assert.Len(t, failed.Failure.Message, 3<<20, "the run has the whole of it")
}

// TestDispatch_TheConnectorIsNotLoaded has events in the inbox when the host starts
// without the connector that has received and found them.
func TestDispatch_TheConnectorIsNotLoaded(t *testing.T) {
	t.Parallel()
	p := newPollLab(t, nil)
	p.on("polled", published, "")
	p.on("other", "{connector: world, trigger: followed}", "")
	p.on("hooked", "{connector: world, trigger: mentioned}", "")
	p.poll()
	p.settle(1)
	p.world.Happen("published", "shop", "17841405726653027")
	p.after(5*time.Minute, 1)
	_, err := p.Accept(t.Context(), "world", []*connectorv1.Event{{Id: "1", Trigger: "mentioned"}})
	require.NoError(t, err)
	p.end()

	without := newLab(t, func(s *host.Setup) { s.Store, s.Connectors = p.Store, core.Connectors() })
	require.NoError(t, without.Dispatch(t.Context()))
	runs, err := p.Store.Runs(t.Context(), host.RunFilter{})
	require.NoError(t, err)
	var workflows []string
	for _, r := range runs {
		workflows = append(workflows, r.Workflow)
	}
	assert.ElementsMatch(t, []string{"polled", "hooked"}, workflows)
}
