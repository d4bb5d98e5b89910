package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strings"

	"github.com/storyloop/storyloop/host"
)

// CreateRun stores a run, synced, unless its id is taken: then it returns the run
// that has it, and false.
func (s *Store) CreateRun(ctx context.Context, r host.Run) (host.Run, bool, error) {
	row, err := newRunRow(r)
	trigger, created := newBody(r.Trigger), false
	if err == nil {
		err = s.do(ctx, host.Synced, func(t *transaction) error {
			trigger, triggerBody, err := t.keep(trigger)
			if err != nil {
				return err
			}
			output, outputBody, err := t.keep(row.output)
			if err != nil {
				return err
			}
			n, err := t.exec(`insert into runs (id, workflow, state, trigger, trigger_body, output, output_body, created, ended, detail)
				values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do nothing`,
				row.id, row.workflow, row.state, trigger, triggerBody, output, outputBody, row.created, row.ended, row.detail)
			if created = n > 0; created {
				t.there[r.ID] = true
			}
			return err
		})
	}
	if err != nil {
		return host.Run{}, false, fmt.Errorf("storing run %s: %w", r.ID, err)
	}
	if created {
		return r, true, nil
	}
	r, err = s.Run(ctx, r.ID)
	return r, false, err
}

// UpdateRun replaces a run, all but its trigger.
func (s *Store) UpdateRun(ctx context.Context, r host.Run, d host.Durability) error {
	row, err := newRunRow(r)
	if err == nil {
		err = s.put(ctx, d, row)
	}
	if err != nil {
		return fmt.Errorf("storing run %s: %w", r.ID, err)
	}
	return nil
}

const selectRun = `select id, workflow, state,
	coalesce(trigger, (select body from bodies where bodies.id = trigger_body)),
	coalesce(output, (select body from bodies where bodies.id = output_body)), detail from runs`

// Run returns a run.
func (s *Store) Run(ctx context.Context, id string) (host.Run, error) {
	var r host.Run
	found, err := s.one(ctx, selectRun+" where id = ?", []any{id}, func(sc scan) (err error) {
		r, err = scanRun(sc)
		return err
	})
	switch {
	case err != nil:
		return host.Run{}, fmt.Errorf("reading run %s: %w", id, err)
	case !found:
		return host.Run{}, &host.NotFoundError{Kind: "run", Name: id}
	}
	return r, nil
}

