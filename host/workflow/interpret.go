package workflow

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Run interprets a document and returns the run's output, if a step gave it one.
// It is a pure function of its arguments and of what c answers.
func Run(c Ctx, doc *Document, in Values) (json.RawMessage, error) {
	if len(in.Trigger) == 0 {
		in.Trigger = json.RawMessage("{}")
	}
	top := &frame{run: &run{doc, in}}
	err := top.body(c, "", doc.Steps)
	var finished *finish
	if errors.As(err, &finished) {
		return finished.output, nil
	}
	return nil, err
}

// finish ends the run as a success.
type finish struct{ output json.RawMessage }

func (*finish) Error() string { return "the run is finished" }

// jump leaves an iteration of a loop, from however deep within.
type jump struct {
	loop    string
	over    bool     // It ends the loop; otherwise the iteration only.
	failure *Failure // Of the step that made it jump; nil for break_loop.
}

func (j *jump) Error() string { return "leaving an iteration of " + j.loop }

// terminated is a failure that no strategy catches: the workflow itself ends.
type terminated struct{ failure *Failure }

func (t *terminated) Error() string { return t.failure.Error() }

// Unwrap hides nothing from who looks for the failure in the end.
func (t *terminated) Unwrap() error { return t.failure }

// body runs steps one after the other.
func (f *frame) body(c Ctx, prefix string, steps []*Step) error {
	for _, s := range steps {
		if err := f.one(c, prefix, s); err != nil {
			return err
		}
	}
	return nil
}

// one runs a step, then does what its strategy says.
func (f *frame) one(c Ctx, prefix string, s *Step) error {
	path, began := prefix+s.ID, c.Now()
	c.Log(Event{Kind: Started, Path: path, Step: s, Began: began})
	input, output, err := f.do(c, path, prefix, s)
	if err == nil || !s.isLoop() && leaves(err) {
		c.Log(Event{Kind: Finished, Path: path, Step: s, Began: began, Input: input, Output: output})
	}
	failure, failed := caught(err)
	if err != nil && !failed {
		return err
	}
	if !failed {
		f.set(s.ID, output)
		if s.OnError.Strategy == BranchOff {
			return f.body(c, prefix, s.OnError.Success)
		}
		return nil
	}
	f.place(failure, path, s)
	c.Log(Event{Kind: Failed, Path: path, Step: s, Began: began, Failure: failure})
	f.fail(s.ID, failure)
	switch s.OnError.Strategy {
	case Continue:
		return nil
	case BranchOff:
		return f.body(c, prefix, s.OnError.Error)
	case ContinueLoop:
		return &jump{loop: s.OnError.Loop, failure: failure}
	case BreakLoop:
		return &jump{loop: s.OnError.Loop, failure: failure, over: true}
	}
	return failure
}

// caught returns the failure that a step's strategy may deal with.
func caught(err error) (*Failure, bool) {
	if err == nil {
		return nil, false
	}
	var end *terminated
	if errors.As(err, &end) {
		return nil, false
	}
	var nowhere *NowhereError
	if errors.As(err, &nowhere) {
		failure := invalid("", "%s", nowhere.Error())
		failure.Code = "leads_nowhere"
		return failure, true
	}
	var failure *Failure
	return failure, errors.As(err, &failure)
}

// leaves reports whether an error is none but the workflow's own way to go on
// elsewhere, or to end.
func leaves(err error) bool {
	var to *jump
	var done *finish
	var end *terminated
	return errors.As(err, &to) || errors.As(err, &done) || errors.As(err, &end)
}

// place says where a failure happened, unless it says so already: a loop fails
// by the failure of a step in it.
func (f *frame) place(failure *Failure, path string, s *Step) {
	if failure.Path != "" {
		return
	}
	failure.Workflow, failure.Step, failure.Path = f.root().doc.Name, s.ID, path
	failure.Operation = s.Connector + " " + s.Operation
}

func (f *frame) root() *run { return f.run }

