package sqlite_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
)

// BenchmarkPutEntry_CPU measures what a finished step costs the processors, user and
// system, when so many are committed together: all but the last are queued.
func BenchmarkPutEntry_CPU(b *testing.B) {
	for _, batch := range []int{1, 5, 20, 50} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			s, ctx := newStore(b), context.Background()
			_, _, err := s.CreateRun(ctx, host.Run{ID: "r"})
			require.NoError(b, err)
			b.ReportAllocs()
			start := cpuTime()
			b.ResetTimer()
			for i := range b.N {
				d := host.Queued
				if (i+1)%batch == 0 {
					d = host.Written
				}
				if err := s.PutEntry(ctx, someEntry("r", i), d); err != nil {
					b.Fatal(err)
				}
			}
			_, err = s.Run(ctx, "r") // waits for what is queued
			require.NoError(b, err)
			b.ReportMetric(float64((cpuTime()-start).Nanoseconds())/1000/float64(b.N), "cpu-µs/op")
		})
	}
}

// cpuTime returns what this process has used of the processors.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