// Runs returns runs, the latest first: by Run.CreatedAt, and where that is the same
// those that were stored last. A filter's Before that is not there, or no more, is a
// *host.NotFoundError.
func (s *Store) Runs(ctx context.Context, f host.RunFilter) ([]host.Run, error) {
	end := moment{math.MaxInt64, math.MaxInt64}
	if f.Before != "" {
		found, err := s.one(ctx, "select created, seq from runs where id = ?", []any{f.Before}, func(sc scan) error { return sc(&end.created, &end.seq) })
		if err != nil {
			return nil, fmt.Errorf("reading run %s: %w", f.Before, err)
		}
		if !found {
			return nil, &host.NotFoundError{Kind: "run", Name: f.Before}
		}
	}
	if to := f.To.UnixMicro(); !f.To.IsZero() && to <= end.created {
		end = moment{to, math.MinInt64}
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	var all []host.Run
	query, args := runsQuery(f, end)
	err := s.each(ctx, query, args, func(sc scan) error {
		r, err := scanRun(sc)
		all = append(all, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading runs: %w", err)
	}
	return all, nil
}

// CountRuns returns how many runs there are in each state, of one workflow or,
// with an empty name, of all.
func (s *Store) CountRuns(ctx context.Context, workflow string) (map[host.RunState]int, error) {
	query, args := "select state, count(*) from runs group by state", []any(nil)
	if workflow != "" {
		query, args = "select state, count(*) from runs where workflow = ? group by state", []any{workflow}
	}
	counts := map[host.RunState]int{}
	err := s.each(ctx, query, args, func(sc scan) error {
		var state host.RunState
		var n int
		err := sc((*string)(&state), &n)
		counts[state] = n
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("counting runs: %w", err)
	}
	return counts, nil
}

// mustHave tells a run that has left nothing from one that is not there.
func (s *Store) mustHave(ctx context.Context, run string) error {
	found, err := s.one(ctx, "select 1 from runs where id = ?", []any{run}, func(scan) error { return nil })
	if err != nil {
		return fmt.Errorf("reading run %s: %w", run, err)
	}
	if !found {
		return &host.NotFoundError{Kind: "run", Name: run}
	}
	return nil
}

// moment is a place in the order of all runs.
type moment struct{ created, seq int64 }

// runsQuery asks for a page of each state and merges them: each page is one
// look-up in an index, however many runs there are.
func runsQuery(f host.RunFilter, end moment) (string, []any) {
	const order = " order by created desc, seq desc limit ?"
	where, args := "created >= ? and (created, seq) < (?, ?)", []any{f.From.UnixMicro(), end.created, end.seq}
	if f.Workflow != "" {
		where, args = "workflow = ? and "+where, append([]any{f.Workflow}, args...)
	}
	args = append(args, f.Limit)
	if len(f.States) == 0 {
		return selectRun + " where " + where + order, args
	}
	var pages []string
	var all []any
	for _, state := range f.States {
		pages = append(pages, "select * from (select seq from runs where state = ? and "+where+order+")")
		all = append(append(all, string(state)), args...)
	}
	return selectRun + " where seq in (" + strings.Join(pages, " union ") + ")" + order, append(all, f.Limit)
}

// runRow is what may change of a run, on its way into the file.
type runRow struct {
	id, workflow, state string
	output              body
	created             int64
	ended               sql.NullInt64
	detail              string
}

func newRunRow(r host.Run) (*runRow, error) {
	detail := runDetail{
		Version: r.Version, Event: r.Event, Origin: storedOrigin(r.Origin), Forecast: storedForecast(r.Forecast), Failure: r.Failure, Question: (*question)(r.Question), Reason: r.Reason,
		Until: r.Until.UTC(), CreatedAt: r.CreatedAt.UTC(), StartedAt: r.StartedAt.UTC(), EndedAt: r.EndedAt.UTC(),
	}
	row := &runRow{id: r.ID, workflow: r.Workflow, state: string(r.State), output: newBody(r.Output), created: r.CreatedAt.UnixMicro()}
	if r.State.Ended() {
		row.ended = sql.NullInt64{Int64: r.EndedAt.UnixMilli(), Valid: true}
	}
	var err error
	row.detail, err = encode(detail)
	return row, err
}

func (r *runRow) fields(w *wire) {
	w.text(&r.id)
	w.text(&r.workflow)
	w.text(&r.state)
	w.body(&r.output)
	w.number(&r.created)
	w.flag(&r.ended.Valid)
	w.number(&r.ended.Int64)
	w.text(&r.detail)
}

func (r *runRow) size() int {
	return len(r.id) + len(r.workflow) + len(r.state) + len(r.output.text) + len(r.detail)
}

func (r *runRow) forRun() string { return r.id }

func (r *runRow) put(t *transaction) error {
	output, outputBody, err := t.keep(r.output)
	if err != nil {
		return err
	}
	n, err := t.exec(`update runs set workflow = ?, state = ?, output = ?, output_body = ?, created = ?, ended = ?, detail = ? where id = ?`,
		r.workflow, r.state, output, outputBody, r.created, r.ended, r.detail, r.id)
	if err == nil && n == 0 {
		return &host.NotFoundError{Kind: "run", Name: r.id}
	}
	return err
}

func scanRun(sc scan) (host.Run, error) {
	var r host.Run
	var text []byte
	var d runDetail
	if err := sc(&r.ID, &r.Workflow, (*string)(&r.State), (*[]byte)(&r.Trigger), (*[]byte)(&r.Output), &text); err != nil {
		return r, err
	}
	err := decode(text, &d)
	r.Version, r.Event, r.Failure, r.Question, r.Reason = d.Version, d.Event, d.Failure, d.Question.host(), d.Reason
	r.Origin, r.Forecast = host.Origin(d.Origin), (*host.Forecast)(d.Forecast)
	r.Until, r.CreatedAt, r.StartedAt, r.EndedAt = d.Until, d.CreatedAt, d.StartedAt, d.EndedAt
	return r, err
}
