package host_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
)

// lingering holds the engine up between the end of a failed run and what it does
// afterwards.
type lingering struct {
	*host.Memory
	here, goOn chan struct{}
}

func (l *lingering) PendingEvents(ctx context.Context, after string, limit int) ([]host.Event, error) {
	l.here <- struct{}{}
	<-l.goOn
	return l.Memory.PendingEvents(ctx, after, limit)
}

func TestWatch_ARunThatIsJustEnding(t *testing.T) {
	t.Parallel()
	store := &lingering{Memory: host.NewMemory(), here: make(chan struct{}), goOn: make(chan struct{})}
	l := newLab(t, func(s *host.Setup) { s.Store = store })
	go func() {
		<-store.here
		w := l.Watch("r") // its end is stored, and it is still under way
		close(store.goOn)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		p, ok := w.Next(ctx)
		assert.True(t, ok, "it never heard of the end")
		assert.Equal(t, host.RunFailed, p.State)
		close(store.here)
	}()
	run := l.run(t, "- {id: a, connector: terminate, operation: fail, input: {message: No.}}\n")
	require.Equal(t, host.RunFailed, run.State)
	<-store.here
}

// noting keeps how durable an entry was to be.
type noting struct {
	*host.Memory
	mu  sync.Mutex
	how map[string]host.Durability
}

func (n *noting) PutEntry(ctx context.Context, e host.Entry, d host.Durability) error {
	n.mu.Lock()
	n.how[e.Path] = d
	n.mu.Unlock()
	return n.Memory.PutEntry(ctx, e, d)
}

// A power cut may undo a read, which can be had again, and never a write.
func TestRun_OutcomesAreWrittenByWhatLosingThemCosts(t *testing.T) {
	t.Parallel()
	store := &noting{Memory: host.NewMemory(), how: map[string]host.Durability{}}
	l := newLab(t, func(s *host.Setup) { s.Store = store })
	run := l.run(t, "- {id: list, connector: world, operation: list}\n- {id: post, connector: world, operation: post, input: {text: hello}}\n")
	require.Equal(t, host.RunSucceeded, run.State, "%v", run.Failure)
	store.mu.Lock()
	defer store.mu.Unlock()
	assert.Equal(t, map[string]host.Durability{"list": host.Written, "post": host.Synced}, store.how)
}
