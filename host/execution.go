package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/storyloop/storyloop/host/workflow"
)

// Why a run stops before its end.
var (
	errCancelled = errors.New("the run was cancelled")
	errAtRest    = errors.New("the run is at rest") // Parked, or the engine closes.
)

// storeError says that the store is broken: the run stays unfinished, and the host
// goes on with it when it works again, or at its next start.
type storeError struct{ err error }

func (e *storeError) Error() string { return "writing the journal: " + e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// execution is one run in this process. It is the interpreter's [workflow.Ctx].
type execution struct {
	e       *Engine
	run     Run                // Without its trigger.
	doc     *workflow.Document // That all runs of the version share; nil if unread says why.
	unread  error
	resumed bool // The journal may hold what a former process has done.

	ctx     context.Context // Of calls: ends when the run is cancelled.
	lasting context.Context // Of the journal: what has happened is written also after that.
	span    trace.Span      // The run's, which is that of ctx.
	cancel  context.CancelCauseFunc
	waitCtx context.Context // Of waits: ends also when the run must come to rest.
	rest    context.CancelFunc
	done    chan struct{} // Closed when the run has come to rest.
	err     error         // Set before done is closed, if the store is broken.
	stuck   bool          // The store did not take how the run goes on, or has ended.
	last    Progress      // What watchers are told in the end.

	entering sync.Mutex // Held by who takes the run's place.

	mu sync.Mutex
	// Guarded by mu.
	placed   bool // The run has one of the places of those that go on.
	question *Question
	asked    int // Attempts before the question: it may be asked again after others.
	workers  int // Goroutines that run steps,
	waiters  int // and how many of these wait;
	until    time.Time
	reason   string                // the last to do so until then, for this.
	loops    map[string]trace.Span // Those under way that are traced, by path.
}

var _ workflow.Ctx = (*execution)(nil)

// launch begins a run in a goroutine of its own. Cause is the span that led to it.
// The trigger may be large, and the run may wait long for a place: until then the
// store alone has it.
func (e *Engine) launch(r Run, def Definition, resumed bool, cause trace.SpanContext) error {
	r.Trigger = nil
	x := &execution{e: e, run: r, resumed: resumed, done: make(chan struct{}), workers: 1}
	x.doc, x.unread = e.document(def)
	x.ctx, x.span = e.traceRun(r, resumed, cause)
	x.ctx, x.cancel = context.WithCancelCause(x.ctx)
	x.waitCtx, x.rest = context.WithCancel(x.ctx)
	x.lasting = context.WithoutCancel(x.ctx)

	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return ErrClosed
	}
	if e.active[r.ID] != nil {
		return fmt.Errorf("run %s %w", r.ID, errUnderWay)
	}
	e.active[r.ID] = x
	e.ends.note(r.ID, false)
	e.running.Add(1)
	go x.main()
	return nil
}

