package host_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/enginetest"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// awaited is a context that tells when somebody begins to wait with it.
type awaited struct {
	context.Context
	begins func()
}

func (a awaited) Done() <-chan struct{} {
	a.begins()
	return a.Context.Done()
}

// TestCancel_ARunThatIsJustParked cancels a run whose question is stored, and which
// is still under way.
func TestCancel_ARunThatIsJustParked(t *testing.T) {
	t.Parallel()
	store := &lingering{Memory: host.NewMemory(), here: make(chan struct{}), goOn: make(chan struct{})}
	l := newLab(t, func(s *host.Setup) { s.Store = store })
	l.world.After = func(context.Context, enginetest.Call) *connectorv1.Failure { return enginetest.Lost() }
	cancelled := make(chan error)
	go func() {
		<-store.here
		var once sync.Once
		cancelled <- l.Cancel(awaited{t.Context(), func() { once.Do(func() { close(store.goOn) }) }}, "r")
	}()
	l.run(t, oneSend)
	require.NoError(t, <-cancelled)
	run, err := l.Store.Run(t.Context(), "r")
	require.NoError(t, err)
	assert.Equal(t, host.RunCancelled, run.State)
	assert.Nil(t, run.Question)
}

// newborn holds the engine up between the moment when a run is stored and the one
// when it begins.
type newborn struct {
	*host.Memory
	stored func()
}

func (n *newborn) CreateRun(ctx context.Context, r host.Run) (host.Run, bool, error) {
	r, fresh, err := n.Memory.CreateRun(ctx, r)
	n.stored()
	return r, fresh, err
}

// TestCancel_ARunThatIsJustStored cancels a run that can be seen already, and has
// not begun.
func TestCancel_ARunThatIsJustStored(t *testing.T) {
	t.Parallel()
	store := &newborn{Memory: host.NewMemory()}
	l := newLab(t, func(s *host.Setup) { s.Store = store })
	cancelled := make(chan struct{})
	l.world.Before = func(ctx context.Context, _ enginetest.Call) *connectorv1.Failure {
		select { // as long as the run goes on, unless it does so after its end
		case <-ctx.Done():
			return enginetest.Lost()
		case <-cancelled:
			return nil
		}
	}
	store.stored = func() {
		go func() {
			defer close(cancelled)
			assert.NoError(t, l.Cancel(t.Context(), "r"))
		}()
		select {
		case <-cancelled:
		case <-time.After(50 * time.Millisecond): // It waits for the run to begin, and that for us.
		}
	}
	assert.Equal(t, host.RunCancelled, l.run(t, oneSend).State)
	<-cancelled
}
