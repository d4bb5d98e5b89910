package host

import "sync"

// ends tells those who wait for runs to come to rest. The zero value is ready.
type ends struct {
	mu sync.Mutex
	// Guarded by mu.
	waited map[string]chan struct{} // By run.
	broken map[string]bool          // Runs that the store has let down.
}

// of returns a channel that is closed when a run comes to rest. Look at the run afterwards:
// it may have done so before.
func (e *ends) of(run string) <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.waited == nil {
		e.waited = map[string]chan struct{}{}
	}
	if e.waited[run] == nil {
		e.waited[run] = make(chan struct{})
	}
	return e.waited[run]
}

// note says whether a run has stopped since the store is broken: it has not ended
// then, and does not until this process goes on with it.
func (e *ends) note(run string, broken bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !broken {
		delete(e.broken, run)
		return
	}
	if e.broken == nil {
		e.broken = map[string]bool{}
	}
	e.broken[run] = true
}

// tell says that a run has come to rest.
func (e *ends) tell(run string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.waited[run]; c != nil {
		close(c)
		delete(e.waited, run)
	}
}

func (e *ends) isBroken(run string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.broken[run]
}
