package plugin_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/storyloop/storyloop/host/plugin"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// takes says by which way a call goes now: "shared" or "alone".
func takes(c *plugin.Connector) string {
	return string(invoke(context.Background(), c, "way", `{}`).GetResult().GetOutput())
}

func TestMany_EachCallHasItsOwnAnswer(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "sdk")
	c := open(t, cfg)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			want := fmt.Sprintf(`{"text":"%d %s"}`, i, strings.Repeat("x", 10*i))
			assert.Equal(t, want, string(invoke(context.Background(), c, "echo", want).GetResult().GetOutput()))
		})
	}
	wg.Wait()
}

func TestMany_MoreThanTheStreamHoldsGoByThemselves(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "shares")
	c := open(t, cfg)
	require.Equal(t, "shared", takes(c))
	var shared, alone atomic.Int32
	var wg sync.WaitGroup
	for i := range crowd {
		wg.Go(func() {
			in := fmt.Sprintf(`{"i":%d,"x":"%s"}`, i, strings.Repeat("x", 500))
			out := string(invoke(within(t, time.Minute), c, "gather", in).GetResult().GetOutput())
			switch out {
			case in + "shared":
				shared.Add(1)
			case in + "alone":
				alone.Add(1)
			default:
				assert.Fail(t, "it got an answer that is not its own", "%q", out)
			}
		})
	}
	wg.Wait()
	assert.Greater(t, shared.Load(), int32(20))
	assert.Greater(t, alone.Load(), int32(20))
	assert.Equal(t, "shared", takes(c), "there is room again")
}

func TestMany_LargeCallsKeepNoSmallOnes(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "sdk")
	c := open(t, cfg)
	large := `{"text":"` + strings.Repeat("x", 4<<20) + `"}`
	var wg sync.WaitGroup
	wg.Go(func() {
		assert.Len(t, invoke(context.Background(), c, "echo", large).GetResult().GetOutput(), len(large))
	})
	wg.Go(func() {
		assert.Len(t, invoke(context.Background(), c, "big", `{}`).GetResult().GetOutput(), 8<<20+len(`{"text":""}`))
	})
	for i := range 20 {
		wg.Go(func() {
			want := fmt.Sprintf(`{"text":"%d"}`, i)
			assert.Equal(t, want, string(invoke(context.Background(), c, "echo", want).GetResult().GetOutput()))
		})
	}
	wg.Wait()
}

func TestMany_ACancelledCallIsLetGoAndNoOther(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "sdk")
	c := open(t, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	other, answer := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { invoke(other, c, "wait", `{"text":"the other"}`) })
	wg.Go(func() {
		f := invoke(ctx, c, "wait", `{"text":"the one"}`).GetFailure()
		assert.Equal(t, connectorv1.Applied_APPLIED_UNKNOWN, f.GetApplied())
		assert.Equal(t, "Operation wait was cancelled before it was answered.", f.GetMessage())
	})
	log.await(t, "the one waits")
	log.await(t, "the other waits")
	cancel()
	log.await(t, "the one is let go: context canceled")
	assert.Nil(t, invoke(context.Background(), c, "echo", `{}`).GetFailure())
	assert.NotContains(t, log.String(), "the other is let go")
	answer()
	log.await(t, "the other is let go: context canceled")
	wg.Wait()
}

func TestMany_ACallThatWasCancelledBeforeIsNotSent(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "sdk")
	c := open(t, cfg)
	assert.Equal(t, connectorv1.Applied_APPLIED_NO, invoke(cancelled(), c, "echo", `{}`).GetFailure().GetApplied())
}

func TestMany_DeadlineReachesTheConnector(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "sdk")
	c := open(t, cfg)
	for _, op := range []string{"wait", "deaf"} {
		f := invoke(within(t, 100*time.Millisecond), c, op, `{"text":"it"}`).GetFailure()
		assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, f.GetKind())
		assert.Equal(t, connectorv1.Applied_APPLIED_UNKNOWN, f.GetApplied())
	}
	log.await(t, "it is let go: context ") // By its deadline or by the host, whichever comes first.
	assert.Nil(t, invoke(context.Background(), c, "echo", `{}`).GetFailure())
}

func TestMany_APanicSparesOthers(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "sdk")
	c := open(t, cfg)
	ctx, answer := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { invoke(ctx, c, "wait", `{"text":"the other"}`) })
	log.await(t, "the other waits")
	f := invoke(context.Background(), c, "panic", `{}`).GetFailure()
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INTERNAL, f.GetKind())
	assert.Contains(t, f.GetDiagnostics()[0].GetDetail(), "Internal: the connector panicked")
	assert.Nil(t, invoke(context.Background(), c, "echo", `{}`).GetFailure())
	log.await(t, "panic in a handler")
	assert.NotContains(t, log.String(), "the other is let go")
	answer()
	wg.Wait()
	assert.NotContains(t, f.String()+log.String(), "marker")
}

