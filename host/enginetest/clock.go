package enginetest

import (
	"context"
	"sync"
	"time"
)

// Clock is a [host.Clock] that a test turns by hand.
type Clock struct {
	mu sync.Mutex
	// Guarded by mu.
	now     time.Time
	hurried bool
	waiters []*waiter
	changed chan struct{} // Closed and replaced whenever waiters change.
}

type waiter struct {
	until time.Time
	wake  chan struct{}
}

// NewClock returns a clock that stands still.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC), changed: make(chan struct{})}
}

// Hurry makes the clock jump ahead whenever somebody waits.
func (c *Clock) Hurry() *Clock {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hurried = true
	return c
}

// Now returns the time to which the clock was turned.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// SleepUntil waits until the clock has been turned to t.
func (c *Clock) SleepUntil(ctx context.Context, t time.Time) error {
	c.mu.Lock()
	if err := ctx.Err(); err != nil || !t.After(c.now) {
		c.mu.Unlock()
		return err
	}
	if c.hurried {
		c.now = t
		c.mu.Unlock()
		return nil
	}
	w := &waiter{until: t, wake: make(chan struct{})}
	c.waiters = append(c.waiters, w)
	c.tell()
	c.mu.Unlock()
	select {
	case <-w.wake:
		return nil
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		c.remove(w)
		return ctx.Err()
	}
}

// Advance turns the clock and wakes those whose time has come.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for _, w := range append([]*waiter(nil), c.waiters...) {
		if !w.until.After(c.now) {
			close(w.wake)
			c.remove(w)
		}
	}
}

// BlockUntil returns when n wait at once, and until when each does.
func (c *Clock) BlockUntil(ctx context.Context, n int) ([]time.Time, error) {
	for {
		c.mu.Lock()
		if len(c.waiters) >= n {
			var until []time.Time
			for _, w := range c.waiters {
				until = append(until, w.until)
			}
			c.mu.Unlock()
			return until, nil
		}
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (c *Clock) remove(w *waiter) {
	for i := range c.waiters {
		if c.waiters[i] == w {
			c.waiters = append(c.waiters[:i:i], c.waiters[i+1:]...)
			break
		}
	}
	c.tell()
}

func (c *Clock) tell() {
	close(c.changed)
	c.changed = make(chan struct{})
}