// settled returns when no goroutine runs a run any more.
func (e *Engine) settled(ctx context.Context, id string) error {
	e.mu.Lock()
	x := e.active[id]
	e.mu.Unlock()
	if x == nil {
		return nil
	}
	select {
	case <-x.done:
		return x.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (x *execution) main() {
	stopWatching := context.AfterFunc(x.e.stop, x.rest)
	defer func() {
		x.traced()
		stopWatching()
		x.rest()
		x.cancel(nil)
		x.e.ends.note(x.run.ID, x.err != nil) // before anybody can go on with it
		x.e.mu.Lock()
		delete(x.e.active, x.run.ID)
		x.e.mu.Unlock()
		if x.stuck { // now that nothing is in the way of going on with it
			x.e.noteHalted()
		}
		// After that, so that who looks whether to wait for it does not miss it.
		x.last.Kind = RunEnded
		x.tell(x.last)
		x.e.ends.tell(x.run.ID)
		close(x.done)
		x.e.running.Done()
	}()
	if err := x.occupy(); err != nil {
		x.end(nil, err)
		return
	}
	defer func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.vacate()
	}()
	output, err := x.interpret()
	x.end(output, err)
	if s := x.run.State; s == RunFailed || s == RunParked {
		if err := x.e.Dispatch(x.lasting); err != nil {
			x.log(slog.LevelError, "alerts wait for the next event", slog.Any("error", err))
		}
	}
}

// interpret runs the document, and survives a bug in doing so.
func (x *execution) interpret() (output json.RawMessage, err error) {
	defer func() {
		if p := recover(); p != nil {
			x.log(slog.LevelError, "a run panicked", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			err = &workflow.Failure{
				Kind: workflow.Internal, Applied: "unknown", Workflow: x.run.Workflow,
				Message: "the host has a fault of its own; its log says more, under run " + x.run.ID,
			}
		}
	}()
	if err := x.stopped(); err != nil {
		return nil, err
	}
	if x.unread != nil {
		return nil, &workflow.Failure{Kind: workflow.InvalidInput, Applied: "no", Workflow: x.run.Workflow, Message: x.unread.Error()}
	}
	x.span.SetAttributes(attribute.String("storyloop.trigger", x.doc.Trigger.Connector))
	x.run.State, x.run.Reason, x.run.Until = RunRunning, "", time.Time{}
	if x.run.StartedAt.IsZero() {
		x.run.StartedAt = x.e.Clock.Now()
	}
	if err := x.e.Store.UpdateRun(x.lasting, x.run, Written); err != nil {
		return nil, &storeError{err}
	}
	x.logStart()
	x.tell(Progress{Kind: RunStarted})
	if err := x.takeOver(); err != nil {
		return nil, err
	}
	stored, err := x.e.Store.Run(x.lasting, x.run.ID)
	if err != nil {
		return nil, &storeError{err}
	}
	// The run began when it was created: the same after each restart.
	return workflow.Run(x, x.doc, workflow.Values{RunID: x.run.ID, StartedAt: x.run.CreatedAt, Trigger: stored.Trigger, Env: x.e.env(x.doc)})
}

// stopped returns why no further step may begin, or nil.
func (x *execution) stopped() error {
	if x.ctx.Err() != nil {
		return context.Cause(x.ctx)
	}
	if x.waitCtx.Err() != nil || x.e.stop.Err() != nil {
		return errAtRest
	}
	return nil
}

// end stores how the run has come to rest.
func (x *execution) end(output json.RawMessage, err error) {
	r, now := x.run, x.e.Clock.Now()
	r.Reason, r.Until = "", time.Time{}
	var failure *workflow.Failure
	var broken *storeError
	switch {
	case err == nil:
		r.State, r.Output, r.EndedAt = RunSucceeded, output, now
	case errors.As(err, &broken):
		x.err = fmt.Errorf("run %s of %s: %w", r.ID, r.Workflow, err)
		x.log(slog.LevelError, "a run stopped since the store is broken", slog.Any("error", err))
		x.stuck = true
		x.last = Progress{State: r.State, Message: err.Error()}
		return
	case errors.Is(err, errCancelled):
		r.State, r.EndedAt = RunCancelled, now
	case x.question != nil:
		r.State, r.Question = RunParked, x.question
	case errors.Is(err, errAtRest), errors.Is(err, ErrClosed):
		x.log(slog.LevelInfo, "run rests until the host starts again")
		x.last = Progress{State: r.State}
		return // as it stands: another process goes on
	case errors.As(err, &failure):
		r.State, r.Failure, r.EndedAt = RunFailed, failure, now
	default:
		x.log(slog.LevelError, "a run failed for a reason of the host's own", slog.Any("error", err))
		r.State, r.EndedAt = RunFailed, now
		r.Failure = &workflow.Failure{Kind: workflow.Internal, Applied: "unknown", Workflow: r.Workflow, Message: err.Error()}
	}
	err = x.alert(r)
	if err == nil {
		err = x.e.Store.UpdateRun(x.lasting, r, Synced)
	}
	if err != nil {
		x.err = fmt.Errorf("storing how run %s ended: %w", r.ID, err)
		x.log(slog.LevelError, "the end of a run was not stored", slog.Any("error", err))
		x.stuck = true
	}
	x.run = r
	x.logEnd()
	x.last = Progress{State: r.State, Failure: r.Failure, Question: r.Question, Output: r.Output}
}

// park brings the run to rest until a person has answered. The first question is
// the run's; others are asked when it is resumed.
func (x *execution) park(q *Question, attempts int) error {
	x.mu.Lock()
	if x.question == nil {
		x.question, x.asked = q, attempts
	}
	x.mu.Unlock()
	x.rest()
	return errAtRest
}
