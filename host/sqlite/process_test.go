package sqlite_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/sqlite"
)

const crashWriters = 6

// crashEntry is the i-th write of one of the writers. What it has seen of the
// others is its input; its output can be told from i, and is large now and then.
func crashEntry(writer, i int, seen json.RawMessage) host.Entry {
	size := 10
	if i%7 == 0 {
		size = 6000
	}
	return host.Entry{
		Run: fmt.Sprint(writer), Path: fmt.Sprintf("loop-1[%d]/x-1", i), Loop: "loop-1", Index: i, State: host.EntryDone,
		Input: seen, Output: json.RawMessage(fmt.Sprintf(`"%d %s"`, i%49, strings.Repeat("x", size))),
	}
}

// writeUntilKilled writes as many goroutines, each on from where its run has got,
// and tells of each write once its call has returned.
func writeUntilKilled() int {
	fmt.Println("opening")
	ctx := context.Background()
	s, err := sqlite.Open(ctx, os.Getenv("STORE_TEST_PATH"), sqlite.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	seed, _ := strconv.ParseUint(os.Getenv("STORE_TEST_SEED"), 10, 64)
	var returned [crashWriters]atomic.Int64 // How many writes of each have returned.
	var wg sync.WaitGroup
	for w := range crashWriters {
		if _, _, err := s.CreateRun(ctx, host.Run{ID: fmt.Sprint(w)}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		n, err := s.Iterations(ctx, fmt.Sprint(w), "loop-1")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		returned[w].Store(int64(n))
	}
	for w := range crashWriters {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(w)))
			for i := int(returned[w].Load()); ; i++ {
				var seen [crashWriters]int64
				for other := range seen {
					seen[other] = returned[other].Load()
				}
				text, _ := json.Marshal(seen)
				d := host.Durability(random.IntN(2))
				if err := s.PutEntry(ctx, crashEntry(w, i, text), d); err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				returned[w].Store(int64(i + 1))
				fmt.Fprintf(os.Stdout, "%d %d %d\n", w, i, d) // one write: lines do not mix
			}
		})
	}
	wg.Wait()
	return 1
}

// writeAndTell makes writes of both kinds, and tells when each call has returned.
func writeAndTell() int {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, os.Getenv("STORE_TEST_PATH"), sqlite.Options{})
	if err == nil {
		_, _, err = s.CreateRun(ctx, host.Run{ID: "r"})
	}
	fmt.Println("open")
	for i := 0; i < 100 && err == nil; i++ {
		d := []host.Durability{host.Synced, host.Written}[i%2]
		err = s.PutEntry(ctx, someEntry("r", i), d)
		fmt.Fprintf(os.Stdout, "%d returned\n", d)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0 // as if killed
}

// openAndReport opens a store and writes to it, and tells what is wrong with that.
func openAndReport() int {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, os.Getenv("STORE_TEST_PATH"), sqlite.Options{})
	if err == nil {
		_, _, err = s.CreateRun(ctx, host.Run{ID: "opener"})
		err = errors.Join(err, s.Close())
	}
	var problem *sqlite.FileError
	switch {
	case errors.As(err, &problem):
		fmt.Printf("%s\n%s\n%d\n", problem.Problem, err, problem.PID)
	case err != nil:
		fmt.Printf("other\n%s\n", err)
	default:
		fmt.Println("fine")
	}
	return 0
}
