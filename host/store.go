package host

import (
	"context"
	"encoding/json"
	"time"

	"github.com/storyloop/storyloop/host/workflow"
)

// Durability says what a write must survive before the call that made it returns.
// Whatever it is, writes are applied in the order in which they were made, and
// each can be read as soon as its call has returned.
type Durability byte

// Durabilities. The zero value is the most careful.
const (
	Synced  Durability = iota // A power cut: intents and outcomes of writes, events.
	Written                   // The end of the process: results of reads, waits.
	Queued                    // Nothing: what can be found out again, or only informs.
)

// Store keeps what a host must not forget. Its methods are safe for concurrent
// use. A store may commit writes of many callers together; it returns to each when
// its own has the durability asked for.
//
// What is not there is a *NotFoundError. Any other error means that the store
// is broken; nothing was written then, and the caller must not go on as if.
//
// A store keeps nothing of its arguments: they may change once a call has returned,
// whatever its durability.
type Store interface {
	// PutDefinition makes a definition the current one of its name. Earlier versions
	// stay, for the runs that began with them.
	PutDefinition(ctx context.Context, d Definition) error
	// Definition returns one version, or the current one if version is empty.
	Definition(ctx context.Context, name, version string) (Definition, error)
	// Definitions returns the current version of each, by name.
	Definitions(ctx context.Context) ([]Definition, error)

	// CreateRun stores a run, synced, unless its id is taken: then it returns the run that has
	// it, and false.
	CreateRun(ctx context.Context, r Run) (Run, bool, error)
	// UpdateRun replaces a run.
	UpdateRun(ctx context.Context, r Run, d Durability) error
	Run(ctx context.Context, id string) (Run, error)
	// Runs returns runs, the latest first.
	Runs(ctx context.Context, f RunFilter) ([]Run, error)

	// PutEntry adds an entry to a run's journal, or replaces the one that has its path.
	PutEntry(ctx context.Context, e Entry, d Durability) error
	// Entry returns the entry of a path; false if there is none.
	Entry(ctx context.Context, run, path string) (Entry, bool, error)
	// Entries returns a run's entries in the order in which they were first put,
	// from a position on; next is the position after them, zero at the end.
	Entries(ctx context.Context, run string, from int64, limit int) (entries []Entry, next int64, err error)
	// Iterations returns one more than the highest index of an iteration of a loop
	// that has left an entry.
	Iterations(ctx context.Context, run, loop string) (int, error)

	// AddEvents stores events, synced, all or none, and returns those that were not
	// there before, by Event.Key.
	AddEvents(ctx context.Context, events []Event) ([]Event, error)
	// PendingEvents returns events that are not done, the oldest first.
	PendingEvents(ctx context.Context, limit int) ([]Event, error)
	// DoneEvent marks an event as done. It stays known.
	DoneEvent(ctx context.Context, key string) error
}

// Definition is one version of a workflow.
type Definition struct {
	Name     string
	Version  string          // Made of the document: the same text is the same version.
	Document json.RawMessage // As JSON.
	File     string          // Where it was read from, for messages.
	Enabled  bool            // Events start runs of it.
	Subject  string          // Only events of this subject do; empty means of any.
	AddedAt  time.Time
}

// RunState is how a run stands.
type RunState string

// States of a run.
const (
	RunQueued    RunState = "queued"
	RunRunning   RunState = "running"
	RunWaiting   RunState = "waiting" // For a time: delay, rate limit, another attempt.
	RunParked    RunState = "parked"  // For a person.
	RunSucceeded RunState = "succeeded"
	RunFailed    RunState = "failed"
	RunCancelled RunState = "cancelled"
)

// Ended reports whether a run in this state never goes on.
func (s RunState) Ended() bool {
	return s == RunSucceeded || s == RunFailed || s == RunCancelled
}

