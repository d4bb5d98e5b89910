package main

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/core"
	"github.com/storyloop/storyloop/host/workflow"
)

// later is a clock that stands at an instant; who sleeps has slept.
type later struct {
	now   time.Time
	slept chan time.Time
}

func (c later) Now() time.Time { return c.now }

func (c later) SleepUntil(ctx context.Context, t time.Time) error {
	select {
	case c.slept <- t:
	case <-ctx.Done():
	}
	return context.Canceled
}

func TestRetain_ForgetsWhatIsOldButTheLatest(t *testing.T) {
	t.Parallel()
	store := host.NewMemory()
	doc, err := workflow.Parse("nothing.yaml", []byte("name: nothing\ntrigger: { connector: manual }\nsteps: [{ id: delay-1, connector: delay, operation: delay, input: { seconds: 0 } }]\n"))
	require.NoError(t, err)
	made := host.NewEngine(host.Setup{Store: store, Connectors: core.Connectors()})
	_, err = made.Define(t.Context(), doc, false, "")
	require.NoError(t, err)
	for range keepLatest + 5 {
		run, _, err := made.Start(t.Context(), host.StartRequest{Workflow: "nothing"})
		require.NoError(t, err)
		_, err = made.Wait(t.Context(), run.ID)
		require.NoError(t, err)
	}
	require.NoError(t, made.Close(t.Context()))

	left := func(after time.Duration) int {
		clock := later{time.Now().Add(after), make(chan time.Time, 1)}
		s := &stack{log: slog.New(slog.NewTextHandler(io.Discard, nil)), engine: host.NewEngine(host.Setup{Store: store, Connectors: core.Connectors(), Clock: clock})}
		s.retain(t.Context(), 24*time.Hour)
		assert.Equal(t, clock.now.Add(pruneEvery), <-clock.slept)
		runs, err := store.Runs(t.Context(), host.RunFilter{})
		require.NoError(t, err)
		return len(runs)
	}
	assert.Equal(t, keepLatest+5, left(time.Hour))

	waits := host.Event{Connector: "instagram", Trigger: "mentioned", ID: "1", ReceivedAt: time.Now().Add(-time.Hour)}
	_, err = store.AddEvents(t.Context(), []host.Event{waits})
	require.NoError(t, err)
	assert.Equal(t, keepLatest+5, left(48*time.Hour), "the event may have started them")
	require.NoError(t, store.DoneEvent(t.Context(), waits.Key()))
	assert.Equal(t, keepLatest, left(48*time.Hour))
}
