package sqlite

import (
	"maps"

	"github.com/storyloop/storyloop/host"
)

// maxJournals is of how many runs the writing goroutine remembers where they are in
// the file: more than go on at once, in some 200 KB.
const maxJournals = 1024

// journal is where a run's entries are. It is looked up once, and true for as long
// as the run is there and no transaction is rolled back, since only one goroutine
// writes to the file.
type journal struct {
	run  int64 // runs.seq
	last int64 // The highest entries.seq that was given to it.
}

// loop is a row of loops.
type loop struct {
	run  int64 // runs.seq
	path string
}

// journal returns where a run's entries are.
func (t *transaction) journal(run string) (*journal, error) {
	if j := t.journals[run]; j != nil {
		return j, nil
	}
	j := &journal{}
	found, err := t.row(`select seq, coalesce((select seq from entries where seq >= run.seq << 32 and seq < (run.seq + 1) << 32
		order by seq desc limit 1), seq << 32) from runs as run where id = ?`, []any{run}, &j.run, &j.last)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, &host.NotFoundError{Kind: "run", Name: run}
	}
	if len(t.journals) >= maxJournals {
		clear(t.journals)
	}
	t.journals[run] = j
	return j, nil
}

// putLoops writes how far the transaction has brought loops, once for all entries
// of each.
func (t *transaction) putLoops() error {
	for l, iterations := range t.loops {
		_, err := t.exec(`insert into loops (run, path, iterations) values (?, ?, ?)
			on conflict (run, path) do update set iterations = excluded.iterations where excluded.iterations > iterations`, l.run, l.path, iterations)
		if err != nil {
			return err
		}
	}
	clear(t.loops)
	return nil
}

// forget drops what is not true after a rollback.
func (t *transaction) forget() {
	clear(t.journals)
	clear(t.loops)
	clear(t.there)
}

// forgetRun drops what is not true of a run that is deleted: another may get its id,
// or its place in the file.
func (t *transaction) forgetRun(id string, seq int64) {
	t.there[id] = false
	delete(t.journals, id)
	maps.DeleteFunc(t.loops, func(l loop, _ int) bool { return l.run == seq })
}
