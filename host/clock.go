package host

import (
	"context"
	"time"
)

// Clock tells the time and waits. Tests have one that they turn by hand.
type Clock interface {
	Now() time.Time
	// SleepUntil returns when t has come, or ctx's error when that ends first.
	SleepUntil(ctx context.Context, t time.Time) error
}

// SystemClock is the computer's clock.
type SystemClock struct{}

// Now returns the time.
func (SystemClock) Now() time.Time { return time.Now() }

// SleepUntil looks at the clock once a minute: a timer alone would be late by as
// long as the computer was suspended.
func (SystemClock) SleepUntil(ctx context.Context, t time.Time) error {
	for {
		left := time.Until(t.Round(0))
		if left <= 0 {
			return ctx.Err()
		}
		timer := time.NewTimer(min(left, time.Minute))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}
