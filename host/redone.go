package host

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/storyloop/storyloop/host/workflow"
)

// redone knows which steps are done again: those that failed and nobody dealt with,
// and the loops and iterations around them.
type redone struct {
	asked   string          // The loop whose failed iterations are asked for, if one is.
	steps   map[string]bool // By path.
	failing map[string]bool // Paths of loops that have failed: whatever failed in them would fail them again.
	open    map[string]bool // Those that were cut off before they could fail of what failed in them.
	failed  []failedIteration
}

// failedIteration is one that the journal tells of.
type failedIteration struct {
	path, loop string
	because    string // Path of the step that failed.
	tolerated  bool
}

// add adds a path and those of the loops and iterations around it.
func (r *redone) add(path string) {
	for i := range len(path) {
		switch path[i] {
		case '[':
			r.steps[path[:i]] = true
		case ']':
			r.steps[path[:i+1]] = true
		}
	}
	r.steps[path] = true
}

// through adds the path of a step that failed, and with it what is in the iteration
// of that path, or in the run if it is empty.
func (r *redone) through(iteration, path string) {
	r.add(path)
	for i := len(iteration); i < len(path); i++ {
		if path[i] == '[' {
			r.failing[path[:i]] = true
		}
	}
}

// note remembers the iterations that failed. The journal tells of a loop after them.
func (r *redone) note(entry Entry) error {
	if entry.State.Final() {
		delete(r.open, entry.Path)
	}
	if entry.State != EntryFailed || !entry.iteration() {
		return nil
	}
	var it workflow.Iteration
	if err := json.Unmarshal(entry.Output, &it); err != nil {
		return fmt.Errorf("reading what %s came to: %w", entry.Path, err)
	}
	f := failedIteration{path: entry.Path, loop: entry.Loop, tolerated: it.Tolerated}
	if it.Failure != nil {
		f.because = it.Failure.Path
	}
	r.failed = append(r.failed, f)
	if !f.tolerated {
		r.open[f.loop] = true
	}
	return nil
}

// settle adds the iterations that are done again. The journal tells of those of a
// loop before that which the loop stands in, so the last come first.
func (r *redone) settle() {
	for _, f := range slices.Backward(r.failed) {
		if f.loop != r.asked && (f.tolerated || !r.failing[f.loop] && !r.open[f.loop]) {
			continue
		}
		r.add(f.path)
		if f.because != "" {
			r.through(f.path, f.because)
		}
	}
}
