package host

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/trace"
)

// Cancel ends a run, wherever it is. It returns when the run has ended.
func (e *Engine) Cancel(ctx context.Context, id string) error {
	for {
		x, err := e.cancelAtRest(ctx, id)
		if x == nil {
			return err
		}
		x.cancel(errCancelled)
		select {
		case <-x.done: // Not as cancelled, perhaps: it may have been about to ask a person.
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// cancelAtRest ends a run that waits for a person. One that is under way it returns.
func (e *Engine) cancelAtRest(ctx context.Context, id string) (*execution, error) {
	e.steering.Lock()
	defer e.steering.Unlock()
	e.mu.Lock()
	x := e.active[id]
	e.mu.Unlock()
	if x != nil {
		return x, nil
	}
	r, err := e.Store.Run(ctx, id)
	if err != nil || r.State.Ended() {
		return nil, err
	}
	r.State, r.Question, r.EndedAt = RunCancelled, nil, e.Clock.Now()
	if err := e.Store.UpdateRun(ctx, r, Synced); err != nil {
		return nil, fmt.Errorf("cancelling run %s: %w", id, err)
	}
	e.watchers.tell(Progress{Kind: RunEnded, Run: id, State: r.State, At: r.EndedAt})
	e.ends.note(id, false)
	e.ends.tell(id)
	return nil, nil
}

// Resolve answers the question of a parked run, which then goes on. Of two who
// answer at once, one is told with a *[StateError] that nothing is asked any more.
// The path is that of the step that is asked about; if the run asks about another by
// now, that is a *[StateError], too. Empty means whatever it asks. An answer that is
// none is an *[InputError].
func (e *Engine) Resolve(ctx context.Context, id, path string, answer Choice) error {
	if answer != Repeat && answer != Skip {
		return &InputError{"/answer", fmt.Sprintf("must be %s or %s, not %q", Repeat, Skip, answer)}
	}
	if _, err := e.parked(ctx, id); err != nil {
		return err
	}
	if err := e.settled(ctx, id); err != nil { // it is stored as parked just before
		return err
	}
	e.steering.Lock()
	defer e.steering.Unlock()
	r, err := e.parked(ctx, id)
	if err != nil {
		return err
	}
	if path != "" && path != r.Question.Path {
		return &StateError{"/path", fmt.Sprintf("run %s asks about %s, not about %s", id, r.Question.Path, path)}
	}
	entry, found, err := e.Store.Entry(ctx, id, r.Question.Path)
	if err != nil {
		return fmt.Errorf("reading the question of run %s: %w", id, err)
	}
	if !found {
		return &NotFoundError{Kind: "step", Name: id + "/" + r.Question.Path}
	}
	def, err := e.Store.Definition(ctx, r.Workflow, r.Version)
	if err != nil {
		return fmt.Errorf("resuming run %s: %w", id, err)
	}
	entry.Answer = answer
	if err := e.Store.PutEntry(ctx, entry, Synced); err != nil {
		return fmt.Errorf("storing the answer for run %s: %w", id, err)
	}
	r.State, r.Question = RunQueued, nil
	if err := e.Store.UpdateRun(ctx, r, Synced); err != nil {
		return fmt.Errorf("resuming run %s: %w", id, err)
	}
	return e.launch(r, def, true, trace.SpanContext{})
}

// parked returns a run that asks something.
func (e *Engine) parked(ctx context.Context, id string) (Run, error) {
	r, err := e.Store.Run(ctx, id)
	if err == nil && (r.State != RunParked || r.Question == nil) {
		err = &StateError{"", fmt.Sprintf("run %s is %s and asks nothing", id, r.State)}
	}
	return r, err
}
