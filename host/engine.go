package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/storyloop/storyloop/host/workflow"
	"github.com/storyloop/storyloop/schemas/validate"
)

// Setup is what an engine is made of.
type Setup struct {
	Store      Store      // Required.
	Connectors Connectors // Required. Built-in connectors included.
	Vault      Vault      // Nil means that there are no credentials.

	Clock   Clock                       // Nil means the system's.
	Log     *slog.Logger                // Nil means none.
	Traces  trace.TracerProvider        // Of runs and their steps. Nil means none.
	Random  func() float64              // From 0 to 1, for waits and ids of attempts. Nil means the system's.
	Env     func(string) (string, bool) // What $.env may lead to. Nil means the process's.
	MaxRuns int                         // Runs at once; more are queued. Zero means 64.
	Timeout time.Duration               // Of an attempt, where neither step nor operation says. Zero means a minute.
}

// Engine runs workflows in this process, and journals what they do in a store so
// that another process can go on after this one has died. Its methods are safe for
// concurrent use.
type Engine struct {
	Setup
	slots    chan struct{}
	watchers watchers
	throttle *throttle
	schemas  schemas
	ends     ends
	hooks    hooks
	arrivals arrivals
	tracer   trace.Tracer  // Nil if nothing is traced.
	halted   chan struct{} // Has an item if a run stopped since the store was broken.

	stop    context.Context // Ends when the engine closes.
	halt    context.CancelFunc
	running sync.WaitGroup

	mu sync.Mutex
	// Guarded by mu.
	active    map[string]*execution
	documents map[string]*workflow.Document // By name and version.
	closed    bool
	changed   context.Context // Ends when a definition changes.
	tellAll   context.CancelFunc

	dispatching sync.Mutex
	left        left
	defining    sync.Mutex   // Held while a definition takes effect.
	steering    sync.RWMutex // Held by who changes a run that is at rest; read-held while a run is stored and not begun.
}