func TestMany_DeathInTheMiddle(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "shares")
	c := open(t, cfg)
	require.Equal(t, "shared", takes(c))
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			f := invoke(within(t, time.Minute), c, "wait", `{}`).GetFailure()
			assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, f.GetKind())
			assert.Equal(t, connectorv1.Applied_APPLIED_UNKNOWN, f.GetApplied())
			assert.Contains(t, f.GetMessage(), "stopped (exit status 2)")
		})
	}
	log.awaitTimes(t, "waiting", 10)
	f := invoke(context.Background(), c, "exit", `{}`).GetFailure()
	assert.Equal(t, connectorv1.Applied_APPLIED_UNKNOWN, f.GetApplied())
	wg.Wait()
	assert.Equal(t, "shared", takes(c), "the next process has a stream of its own")
	assert.Equal(t, 2, c.Status().Starts)
}

func TestMany_AStreamThatEndsIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	for op, why := range map[string]string{"end": "EOF", "end badly": "Unknown: because of", "big": "ResourceExhausted"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			cfg, log := config(t, "shares")
			c := open(t, cfg)
			require.Equal(t, "shared", takes(c))
			var wg sync.WaitGroup
			lost := func(op string) {
				f := invoke(within(t, time.Minute), c, op, `{}`).GetFailure()
				assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, f.GetKind(), op)
				assert.Equal(t, connectorv1.Applied_APPLIED_UNKNOWN, f.GetApplied(), op)
				assert.Equal(t, "The connection to the connector was lost before operation "+op+" was answered.", f.GetMessage())
			}
			wg.Go(func() { lost("wait") })
			log.await(t, "waiting")
			lost(op)
			wg.Wait()
			assert.Equal(t, "alone", takes(c))
			assert.Equal(t, 1, c.Status().Starts)
			log.await(t, "the stream that the connector's calls share has ended")
			log.await(t, why)
			assert.NotContains(t, log.String(), "marker")
		})
	}
}

func TestMany_ALyingConnector(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "shares")
	c := open(t, cfg)
	ctx := context.Background()
	for range 3 {
		assert.Equal(t, "first", string(invoke(ctx, c, "twice", `{}`).GetResult().GetOutput()))
		assert.Equal(t, "shared", takes(c), "an answer before the question is none")
	}
	for op, tt := range map[string]struct {
		input   string
		kind    connectorv1.FailureKind
		applied connectorv1.Applied
		message string
	}{
		"neither":               {"", connectorv1.FailureKind_FAILURE_KIND_INTERNAL, connectorv1.Applied_APPLIED_UNKNOWN, "neither a result nor a failure"},
		"nothing":               {"", connectorv1.FailureKind_FAILURE_KIND_INTERNAL, connectorv1.Applied_APPLIED_UNKNOWN, "neither a result nor a failure"},
		"code, an error of OK":  {"0", connectorv1.FailureKind_FAILURE_KIND_INTERNAL, connectorv1.Applied_APPLIED_UNKNOWN, "neither a result nor a failure"},
		"code, cancelled":       {"1", connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, connectorv1.Applied_APPLIED_UNKNOWN, "connection to the connector was lost"},
		"code, unimplemented":   {"12", connectorv1.FailureKind_FAILURE_KIND_REFUSED, connectorv1.Applied_APPLIED_NO, "has no answer"},
		"code, exhausted":       {"8", connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, connectorv1.Applied_APPLIED_UNKNOWN, "larger than may be sent"},
		"code, of no such code": {"-5", connectorv1.FailureKind_FAILURE_KIND_INTERNAL, connectorv1.Applied_APPLIED_UNKNOWN, "a fault of its own"},
	} {
		name, _, _ := strings.Cut(op, ",")
		f := invoke(ctx, c, name, tt.input).GetFailure()
		assert.Equal(t, tt.kind, f.GetKind(), op)
		assert.Equal(t, tt.applied, f.GetApplied(), op)
		assert.Contains(t, f.GetMessage(), tt.message, op)
		assert.NotContains(t, f.String(), "marker", op)
	}
	assert.Equal(t, "shared", takes(c))
	assert.NotContains(t, log.String(), "marker")
}