// do carries a step out and returns its output, and the input of a control step.
func (f *frame) do(c Ctx, path, prefix string, s *Step) (input, output json.RawMessage, err error) {
	switch {
	case !s.Control():
		output, err = f.call(c, path, s)
		return nil, output, err
	case s.isLoop():
		output, err = f.loopStep(c, path, s)
		return nil, output, err
	}
	return f.control(c, path, prefix, s)
}

// control carries out a step that is the interpreter's own.
func (f *frame) control(c Ctx, path, prefix string, s *Step) (input, output json.RawMessage, err error) {
	if s.Connector == ConditionConnector {
		return f.condition(c, prefix, s)
	}
	if input, err = f.input(s.Input, maxControl); err != nil {
		return nil, nil, err
	}
	switch {
	case s.Connector == BranchConnector:
		output, err = f.branch(c, prefix, s, input)
	case s.Connector == LoopConnector: // break_loop
		name, _ := rawMember(input, "loop")
		err = &jump{loop: unquote(name), over: true}
	case s.Connector == DelayConnector:
		output, err = delay(c, path, s, input)
	case s.Operation == Fail:
		err = f.terminate(path, s, input)
	default: // finish
		output, _ = rawMember(input, "output")
		err = &finish{output}
	}
	return input, output, err
}

func (f *frame) input(v *Value, most int) (json.RawMessage, error) {
	if v == nil {
		return json.RawMessage("{}"), nil
	}
	return v.resolve(f, most)
}

func delay(c Ctx, path string, s *Step, input json.RawMessage) (json.RawMessage, error) {
	if s.Operation == DelayUntil {
		raw, _ := rawMember(input, "time")
		until, err := time.Parse(time.RFC3339, unquote(raw))
		if err != nil {
			return nil, invalid("/time", "must be a time such as \"2026-11-22T14:05:00Z\"")
		}
		d := until.Sub(c.Now())
		if d > maxDuration {
			return nil, invalid("/time", "lies more than %d days ahead", maxDuration/(24*time.Hour))
		}
		return sleep(c, path, s, d)
	}
	raw, _ := rawMember(input, "duration")
	d, err := ParseDuration(unquote(raw))
	if err != nil {
		return nil, invalid("/duration", "must be a duration such as \"90s\", \"1h30m\" or \"2d\"")
	}
	return sleep(c, path, s, d)
}

func sleep(c Ctx, path string, s *Step, d time.Duration) (json.RawMessage, error) {
	if err := c.Sleep(path, s, d); err != nil {
		return nil, err
	}
	return json.RawMessage("{}"), nil
}

func (f *frame) terminate(path string, s *Step, input json.RawMessage) error {
	raw, _ := rawMember(input, "message")
	message := unquote(raw)
	if message == "" {
		message = "the workflow ended itself as failed"
	}
	failure := &Failure{Kind: Terminated, Applied: "no", Message: message}
	f.place(failure, path, s)
	return &terminated{failure}
}

// branch runs the branch that belongs to a value.
func (f *frame) branch(c Ctx, prefix string, s *Step, input json.RawMessage) (json.RawMessage, error) {
	value, ok := rawMember(input, "value")
	if !ok {
		return nil, invalid("/value", "is required")
	}
	name := asText(value)
	if list, ok := rawMember(input, "branches"); ok {
		name = "default"
		eachItem(list, func(item json.RawMessage) {
			wanted, _ := rawMember(item, "value")
			if raw, ok := rawMember(item, "name"); ok && name == "default" && equal(value, wanted) {
				name = unquote(raw)
			}
		})
	}
	taken, steps := "", []*Step(nil)
	for _, b := range s.Branches {
		if b.Name == name || b.Name == "default" && taken == "" {
			taken, steps = b.Name, b.Steps
		}
		if b.Name == name {
			break
		}
	}
	if taken == "" {
		taken = "default" // which does nothing
	}
	return json.RawMessage(fmt.Sprintf(`{"branch":%s}`, quote(taken))), f.body(c, prefix, steps)
}
