package host

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"
)

// How long to wait before runs that stopped go on. It doubles where they stop again,
// since one may hold what no store takes, and must not ask the remote service for it
// every few seconds.
const (
	firstHalt = 5 * time.Second
	lastHalt  = 10 * time.Minute
)

// noteHalted remembers that a run stopped since the store is broken.
func (e *Engine) noteHalted() {
	select {
	case e.halted <- struct{}{}:
	default: // it is known
	}
}

// RunHalted goes on with the runs that stopped since the store was broken, as a disk
// that is full breaks it, once it can be written again. It returns when ctx ends.
func (e *Engine) RunHalted(ctx context.Context) error {
	wait, resumed := firstHalt, time.Time{}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-e.halted:
		}
		if e.Clock.Now().Sub(resumed) > 2*lastHalt {
			wait = firstHalt
		}
		for pause, done := wait, false; !done; pause = firstHalt {
			if err := e.Clock.SleepUntil(ctx, e.Clock.Now().Add(pause)); err != nil {
				return err
			}
			select {
			case <-e.halted: // others that stopped meanwhile go on with them
			default:
			}
			done = e.goOnHalted(ctx)
		}
		wait, resumed = min(2*wait, lastHalt), e.Clock.Now()
	}
}

// goOnHalted resumes what is unfinished, if the store takes a write that waits for the
// disk: to begin runs takes less, and they would stop again at once.
func (e *Engine) goOnHalted(ctx context.Context) bool {
	at, err := json.Marshal(e.Clock.Now())
	if err == nil {
		err = e.Store.PutValue(ctx, "health", "written", at, Synced)
	}
	if err != nil {
		return false // as whoever asks for /readyz sees, and the store logs
	}
	n, err := e.Resume(ctx)
	if err != nil {
		e.Log.Error("runs that stopped do not go on yet", "error", err)
		return false
	}
	e.Log.LogAttrs(ctx, slog.LevelWarn, "the store works again, and runs that stopped go on", slog.Int("runs", n))
	return true
}
