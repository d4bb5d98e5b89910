package sandbox

import (
	"sync"
	"time"
)

// SeedTime is the instant at which a sandbox without a clock of its own stands.
var SeedTime = time.Date(2026, time.August, 3, 9, 0, 0, 0, time.UTC)

// A Clock tells a sandbox the time. It stands still until it is set or advanced, or, made by
// NewRunningClock, runs at the speed of real time. All methods may be called concurrently.
type Clock struct {
	mu sync.Mutex
	// guarded by mu

	at      time.Time // the sandbox's time when the clock was last set
	started time.Time // real time then; zero for a clock that stands still
	watch   []func()
}

// NewClock returns a clock that stands still at t.
func NewClock(t time.Time) *Clock { return &Clock{at: t.UTC()} }

// NewRunningClock returns a clock that shows t now and goes on at the speed of real time.
func NewRunningClock(t time.Time) *Clock { return &Clock{at: t.UTC(), started: time.Now()} }

// Now returns the sandbox's time, in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

// Running says whether the clock goes on by itself.
func (c *Clock) Running() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.started.IsZero()
}

// Set moves the clock to t, forwards or backwards.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	c.move(t.UTC())
	watch := c.watch
	c.mu.Unlock()
	notify(watch)
}

// Advance moves the clock by d.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	c.move(c.now().Add(d))
	watch := c.watch
	c.mu.Unlock()
	notify(watch)
}

// onChange has f called after every Set and Advance, outside of the clock's lock.
func (c *Clock) onChange(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watch = append(c.watch[:len(c.watch):len(c.watch)], f)
}

func (c *Clock) now() time.Time {
	if c.started.IsZero() {
		return c.at
	}
	return c.at.Add(time.Since(c.started))
}

func (c *Clock) move(t time.Time) {
	c.at = t
	if !c.started.IsZero() {
		c.started = time.Now()
	}
}

func notify(watch []func()) {
	for _, f := range watch {
		f()
	}
}
