package host

import (
	"context"
	"encoding/json"
	"fmt"
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
	Written                   // The end of the process: results of reads, waits, what informs.
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
	// Definitions returns the current version of each, by name, whether enabled or not.
	Definitions(ctx context.Context) ([]Definition, error)
	// Versions returns all versions of a definition, by Definition.AddedAt, the latest
	// first.
	Versions(ctx context.Context, name string) ([]Definition, error)

	// CreateRun stores a run, synced, unless its id is taken: then it returns the run that has
	// it, and false.
	CreateRun(ctx context.Context, r Run) (Run, bool, error)
	// UpdateRun replaces a run, all but Run.Trigger, which stays as it was created.
	UpdateRun(ctx context.Context, r Run, d Durability) error
	Run(ctx context.Context, id string) (Run, error)
	// Runs returns runs, the latest first.
	Runs(ctx context.Context, f RunFilter) ([]Run, error)
	// CountRuns returns how many runs there are in each state, of one workflow or,
	// with an empty name, of all. States without runs may be missing.
	CountRuns(ctx context.Context, workflow string) (map[RunState]int, error)
	// Prune forgets what a retention says. Cut off, it goes on the next time.
	Prune(ctx context.Context, r Retention) (Pruned, error)

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
	// AddPolled stores what a poll has found, as AddEvents does, together with a value
	// that says where the poll stopped: all or none.
	AddPolled(ctx context.Context, events []Event, where ScopedValue) ([]Event, error)
	// PendingEvents returns events that are not done, the oldest first: those after the
	// pending one of a key, or all if that is empty.
	PendingEvents(ctx context.Context, after string, limit int) ([]Event, error)
	// DoneEvent marks an event as done. It stays known.
	DoneEvent(ctx context.Context, key string) error

	Values
}

// Definition is one version of a workflow.
type Definition struct {
	Name     string          `json:"name"`
	Version  string          `json:"version"`            // Made of the document: the same text is the same version.
	Document json.RawMessage `json:"document,omitempty"` // As JSON.
	File     string          `json:"file,omitempty"`     // Where it was read from, for messages.
	Enabled  bool            `json:"enabled,omitempty"`  // Events start runs of it.
	Subject  string          `json:"subject,omitempty"`  // Only events of this subject do; empty means of any.
	AddedAt  time.Time       `json:"added_at,omitzero"`
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
	ID       string          `json:"id"`
	Workflow string          `json:"workflow"`
	Version  string          `json:"version"` // Of the definition with which it began.
	State    RunState        `json:"state"`
	Trigger  json.RawMessage `json:"trigger,omitempty"` // What happened.
	Event    string          `json:"event,omitempty"`   // Key of the event that started it, if one did.
	Origin   Origin          `json:"origin,omitzero"`   // What made it begin.

	Output   json.RawMessage   `json:"output,omitempty"`   // Of a terminate step, if it gave one.
	Failure  *workflow.Failure `json:"failure,omitempty"`  // Why it failed.
	Question *Question         `json:"question,omitempty"` // What a parked run waits for.
	Reason   string            `json:"reason,omitempty"`   // What a waiting run waits for.
	Until    time.Time         `json:"until,omitzero"`     // And until when.
	Forecast *Forecast         `json:"forecast,omitempty"` // Of the loop that began last, outside of other loops.

	CreatedAt time.Time `json:"created_at,omitzero"`
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
}

// Waits says for people what a waiting run waits for, and until when, such as
// "waits until 14:05, 96 % of instagram calls of @bluebottle used". Times are in
// now's zone.
func (r Run) Waits(now time.Time) string {
	if r.State != RunWaiting {
		return ""
	}
	if r.Until.IsZero() {
		return "waits for " + r.Reason
	}
	form := "15:04"
	if r.Until.Sub(now) > 20*time.Hour {
		form = "2006-01-02 15:04"
	}
	return fmt.Sprintf("waits until %s, %s", r.Until.In(now.Location()).Format(form), r.Reason)
}

// Origin is what made a run begin. The zero value is a person.
type Origin struct {
	Kind  OriginKind `json:"kind,omitempty"`
	Run   string     `json:"run,omitempty"`   // The run that called it, that is done again, or of which an alert tells.
	Path  string     `json:"path,omitempty"`  // Of the step that called it.
	Depth int        `json:"depth,omitempty"` // How many calls led to it, one from within the other.
	Alert bool       `json:"alert,omitempty"` // An alert led to it, perhaps through calls. Nobody is alerted of it.
	Due   time.Time  `json:"due,omitzero"`    // Of a schedule.

	Again AgainFrom `json:"again,omitempty"` // How much of Run is done again.
	Loop  string    `json:"loop,omitempty"`  // For AgainIterations: the loop's path.
	Ready bool      `json:"ready,omitempty"` // What is not done again has been taken over from Run.
}

// OriginKind is what made a run begin.
type OriginKind string

// Origins of runs.
const (
	ByPerson   OriginKind = ""
	ByEvent    OriginKind = "event"
	BySchedule OriginKind = "schedule"
	ByCall     OriginKind = "call"
	ByAgain    OriginKind = "again"
)

