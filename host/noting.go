package host

import (
	"context"
	"log/slog"
	"time"

	"github.com/storyloop/storyloop/host/workflow"
)

// Log tells watchers, and notes in the history what the interpreter did by itself.
func (x *execution) Log(ev workflow.Event) {
	watched := x.e.watchers.watched(x.run.ID)
	switch ev.Kind {
	case workflow.Started:
		if watched {
			x.begins(ev.Path)
			x.tell(Progress{Kind: StepStarted, Path: ev.Path}.of(ev.Step))
		}
	case workflow.Finished:
		if watched {
			output := x.e.visible(ev.Step.Connector, ev.Step.Operation, ev.Output)
			x.tell(Progress{Kind: StepFinished, Path: ev.Path, Output: output, Took: x.took(ev.Path)}.of(ev.Step))
		}
		x.note(ev)
	case workflow.Failed:
		if watched {
			x.tell(Progress{Kind: StepFailed, Path: ev.Path, Failure: ev.Failure, Took: x.took(ev.Path)}.of(ev.Step))
		}
		x.note(ev)
	}
}

// begins remembers when a step began, for those who watch.
func (x *execution) begins(path string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.began == nil {
		x.began = map[string]time.Time{}
	}
	x.began[path] = x.e.Clock.Now()
}

// took returns how long a step took; zero if nobody watched when it began.
func (x *execution) took(path string) time.Duration {
	x.mu.Lock()
	defer x.mu.Unlock()
	began, ok := x.began[path]
	if !ok {
		return 0
	}
	delete(x.began, path)
	return x.e.Clock.Now().Sub(began)
}

// note keeps what has no other entry. It informs and decides nothing, so a store
// that fails here is found out at the next step.
func (x *execution) note(ev workflow.Event) {
	if !ev.Step.Control() && ev.Kind != workflow.Failed {
		return // the call has left its own
	}
	_, found, err := x.e.Store.Entry(x.ctx, x.run.ID, ev.Path)
	if err != nil || found {
		return
	}
	entry := x.entry(ev.Path, ev.Step)
	entry.State, entry.Input, entry.Output, entry.Failure = EntryDone, ev.Input, ev.Output, ev.Failure
	if ev.Failure != nil {
		entry.State = EntryFailed
	}
	entry.EndedAt = entry.StartedAt
	if err := x.put(entry, Queued); err != nil {
		x.log(slog.LevelWarn, "a step's history was not kept", slog.String("step", ev.Path), slog.Any("error", err))
	}
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

// put writes to the journal. What has happened is written also after the run has
// been cancelled.
func (x *execution) put(entry Entry, d Durability) error {
	if err := x.e.Store.PutEntry(context.WithoutCancel(x.ctx), entry, d); err != nil {
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
