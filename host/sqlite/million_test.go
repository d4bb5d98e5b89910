package sqlite_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/sqlite"
	"github.com/storyloop/storyloop/host/sqlite/sqlitetest"
)

// BenchmarkMillion looks into a file of a million finished steps.
func BenchmarkMillion(b *testing.B) {
	ctx, path := context.Background(), filepath.Join(b.TempDir(), "storyloop.db")
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	require.NoError(b, err)
	require.NoError(b, s.Close())
	require.NoError(b, sqlitetest.FillMillion(path))

	b.Run("Open", func(b *testing.B) {
		for b.Loop() {
			s, err := sqlite.Open(ctx, path, sqlite.Options{})
			require.NoError(b, err)
			_, err = s.Runs(ctx, host.RunFilter{States: []host.RunState{host.RunQueued, host.RunRunning, host.RunWaiting}})
			require.NoError(b, err)
			b.StopTimer()
			require.NoError(b, s.Close())
			b.StartTimer()
		}
		within(b, 2*time.Second)
	})
	s, err = sqlite.Open(ctx, path, sqlite.Options{})
	require.NoError(b, err)
	defer s.Close()
	for _, question := range []struct {
		name string
		ask  func(i int) (int, error)
		want int
	}{
		{"Runs", func(int) (int, error) { return count(s.Runs(ctx, host.RunFilter{})) }, 100},
		{"RunsPage", func(int) (int, error) { return count(s.Runs(ctx, host.RunFilter{Before: "run-5000"})) }, 100},
		{"RunsOfWorkflow", func(int) (int, error) { return count(s.Runs(ctx, host.RunFilter{Workflow: "w3"})) }, 100},
		{"RunsFailed", func(int) (int, error) {
			return count(s.Runs(ctx, host.RunFilter{States: []host.RunState{host.RunFailed}}))
		}, 3},
		{"RunsEnded", func(int) (int, error) {
			return count(s.Runs(ctx, host.RunFilter{States: []host.RunState{host.RunFailed, host.RunSucceeded, host.RunCancelled}}))
		}, 100},
		{"RunsOfWorkflowWaiting", func(int) (int, error) {
			return count(s.Runs(ctx, host.RunFilter{Workflow: "w3", States: []host.RunState{host.RunWaiting, host.RunParked}}))
		}, 0},
		{"RunsOfTime", func(int) (int, error) {
			return count(s.Runs(ctx, host.RunFilter{From: time.UnixMicro(1795348800001000), To: time.UnixMicro(1795348800002000)}))
		}, 100},
		{"CountRuns", func(int) (int, error) { n, err := s.CountRuns(ctx, ""); return n[host.RunFailed], err }, 3},
		{"Run", func(i int) (int, error) { _, err := s.Run(ctx, fmt.Sprintf("run-%d", 1+i%10_010)); return 1, err }, 1},
		{"Entry", func(i int) (int, error) {
			_, found, err := s.Entry(ctx, "run-7", fmt.Sprintf("loop-1[%d]/instagram-2", i%50_000))
			if !found {
				return 0, err
			}
			return 1, err
		}, 1},
		{"EntriesOfLargeRun", func(i int) (int, error) {
			page, _, err := s.Entries(ctx, "run-7", int64(1+i%40_000), 100)
			return len(page), err
		}, 100},
		{"Iterations", func(int) (int, error) { return s.Iterations(ctx, "run-7", "loop-1") }, 50_000},
		{"PutEntry", func(i int) (int, error) { return 1, s.PutEntry(ctx, someEntry("run-10010", i), host.Written) }, 1},
	} {
		b.Run(question.name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				n, err := question.ask(i)
				require.NoError(b, err)
				require.Equal(b, question.want, n)
			}
			within(b, 100*time.Millisecond)
		})
	}
}

func count[T any](all []T, err error) (int, error) { return len(all), err }

// within fails a benchmark that takes longer.
func within(b *testing.B, limit time.Duration) {
	each := b.Elapsed() / time.Duration(b.N)
	b.ReportMetric(float64(each)/float64(time.Millisecond), "ms")
	if each > limit {
		b.Errorf("takes %v, more than %v", each, limit)
	}
}
