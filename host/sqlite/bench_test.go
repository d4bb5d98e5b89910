package sqlite_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
)

var (
	someInput  = json.RawMessage(`{"story_id":"17841405726653027","page_id":"134895793791914","fields":["id","media_type","timestamp"]}`)
	someOutput = json.RawMessage(`{"id":"17841405726653027","media_type":"IMAGE","timestamp":"2026-11-22T12:00:00+0000","permalink":"https://www.instagram.com/stories/bluebottle/17841405726653027","like_count":12}`)
)

func someEntry(run string, i int) host.Entry {
	return host.Entry{
		Run: run, Path: fmt.Sprintf("loop-1[%d]/instagram-2", i), Loop: "loop-1", Index: i, Step: "instagram-2",
		Connector: "instagram", Operation: "get_story", State: host.EntryDone, Input: someInput, Output: someOutput,
		Attempts:  []host.Attempt{{ID: "7f3c2a", StartedAt: noon, EndedAt: noon, Requests: 1}},
		StartedAt: noon, EndedAt: noon,
	}
}

// BenchmarkPutEntry writes finished steps, and the same bytes by bare inserts on
// the same machine, with as many in a transaction as there are writers.
func BenchmarkPutEntry(b *testing.B) {
	for _, d := range []struct {
		name       string
		durability host.Durability
		sync       string
	}{{"Synced", host.Synced, "full"}, {"Written", host.Written, "normal"}} {
		for _, writers := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/%d", d.name, writers), func(b *testing.B) {
				batch := writers
				if d.durability == host.Written {
					batch = 512 // its callers go on before the commit
				}
				bare := bareInserts(b, d.sync, batch, b.N)
				took := putEntries(b, d.durability, writers, b.N)
				b.ReportMetric(float64(b.N)/took.Seconds(), "writes/s")
				b.ReportMetric(float64(b.N)/bare.Seconds(), "bare/s")
				b.ReportMetric(float64(took)/float64(bare), "x-of-bare")
			})
		}
	}
}

func putEntries(b *testing.B, d host.Durability, writers, n int) time.Duration {
	s, ctx := newStore(b), context.Background()
	for w := range writers {
		_, _, err := s.CreateRun(ctx, host.Run{ID: fmt.Sprint(w)})
		require.NoError(b, err)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	start := time.Now()
	for w := range writers {
		wg.Go(func() {
			for i := int(next.Add(1)); i <= n; i = int(next.Add(1)) {
				if err := s.PutEntry(ctx, someEntry(fmt.Sprint(w), i), d); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	_, err := s.Run(ctx, "0") // waits for what is queued
	took := time.Since(start)
	b.StopTimer()
	require.NoError(b, err)
	return took
}

func bareInserts(b *testing.B, sync string, batch, n int) time.Duration {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "bare.db")+"?_journal_mode=WAL&_synchronous="+sync)
	require.NoError(b, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = db.Exec("create table steps (run text, path text, input blob, output blob, primary key (run, path)) without rowid")
	require.NoError(b, err)
	insert, err := db.Prepare("insert into steps values (?, ?, ?, ?)")
	require.NoError(b, err)
	start := time.Now()
	for i := 0; i < n; i += batch {
		tx, err := db.Begin()
		require.NoError(b, err)
		in := tx.Stmt(insert)
		for j := i; j < min(i+batch, n); j++ {
			_, err := in.Exec(fmt.Sprint(j%batch), fmt.Sprintf("loop-1[%d]/instagram-2", j), []byte(someInput), []byte(someOutput))
			require.NoError(b, err)
		}
		require.NoError(b, tx.Commit())
	}
	return time.Since(start)
}
