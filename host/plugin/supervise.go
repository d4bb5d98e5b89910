package plugin

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// Connector is a connector that runs as a process, and is started again whenever
// it ends. It is safe for concurrent use.
type Connector struct {
	cfg        Config
	catalog    *connectorv1.Catalog
	operations map[string]*connectorv1.Operation

	stop  context.CancelFunc // Ends the supervisor.
	done  chan struct{}      // Closed when it has ended.
	reset chan struct{}

	mu sync.Mutex
	// Guarded by mu.
	state   State
	process *process      // The running one, or nil.
	changed chan struct{} // Closed at every change of the two, and of calls while closing.
	starts  []time.Time   // Those of the last minute.
	total   int
	last    error // Why the last process ended, or was not started.
}

// State is what a connector is at.
type State int

// States.
const (
	Restarting State = iota // Calls wait for a process.
	Running                 // Calls are answered.
	Broken                  // It ended too often; calls fail at once. See [Connector.Reset].
	Closing                 // Calls under way are finished; new ones fail at once.
	Closed
)

// String returns the name of a state.
func (s State) String() string {
	return [...]string{"restarting", "running", "broken", "closing", "closed"}[s]
}

const (
	minBackoff = time.Second
	maxBackoff = 30 * time.Second

	// A connector that had to be started so often in so short a time is broken.
	maxStarts   = 5
	startWindow = time.Minute
)

func newConnector(cfg Config) *Connector {
	return &Connector{cfg: cfg, done: make(chan struct{}), reset: make(chan struct{}, 1), changed: make(chan struct{})}
}

// open begins to supervise the first process.
func (c *Connector) open(first *process) {
	c.catalog = first.catalog
	c.operations = map[string]*connectorv1.Operation{}
	for _, op := range c.catalog.GetOperations() {
		c.operations[op.GetName()] = op
	}
	c.countStart()
	c.enter(Running, first, nil)
	ctx, cancel := context.WithCancel(context.Background())
	c.stop = cancel
	go c.supervise(ctx, first)
}

// supervise waits for the end of each process and starts the next.
func (c *Connector) supervise(ctx context.Context, p *process) {
	defer close(c.done)
	for delay := minBackoff; p != nil; p = c.next(ctx, &delay) {
		select {
		case <-ctx.Done():
			p.end()
			return
		case <-p.child.exited:
		}
		ended := fmt.Errorf("the connector stopped (%s)", p.child.epitaph())
		goOn := c.enter(Restarting, nil, ended)
		p.end()
		if !goOn {
			return
		}
		c.cfg.Log.Error("connector stopped", "how", p.child.epitaph(), "last_words", p.journal.lastWords())
		if c.cfg.Clock.Now().Sub(p.born) > startWindow {
			delay = minBackoff
		}
	}
}

// next starts processes until one runs, and returns nil if there shall be none.
func (c *Connector) next(ctx context.Context, delay *time.Duration) *process {
	for {
		wait := *delay
		if why := c.hopeless(); why != nil {
			if !c.rest(ctx, why) {
				return nil
			}
			wait, *delay = 0, minBackoff
		}
		select {
		case <-ctx.Done():
			return nil
		case <-c.cfg.Clock.After(wait):
		}
		*delay = min(2**delay, maxBackoff)
		p, err := c.another(ctx)
		if err != nil {
			c.cfg.Log.Error("connector does not start", "error", err)
			if !c.enter(Restarting, nil, err) {
				return nil
			}
			continue
		}
		if !c.enter(Running, p, nil) {
			p.end()
			return nil
		}
		c.cfg.Log.Warn("connector was started again", "pid", p.child.pid(), "starts", c.Status().Starts)
		return p
	}
}

// another starts a process that shows the catalog on which the host relies.
func (c *Connector) another(ctx context.Context) (*process, error) {
	c.countStart()
	p, err := start(ctx, &c.cfg)
	if err != nil {
		return nil, err
	}
	if !proto.Equal(c.catalog, p.catalog) {
		p.end()
		return nil, &ChangedError{
			Was: c.catalog.GetName() + " " + c.catalog.GetVersion(),
			Is:  p.catalog.GetName() + " " + p.catalog.GetVersion(),
		}
	}
	return p, nil
}

// hopeless returns why another start would be of no use.
func (c *Connector) hopeless() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var checksum *ChecksumError
	var changed *ChangedError
	if errors.As(c.last, &checksum) || errors.As(c.last, &changed) {
		return c.last
	}
	if len(c.starts) == maxStarts && c.cfg.Clock.Now().Sub(c.starts[0]) < startWindow {
		return fmt.Errorf("it was started %d times within a minute and ended each time; at last: %w", maxStarts, c.last)
	}
	return nil
}

// rest does nothing until an operator resets the connector. It returns false if
// the connector is closed instead.
func (c *Connector) rest(ctx context.Context, why error) bool {
	if !c.enter(Broken, nil, why) {
		return false
	}
	c.cfg.Log.Error("connector is broken and not started again; mend or replace it, then reset it or restart the host", "error", why)
	select {
	case <-ctx.Done():
		return false
	case <-c.reset:
		return true
	}
}

func (c *Connector) countStart() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total++
	c.starts = append(c.starts, c.cfg.Clock.Now())
	if len(c.starts) > maxStarts {
		c.starts = c.starts[1:]
	}
}

// enter changes the state, and returns false if the connector is being closed.
// A nil error leaves the last one.
func (c *Connector) enter(s State, p *process, err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.last = err
	}
	if c.state >= Closing && s < Closing {
		return false
	}
	c.state, c.process = s, p
	c.announce()
	return true
}

// announce wakes whoever waits for a change. The caller holds mu.
func (c *Connector) announce() {
	close(c.changed)
	c.changed = make(chan struct{})
}
