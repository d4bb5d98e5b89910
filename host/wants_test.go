package host_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/workflow"
)

// on turns a workflow on that does nothing.
func (l *lab) on(t *testing.T, name, trigger string) {
	t.Helper()
	doc, err := workflow.Parse(name+".yaml", fmt.Appendf(nil, "{name: %s, trigger: %s, env: [WHO], steps: []}", name, trigger))
	require.NoError(t, err)
	_, err = l.Define(t.Context(), doc, true, "")
	require.NoError(t, err)
}

// runsOf returns how many runs each workflow has, all at rest.
func (l *lab) runsOf(t *testing.T) map[string]int {
	t.Helper()
	runs, err := l.Store.Runs(t.Context(), host.RunFilter{})
	require.NoError(t, err)
	counts := map[string]int{}
	for _, r := range runs {
		counts[r.Workflow]++
		_, err := l.Wait(t.Context(), r.ID)
		require.NoError(t, err)
	}
	return counts
}

func (l *lab) pending(t *testing.T) int {
	t.Helper()
	events, err := l.Store.PendingEvents(t.Context(), "", 100)
	require.NoError(t, err)
	return len(events)
}

// events stores events with the ids from from up to to.
func (l *lab) events(t *testing.T, e host.Event, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		e.ID, e.ReceivedAt = fmt.Sprint(i), l.Clock.Now()
		_, err := l.Store.AddEvents(t.Context(), []host.Event{e})
		require.NoError(t, err)
	}
}

func TestDispatch_AWorkflowThatCannotBeReadMissesNothing(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	const mentioned = "{connector: world, trigger: mentioned}"
	ev := host.Event{Connector: "world", Trigger: "mentioned", Payload: []byte("{}")}
	l.on(t, "sound", mentioned)
	l.on(t, "other", "{connector: manual}")
	require.NoError(t, l.Store.PutDefinition(t.Context(), host.Definition{Name: "broken", Version: "1", Document: []byte("{"), Enabled: true}))
	require.NoError(t, l.Store.PutDefinition(t.Context(), host.Definition{Name: "off", Version: "1", Document: []byte("{")}))

	l.events(t, ev, 0, 6)
	require.NoError(t, l.Dispatch(t.Context()))
	l.events(t, ev, 6, 12)
	require.NoError(t, l.Dispatch(t.Context()))
	assert.Equal(t, map[string]int{"sound": 12}, l.runsOf(t), "the others wait for none")
	assert.Equal(t, 12, l.pending(t))
	assert.Contains(t, l.log.String(), `msg="nobody can tell whether a workflow wants an event" workflow=broken event=world/mentioned/0 error=`)

	l.on(t, "broken", mentioned)
	assert.Equal(t, map[string]int{"sound": 12, "broken": 12}, l.runsOf(t), "each once")
	assert.Zero(t, l.pending(t))
}

func TestDispatch_AnEventIsNotLeftForEver(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	require.NoError(t, l.Store.PutDefinition(t.Context(), host.Definition{Name: "broken", Version: "1", Document: []byte("{"), Enabled: true}))
	l.events(t, host.Event{Connector: "world", Trigger: "mentioned"}, 0, 2)
	require.NoError(t, l.Clock.SleepUntil(t.Context(), l.Clock.Now().Add(8*24*time.Hour)))
	l.events(t, host.Event{Connector: "world", Trigger: "mentioned"}, 2, 3)
	require.NoError(t, l.Dispatch(t.Context()))
	assert.Equal(t, 1, l.pending(t))
}

func TestDispatch_AVariableIsNotSet(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trigger string
		event   host.Event
	}{
		"webhook": {"{connector: webhook, input: {path: $.env.WHO}}", host.Event{Connector: "webhook", Trigger: "webhook", Subject: "me"}},
		"alert":   {"{connector: alert, input: {workflows: [$.env.WHO]}}", host.Event{Connector: "alert", Trigger: "alert", Subject: "me"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := func(value string) func(*host.Setup) {
				return func(s *host.Setup) { s.Env = func(string) (string, bool) { return value, value != "" } }
			}
			before := newLab(t, set("me"))
			before.on(t, "w", c.trigger)
			before.on(t, "sound", "{connector: world, trigger: mentioned}")
			before.events(t, c.event, 0, 1)

			start := func(value string) *lab {
				return newLab(t, func(s *host.Setup) { set(value)(s); s.Store = before.Store })
			}
			without := start("")
			require.NoError(t, without.Dispatch(t.Context()))
			without.events(t, host.Event{Connector: "world", Trigger: "mentioned"}, 0, 1)
			require.NoError(t, without.Dispatch(t.Context()))
			assert.Equal(t, map[string]int{"sound": 1}, without.runsOf(t))

			with := start("me")
			require.NoError(t, with.Dispatch(t.Context()))
			assert.Equal(t, map[string]int{"sound": 1, "w": 1}, with.runsOf(t))
			assert.Zero(t, with.pending(t))
		})
	}
}

// TestDispatch_TwoHooksWithOnePath has a variable that gives two workflows one path
// at this start. The first one's secret must not start the second.
func TestDispatch_TwoHooksWithOnePath(t *testing.T) {
	t.Parallel()
	before := newLab(t, func(s *host.Setup) { s.Env = func(string) (string, bool) { return "own", true } })
	before.on(t, "a", "{connector: webhook, input: {path: shared}}")
	before.on(t, "b", "{connector: webhook, input: {path: $.env.WHO}}")

	l := newLab(t, func(s *host.Setup) {
		s.Store, s.Env = before.Store, func(string) (string, bool) { return "shared", true }
	})
	hook, err := l.Hook(t.Context(), "shared")
	require.NoError(t, err)
	require.Equal(t, "a", hook.Workflow)
	_, err = l.AcceptHook(t.Context(), hook, "1", []byte("{}"))
	require.NoError(t, err)
	require.NoError(t, l.Dispatch(t.Context()))
	assert.Equal(t, map[string]int{"a": 1}, l.runsOf(t))
	assert.Zero(t, l.pending(t))
}