func TestMany_CallsThatAreNeverAnsweredCostTheStreamAlone(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "shares")
	c := open(t, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	answered := make(chan struct{}, 500) // More than the stream holds.
	var wg sync.WaitGroup
	for range cap(answered) {
		wg.Go(func() {
			invoke(ctx, c, "silent", "")
			answered <- struct{}{}
		})
	}
	select {
	case <-answered: // For want of room it went by itself, where it is no lie.
	case <-time.After(time.Minute):
		require.Fail(t, "the stream never fills")
	}
	larger := func() string {
		return string(invoke(context.Background(), c, "way", strings.Repeat("x", 200)).GetResult().GetOutput())
	}
	assert.Equal(t, "alone", larger())
	cancel()
	wg.Wait()
	assert.Equal(t, "alone", larger())
	assert.Zero(t, c.Status().Calls)
}

func TestMany_AConnectorThatAnswersWhatItDoesNotRead(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "shares")
	c := open(t, cfg)
	require.Equal(t, "blind", string(invoke(context.Background(), c, "answer blindly", `{}`).GetResult().GetOutput()))
	in := `{"x":"` + strings.Repeat("x", 40<<10) + `"}`
	for range 10 {
		out := string(invoke(within(t, time.Minute), c, "echo", in).GetResult().GetOutput())
		assert.Contains(t, []string{"blind", in}, out)
	}
	log.await(t, "the stream that the connector's calls share has ended")
	assert.Equal(t, "alone", takes(c))
}

func TestMany_WhatCannotBeEncodedSparesOthers(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "shares")
	c := open(t, cfg)
	ctx, answer := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		assert.Contains(t, invoke(ctx, c, "wait", `{}`).GetFailure().GetMessage(), "was cancelled")
	})
	log.await(t, "waiting")
	f := invoke(context.Background(), c, "no UTF-8: \xff", `{}`).GetFailure()
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INTERNAL, f.GetKind())
	assert.Equal(t, "shared", takes(c))
	answer()
	wg.Wait()
}

func TestMany_AStuckConnectorKeepsNoCallFromItsDeadline(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "sdk")
	c := open(t, cfg)
	freeze(t, c.Status().PID)
	ctx := within(t, 300*time.Millisecond)
	var wg sync.WaitGroup
	for i := range 200 {
		size := 1000
		if i == 0 {
			size = 8 << 20
		}
		wg.Go(func() {
			f := invoke(ctx, c, "echo", `{"text":"`+strings.Repeat("x", size)+`"}`).GetFailure()
			assert.Contains(t, f.GetMessage(), "in time")
		})
	}
	wg.Wait()
	assert.Nil(t, c.Status().Last, "it lives, and they did not wait for its end")
	log.await(t, "connector is stuck")
	log.await(t, "connector stopped") // Or the next call may yet go to the one that is being ended.
	assert.Nil(t, invoke(context.Background(), c, "echo", `{}`).GetFailure())
	assert.Equal(t, 2, c.Status().Starts)
}

// freeze stops a process, and returns when none of its threads runs any more: the
// signal takes a moment to reach them all, and one might answer a call yet.
func freeze(t *testing.T, pid int) {
	t.Helper()
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	if runtime.GOOS != "linux" {
		return
	}
	require.Eventually(t, func() bool {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		require.NoError(t, err)
		return !slices.ContainsFunc(threads, func(path string) bool {
			stat, err := os.ReadFile(path)
			_, after, _ := strings.Cut(string(stat), ") ") // behind the name
			return err == nil && !strings.HasPrefix(after, "T")
		})
	}, time.Minute, time.Millisecond)
}

func TestMany_CloseWaitsForCallsAndThenCutsThem(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "sdk")
	cfg.DrainTimeout = 200 * time.Millisecond
	c := open(t, cfg)
	pid := c.Status().PID
	var wg sync.WaitGroup
	for _, op := range []string{"wait", "deaf"} {
		wg.Go(func() {
			f := invoke(within(t, time.Minute), c, op, `{"text":"it"}`).GetFailure()
			assert.Equal(t, connectorv1.Applied_APPLIED_UNKNOWN, f.GetApplied())
			assert.Contains(t, f.GetMessage(), "The host closed the connector before operation "+op+" was answered")
		})
	}
	log.await(t, "it waits")
	for c.Status().Calls < 2 {
		runtime.Gosched()
	}
	assert.ErrorContains(t, c.Close(context.Background()), "2 calls were not finished in time")
	wg.Wait()
	assert.False(t, alive(t, pid))
	assert.NotContains(t, log.String(), "the stream that the connector's calls share has ended", "that is no fault of the connector")
}

func TestMany_EachCallHasItsTrace(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	cfg, _ := config(t, "shares")
	cfg.Traces = sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	c := open(t, cfg)
	for i := range 3 {
		got := string(invoke(context.Background(), c, "traced", `{}`).GetResult().GetOutput())
		span := spans.GetSpans()[i].SpanContext
		assert.Equal(t, fmt.Sprintf("00-%s-%s-01", span.TraceID(), span.SpanID()), got)
	}
}
