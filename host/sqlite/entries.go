package sqlite

import (
	"context"
	"fmt"

	"github.com/storyloop/storyloop/host"
)

// maxPage is how many bytes of JSON a page of entries holds before it ends early.
const maxPage = 8 << 20

// PutEntry adds an entry to a run's journal, or replaces the one that has its path.
func (s *Store) PutEntry(ctx context.Context, e host.Entry, d host.Durability) error {
	row, err := newEntryRow(e)
	if err == nil {
		err = s.put(ctx, d, row)
	}
	if err != nil {
		return fmt.Errorf("storing step %s of run %s: %w", e.Path, e.Run, err)
	}
	return nil
}

// A position is an entry's place among its run's; the file has it in the low half
// of seq.
const selectEntry = `select seq & 0xffffffff, path, loop, iteration, state,
	coalesce(input, (select body from bodies where bodies.id = input_body)),
	coalesce(output, (select body from bodies where bodies.id = output_body)), detail from entries`

// Entry returns the entry of a path; false if there is none.
func (s *Store) Entry(ctx context.Context, run, path string) (host.Entry, bool, error) {
	e := host.Entry{Run: run}
	found, err := s.one(ctx, selectEntry+" where run = (select seq from runs where id = ?) and path = ?", []any{run, path}, func(sc scan) error {
		_, err := scanEntry(sc, &e)
		return err
	})
	if err != nil {
		return host.Entry{}, false, fmt.Errorf("reading step %s of run %s: %w", path, run, err)
	}
	if !found {
		return host.Entry{}, false, s.mustHave(ctx, run)
	}
	return e, true, nil
}

// Entries returns a run's entries in the order in which they were first put,
// from a position on; next is the position after them, zero at the end. A page
// holds at most limit entries (100 if that is zero), fewer if they are large.
func (s *Store) Entries(ctx context.Context, run string, from int64, limit int) (entries []host.Entry, next int64, err error) {
	if limit <= 0 {
		limit = 100
	}
	size := 0
	query := selectEntry + ` where seq >= (select (seq << 32) + ?2 from runs where id = ?1)
		and seq < (select (seq + 1) << 32 from runs where id = ?1) order by seq limit ?3`
	err = s.each(ctx, query, []any{run, from, limit + 1}, func(sc scan) error {
		e := host.Entry{Run: run}
		position, err := scanEntry(sc, &e)
		if err != nil {
			return err
		}
		if len(entries) == limit || size > maxPage {
			next = position
			return errEnough
		}
		size += len(e.Input) + len(e.Output)
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("reading the steps of run %s: %w", run, err)
	}
	if len(entries) == 0 {
		return nil, 0, s.mustHave(ctx, run)
	}
	return entries, next, nil
}

// Iterations returns one more than the highest index of an iteration of a loop
// that has left an entry.
func (s *Store) Iterations(ctx context.Context, run, loop string) (int, error) {
	var n int
	found, err := s.one(ctx, "select iterations from loops where run = (select seq from runs where id = ?) and path = ?",
		[]any{run, loop}, func(sc scan) error { return sc(&n) })
	if err != nil {
		return 0, fmt.Errorf("counting the iterations of %s in run %s: %w", loop, run, err)
	}
	if !found {
		return 0, s.mustHave(ctx, run)
	}
	return n, nil
}

// entryRow is an entry on its way into the file.
type entryRow struct {
	run, path, loop string
	iteration       int
	state           string
	input, output   body
	detail          string
}

func newEntryRow(e host.Entry) (*entryRow, error) {
	d := newEntryDetail(e)
	detail, err := d.encode()
	return &entryRow{
		run: e.Run, path: e.Path, loop: e.Loop, iteration: e.Index, state: string(e.State),
		input: newBody(e.Input), output: newBody(e.Output), detail: detail,
	}, err
}

func newEntryDetail(e host.Entry) entryDetail {
	return entryDetail{
		Step: e.Step, Connector: e.Connector, Operation: e.Operation, Items: e.Items, Next: e.Next, Failure: e.Failure,
		Attempts: attemptsOf(e.Attempts), Resume: e.Resume, Until: e.Until.UTC(), Waited: e.Waited, Reason: e.Reason,
		Question: (*question)(e.Question), Answer: e.Answer, Before: e.Before, From: e.From, StartedAt: e.StartedAt.UTC(), EndedAt: e.EndedAt.UTC(),
	}
}

func (r *entryRow) fields(w *wire) {
	w.text(&r.run)
	w.text(&r.path)
	w.text(&r.loop)
	w.int(&r.iteration)
	w.text(&r.state)
	w.body(&r.input)
	w.body(&r.output)
	w.text(&r.detail)
}

func (r *entryRow) size() int {
	return len(r.run) + len(r.path) + len(r.loop) + len(r.state) + len(r.input.text) + len(r.output.text) + len(r.detail)
}

func (r *entryRow) forRun() string { return r.run }

func (r *entryRow) put(t *transaction) error {
	input, inputBody, err := t.keep(r.input)
	if err != nil {
		return err
	}
	output, outputBody, err := t.keep(r.output)
	if err != nil {
		return err
	}
	j, err := t.journal(r.run)
	if err != nil {
		return err
	}
	j.last++ // not used if the path is there: a gap does no harm
	if r.loop != "" {
		l := loop{j.run, r.loop}
		t.loops[l] = max(t.loops[l], r.iteration+1)
	}
	_, err = t.exec(`insert into entries (seq, run, path, loop, iteration, state, input, input_body, output, output_body, detail)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		on conflict (run, path) do update set loop = excluded.loop, iteration = excluded.iteration, state = excluded.state,
			input = excluded.input, input_body = excluded.input_body, output = excluded.output, output_body = excluded.output_body,
			detail = excluded.detail`,
		j.last, j.run, r.path, r.loop, r.iteration, r.state, input, inputBody, output, outputBody, r.detail)
	return err
}

func scanEntry(sc scan, e *host.Entry) (position int64, err error) {
	var text []byte
	var d entryDetail
	if err := sc(&position, &e.Path, &e.Loop, &e.Index, (*string)(&e.State), (*[]byte)(&e.Input), (*[]byte)(&e.Output), &text); err != nil {
		return 0, err
	}
	err = decode(text, &d)
	e.Step, e.Connector, e.Operation, e.Items, e.Next = d.Step, d.Connector, d.Operation, d.Items, d.Next
	e.Failure, e.Attempts, e.Resume, e.Question, e.Answer = d.Failure, hostAttempts(d.Attempts), d.Resume, d.Question.host(), d.Answer
	e.Before, e.From, e.Until, e.Waited, e.Reason, e.StartedAt, e.EndedAt = d.Before, d.From, d.Until, d.Waited, d.Reason, d.StartedAt, d.EndedAt
	return position, err
}
