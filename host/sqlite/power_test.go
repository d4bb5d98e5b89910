package sqlite_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/sqlite"
)

// After a power cut the log and the redo file are each as they were at some moment
// since the last sync, which need not be the same. What was synced is there, and
// whatever is there has all before it that it may rest on.
func TestOpen_AfterAPowerCut(t *testing.T) {
	t.Parallel()
	first := seed(t)
	random := rand.New(rand.NewPCG(first, crashWriters))
	s := newStore(t)
	require.NoError(t, s.KeepLog())
	for w := range crashWriters {
		_, _, err := s.CreateRun(context.Background(), host.Run{ID: fmt.Sprint(w)})
		require.NoError(t, err)
	}
	p := power{store: s, seed: first}
	var wg sync.WaitGroup
	for w := range crashWriters {
		wg.Go(func() { p.write(t, w) })
	}
	for round := range 12 {
		var owed [crashWriters]int
		for w := range owed {
			owed[w] = int(p.synced[w].Load())
		}
		files := []string{"", "-wal", "-redo"}
		random.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
		path := filepath.Join(t.TempDir(), "storyloop.db")
		for _, file := range files {
			text, err := os.ReadFile(s.Path() + file)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path+file, text, 0o600))
		}
		if checkCrashed(t, path, &owed); t.Failed() {
			t.Logf("in round %d", round)
			break
		}
	}
	p.cut.Store(true)
	wg.Wait()
}

// power is what writers on one store know of each other until it is cut.
type power struct {
	store            *sqlite.Store
	seed             uint64
	returned, synced [crashWriters]atomic.Int64 // How many writes of each have returned, and are synced.
	cut              atomic.Bool
}

func (p *power) write(t *testing.T, w int) {
	random := rand.New(rand.NewPCG(p.seed, uint64(w)))
	for i := int64(0); i < 1000 && !p.cut.Load(); i++ {
		var seen [crashWriters]int64
		for other := range seen {
			seen[other] = p.returned[other].Load()
		}
		text, _ := json.Marshal(seen)
		d := host.Written
		if random.IntN(20) == 0 {
			d = host.Synced
		}
		if err := p.store.PutEntry(context.Background(), crashEntry(w, int(i), text), d); err != nil {
			t.Error(err)
			return
		}
		p.returned[w].Store(i + 1)
		if d == host.Synced {
			p.synced[w].Store(i + 1)
		}
	}
}
