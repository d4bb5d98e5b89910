package host

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/storyloop/storyloop/host/workflow"
)

// Progress is one thing that happens in a run, for whoever watches it.
type Progress struct {
	Kind ProgressKind `json:"kind"`
	Run  string       `json:"run"`
	At   time.Time    `json:"at"`

	Path      string `json:"path"`            // Of the step: "loop-1[3]/instagram-2".
	Step      string `json:"step,omitempty"`  // Its id,
	Title     string `json:"title,omitempty"` // its title, if it has one,
	Connector string `json:"connector,omitempty"`
	Operation string `json:"operation,omitempty"`

	Attempt  int           `json:"attempt,omitempty"`  // From 1; for Attempted and Waiting.
	Message  string        `json:"message,omitempty"`  // For people: why it waits, how far it is.
	Fraction float64       `json:"fraction,omitempty"` // 0 to 1; for InProgress, where it is known.
	Until    time.Time     `json:"until,omitzero"`     // For Waiting.
	Index    int           `json:"index,omitempty"`    // Of the iteration; for Iterated.
	Done     int           `json:"done,omitempty"`     // Iterations that are over; for Iterated.
	Count    int           `json:"count,omitempty"`    // Iterations at most; for LoopStarted and Iterated.
	Took     time.Duration `json:"took,omitempty"`     // For StepFinished and StepFailed.

	Forecast *Forecast         `json:"forecast,omitempty"` // For LoopStarted, if the loop makes calls.
	Output   json.RawMessage   `json:"output,omitempty"`   // For StepFinished, secrets hidden; and for RunEnded.
	Failure  *workflow.Failure `json:"failure,omitempty"`  // For StepFailed, Iterated and RunEnded.
	Question *Question         `json:"question,omitempty"` // For RunEnded, if the run is parked.
	State    RunState          `json:"state,omitempty"`    // For RunEnded.
}

// ProgressKind is what happens in a run.
type ProgressKind string

// What happens in a run.
const (
	RunStarted   ProgressKind = "run_started"
	StepStarted  ProgressKind = "step_started"
	Attempted    ProgressKind = "attempt"  // A call begins.
	Waiting      ProgressKind = "waiting"  // For a time.
	InProgress   ProgressKind = "progress" // A sign of life from a long call.
	StepFinished ProgressKind = "step_finished"
	StepFailed   ProgressKind = "step_failed"
	LoopStarted  ProgressKind = "loop_started"
	Iterated     ProgressKind = "iteration" // An iteration is over.
	RunEnded     ProgressKind = "run_ended" // The run has ended or is parked. The last.
)

// maxBehind is how much a watcher may be behind before it misses something.
const maxBehind = 10_000

// Watcher hands out what happens in a run.
type Watcher struct {
	run    string
	all    *watchers
	signal chan struct{}

	mu sync.Mutex
	// Guarded by mu.
	queue  progressQueue
	missed int
}

// Next waits for what happens next. It returns false when the run has come to
// rest and all has been told, or when ctx ends.
func (w *Watcher) Next(ctx context.Context) (Progress, bool) {
	for {
		if p, ok := w.take(); ok {
			return p, true
		}
		select {
		case _, open := <-w.signal:
			if !open && w.empty() {
				return Progress{}, false
			}
		case <-ctx.Done():
			return Progress{}, false
		}
	}
}

// Missed returns how many events were dropped because the watcher was too slow.
func (w *Watcher) Missed() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.missed
}

// Close ends the watch.
func (w *Watcher) Close() { w.all.remove(w) }

func (w *Watcher) take() (Progress, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.queue.take()
}

func (w *Watcher) empty() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.queue.len() == 0
}

// put never blocks: who watches must not slow down who works.
func (w *Watcher) put(p Progress) {
	w.mu.Lock()
	if w.queue.len() >= maxBehind && p.Kind != RunEnded {
		w.missed++
	} else {
		w.queue.put(p)
	}
	w.mu.Unlock()
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

// everyRun is watched by those who want to know of the end of each.
const everyRun = ""

// watchers are all who watch, by run. The zero value has none.
type watchers struct {
	mu sync.RWMutex
	// Guarded by mu.
	byRun map[string][]*Watcher
}

func (ws *watchers) add(run string) *Watcher {
	w := &Watcher{run: run, all: ws, signal: make(chan struct{}, 1)}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.byRun == nil {
		ws.byRun = map[string][]*Watcher{}
	}
	ws.byRun[run] = append(ws.byRun[run], w)
	return w
}

func (ws *watchers) watched(run string) bool {
	ws.mu.RLock()
	defer ws.mu.RUnlock()
	return len(ws.byRun[run]) > 0
}

func (ws *watchers) tell(p Progress) {
	if p.Kind != RunEnded {
		ws.mu.RLock()
		defer ws.mu.RUnlock()
		for _, w := range ws.byRun[p.Run] {
			w.put(p)
		}
		return
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, w := range ws.byRun[p.Run] {
		w.put(p)
		close(w.signal)
	}
	delete(ws.byRun, p.Run)
	for _, w := range ws.byRun[everyRun] {
		w.put(p)
	}
}

// tellLate tells one who came after the end, unless it has been told.
func (ws *watchers) tellLate(w *Watcher, p Progress) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if slices.Contains(ws.byRun[w.run], w) {
		ws.drop(w)
		w.put(p)
		close(w.signal)
	}
}

func (ws *watchers) remove(w *Watcher) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.drop(w)
}

func (ws *watchers) drop(w *Watcher) {
	list := ws.byRun[w.run]
	for i := range list {
		if list[i] == w {
			ws.byRun[w.run] = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	if len(ws.byRun[w.run]) == 0 {
		delete(ws.byRun, w.run)
	}
}
