package sqlite

import "sync"

// known remembers runs that are there. A write for one of them is not refused, so that
// its caller need not wait to learn that.
type known struct {
	mu   sync.Mutex
	runs map[string]struct{} // guarded by mu
}

func (k *known) add(run string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.runs == nil || len(k.runs) >= maxJournals {
		k.runs = map[string]struct{}{}
	}
	k.runs[run] = struct{}{}
}

func (k *known) has(run string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.runs[run]
	return ok
}

func (k *known) remove(run string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.runs, run)
}
