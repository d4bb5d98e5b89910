package host

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/storyloop/storyloop/host/workflow"
)

// Each runs a loop's iterations, as many at once as the loop wants. Only what is
// under way is in memory, beside the summary.
func (x *execution) Each(l *workflow.Loop) (sum workflow.Summary, err error) {
	if err := x.stopped(); err != nil {
		return workflow.Summary{}, err
	}
	entry, found, err := x.recorded(l.Path)
	if err != nil {
		return workflow.Summary{}, err
	}
	if found && entry.State.Final() {
		var sum workflow.Summary
		if err := json.Unmarshal(entry.Output, &sum); err != nil {
			return sum, fmt.Errorf("reading what %s came to: %w", l.Path, err)
		}
		return sum, nil
	}
	end := x.traceLoop(l)
	defer func() { end(sum, err) }()
	r := iterations{x: x, l: l, failed: -1}
	if x.resumed {
		if r.begun, err = x.e.Store.Iterations(x.ctx, x.run.ID, l.Path); err != nil {
			return workflow.Summary{}, x.storeErr(err)
		}
	}
	started := x.e.Clock.Now()
	forecast, err := x.forecast(l, l.Count-r.begun)
	if err != nil {
		return workflow.Summary{}, err
	}
	x.tell(Progress{Kind: LoopStarted, Path: l.Path, Count: l.Count, Forecast: forecast}.of(l.Step))
	if err := r.all(); err != nil {
		return workflow.Summary{}, err
	}
	return r.sum, x.keepSummary(l, r.sum, Entry{StartedAt: started})
}

// keepSummary journals a finished loop, so that a restart need not walk it again.
func (x *execution) keepSummary(l *workflow.Loop, sum workflow.Summary, entry Entry) error {
	output, err := json.Marshal(sum)
	if err != nil {
		return fmt.Errorf("writing what %s came to: %w", l.Path, err)
	}
	started := entry.StartedAt
	entry = x.entry(l.Path, l.Step)
	entry.State, entry.Output, entry.StartedAt, entry.EndedAt = EntryDone, output, started, x.e.Clock.Now()
	if sum.Cause != nil {
		entry.State, entry.Failure = EntryFailed, sum.Cause.Failure
	}
	return x.put(entry, Written)
}

// iterations is a loop under way.
type iterations struct {
	x     *execution
	l     *workflow.Loop
	begun int // Iterations below this have left a trace in the journal.

	mu sync.Mutex
	// Guarded by mu.
	next   int
	sum    workflow.Summary
	over   bool  // The loop has decided to end.
	err    error // The interpretation ends with this, of the lowest index.
	failed int   // That index.
}

func (r *iterations) all() error {
	n := min(r.l.Concurrency, r.l.Count)
	if n <= 1 {
		r.work()
		return r.err
	}
	r.x.employ(-1) // this goroutine only waits for the others
	defer r.x.employ(1)
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			r.x.employ(1)
			defer r.x.employ(-1)
			if err := r.x.occupy(); err != nil {
				return // the run is to stop, as the others find out
			}
			r.work()
		})
	}
	wg.Wait()
	return r.err
}

// work runs one iteration after the other.
func (r *iterations) work() {
	for {
		i, ok := r.take()
		if !ok {
			return
		}
		it, err := r.one(i)
		r.give(i, it, err)
	}
}

// take returns the next index. After the loop has decided to end, that is only one
// that a former process had begun: what it may have left half done must not be
// forgotten.
func (r *iterations) take() (int, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next >= r.l.Count {
		return 0, false
	}
	if ending := r.over || r.err != nil; ending && (r.next >= r.begun || r.x.stopped() != nil) {
		return 0, false
	}
	r.next++
	return r.next - 1, true
}

func (r *iterations) one(i int) (workflow.Iteration, error) {
	if i < r.begun {
		entry, found, err := r.x.recorded(iterationPath(r.l.Path, i))
		if err != nil {
			return workflow.Iteration{}, err
		}
		if found && entry.State.Final() {
			var it workflow.Iteration
			err := json.Unmarshal(entry.Output, &it)
			return it, err
		}
	}
	if err := r.x.stopped(); err != nil {
		return workflow.Iteration{}, err
	}
	started := r.x.e.Clock.Now()
	it, err := r.l.Run(r.x, i)
	if err != nil || r.told(it) {
		return it, err
	}
	return it, r.keep(it, started)
}

// keep journals what came of an iteration.
func (r *iterations) keep(it workflow.Iteration, started time.Time) (err error) {
	entry := r.x.entry(iterationPath(r.l.Path, it.Index), r.l.Step)
	if entry.Output, err = json.Marshal(it); err != nil {
		return fmt.Errorf("writing what %s came to: %w", entry.Path, err)
	}
	entry.State, entry.StartedAt, entry.EndedAt, entry.Failure = EntryDone, started, r.x.e.Clock.Now(), it.Failure
	if it.Failure != nil {
		entry.State = EntryFailed
	}
	return r.x.put(entry, Written)
}

// told reports whether the journal says what came of an iteration already.
func (r *iterations) told(it workflow.Iteration) bool {
	return it.Failure == nil && !it.Broke && tells(r.l.Step) != nil
}

// tells returns the step of a loop whose entry says all that is to say of an
// iteration that went well: the only one, if it makes one call, and nothing is
// collected. It returns nil if there is no such step.
func tells(loop *workflow.Step) *workflow.Step {
	if len(loop.Steps) != 1 || loop.Input.Member("collect") != nil {
		return nil
	}
	s := loop.Steps[0]
	if s.Control() || s.OnError.Strategy == workflow.BranchOff || s.Paging.All {
		return nil
	}
	return s
}

// loopStep returns the step at a loop's path.
func loopStep(doc *workflow.Document, path string) (*workflow.Step, bool) {
	return doc.Step(path[strings.LastIndexByte(path, '/')+1:])
}

func (r *iterations) give(i int, it workflow.Iteration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		if r.err == nil || i < r.failed {
			r.err, r.failed = err, i
		}
		return
	}
	r.over = r.l.Add(&r.sum, it) || r.over
	r.x.tell(Progress{Kind: Iterated, Path: r.l.Path, Index: i, Done: r.sum.Count, Count: r.l.Count, Failure: it.Failure}.of(r.l.Step))
}
