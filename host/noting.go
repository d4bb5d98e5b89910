package host

import (
	"bytes"
	"context"
	"log/slog"

	"github.com/storyloop/storyloop/host/workflow"
)

// Log tells watchers, and notes in the history what the interpreter did by itself.
func (x *execution) Log(ev workflow.Event) {
	if ev.Kind != workflow.Started {
		x.note(ev)
	}
	if !x.e.watchers.watched(x.run.ID) {
		return
	}
	p := Progress{Kind: StepStarted, Path: ev.Path}
	switch ev.Kind {
	case workflow.Finished:
		p.Kind, p.Output = StepFinished, x.e.visible(ev.Step.Connector, ev.Step.Operation, ev.Output)
		p.Took = x.e.Clock.Now().Sub(ev.Began)
	case workflow.Failed:
		p.Kind, p.Failure, p.Took = StepFailed, ev.Failure, x.e.Clock.Now().Sub(ev.Began)
	}
	x.tell(p.of(ev.Step))
}

// note keeps what has no other entry. It informs and decides nothing, so a store
// that fails here is found out at the next step.
func (x *execution) note(ev workflow.Event) {
	if !ev.Step.Control() && ev.Kind != workflow.Failed {
		return // the call has left its own
	}
	if x.mayHave(ev) {
		old, found, err := x.e.Store.Entry(x.ctx, x.run.ID, ev.Path)
		if err != nil || found && !outdated(old, ev) {
			return
		}
	}
	entry := x.entry(ev.Path, ev.Step)
	entry.State, entry.Input, entry.Output, entry.Failure = EntryDone, ev.Input, ev.Output, ev.Failure
	if ev.Failure != nil {
		entry.State = EntryFailed
	}
	entry.StartedAt, entry.EndedAt = ev.Began, x.e.Clock.Now()
	if err := x.put(entry, Written); err != nil {
		x.log(slog.LevelWarn, "a step's history was not kept", slog.String("step", ev.Path), slog.Any("error", err))
	}
}

// outdated reports whether an entry that was taken over from another run says how a
// choice and what followed, or the end, went there, and it has gone differently here.
// Of no other step can that be: it has been done again, or its entry holds.
func outdated(old Entry, ev workflow.Event) bool {
	other := (old.State == EntryFailed) != (ev.Kind == workflow.Failed) || !bytes.Equal(old.Output, ev.Output)
	return old.From != "" && (chooses(ev.Step) || ev.Step.Connector == workflow.TerminateConnector) && other
}

// mayHave reports whether there may be an entry of what the interpreter did. To look
// has the store write all that it holds back, which would cost a loop of conditions
// a commit for each.
func (x *execution) mayHave(ev workflow.Event) bool {
	return x.resumed || !chooses(ev.Step) || ev.Kind == workflow.Failed
}

// chooses reports whether a step does nothing but take a branch.
func chooses(s *workflow.Step) bool {
	return s.Connector == workflow.ConditionConnector || s.Connector == workflow.BranchConnector
}

// recorded looks a step up in the journal.
func (x *execution) recorded(path string) (Entry, bool, error) {
	if !x.resumed {
		return Entry{}, false, nil
	}
	entry, found, err := x.e.Store.Entry(x.ctx, x.run.ID, path)
	if err != nil {
		return Entry{}, false, x.storeErr(err)
	}
	return entry, found, nil
}

func (x *execution) entry(path string, s *workflow.Step) Entry {
	loop, index := around(path)
	return Entry{
		Run: x.run.ID, Path: path, Loop: loop, Index: index,
		Step: s.ID, Connector: s.Connector, Operation: s.Operation, StartedAt: x.e.Clock.Now(),
	}
}

// put writes to the journal.
func (x *execution) put(entry Entry, d Durability) error {
	if err := x.e.Store.PutEntry(x.lasting, entry, d); err != nil {
		return &storeError{err}
	}
	return nil
}

func (x *execution) storeErr(err error) error {
	if x.ctx.Err() != nil {
		return context.Cause(x.ctx)
	}
	return &storeError{err}
}

func (x *execution) tell(p Progress) {
	if p.Kind != RunEnded && !x.e.watchers.watched(x.run.ID) {
		return
	}
	p.Run, p.At = x.run.ID, x.e.Clock.Now()
	x.e.watchers.tell(p)
}

func (p Progress) of(s *workflow.Step) Progress {
	p.Step, p.Title, p.Connector, p.Operation = s.ID, s.Title, s.Connector, s.Operation
	return p
}