// AgainFrom is how much of a run is done again.
type AgainFrom string

// Ways to run again.
const (
	AgainWhole      AgainFrom = "whole"      // All of it.
	AgainFailed     AgainFrom = "failed"     // From the step that failed on: what was done before is taken over.
	AgainIterations AgainFrom = "iterations" // The iterations of a loop that failed: all else is taken over.
)

// Forecast is what a loop is expected to take, when it begins.
type Forecast struct {
	Loop       string    `json:"loop"`                // Its path.
	Iterations int       `json:"iterations"`          // That are left.
	Calls      int       `json:"calls"`               // That they make at least: branches and loops within may add some.
	Connector  string    `json:"connector,omitempty"` // Of the budget that is the tightest for it; empty if none is known.
	Quota      string    `json:"quota,omitempty"`
	Subject    string    `json:"subject,omitempty"`
	Used       float64   `json:"used,omitempty"` // Of that budget, 0 to 1 and above.
	Left       int       `json:"left,omitempty"` // Calls that it has room for now.
	DoneAt     time.Time `json:"done_at,omitzero"`
	Text       string    `json:"text,omitempty"` // All of it for people.
}

// Question is what a person must decide before a parked run goes on.
type Question struct {
	Path    string       `json:"path"` // Of the step.
	Step    string       `json:"step,omitempty"`
	Kind    QuestionKind `json:"kind"`
	Text    string       `json:"text,omitempty"`
	Choices []Choice     `json:"choices,omitempty"`
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
	From     time.Time // Runs that were created at or after it; zero means any.
	To       time.Time // Runs that were created before it; zero means any.
	Before   string    // Runs that were created before this one: the id that ended the last page.
	Limit    int       // Zero means 100.
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
	Run       string     `json:"run"`
	Path      string     `json:"path"`            // Such as "loop-1[3]/instagram-2", "instagram-1#2" for a page, "loop-1[3]" for an iteration.
	Loop      string     `json:"loop,omitempty"`  // Path of the innermost loop around it; empty outside of loops.
	Index     int        `json:"index,omitempty"` // The iteration of that loop.
	Step      string     `json:"step,omitempty"`
	Connector string     `json:"connector,omitempty"`
	Operation string     `json:"operation,omitempty"`
	State     EntryState `json:"state"`

	Input    json.RawMessage   `json:"input,omitempty"` // Secrets masked.
	Output   json.RawMessage   `json:"output,omitempty"`
	Items    string            `json:"items,omitempty"` // As in workflow.Outcome.
	Next     string            `json:"next,omitempty"`  // As in workflow.Outcome.
	Failure  *workflow.Failure `json:"failure,omitempty"`
	Attempts []Attempt         `json:"attempts,omitempty"`
	Resume   string            `json:"resume,omitempty"` // Resume token of the last attempt.
	Until    time.Time         `json:"until,omitzero"`   // Of a wait.
	Waited   time.Duration     `json:"waited,omitempty"` // For retries, in all.
	Reason   string            `json:"reason,omitempty"` // For the wait.
	Question *Question         `json:"question,omitempty"`
	Answer   Choice            `json:"answer,omitempty"` // To the question; empty until there is one.
	Before   int               `json:"before,omitempty"` // Attempts that do not count any more: a person has answered since, or has been spared the question.

	From string `json:"from,omitempty"` // The run that did it, if this one has taken it over.

	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
}

// Attempt is one call of an operation.
type Attempt struct {
	ID        string    `json:"id"` // As in the logs of both sides.
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`  // Zero if it was cut off.
	Requests  int       `json:"requests,omitempty"` // Requests to the remote service.
	Kind      string    `json:"kind"`               // Of its failure; empty if it worked.
	Message   string    `json:"message,omitempty"`
	Upstream  string    `json:"upstream,omitempty"`  // The remote service's code.
	Said      string    `json:"said,omitempty"`      // Its own words, secrets hidden. For the operator: documents never see them.
	Unsure    bool      `json:"unsure,omitempty"`    // It failed, and may have taken effect all the same.
	Reconcile bool      `json:"reconcile,omitempty"` // It only looked whether an earlier attempt had happened.
}

// Event is something that happened at a remote service.
type Event struct {
	Connector  string          `json:"connector,omitempty"`
	Trigger    string          `json:"trigger,omitempty"`
	ID         string          `json:"id"` // By the connector; the same for each delivery.
	Subject    string          `json:"subject,omitempty"`
	Payload    json.RawMessage `json:"payload,omitempty"`
	OccurredAt time.Time       `json:"occurred_at,omitzero"`
	ReceivedAt time.Time       `json:"received_at,omitzero"`
	// Source is the poll that found it, where only polls find such events: it is for
	// the workflows that want that poll. Empty where webhooks bring them.
	Source string `json:"source,omitempty"`
}

// Key tells events apart: two deliveries of one event have the same.
func (e Event) Key() string {
	key := e.Connector + "/" + e.Trigger + "/" + e.ID
	if e.Source != "" {
		key += "@" + e.Source
	}
	return key
}
