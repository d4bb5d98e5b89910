package workflow

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Values are what a run begins with.
type Values struct {
	RunID     string
	StartedAt time.Time
	Trigger   json.RawMessage   // What happened: $.steps.trigger.
	Env       map[string]string // The host's values of Document.Env.
}

// frame holds what the steps of one body have left behind: the document's, or
// one iteration's. It leads on to the frame around it, so that an iteration
// copies nothing.
type frame struct {
	parent   *frame
	outputs  []stepOutput  // Few, most often one: a map would cost ten times as much.
	first    [1]stepOutput // Room for that one.
	failures map[string]*Failure

	iteration iteration // Whose body this is; without a loop in the outermost frame.

	run *run // Of the outermost frame.
}

type stepOutput struct {
	step   string
	output json.RawMessage
}

// run is what all frames have in common.
type run struct {
	doc *Document
	in  Values
}

func (f *frame) set(id string, output json.RawMessage) {
	delete(f.failures, id)
	for i := range f.outputs {
		if f.outputs[i].step == id {
			f.outputs[i].output = output
			return
		}
	}
	if f.outputs == nil {
		f.outputs = f.first[:0]
	}
	f.outputs = append(f.outputs, stepOutput{id, output})
}

func (f *frame) fail(id string, failure *Failure) {
	if f.failures == nil {
		f.failures = map[string]*Failure{}
	}
	f.failures[id] = failure
}

// lookup finds what is below a root.
func (f *frame) lookup(r *Ref) (datum, error) {
	switch r.Root {
	case "steps":
		return f.step(r)
	case "errors":
		for at := f; at != nil; at = at.parent {
			if failure, ok := at.failures[r.Name]; ok {
				return failure.datum(), nil
			}
		}
		return datum{}, &NowhereError{r, fmt.Sprintf("the step %s has not failed", r.Name), ""}
	case "env":
		if v, ok := f.run.in.Env[r.Name]; ok {
			return datum{raw: quote(v)}, nil
		}
		return datum{}, &NowhereError{r, fmt.Sprintf("the host's environment has no variable %s", r.Name), "set it, and start the host again"}
	case "config":
		return datum{raw: f.run.doc.Config}, nil
	}
	return aboutRun(f.run.in.RunID, f.run.in.StartedAt, f.run.doc.Name), nil
}

// aboutRun returns what $.run leads to.
func aboutRun(id string, started time.Time, workflow string) datum {
	return datum{object: members{
		{"id", quote(id)}, {"started_at", quote(started.UTC().Format(time.RFC3339))}, {"workflow", quote(workflow)},
	}}
}

func (f *frame) step(r *Ref) (datum, error) {
	if r.Name == "trigger" {
		return datum{raw: f.run.in.Trigger}, nil
	}
	names := []string{"trigger"}
	for at := f; at != nil; at = at.parent {
		loop := at.iteration.loop
		if loop != nil && loop.Step.ID == r.Name {
			return datum{object: &at.iteration}, nil
		}
		for _, o := range at.outputs {
			if o.step == r.Name {
				return datum{raw: o.output}, nil
			}
		}
		if failure, ok := at.failures[r.Name]; ok {
			return datum{}, &NowhereError{r, fmt.Sprintf("the step %s has failed (%s)", r.Name, failure.Kind), "give the reference a fallback, or use the strategy branch"}
		}
		for _, o := range at.outputs {
			names = append(names, o.step)
		}
		if loop != nil {
			names = append(names, loop.Step.ID)
		}
	}
	slices.Sort(names)
	return datum{}, &NowhereError{r, fmt.Sprintf("no step %s has run before this one", r.Name), choices(r.Name, names)}
}
