package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/storyloop/storyloop/host/workflow"
)

// AgainRequest asks for a run to be done again.
type AgainRequest struct {
	Run  string    // That has ended. Required.
	From AgainFrom // Empty means AgainWhole.
	Loop string    // For AgainIterations: the path of a loop, such as "loop-1".

	// Latest takes the workflow as it is now instead of as it was. Steps that are
	// taken over are known by their ids.
	Latest bool
	ID     string // Of the new run, as in StartRequest.
}

// Again starts a new run that does an ended one again, and refers to it. The old
// run stays as it is. What the new one takes over is copied into its journal, and
// told apart there by Entry.From. What the request has wrong is an *[InputError];
// that the run is not in a state for it is a *[StateError].
func (e *Engine) Again(ctx context.Context, req AgainRequest) (Run, error) {
	old, err := e.Store.Run(ctx, req.Run)
	if err != nil {
		return Run{}, err
	}
	if err := e.mayAgain(ctx, old, req); err != nil {
		return Run{}, err
	}
	version := old.Version
	if req.Latest {
		version = ""
	}
	def, err := e.Store.Definition(ctx, old.Workflow, version)
	if err != nil {
		return Run{}, fmt.Errorf("running %s again: %w", old.ID, err)
	}
	if req.From == "" {
		req.From = AgainWhole
	}
	r, _, err := e.begin(ctx, def, StartRequest{ID: req.ID, Trigger: old.Trigger, Event: old.Event, Origin: Origin{
		Kind: ByAgain, Run: old.ID, Depth: old.Origin.Depth, Alert: old.Origin.Alert,
		Again: req.From, Loop: req.Loop, Ready: req.From == AgainWhole,
	}})
	return r, err
}

func (e *Engine) mayAgain(ctx context.Context, old Run, req AgainRequest) error {
	if !old.State.Ended() {
		return &StateError{"", fmt.Sprintf("run %s is %s: only a run that has ended can be done again", old.ID, old.State)}
	}
	if req.Loop != "" && req.From != AgainIterations {
		return &InputError{"/loop", fmt.Sprintf("a loop is named only to do its %s again", AgainIterations)}
	}
	switch req.From {
	case "", AgainWhole:
		return nil
	case AgainFailed:
		if old.State == RunSucceeded {
			return &StateError{"/from", fmt.Sprintf("run %s has succeeded: there is no failed step to go on from", old.ID)}
		}
		return nil
	case AgainIterations:
		return e.hasFailedIterations(ctx, old.ID, req.Loop)
	}
	return &InputError{"/from", fmt.Sprintf("must be %s, %s or %s, not %q", AgainWhole, AgainFailed, AgainIterations, req.From)}
}

// hasFailedIterations refuses a loop that has none for certain. One that was cut off
// may have some.
func (e *Engine) hasFailedIterations(ctx context.Context, run, loop string) error {
	if loop == "" {
		return &InputError{"/loop", "say which loop, such as loop-1"}
	}
	n, err := e.Store.Iterations(ctx, run, loop)
	if err != nil {
		return err
	}
	if n == 0 {
		return &StateError{"/loop", fmt.Sprintf("run %s has no iterations of a loop %q", run, loop)}
	}
	entry, found, err := e.Store.Entry(ctx, run, loop)
	if err != nil || !found || entry.State != EntryDone {
		return err
	}
	var sum workflow.Summary
	if err := json.Unmarshal(entry.Output, &sum); err != nil {
		return fmt.Errorf("reading what %s came to: %w", loop, err)
	}
	if sum.Failed == 0 {
		return &StateError{"/loop", fmt.Sprintf("no iteration of the loop %s of run %s has failed", loop, run)}
	}
	return nil
}

