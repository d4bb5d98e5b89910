package sqlite

import "sync"

// known remembers runs that are there. A write for one of them is not refused, so that
// its caller need not wait to learn that.
type known struct {
	mu   sync.Mutex
	runs map[string]struct{} // guarded by mu
}

// learn takes over what a commit has shown, before those whose writes it holds go on:
// whoever learns later might do so after the run has been deleted.
func (k *known) learn(there map[string]bool) {
	if len(there) == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for run, is := range there {
		if !is {
			delete(k.runs, run)
			continue
		}
		if k.runs == nil || len(k.runs) >= maxJournals {
			k.runs = map[string]struct{}{}
		}
		k.runs[run] = struct{}{}
	}
}

func (k *known) has(run string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.runs[run]
	return ok
}
