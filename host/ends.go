package host

import "sync"

// ends tells those who wait for the ends of runs. The zero value is ready.
type ends struct {
	mu sync.Mutex
	// Guarded by mu.
	waited map[string]chan struct{} // By run.
}

// of returns a channel that is closed when a run ends. Look at the run afterwards:
// it may have ended before.
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

func (e *ends) tell(run string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.waited[run]; c != nil {
		close(c)
		delete(e.waited, run)
	}
}
