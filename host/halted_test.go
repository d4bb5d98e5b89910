package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/enginetest"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// brittle is a store that refuses writes while it is broken, so many times at most.
type brittle struct {
	*host.Memory
	broken atomic.Int32
}

var errDiskFull = errors.New("the disk is full")

func (b *brittle) refuse() error {
	if b.broken.Add(-1) >= 0 {
		return errDiskFull
	}
	return nil
}

func (b *brittle) UpdateRun(ctx context.Context, r host.Run, d host.Durability) error {
	if err := b.refuse(); err != nil {
		return err
	}
	return b.Memory.UpdateRun(ctx, r, d)
}

func (b *brittle) PutValue(ctx context.Context, scope, key string, value json.RawMessage, d host.Durability) error {
	if err := b.refuse(); err != nil {
		return err
	}
	return b.Memory.PutValue(ctx, scope, key, value, d)
}

func TestRunHalted_GoesOnWhenTheStoreWorksAgain(t *testing.T) {
	t.Parallel()
	for name, when := range map[string]func(b *brittle, l *lab){
		"stopped at its start": func(b *brittle, _ *lab) { b.broken.Store(3) },
		"stopped at its end": func(b *brittle, l *lab) {
			l.world.Before = func(context.Context, enginetest.Call) *connectorv1.Failure {
				b.broken.Store(3)
				return nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &brittle{Memory: host.NewMemory()}
			l := newLab(t, func(s *host.Setup) { s.Store = b })
			l.define(t, "w", "{connector: manual}", "- {id: a, connector: world, operation: send, input: {id: '1'}}")
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			watch := l.Watch("")
			defer watch.Close()
			when(b, l)
			l.start(t, "w", "r")
			stopped, ok := watch.Next(ctx)
			require.True(t, ok)
			require.Equal(t, host.RunEnded, stopped.Kind)
			run, err := b.Run(ctx, "r")
			require.NoError(t, err)
			require.False(t, run.State.Ended())

			ended := make(chan error, 1)
			going, stop := context.WithCancel(ctx)
			go func() { ended <- l.RunHalted(going) }()
			_, ok = watch.Next(ctx)
			require.True(t, ok)
			run, err = b.Run(ctx, "r")
			require.NoError(t, err)
			assert.Equal(t, host.RunSucceeded, run.State)
			assert.Len(t, l.world.Calls("send"), 1, "nothing is done twice")
			stop()
			require.ErrorIs(t, <-ended, context.Canceled)
		})
	}
}

// spoilt is a store that never takes how a run goes on, and tells when it was asked.
type spoilt struct {
	*host.Memory
	clock *enginetest.Clock
	asked chan time.Time
}

func (s spoilt) UpdateRun(context.Context, host.Run, host.Durability) error {
	select {
	case s.asked <- s.clock.Now():
	default: // enough was seen
	}
	return errDiskFull
}

func TestRunHalted_RunThatStopsAgainAndAgainWaitsLonger(t *testing.T) {
	t.Parallel()
	clock := enginetest.NewClock().Hurry()
	s := spoilt{host.NewMemory(), clock, make(chan time.Time, 100)}
	l := newLab(t, func(setup *host.Setup) { setup.Store, setup.Clock = s, clock })
	l.define(t, "w", "{connector: manual}", "- {id: a, connector: world, operation: send, input: {id: '1'}}")
	going, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.RunHalted(going) }()
	l.start(t, "w", "r")
	last := <-s.asked
	for _, wait := range []time.Duration{5, 10, 20, 40, 80, 160, 320, 600, 600} {
		at := <-s.asked
		assert.Equal(t, wait*time.Second, at.Sub(last))
		last = at
	}
	stop()
	require.ErrorIs(t, <-ended, context.Canceled)
}

// brief is a store that refuses a change of a run once.
type brief struct {
	*host.Memory
	refuses func(host.Run) bool
	once    atomic.Bool
}

func (b *brief) UpdateRun(ctx context.Context, r host.Run, d host.Durability) error {
	if b.refuses(r) && b.once.CompareAndSwap(false, true) {
		return errDiskFull
	}
	return b.Memory.UpdateRun(ctx, r, d)
}

func TestRunHalted_CallerWaitsForWhatGoesOn(t *testing.T) {
	t.Parallel()
	clock := enginetest.NewClock()
	b := &brief{Memory: host.NewMemory(), refuses: func(r host.Run) bool { return r.Workflow == "child" && r.State == host.RunWaiting }}
	l := callLab(t, func(s *host.Setup) { s.Store, s.Clock = b, clock })
	l.define(t, "child", "{connector: callable}", called)
	l.define(t, "parent", "{connector: manual}", caller)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	until := func(w *host.Watcher, kind host.ProgressKind) host.Progress {
		for {
			p, ok := w.Next(ctx)
			require.True(t, ok)
			if p.Kind == kind {
				return p
			}
		}
	}
	watch := l.Watch("r")
	defer watch.Close()
	l.start(t, "parent", "r")
	require.False(t, until(watch, host.RunEnded).State.Ended(), "it stops with what it has called")

	ended := make(chan error, 1)
	going, stop := context.WithCancel(ctx)
	go func() { ended <- l.RunHalted(going) }()
	watch = l.Watch("r")
	defer watch.Close()
	_, err := clock.BlockUntil(ctx, 1) // those who go on with it
	require.NoError(t, err)
	clock.Advance(5 * time.Second)
	until(watch, host.Waiting)
	_, err = clock.BlockUntil(ctx, 1) // what it has called
	require.NoError(t, err)
	clock.Advance(time.Hour)
	assert.Equal(t, host.RunSucceeded, until(watch, host.RunEnded).State)
	stop()
	require.ErrorIs(t, <-ended, context.Canceled)
}