// takeOver copies what a run does not do again from the one before it. It may be
// repeated after a crash.
func (x *execution) takeOver() error {
	o := x.run.Origin
	if o.Kind != ByAgain || o.Ready {
		return nil
	}
	ctx := x.lasting
	old, err := x.e.Store.Run(ctx, o.Run)
	var missing *NotFoundError
	if errors.As(err, &missing) {
		return &workflow.Failure{Kind: "precondition", Applied: "no", Workflow: x.run.Workflow, Message: fmt.Sprintf("the run %s, which was to be done again, is not kept any more", o.Run)}
	}
	if err != nil {
		return &storeError{err}
	}
	before, err := x.documentBefore(ctx, old)
	if err != nil {
		return err
	}
	redo := redone{steps: map[string]bool{}, failing: map[string]bool{}, open: map[string]bool{}}
	if o.Again == AgainIterations {
		redo.asked = o.Loop
		redo.add(o.Loop)
	}
	if old.Failure != nil && old.Failure.Path != "" {
		redo.through("", old.Failure.Path)
	}
	if err := x.eachEntry(ctx, old.ID, redo.note); err != nil {
		return err
	}
	redo.settle()
	err = x.eachEntry(ctx, old.ID, func(entry Entry) error {
		if redo.steps[entry.Path] {
			return nil
		}
		if entry.From == "" {
			entry.From = entry.Run
		}
		entry.Run = x.run.ID
		if err := x.put(entry, Written); err != nil {
			return err
		}
		if it, ok := iterationOf(before, entry); ok && !redo.steps[it.Path] {
			return x.put(it, Written)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := x.takeOverValues(ctx, old.ID); err != nil {
		return err
	}
	x.run.Origin.Ready, x.resumed = true, true
	if err := x.e.Store.UpdateRun(ctx, x.run, Synced); err != nil { // and all that was queued before it
		return &storeError{err}
	}
	return nil
}

// documentBefore returns the document of the run that is done again, or nil if this
// one has the same.
func (x *execution) documentBefore(ctx context.Context, old Run) (*workflow.Document, error) {
	if old.Version == x.run.Version {
		return nil, nil
	}
	def, err := x.e.Store.Definition(ctx, old.Workflow, old.Version)
	if err != nil {
		return nil, &storeError{err}
	}
	return x.e.document(def)
}

// iterationOf returns the entry of an iteration of which only its step's entry tells
// that it went well. Another version of the workflow may not know that step.
func iterationOf(before *workflow.Document, step Entry) (Entry, bool) {
	if before == nil || step.Loop == "" || !step.State.Final() {
		return Entry{}, false
	}
	loop, found := loopStep(before, step.Loop)
	if !found {
		return Entry{}, false
	}
	path, only := iterationPath(step.Loop, step.Index), tells(loop)
	if only == nil || step.Path != path+"/"+only.ID || step.State == EntryFailed && only.OnError.Strategy != workflow.Continue {
		return Entry{}, false
	}
	return Entry{
		Run: step.Run, Path: path, Loop: step.Loop, Index: step.Index, Step: loop.ID, Connector: loop.Connector, Operation: loop.Operation,
		State: EntryDone, Output: fmt.Appendf(nil, `{"index":%d}`, step.Index), From: step.From, StartedAt: step.StartedAt, EndedAt: step.EndedAt,
	}, true
}

// takeOverValues copies what the steps that are not done again have stored for the
// run.
func (x *execution) takeOverValues(ctx context.Context, old string) error {
	values, err := x.e.Store.Values(ctx, RunScope(old))
	if err != nil {
		return &storeError{err}
	}
	for _, v := range values {
		if err := x.e.Store.PutValue(ctx, RunScope(x.run.ID), v.Key, v.Value, Written); err != nil {
			return &storeError{err}
		}
	}
	return nil
}

func (x *execution) eachEntry(ctx context.Context, run string, f func(Entry) error) error {
	for from := int64(0); ; {
		if err := x.stopped(); err != nil {
			return err
		}
		entries, next, err := x.e.Store.Entries(ctx, run, from, 200)
		if err != nil {
			return &storeError{err}
		}
		for _, entry := range entries {
			if err := f(entry); err != nil {
				return err
			}
		}
		if from = next; next == 0 {
			return nil
		}
	}
}
