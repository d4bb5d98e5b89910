package host

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/storyloop/storyloop/host/workflow"
)

// History returns what the steps of a run have done, in the order in which they
// began: inputs and outputs with their secrets hidden, attempts, times. It begins at
// a position, zero at first; next is the one after the last, zero at the end.
func (e *Engine) History(ctx context.Context, run string, from int64, limit int) (steps []Entry, next int64, err error) {
	steps, next, err = e.Store.Entries(ctx, run, from, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("reading the history of run %s: %w", run, err)
	}
	for i := range steps {
		steps[i] = e.shown(steps[i])
	}
	return steps, next, nil
}

// Step returns what one step of a run has done, as [Engine.History] does. Asked for
// an iteration that has no entry of its own, it returns that of its only step.
func (e *Engine) Step(ctx context.Context, run, path string) (Entry, error) {
	entry, found, err := e.Store.Entry(ctx, run, path)
	if err == nil && !found {
		entry, found, err = e.onlyStep(ctx, run, path)
	}
	if err != nil {
		return Entry{}, fmt.Errorf("reading the history of run %s: %w", run, err)
	}
	if !found {
		return Entry{}, &NotFoundError{Kind: "step", Name: path}
	}
	return e.shown(entry), nil
}

// onlyStep returns the entry of the step that alone tells of an iteration; false if
// the path is that of no such iteration.
func (e *Engine) onlyStep(ctx context.Context, run, path string) (entry Entry, found bool, err error) {
	loop, index := around(path)
	if loop == "" || path != iterationPath(loop, index) {
		return entry, false, nil
	}
	doc, err := e.documentOf(ctx, run)
	if isNotFound(err) {
		return entry, false, nil
	}
	if err != nil {
		return entry, false, err
	}
	step, found := loopStep(doc, loop)
	if !found {
		return entry, false, nil
	}
	if only := tells(step); only != nil {
		return e.Store.Entry(ctx, run, path+"/"+only.ID)
	}
	return entry, false, nil
}

// documentOf returns the document that a run carries out.
func (e *Engine) documentOf(ctx context.Context, run string) (*workflow.Document, error) {
	r, err := e.Store.Run(ctx, run)
	if err != nil {
		return nil, err
	}
	def, err := e.Store.Definition(ctx, r.Workflow, r.Version)
	if err != nil {
		return nil, err
	}
	return e.document(def)
}

// shown returns an entry as people may see it. An iteration is no step and has no
// output: its steps have entries of their own.
func (e *Engine) shown(entry Entry) Entry {
	switch {
	case entry.iteration():
		entry.Step, entry.Connector, entry.Operation, entry.Output = "", "", "", nil
	case len(entry.Output) == 0:
	case entry.Connector == workflow.LoopConnector && entry.Operation != workflow.LoopBreak:
		entry.Output = summed(entry.Output)
	default:
		entry.Output = e.visible(entry.Connector, entry.Operation, entry.Output)
	}
	return entry
}

// summed returns what stands after a loop, whose summary is journaled.
func summed(summary json.RawMessage) json.RawMessage {
	var sum workflow.Summary
	if json.Unmarshal(summary, &sum) != nil {
		return nil
	}
	return sum.Output()
}

// visible returns an operation's output as people may see it.
func (e *Engine) visible(connector, operation string, output json.RawMessage) json.RawMessage {
	if len(output) == 0 {
		return output
	}
	conn, ok := e.Connectors.Connector(connector)
	if !ok {
		return nil // what is secret in it is not known
	}
	op, ok := workflow.FindOperation(conn.Catalog(), operation)
	if !ok {
		return output
	}
	schema, err := e.schemas.get(op.GetOutputSchema())
	if err != nil {
		return nil // what is secret in it is not known
	}
	return schema.mask(output)
}
