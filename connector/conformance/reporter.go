package conformance

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
)

// Reporter takes what the checks find. A *testing.T is one, but for the type of
// Run's argument; a [Sheet] is one for people.
type Reporter interface {
	Helper()
	Context() context.Context
	// Run runs a check of its own, and waits for it.
	Run(sentence string, check func(Reporter)) bool
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
	// Fatalf is Errorf, and ends the check.
	Fatalf(format string, args ...any)
	// Skipf ends a check that does not apply.
	Skipf(format string, args ...any)
}

// Status is how a check went.
type Status string

// Statuses.
const (
	Held          Status = "ok"
	Failed        Status = "failed"
	NotApplicable Status = "not applicable"
)

// Result is how one check went.
type Result struct {
	Check    string   `json:"check"` // A sentence; below another check, after a slash.
	Status   Status   `json:"status"`
	Findings []string `json:"findings,omitempty"`
}

// Sheet is a Reporter that keeps the results.
type Sheet struct {
	ctx    context.Context
	name   string
	parent *Sheet
	at     int // The sheet's result in the root's results; -1 in the root.

	mu      *sync.Mutex // Guards what follows, in all sheets of a tree.
	results *[]Result
}

// NewSheet returns an empty sheet. The checks end with ctx.
func NewSheet(ctx context.Context) *Sheet {
	return &Sheet{ctx: ctx, at: -1, mu: &sync.Mutex{}, results: &[]Result{}}
}

// Results returns how each check went, in the order in which they began. A check
// that was failed by one below it has no findings of its own.
func (s *Sheet) Results() []Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Result(nil), *s.results...)
}

// Failed reports whether something did not hold.
func (s *Sheet) Failed() bool {
	for _, r := range s.Results() {
		if r.Status == Failed {
			return true
		}
	}
	return false
}

// Helper does nothing: a sheet names no lines of code.
func (s *Sheet) Helper() {}

// Context ends the checks.
func (s *Sheet) Context() context.Context { return s.ctx }

// Run runs a check in a goroutine of its own, so that it can be ended from within.
func (s *Sheet) Run(sentence string, check func(Reporter)) bool {
	below := &Sheet{ctx: s.ctx, name: sentence, parent: s, mu: s.mu, results: s.results}
	if s.name != "" {
		below.name = s.name + "/" + sentence
	}
	s.mu.Lock()
	below.at = len(*s.results)
	*s.results = append(*s.results, Result{Check: below.name, Status: Held})
	s.mu.Unlock()

	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				below.Errorf("the check itself panicked: %v\n%s", p, debug.Stack())
			}
		}()
		check(below)
	}()
	<-done
	s.mu.Lock()
	defer s.mu.Unlock()
	return (*s.results)[below.at].Status != Failed
}

// Errorf notes that the check does not hold.
func (s *Sheet) Errorf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at < 0 {
		// Outside every check: it gets a line of its own.
		*s.results = append(*s.results, Result{Check: "the checks can be run", Status: Failed, Findings: []string{fmt.Sprintf(format, args...)}})
		return
	}
	s.note(fmt.Sprintf(format, args...))
	for up := s; up != nil && up.at >= 0; up = up.parent {
		(*s.results)[up.at].Status = Failed
	}
}

// Logf notes something that is no fault.
func (s *Sheet) Logf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at >= 0 {
		s.note(fmt.Sprintf(format, args...))
	}
}

// Fatalf is Errorf, and ends the check.
func (s *Sheet) Fatalf(format string, args ...any) {
	s.Errorf(format, args...)
	runtime.Goexit()
}

// Skipf notes that the check does not apply, and ends it.
func (s *Sheet) Skipf(format string, args ...any) {
	s.mu.Lock()
	if s.at >= 0 {
		s.note(fmt.Sprintf(format, args...))
		if r := &(*s.results)[s.at]; r.Status == Held {
			r.Status = NotApplicable
		}
	}
	s.mu.Unlock()
	runtime.Goexit()
}

// note is called with mu held.
func (s *Sheet) note(finding string) {
	r := &(*s.results)[s.at]
	r.Findings = append(r.Findings, finding)
}
