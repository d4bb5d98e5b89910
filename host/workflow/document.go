// Package workflow knows what a workflow document says and what it does: it
// reads and checks documents, resolves references and interprets steps. It has
// no clock, no goroutine and no network of its own; what it needs of an engine
// is [Ctx].
package workflow

import (
	"encoding/json"
	"time"
)

// Document is one workflow, read and found well-formed. It does not change.
type Document struct {
	Name        string
	Title       string
	Description string
	Trigger     Trigger
	Config      json.RawMessage // An object; $.config leads into it.
	Env         []string        // The only variables that $.env leads to.
	Steps       []*Step

	file   string
	tree   *node
	ids    map[string]*Step
	doubts Problems // For Check to report.
}

// Trigger is what starts a workflow.
type Trigger struct {
	Connector  string
	Major      string   // Pinned major version, such as "1"; empty means any.
	Names      []string // Any of these events; empty where the connector has one trigger only.
	Title      string
	Credential string
	Input      *Value // Nil means {}.
	// Poll is how often to look for events that come by no webhook, or whose webhook
	// was lost. Zero means the host's default, NeverPoll never.
	Poll time.Duration

	pointer string
}

// NeverPoll is a [Trigger.Poll] that looks for nothing.
const NeverPoll time.Duration = -1

// Step is one operation of a connector.
type Step struct {
	ID          string
	Title       string
	Description string
	Connector   string
	Major       string // Pinned major version, such as "1"; empty means any.
	Operation   string
	Credential  string // Name in the host's vault.
	Input       *Value // Nil means {}.
	Steps       []*Step
	Branches    []Branch // In the order of the document.
	OnError     OnError
	Retry       Retry
	Timeout     time.Duration // Of one attempt. Zero means the operation's own.
	Paging      Paging

	pointer string
	at      place
}

// Branch is a named list of steps of which one is run.
type Branch struct {
	Name  string
	Steps []*Step
}

// OnError says what happens when a step has failed for good.
type OnError struct {
	Strategy       Strategy
	Loop           string // For ContinueLoop and BreakLoop.
	Error, Success []*Step
}

// Strategy is what happens when a step has failed for good.
type Strategy string

// Strategies. The zero value is Stop.
const (
	Stop         Strategy = ""
	Continue     Strategy = "continue"
	BranchOff    Strategy = "branch"
	ContinueLoop Strategy = "continue_loop"
	BreakLoop    Strategy = "break_loop"
)

// Retry bounds the attempts of a step.
type Retry struct {
	MaxAttempts int           // Zero means 5.
	MaxWait     time.Duration // All waits of the step together. Zero means no bound.
}

// Paging says how much of a long list a step wants.
type Paging struct {
	All      bool // Page after page; otherwise the first only.
	MaxItems int  // Zero means no bound.
}

// Step returns the step of that id, wherever in the document it stands.
func (d *Document) Step(id string) (*Step, bool) {
	s, ok := d.ids[id]
	return s, ok
}

// File returns the name under which the document was read.
func (d *Document) File() string { return d.file }

// JSON returns the document as JSON: what a store keeps, and Parse reads again.
func (d *Document) JSON() json.RawMessage { return d.tree.json(nil) }

// Credentials returns the names of all credentials that the document uses,
// each once, in order.
func (d *Document) Credentials() []string {
	var names []string
	seen := map[string]bool{"": true}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	add(d.Trigger.Credential)
	d.EachStep(func(s *Step) { add(s.Credential) })
	return names
}

// EachStep calls f with every step, in the order of the document.
func (d *Document) EachStep(f func(*Step)) { eachStep(d.Steps, f) }

func eachStep(steps []*Step, f func(*Step)) {
	for _, s := range steps {
		f(s)
		eachStep(s.Steps, f)
		for _, b := range s.Branches {
			eachStep(b.Steps, f)
		}
		eachStep(s.OnError.Error, f)
		eachStep(s.OnError.Success, f)
	}
}
