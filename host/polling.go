package host

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// mostPages bounds the polls that follow one another at once. The next come when it
// is time again.
const mostPages = 100

// longestPause bounds how long a connector may have a poll wait.
const longestPause = 24 * time.Hour

// polling is one poll that is made again and again.
type polling struct {
	wish
	e      *Engine
	stored func()
	places chan struct{}
	halt   context.CancelFunc
	done   chan struct{} // Closed when it has ended.

	state savedPoll
	made  int // Polls.
}

// end returns when no poll is under way any more.
func (g *polling) end() {
	g.halt()
	<-g.done
}

// run polls whenever it is time. After a start that is when it was to be before, so
// that a host that dies often does not poll often.
func (g *polling) run(ctx context.Context) {
	g.start(ctx)
	for next := g.state.Next; ctx.Err() == nil; {
		if g.e.Clock.SleepUntil(ctx, next) == nil {
			next = g.round(ctx)
		}
	}
}

// start takes out of the state what a start changes.
func (g *polling) start(ctx context.Context) {
	next, now := g.state.Next, g.e.Clock.Now()
	latest := now.Add(g.every) // the interval has become shorter, or the clock was wrong
	if g.state.Failures > 0 {
		latest = now // a person may have mended it
		if g.state.Kind == kindName(connectorv1.FailureKind_FAILURE_KIND_RATE_LIMITED) {
			latest = now.Add(longestPause)
		}
	}
	if next.After(latest) {
		next = latest
	}
	if next.Equal(g.state.Next) && g.state.Waits == "" {
		return
	}
	g.state.Next, g.state.Waits = next, ""
	g.save(ctx, Written)
}

// round polls until there is nothing more right now, and returns when to do so
// again.
func (g *polling) round(ctx context.Context) time.Time {
	refreshed := false
	for range mostPages {
		page, failure := g.once(ctx)
		if ctx.Err() != nil {
			return time.Time{}
		}
		if failure.GetKind() == connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED && !refreshed && g.refresh(ctx) {
			refreshed = true
			continue
		}
		if failure != nil {
			return g.failed(ctx, failure)
		}
		events := g.eventsOf(page)
		// A connector that promises more and does not move would be asked for ever.
		more := page.GetMore() && page.GetCursor() != g.state.Cursor
		if err := g.keep(ctx, events, page.GetCursor(), more); err != nil {
			return g.broken(ctx, err)
		}
		if !more {
			return g.state.Next
		}
	}
	g.log().Warn("a poll has found more than it takes at once", "polls", mostPages)
	g.state.Next = g.e.Clock.Now().Add(spread(g.every, g.e.Random()))
	g.save(ctx, Written)
	return g.state.Next
}

// eventsOf returns what a poll has found. What no webhook brings is for those alone
// who want this poll, since no subscription says for whom it is.
func (g *polling) eventsOf(page *connectorv1.EventPage) []Event {
	events := g.e.events(g.Connector, page.GetEvents())
	if c, ok := g.e.Connectors.Connector(g.Connector); ok {
		for i := range events {
			if t, ok := workflow.FindTrigger(c.Catalog(), events[i].Trigger); ok && !t.GetWebhook() {
				events[i].Source = g.key
			}
		}
	}
	return events
}

// keep stores what was found together with where to go on.
func (g *polling) keep(ctx context.Context, events []Event, cursor string, more bool) error {
	now := g.e.Clock.Now()
	state := savedPoll{Cursor: cursor, PollState: PollState{Last: now, Next: now}}
	if !more {
		state.Next = now.Add(spread(g.every, g.e.Random()))
	}
	raw, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("writing where a poll stopped: %w", err)
	}
	fresh, err := g.e.Store.AddPolled(ctx, events, ScopedValue{pollScope, g.key, raw})
	if err != nil {
		return fmt.Errorf("storing what a poll has found: %w", err)
	}
	if g.state.Failures > 0 {
		g.log().Info("events can be looked for again", "failures", g.state.Failures)
	}
	g.state = state
	if len(fresh) > 0 {
		g.log().Info("a poll has found events", "events", len(events), "new", len(fresh))
		g.stored()
	}
	return nil
}

// failed notes a failure and returns when to try again. It is told once, not each
// time.
func (g *polling) failed(ctx context.Context, f *connectorv1.Failure) time.Time {
	s, kind, known := &g.state, kindName(f.GetKind()), false
	known = s.Failures > 0 && s.Kind == kind
	s.Failures, s.Kind, s.Message, s.Waits = s.Failures+1, kind, f.GetMessage(), ""
	s.Next = g.e.Clock.Now().Add(pollBackoff(f, s.Failures, g.every, g.e.Random()))
	level := slog.LevelError
	switch {
	case known:
		level = slog.LevelDebug
	case passing(f):
		level = slog.LevelWarn
	}
	g.log().Log(ctx, level, "events cannot be looked for", "kind", kind, "error", s.Message, "upstream", f.GetUpstream().GetCode(), "again_at", s.Next)
	g.save(ctx, Written)
	return s.Next
}

// broken says that the store is, and returns when to try again. What was found is
// found again then.
func (g *polling) broken(ctx context.Context, err error) time.Time {
	if ctx.Err() == nil {
		g.log().Error("what a poll found is not stored; it is looked for again in a minute", "error", err)
	}
	return g.e.Clock.Now().Add(time.Minute)
}

// save stores how the poll stands. The cursor stays what it is.
func (g *polling) save(ctx context.Context, d Durability) {
	raw, err := json.Marshal(g.state)
	if err == nil {
		err = g.e.Store.PutValue(ctx, pollScope, g.key, raw, d)
	}
	if err != nil && ctx.Err() == nil {
		g.log().Error("how a poll stands is not stored", "error", err)
	}
}

func (g *polling) log() *slog.Logger {
	return g.e.Log.With("connector", g.Connector, "trigger", g.Trigger, "credential", g.Credential)
}

// passing reports whether a failure may end without anybody's action.
func passing(f *connectorv1.Failure) bool {
	return slices.Contains([]connectorv1.FailureKind{
		connectorv1.FailureKind_FAILURE_KIND_RATE_LIMITED, connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE,
	}, f.GetKind())
}

// pollBackoff is how long to wait after so many failures in a row. What passes is
// tried again soon, and then as often as usual; what takes a person's action ever
// more rarely, up to every few hours.
func pollBackoff(f *connectorv1.Failure, failures int, every time.Duration, jitter float64) time.Duration {
	const (
		soon, later         = 30 * time.Second, 5 * time.Minute
		mostSoon, mostLater = 5 * time.Minute, 6 * time.Hour
	)
	if after := f.GetRetryAfter().AsDuration(); after > 0 {
		return min(after, longestPause)
	}
	wait, most := min(every, soon), max(every, mostSoon)
	if !passing(f) {
		wait, most = max(every, later), max(every, mostLater)
	}
	for range failures - 1 {
		if wait *= 2; wait >= most {
			wait = most
			break
		}
	}
	return spread(wait, jitter)
}

// spread moves what would happen at once apart: a tenth before to a tenth after.
func spread(d time.Duration, jitter float64) time.Duration {
	return time.Duration(float64(d) * (0.9 + 0.2*jitter))
}
