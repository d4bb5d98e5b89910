package sqlite

import (
	"context"
	"fmt"
	"math"

	"github.com/storyloop/storyloop/host"
)

// pruneStep is how many rows are deleted at once: few, so that the writes of others
// hardly wait.
const pruneStep = 200

// Prune forgets what a retention says, in many small writes. Cut off, it goes on
// the next time. The file becomes smaller.
func (s *Store) Prune(ctx context.Context, r host.Retention) (host.Pruned, error) {
	p := pruning{store: s, Retention: r}
	for _, step := range []func(context.Context) error{p.runs, p.events, p.bodies, p.shrink} {
		if err := step(ctx); err != nil {
			return p.done, fmt.Errorf("forgetting what is old: %w", err)
		}
	}
	return p.done, nil
}

type pruning struct {
	host.Retention
	store *Store
	done  host.Pruned
}

// runs goes through the ended runs, the first to end first.
func (p *pruning) runs(ctx context.Context) error {
	if p.RunsBefore.IsZero() {
		return nil
	}
	const query = `select seq, id, ended from runs where ended < ? and (ended, seq) > (?, ?)
		and (? = 0 or seq < (select seq from runs as later where later.workflow = runs.workflow order by seq desc limit 1 offset ?))
		order by ended, seq limit ?`
	var ended, seq int64 = -1 << 62, 0
	for {
		type run struct {
			seq, ended int64
			id         string
		}
		var page []run
		args := []any{p.RunsBefore.UnixMilli(), ended, seq, p.KeepRuns, max(p.KeepRuns-1, 0), pruneStep}
		err := p.store.each(ctx, query, args, func(sc scan) error {
			var x run
			err := sc(&x.seq, &x.id, &x.ended)
			page = append(page, x)
			return err
		})
		if err != nil || len(page) == 0 {
			return err
		}
		for _, x := range page {
			if err := p.run(ctx, x.seq, x.id); err != nil {
				return err
			}
			ended, seq = x.ended, x.seq
		}
	}
}

// run deletes a run after all that belongs to it.
func (p *pruning) run(ctx context.Context, seq int64, id string) error {
	n, err := p.delete(ctx, "delete from entries where seq in (select seq from entries where seq >= ? and seq < ? limit ?)", seq<<32, (seq+1)<<32, pruneStep)
	p.done.Entries += n
	if err != nil {
		return err
	}
	err = p.store.do(ctx, host.Written, func(t *transaction) error {
		if _, err := t.exec("delete from value_changes where run = ?", id); err != nil {
			return err
		}
		if _, err := t.exec("delete from named_values where scope = ?", host.RunScope(id)); err != nil {
			return err
		}
		if _, err := t.exec("delete from loops where run = ?", seq); err != nil {
			return err
		}
		t.forgetRun(id, seq)
		_, err := t.exec("delete from runs where seq = ?", seq)
		return err
	})
	if err == nil {
		p.done.Runs++
	}
	return err
}

func (p *pruning) events(ctx context.Context) error {
	if p.EventsBefore.IsZero() {
		return nil
	}
	n, err := p.delete(ctx, "delete from events where seq in (select seq from events where done = 1 and received < ? limit ?)", p.EventsBefore.UnixMilli(), pruneStep)
	p.done.Events += n
	return err
}

// bodies deletes those that nothing leads to, whatever has led to them.
func (p *pruning) bodies(ctx context.Context) error {
	const unused = `not exists (select 1 from entries where input_body = bodies.id)
		and not exists (select 1 from entries where output_body = bodies.id)
		and not exists (select 1 from runs where trigger_body = bodies.id)
		and not exists (select 1 from runs where output_body = bodies.id)
		and not exists (select 1 from events where payload_body = bodies.id)`
	var from, to int64
	for {
		found, err := p.store.one(ctx, "select max(id) from (select id from bodies where id > ? order by id limit ?) having count(*) > 0",
			[]any{from, pruneStep}, func(sc scan) error { return sc(&to) })
		if err != nil || !found {
			return err
		}
		var n int64
		err = p.store.do(ctx, host.Written, func(t *transaction) (err error) {
			n, err = t.exec("delete from bodies where id > ? and id <= ? and "+unused, from, to)
			return err
		})
		p.done.Bodies += n
		if err != nil {
			return err
		}
		from = to
	}
}

// shrink gives free pages back to the disk.
func (p *pruning) shrink(ctx context.Context) error {
	for before := int64(math.MaxInt64); ; {
		var free int64
		_, err := p.store.one(ctx, "pragma freelist_count", nil, func(sc scan) error { return sc(&free) })
		if err != nil || free == 0 || free >= before {
			return err
		}
		before = free
		err = p.store.do(ctx, host.Written, func(t *transaction) error {
			_, err := t.exec(fmt.Sprintf("pragma incremental_vacuum(%d)", pruneStep))
			return err
		})
		if err != nil {
			return err
		}
	}
}

// delete repeats a statement whose last argument is its limit until nothing is left
// to delete.
func (p *pruning) delete(ctx context.Context, query string, args ...any) (total int64, err error) {
	for {
		var n int64
		err := p.store.do(ctx, host.Written, func(t *transaction) (err error) {
			n, err = t.exec(query, args...)
			return err
		})
		total += n
		if err != nil || n < pruneStep {
			return total, err
		}
	}
}
