package sqlite_test

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
)

// BenchmarkPutEntry_CPU measures what a finished step costs the processors, user and
// system, its part of a commit included.
func BenchmarkPutEntry_CPU(b *testing.B) {
	s, ctx := newStore(b), context.Background()
	_, _, err := s.CreateRun(ctx, host.Run{ID: "r"})
	require.NoError(b, err)
	b.ReportAllocs()
	start := cpuTime()
	b.ResetTimer()
	for i := range b.N {
		if err := s.PutEntry(ctx, someEntry("r", i), host.Written); err != nil {
			b.Fatal(err)
		}
	}
	_, err = s.Run(ctx, "r") // waits for what is not committed
	require.NoError(b, err)
	b.ReportMetric(float64((cpuTime()-start).Nanoseconds())/1000/float64(b.N), "cpu-µs/op")
}

// cpuTime returns what this process has used of the processors.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
