package host

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/storyloop/storyloop/host/workflow"
)

// The connector that calls workflows, its operations, and the trigger of those that
// can be called. Engines carry them out; host/core describes them. The input of
// both operations is {"workflow": name, "input": what $.steps.trigger holds there};
// call gives {"run": id}, call_and_wait {"run": id, "output": of the run, or null}.
const (
	CallConnector     = "call-workflow"
	Call              = "call"
	CallAndWait       = "call_and_wait"
	CallableConnector = "callable"
)

// deepest is how many calls may be within each other.
const deepest = 16

// callWorkflow carries out a call-workflow step. The run that it starts has an id made of
// the step's, so that a repeated call finds it instead of starting another.
func (k *call) callWorkflow() (workflow.Outcome, error) {
	var in struct {
		Workflow string          `json:"workflow"`
		Input    json.RawMessage `json:"input"`
	}
	if err := json.Unmarshal(k.Input, &in); err != nil {
		return k.fail(wrongCall("", "must be an object with workflow and input"))
	}
	child, failure, err := k.findCalled(in.Workflow, in.Input)
	switch {
	case failure != nil:
		return k.fail(failure)
	case err != nil:
		return workflow.Outcome{}, k.x.storeErr(err)
	case k.Step.Operation == Call:
		return k.succeedWith(fmt.Appendf(nil, `{"run":%q}`, child.ID))
	}
	if !child.State.Ended() {
		if child, err = k.awaitCalled(child); err != nil {
			return workflow.Outcome{}, err
		}
	}
	switch {
	case child.State == RunSucceeded:
		output := child.Output
		if len(output) == 0 {
			output = json.RawMessage("null")
		}
		return k.succeedWith(fmt.Appendf(nil, `{"run":%q,"output":%s}`, child.ID, output))
	case child.Failure != nil:
		f := *child.Failure
		f.Message = fmt.Sprintf("the run %s of %s failed: %s", child.ID, child.Workflow, child.Failure.Error())
		f.Pointer, f.Advice = "", ""
		return k.fail(&f)
	}
	return k.fail(&workflow.Failure{Kind: workflow.Terminated, Applied: "unknown", Message: fmt.Sprintf("the run %s of %s was %s", child.ID, child.Workflow, child.State)})
}

// findCalled returns the run that the step has called, or calls it now. What was
// called by a run that this one does again is gone on with.
func (k *call) findCalled(name string, input json.RawMessage) (Run, *workflow.Failure, error) {
	e := k.x.e
	var missing *NotFoundError
	id := callRun(k.x.run.ID, k.Path)
	child, err := e.Store.Run(k.x.ctx, id)
	if !errors.As(err, &missing) {
		return child, nil, err
	}
	if k.entry.From != "" {
		old, err := e.Store.Run(k.x.ctx, callRun(k.entry.From, k.Path))
		switch {
		case err == nil && (!old.State.Ended() || old.State == RunSucceeded):
			return old, nil, nil
		case err == nil:
			child, err := e.Again(k.ctx, AgainRequest{Run: old.ID, From: AgainFailed, ID: id})
			return child, nil, err
		case !errors.As(err, &missing):
			return old, nil, err
		}
	}
	failure, err := k.startCalled(id, name, input)
	return Run{ID: id, Workflow: name, State: RunQueued}, failure, err
}

// startCalled starts the run, or says why a workflow cannot be called.
func (k *call) startCalled(id, name string, input json.RawMessage) (*workflow.Failure, error) {
	e, origin := k.x.e, k.x.run.Origin
	if origin.Depth+1 > deepest {
		return wrongCall("/workflow", fmt.Sprintf("%d calls are within each other: does the workflow call itself?", deepest)), nil
	}
	def, err := e.Store.Definition(k.x.ctx, name, "")
	var missing *NotFoundError
	if errors.As(err, &missing) {
		return wrongCall("/workflow", missing.Error()), nil
	}
	if err != nil {
		return nil, err
	}
	doc, err := e.document(def)
	switch {
	case err != nil:
		return wrongCall("/workflow", err.Error()), nil
	case doc.Trigger.Connector != CallableConnector:
		return wrongCall("/workflow", fmt.Sprintf("the workflow %s cannot be called: its trigger is %s, not %s", name, doc.Trigger.Connector, CallableConnector)), nil
	case !def.Enabled:
		return wrongCall("/workflow", fmt.Sprintf("the workflow %s is disabled", name)), nil
	}
	_, _, err = e.Start(k.ctx, StartRequest{Workflow: name, Trigger: input, ID: id, Origin: Origin{
		Kind: ByCall, Run: k.x.run.ID, Path: k.Path, Depth: origin.Depth + 1, Alert: origin.Alert,
	}})
	if errors.Is(err, ErrClosed) {
		return nil, nil // the run is stored; the next start of the host goes on with it
	}
	return nil, err
}

// awaitCalled waits for the end of a run. It may take a person.
func (k *call) awaitCalled(child Run) (Run, error) {
	k.entry.State, k.entry.Reason = EntryWaiting, fmt.Sprintf("run %s of %s", child.ID, child.Workflow)
	if err := k.x.put(k.entry, Written); err != nil {
		return child, err
	}
	k.log(slog.LevelInfo, "step waits", slog.String("why", k.entry.Reason))
	k.x.tell(Progress{Kind: Waiting, Path: k.Path, Message: k.entry.Reason}.of(k.Step))
	for {
		ended := k.x.e.ends.of(child.ID)
		latest, err := k.x.e.Store.Run(k.x.ctx, child.ID)
		if err != nil {
			return child, k.x.storeErr(err)
		}
		if latest.State.Ended() {
			k.x.e.ends.tell(child.ID) // others look for themselves, too
			return latest, nil
		}
		if k.x.e.ends.isBroken(child.ID) {
			return child, &storeError{fmt.Errorf("run %s has stopped before its end", child.ID)} // whose log says why
		}
		err = k.x.idle(time.Time{}, k.entry.Reason, func() {
			select {
			case <-ended:
			case <-k.x.waitCtx.Done():
			}
		})
		if errors.Is(err, errCancelled) {
			// Who cancels the caller means what it has called, too.
			if err := k.x.e.Cancel(k.x.lasting, child.ID); err != nil {
				k.log(slog.LevelError, "a called run was not cancelled", slog.String("called", child.ID), slog.Any("error", err))
			}
		}
		if err != nil {
			return child, err
		}
	}
}

func wrongCall(pointer, message string) *workflow.Failure {
	return &workflow.Failure{Kind: "precondition", Applied: "no", Pointer: pointer, Message: message}
}

func callRun(run, path string) string {
	sum := sha256.Sum256([]byte(run + "\x00" + path))
	return "call-" + hex.EncodeToString(sum[:12])
}