// NewEngine returns an engine that runs nothing yet. Close it.
func NewEngine(s Setup) *Engine {
	if s.Clock == nil {
		s.Clock = SystemClock{}
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.Random == nil {
		s.Random = rand.Float64
	}
	if s.Env == nil {
		s.Env = os.LookupEnv
	}
	if s.MaxRuns <= 0 {
		s.MaxRuns = 64
	}
	if s.Timeout <= 0 {
		s.Timeout = time.Minute
	}
	stop, halt := context.WithCancel(context.Background())
	changed, tellAll := context.WithCancel(context.Background())
	e := &Engine{
		Setup: s, throttle: newThrottle(s.Store, s.Log), slots: make(chan struct{}, s.MaxRuns), stop: stop, halt: halt,
		halted: make(chan struct{}, 1),
		active: map[string]*execution{}, documents: map[string]*workflow.Document{},
		changed: changed, tellAll: tellAll,
	}
	if s.Traces != nil {
		e.tracer = s.Traces.Tracer("github.com/storyloop/storyloop/host")
	}
	return e
}

// StartRequest asks for a run.
type StartRequest struct {
	Workflow string          // Name of a definition. Required.
	Trigger  json.RawMessage // What happened: $.steps.trigger. Empty means {}.
	ID       string          // The same id never starts a second run. Empty means a new one.
	Event    string          // Key of the event that caused it, if one did.
	Origin   Origin          // What made it begin; the zero value is a person.
}

// errUnderWay says that this process runs a run already.
var errUnderWay = errors.New("is under way already")

// ErrClosed says that the engine has been closed.
var ErrClosed = errors.New("the engine is closed")

// Start stores a run and begins it, or queues it where enough run already. It
// returns false and the earlier run if the id is taken. The run does not end with
// ctx; its trace has a link to ctx's span.
func (e *Engine) Start(ctx context.Context, req StartRequest) (Run, bool, error) {
	def, err := e.Store.Definition(ctx, req.Workflow, "")
	if err != nil {
		return Run{}, false, fmt.Errorf("starting a run: %w", err)
	}
	return e.begin(ctx, def, req)
}

func (e *Engine) begin(ctx context.Context, def Definition, req StartRequest) (Run, bool, error) {
	err := checkTrigger(req.Trigger)
	if err == nil && req.ID != "" {
		err = checkID(req.ID)
	}
	if err != nil {
		return Run{}, false, fmt.Errorf("starting a run of %s: %w", def.Name, err)
	}
	if req.ID == "" {
		req.ID = e.newID()
	}
	// Others see the run as soon as it is stored, and must not take it for one that
	// nobody begins.
	e.steering.RLock()
	defer e.steering.RUnlock()
	r, fresh, err := e.Store.CreateRun(ctx, Run{
		ID: req.ID, Workflow: def.Name, Version: def.Version, State: RunQueued,
		Trigger: triggerOf(req.Trigger), Event: req.Event, Origin: req.Origin, CreatedAt: e.Clock.Now(),
	})
	if err != nil {
		return Run{}, false, fmt.Errorf("storing a run of %s: %w", def.Name, err)
	}
	if !fresh {
		return r, false, nil
	}
	return r, true, e.launch(r, def, false, trace.SpanContextFromContext(ctx))
}

// few is how many runs or events are read from the store at once: each may hold
// megabytes.
const few = 4

// Resume goes on with all runs that an earlier process left unfinished, other than
// the parked ones, and with events that have not started theirs. It returns how
// many runs go on. Call it before [Engine.Dispatch]; what has begun in this process
// and not stopped is left alone.
func (e *Engine) Resume(ctx context.Context) (int, error) {
	n := 0
	for before := ""; ; {
		page, err := e.Store.Runs(ctx, RunFilter{States: []RunState{RunQueued, RunRunning, RunWaiting}, Before: before, Limit: few})
		if err != nil {
			return n, fmt.Errorf("finding unfinished runs: %w", err)
		}
		if len(page) == 0 {
			break
		}
		for _, r := range page {
			before = r.ID
			resumed, err := e.resume(ctx, r.ID)
			if err != nil {
				return n, fmt.Errorf("resuming run %s: %w", r.ID, err)
			}
			if resumed {
				n++
			}
		}
	}
	return n, e.Dispatch(ctx)
}

// resume goes on with a run, unless it has begun or ended meanwhile.
func (e *Engine) resume(ctx context.Context, id string) (bool, error) {
	e.steering.Lock()
	defer e.steering.Unlock()
	r, err := e.Store.Run(ctx, id)
	if err != nil || r.State.Ended() || r.State == RunParked {
		return false, err
	}
	def, err := e.Store.Definition(ctx, r.Workflow, r.Version)
	if err != nil {
		return false, err
	}
	err = e.launch(r, def, true, trace.SpanContext{})
	if errors.Is(err, errUnderWay) {
		return false, nil
	}
	return err == nil, err
}

// Wait returns a run when it has come to rest: ended, or parked.
func (e *Engine) Wait(ctx context.Context, id string) (Run, error) {
	if err := e.settled(ctx, id); err != nil {
		return Run{}, err
	}
	return e.Store.Run(ctx, id)
}

// Watch follows a run that is about to start or under way; of one that is at rest
// already it tells how it ended. With an empty id it follows the ends of all runs.
// Close the watcher.
func (e *Engine) Watch(id string) *Watcher {
	w := e.watchers.add(id)
	e.mu.Lock()
	active := e.active[id] != nil
	e.mu.Unlock()
	if id == "" || active {
		return w
	}
	// A run that is not known is about to start.
	if r, err := e.Store.Run(context.Background(), id); err == nil && (r.State.Ended() || r.State == RunParked) {
		e.watchers.tellLate(w, Progress{Kind: RunEnded, Run: id, At: e.Clock.Now(), State: r.State, Failure: r.Failure, Question: r.Question, Output: r.Output})
	}
	return w
}

// Close lets runs come to the next point from which another process can go on,
// and returns when all have, or with ctx's error. Calls that are under way are cut
// off then.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	e.halt()
	e.mu.Unlock()
	done := make(chan struct{})
	go func() {
		e.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	e.mu.Lock()
	for _, x := range e.active {
		x.cancel(ErrClosed)
	}
	e.mu.Unlock()
	<-done
	return ctx.Err()
}

// newID returns the id of a run: it sorts by time.
func (e *Engine) newID() string {
	return fmt.Sprintf("%s-%010x", e.Clock.Now().UTC().Format("20060102-150405"), uint64(e.Random()*(1<<40)))
}

// checkID keeps ids of runs to what fits into paths, keys and addresses.
func checkID(id string) error {
	const longest = 200
	for _, c := range id {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_.:@ ", c)) {
			return &InputError{"/id", fmt.Sprintf("%q may hold letters, digits, - _ . : @ and spaces only", id)}
		}
	}
	if len(id) > longest {
		return &InputError{"/id", fmt.Sprintf("has %d characters; at most %d allowed", len(id), longest)}
	}
	return nil
}

func checkTrigger(raw json.RawMessage) error {
	if len(raw) > maxInput {
		return &InputError{"/trigger", fmt.Sprintf("the payload has %d bytes; at most %d allowed", len(raw), maxInput)}
	}
	if len(raw) == 0 {
		return nil
	}
	if err := validate.Syntax(raw); err != nil {
		return &InputError{"/trigger", fmt.Sprintf("the payload is %s", err)}
	}
	return nil
}

// triggerOf returns what $.steps.trigger holds for a payload.
func triggerOf(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("{}")
	}
	return raw
}
