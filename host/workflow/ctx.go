package workflow

import (
	"encoding/json"
	"time"
)

// Ctx is all that the interpreter asks of an engine. An engine may run the same
// document again after a crash: what it has recorded under a path it returns
// instead of doing it again. A path names a step by the ids and iterations around
// it, such as "loop-1[3]/instagram-2", and is the same in each attempt.
//
// An error that is a *[Failure] is the step's, and the document says what follows.
// Any other error ends the interpretation at once: the run was cancelled, or must
// wait for a person.
type Ctx interface {
	// Call runs an operation, or one page of it, to its outcome, with all attempts
	// that it takes.
	Call(Call) (Outcome, error)
	// Sleep returns when d has passed since the step was first reached: at once if d
	// is not above zero, where an earlier process may have begun to wait.
	Sleep(path string, s *Step, d time.Duration) error
	// Each runs the iterations of a loop and returns what came of them. An engine
	// calls Run for each index, in order, up to Concurrency at once, with a Ctx of
	// its own, and Add with each result, one at a time; when Add says so, or Run
	// returns an error, it begins no more, and waits for those under way. It
	// returns the error of the lowest index, if there was one.
	Each(*Loop) (Summary, error)
	// Now returns the time.
	Now() time.Time
	// Log tells what happens. It may be told the same twice.
	Log(Event)
}

// Call is one call of an operation.
type Call struct {
	Path  string
	Step  *Step
	Input json.RawMessage
	Token string // Of the page; empty for the first.
}

// Outcome is what a call came to.
type Outcome struct {
	Output json.RawMessage
	Next   string // Token of the next page; empty on the last.
	Items  string // JSON Pointer of the list in the output; empty where it holds none.
}

// Event is one thing that happens to a step.
type Event struct {
	Kind    EventKind
	Path    string
	Step    *Step
	Began   time.Time       // When the step did. After a restart: when this process came to it.
	Input   json.RawMessage // Of a control step that is no loop, once it is known.
	Output  json.RawMessage
	Failure *Failure
}

// EventKind is what happens to a step.
type EventKind string

// What happens to a step.
const (
	Started  EventKind = "started"
	Finished EventKind = "finished"
	Failed   EventKind = "failed"
)
