package main

import (
	"context"
	"time"

	"github.com/storyloop/storyloop/host"
)

const (
	// pruneEvery is how often what is old is looked for.
	pruneEvery = 6 * time.Hour
	// redelivery is how long an event stays known at least: Meta sends one again for
	// up to 36 hours.
	redelivery = 72 * time.Hour
	// keepLatest is how many runs of a workflow stay, however old.
	keepLatest = 20
)

// retain forgets runs that ended longer ago than keep, until ctx ends. Zero keeps
// all.
func (s *stack) retain(ctx context.Context, keep time.Duration) {
	if keep <= 0 {
		return
	}
	clock := s.engine.Clock
	for {
		now := clock.Now()
		gone, err := s.prune(ctx, host.Retention{
			RunsBefore: now.Add(-keep), KeepRuns: keepLatest, EventsBefore: now.Add(-max(keep, redelivery)),
		})
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.log.Error("old runs cannot be removed", "error", err)
		case gone.Runs+gone.Events > 0:
			s.log.Info("old runs removed", "runs", gone.Runs, "entries", gone.Entries, "events", gone.Events)
		}
		if clock.SleepUntil(ctx, now.Add(pruneEvery)) != nil {
			return
		}
	}
}

// prune forgets what a retention says, but keeps the runs of events that wait in the
// inbox: an event that is tried again would start a run once more that is forgotten.
func (s *stack) prune(ctx context.Context, r host.Retention) (host.Pruned, error) {
	oldest, err := s.engine.Store.PendingEvents(ctx, "", 1)
	if err != nil {
		return host.Pruned{}, err
	}
	if len(oldest) > 0 && oldest[0].ReceivedAt.Before(r.RunsBefore) {
		r.RunsBefore = oldest[0].ReceivedAt
	}
	return s.engine.Store.Prune(ctx, r)
}
