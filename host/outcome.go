package host

import (
	"encoding/json"
	"log/slog"

	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// settled returns what a step has come to.
func settled(entry Entry) (workflow.Outcome, error) {
	switch {
	case entry.State == EntryFailed && entry.Failure != nil:
		return workflow.Outcome{}, entry.Failure
	case entry.State == EntrySkipped:
		return workflow.Outcome{Output: json.RawMessage("null")}, nil
	}
	return workflow.Outcome{Output: entry.Output, Items: entry.Items, Next: entry.Next}, nil
}

func (k *call) succeedWith(output json.RawMessage) (workflow.Outcome, error) {
	return k.succeed(&connectorv1.Result{Output: output})
}

// succeed journals an output.
func (k *call) succeed(r *connectorv1.Result) (workflow.Outcome, error) {
	e := &k.entry
	e.State, e.EndedAt, e.Failure, e.Question = EntryDone, k.x.e.Clock.Now(), nil, nil
	e.Output, e.Next, e.Items, e.Reason = r.GetOutput(), r.GetNextToken(), k.op.GetItemsPointer(), ""
	if err := k.x.put(*e, k.durability()); err != nil {
		return workflow.Outcome{}, err
	}
	return settled(*e)
}

// fail journals that the step has failed for good.
func (k *call) fail(f *workflow.Failure) (workflow.Outcome, error) {
	f.Workflow, f.Step, f.Path, f.Operation = k.x.run.Workflow, k.Step.ID, k.Path, k.Step.Connector+" "+k.Step.Operation
	e := &k.entry
	e.State, e.EndedAt, e.Failure, e.Reason = EntryFailed, k.x.e.Clock.Now(), f, ""
	if err := k.x.put(*e, k.durability()); err != nil {
		return workflow.Outcome{}, err
	}
	k.log(slog.LevelInfo, "step failed", failureAttrs(f)...)
	return workflow.Outcome{}, f
}

// durability is what losing the outcome would matter for: a read can be had again
// after a power cut.
func (k *call) durability() Durability {
	if k.reads() {
		return Written
	}
	return Synced
}

func (k *call) reads() bool {
	return k.op == nil || k.op.GetEffect() == connectorv1.Effect_EFFECT_READ
}