// Run is one run of a workflow.
type Run struct {
	ID       string
	Workflow string
	Version  string // Of the definition with which it began.
	State    RunState
	Trigger  json.RawMessage // What happened.
	Event    string          // Key of the event that started it; empty if a person did.

	Output   json.RawMessage   // Of a terminate step, if it gave one.
	Failure  *workflow.Failure // Why it failed.
	Question *Question         // What a parked run waits for.
	Reason   string            // What a waiting run waits for.
	Until    time.Time         // And until when.

	CreatedAt time.Time
	StartedAt time.Time
	EndedAt   time.Time
}

// Question is what a person must decide before a parked run goes on.
type Question struct {
	Path    string // Of the step.
	Step    string
	Kind    QuestionKind
	Text    string
	Choices []Choice
}

// QuestionKind is what a question is about.
type QuestionKind string

// Kinds of questions.
const (
	AskHappened   QuestionKind = "may_have_happened" // Did a write happen whose answer was lost?
	AskCredential QuestionKind = "credential"        // The account's owner must sign in again.
	AskPermission QuestionKind = "permission"        // The account's owner must consent to more.
)

// Choice is an answer to a question.
type Choice string

// Answers.
const (
	Repeat Choice = "repeat" // Do the step again.
	Skip   Choice = "skip"   // Go on without its output.
)

// RunFilter narrows a list of runs. Its zero value is the latest hundred.
type RunFilter struct {
	Workflow string
	States   []RunState
	Before   string // Runs that were created before this one: the id that ended the last page.
	Limit    int    // Zero means 100.
}

// EntryState is how a step stands.
type EntryState string

// States of an entry.
const (
	EntryIntent  EntryState = "intent"  // A call that is no mere read is about to be made, or was cut off.
	EntryWaiting EntryState = "waiting" // For another attempt, or asleep.
	EntryParked  EntryState = "parked"
	EntryDone    EntryState = "done"
	EntryFailed  EntryState = "failed"
	EntrySkipped EntryState = "skipped" // A person said so.
)

// Final reports whether the step is never done again.
func (s EntryState) Final() bool {
	return s == EntryDone || s == EntryFailed || s == EntrySkipped
}

// Entry is what the journal holds about one step in one iteration: a record to
// resume from, and history for people.
type Entry struct {
	Run       string
	Path      string // Such as "loop-1[3]/instagram-2", "instagram-1#2" for a page, "loop-1[3]" for an iteration.
	Loop      string // Path of the innermost loop around it; empty outside of loops.
	Index     int    // The iteration of that loop.
	Step      string
	Connector string
	Operation string
	State     EntryState

	Input    json.RawMessage // Secrets masked.
	Output   json.RawMessage
	Items    string // As in workflow.Outcome.
	Next     string // As in workflow.Outcome.
	Failure  *workflow.Failure
	Attempts []Attempt
	Resume   string    // Resume token of the last attempt.
	Until    time.Time // Of a wait.
	Waited   time.Duration
	Reason   string // For the wait.
	Question *Question
	Answer   Choice // To the question; empty until there is one.
	Before   int    // Attempts that were made before the answer, and do not count any more.

	StartedAt time.Time
	EndedAt   time.Time
}

// Attempt is one call of an operation.
type Attempt struct {
	ID        string // As in the logs of both sides.
	StartedAt time.Time
	EndedAt   time.Time // Zero if it was cut off.
	Requests  int       // Requests to the remote service.
	Kind      string    // Of its failure; empty if it worked.
	Message   string
	Upstream  string // The remote service's code.
	Reconcile bool   // It only looked whether an earlier attempt had happened.
}

// Event is something that happened at a remote service.
type Event struct {
	Connector  string
	Trigger    string
	ID         string // By the connector; the same for each delivery.
	Subject    string
	Payload    json.RawMessage
	OccurredAt time.Time
	ReceivedAt time.Time
}

// Key tells events apart: two deliveries of one event have the same.
func (e Event) Key() string { return e.Connector + "/" + e.Trigger + "/" + e.ID }
