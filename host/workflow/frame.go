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
	steps    map[string]datum
	failures map[string]*Failure

	loop  string // The loop whose iteration this is,
	value datum  // and what its body sees of it.

	run *run // Of the outermost frame.
}

// run is what all frames have in common.
type run struct {
	doc *Document
	in  Values
}

func (f *frame) set(id string, output json.RawMessage) {
	if f.steps == nil {
		f.steps = map[string]datum{}
	}
	f.steps[id] = datum{raw: output}
	delete(f.failures, id)
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
	return datum{members: []datumMember{
		{"id", quote(f.run.in.RunID)},
		{"started_at", quote(f.run.in.StartedAt.UTC().Format(time.RFC3339))},
		{"workflow", quote(f.run.doc.Name)},
	}}, nil
}

func (f *frame) step(r *Ref) (datum, error) {
	if r.Name == "trigger" {
		return datum{raw: f.run.in.Trigger}, nil
	}
	names := []string{"trigger"}
	for at := f; at != nil; at = at.parent {
		if at.loop == r.Name && at.loop != "" {
			return at.value, nil
		}
		if d, ok := at.steps[r.Name]; ok {
			return d, nil
		}
		if failure, ok := at.failures[r.Name]; ok {
			return datum{}, &NowhereError{r, fmt.Sprintf("the step %s has failed (%s)", r.Name, failure.Kind), "give the reference a fallback, or use the strategy branch"}
		}
		for id := range at.steps {
			names = append(names, id)
		}
		if at.loop != "" {
			names = append(names, at.loop)
		}
	}
	slices.Sort(names)
	return datum{}, &NowhereError{r, fmt.Sprintf("no step %s has run before this one", r.Name), choices(r.Name, names)}
}
