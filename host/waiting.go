package host

import (
	"context"
	"log/slog"
	"time"

	"github.com/storyloop/storyloop/host/workflow"
)

// wait waits until a time, or until ctx, which is within waitCtx, ends. It shows
// that the run does so if nothing else in it goes on.
func (x *execution) wait(ctx context.Context, path string, s *workflow.Step, until time.Time, attempt int, reason string) error {
	x.tell(Progress{Kind: Waiting, Path: path, Until: until, Message: reason, Attempt: attempt}.of(s))
	return x.idle(until, reason, func() { _ = x.e.Clock.SleepUntil(ctx, until) })
}

// idle waits for something, and leaves the run's place to others meanwhile if
// nothing else in it goes on.
func (x *execution) idle(until time.Time, reason string, wait func()) error {
	if err := x.waiting(1, until, reason); err != nil {
		return err
	}
	wait()
	if err := x.waiting(-1, time.Time{}, ""); err != nil {
		return err
	}
	if err := x.stopped(); err != nil {
		return err
	}
	return x.occupy()
}

// occupy takes one of the places of runs that go on, if this one has left its own.
func (x *execution) occupy() error {
	x.entering.Lock()
	defer x.entering.Unlock()
	x.mu.Lock()
	placed := x.placed
	x.mu.Unlock()
	if placed {
		return nil
	}
	select {
	case x.e.slots <- struct{}{}:
	case <-x.waitCtx.Done():
		return x.stopped()
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.placed = true
	return nil
}

// vacate leaves the run's place to another. The caller holds mu.
func (x *execution) vacate() {
	if x.placed {
		x.placed = false
		<-x.e.slots
	}
}

// waiting counts those who wait.
func (x *execution) waiting(by int, until time.Time, reason string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.waiters += by
	if by > 0 {
		x.until, x.reason = until, reason
	}
	return x.show()
}

// employ counts goroutines that run steps. A store that fails here is found out at
// the next step.
func (x *execution) employ(by int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.workers += by; x.workers > 0 {
		_ = x.show()
	}
}

// show stores whether the run goes on or waits, where that has changed. The caller
// holds mu.
func (x *execution) show() error {
	state := RunRunning
	if x.waiters > 0 && x.waiters >= x.workers {
		state = RunWaiting
	}
	if state == RunWaiting {
		defer x.vacate() // whoever takes the place finds that this run waits
	}
	if x.run.State == state || x.ctx.Err() != nil {
		return nil
	}
	x.run.State, x.run.Until, x.run.Reason = state, time.Time{}, ""
	if state == RunWaiting {
		x.run.Until, x.run.Reason = x.until, x.reason
	}
	if err := x.e.Store.UpdateRun(x.lasting, x.run, Written); err != nil {
		return &storeError{err}
	}
	return nil
}

// Now returns the time.
func (x *execution) Now() time.Time { return x.e.Clock.Now() }

// Sleep waits from when the step was first reached, also over a restart.
func (x *execution) Sleep(path string, s *workflow.Step, d time.Duration) (err error) {
	if err := x.stopped(); err != nil {
		return err
	}
	entry, found, err := x.recorded(path)
	if err != nil {
		return err
	}
	if found && entry.State.Final() || !found && d <= 0 {
		return nil
	}
	_, span := x.traceStep(path, s)
	defer func() { endSpan(span, err) }()
	if !found {
		entry = x.entry(path, s)
		entry.State, entry.Until, entry.Reason = EntryWaiting, entry.StartedAt.Add(d), "delay"
		if err := x.put(entry, Written); err != nil {
			return err
		}
	}
	x.log(slog.LevelDebug, "step waits", slog.String("step", path), slog.Time("until", entry.Until), slog.String("why", entry.Reason))
	if err := x.wait(x.waitCtx, path, s, entry.Until, 0, "delay"); err != nil {
		return err
	}
	entry.State, entry.EndedAt = EntryDone, x.e.Clock.Now()
	return x.put(entry, Written)
}
