// Package sqlitetest makes large files for benchmarks.
package sqlitetest

import (
	"database/sql"
	"fmt"
)

const (
	input  = `{"story_id":"17841405726653027","page_id":"134895793791914","fields":["id","media_type","timestamp"]}`
	output = `{"id":"17841405726653027","media_type":"IMAGE","timestamp":"2026-11-22T12:00:00+0000","permalink":"https://www.instagram.com/stories/bluebottle/17841405726653027","like_count":12}`
)

// FillMillion gives a store's empty file a million finished steps: ten runs of
// 50,000 and 10,000 of 50, "run-1" to "run-10010" of the workflows "w0" to "w9".
// Three have failed, and "run-77" asks a person. It writes straight into the tables:
// the store itself would take minutes.
func FillMillion(path string) error {
	db, err := sql.Open("sqlite", path+"?_synchronous=off&_pragma=cache_size(-200000)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`begin;
		with recursive n(i) as (select 1 union all select i + 1 from n where i < 10010)
		insert into runs (seq, id, workflow, state, trigger, created, ended, detail)
		select i, 'run-' || i, 'w' || (i % 10), iif(i % 4000 = 2000, 'failed', iif(i = 77, 'parked', 'succeeded')), cast('{}' as blob),
			1795348800000000 + i, 1795348800000 + i, '{"version":"v1","created_at":"2026-11-22T12:00:00Z"}' from n`); err != nil {
		return fmt.Errorf("writing runs: %w", err)
	}
	for _, part := range []struct {
		runs  string
		steps int
	}{{"seq <= 10", 50_000}, {"seq > 10", 50}} {
		if _, err := db.Exec(`with recursive n(i) as (select 0 union all select i + 1 from n where i + 1 < ?1)
			insert into entries (seq, run, path, state, loop, iteration, input, output, detail)
			select (r.seq << 32) + 1 + i, r.seq, 'loop-1[' || i || ']/instagram-2', 'done', 'loop-1', i, cast(?2 as blob), cast(?3 as blob),
				'{"step":"instagram-2","attempts":[{"id":"7f3c2a","requests":1}]}'
			from runs as r cross join n where `+part.runs, part.steps, input, output); err != nil {
			return fmt.Errorf("writing steps: %w", err)
		}
	}
	if _, err := db.Exec("insert into loops (run, path, iterations) select run, loop, max(iteration) + 1 from entries group by run, loop"); err != nil {
		return fmt.Errorf("writing loops: %w", err)
	}
	_, err = db.Exec("commit")
	return err
}
