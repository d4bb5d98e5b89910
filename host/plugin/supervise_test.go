package plugin_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host/plugin"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

func TestCrash_MidCall(t *testing.T) {
	t.Parallel()
	for op, want := range map[string][2]string{
		"exit":  {"exit status 2", "leaving with"},
		"panic": {"exit status 2", "panic: index out of range"},
	} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			cfg, log := config(t, "good")
			c := open(t, cfg)
			f := invoke(context.Background(), c, op, `{}`).GetFailure()
			assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, f.GetKind())
			assert.Equal(t, connectorv1.Applied_APPLIED_UNKNOWN, f.GetApplied())
			assert.Contains(t, f.GetMessage(), "stopped ("+want[0]+") before operation "+op)
			require.Len(t, f.GetDiagnostics(), 1)
			assert.Contains(t, f.GetDiagnostics()[0].GetDetail(), want[1])

			assert.Nil(t, invoke(context.Background(), c, "echo", `{}`).GetFailure(), "the next call waits for the next process")
			assert.Equal(t, 2, c.Status().Starts)
			assert.EqualError(t, c.Status().Last, "the connector stopped (exit status 2)")
			for _, text := range []string{f.String(), log.String()} {
				assert.NotContains(t, text, "marker")
			}
		})
	}
}

func TestCrash_AllCallsUnderWayAreAnswered(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "good")
	c := open(t, cfg)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			f := invoke(within(t, time.Minute), c, "wait", `{}`).GetFailure()
			assert.Equal(t, connectorv1.Applied_APPLIED_UNKNOWN, f.GetApplied())
			assert.Contains(t, f.GetMessage(), "stopped (signal: killed)")
		})
	}
	log.awaitTimes(t, "waiting", 10)
	require.NoError(t, syscall.Kill(c.Status().PID, syscall.SIGKILL))
	wg.Wait()
}

func TestCrash_NotInACall(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "good")
	c := open(t, cfg)
	first := c.Status().PID
	require.NoError(t, syscall.Kill(first, syscall.SIGKILL))
	log.await(t, "connector stopped")
	assert.Nil(t, invoke(context.Background(), c, "echo", `{}`).GetFailure())
	assert.NotEqual(t, first, c.Status().PID)
	assert.False(t, alive(t, first))
}

func TestRestart_BacksOffThenGivesUp(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "good")
	time := newClock()
	cfg.Clock = time
	c := open(t, cfg)
	for _, want := range []int{1, 2, 4, 8} {
		f := invoke(context.Background(), c, "exit", `{}`).GetFailure()
		require.Contains(t, f.GetMessage(), "stopped")
		d := <-time.asked
		assert.EqualValues(t, want, d.Seconds())

		// A call that cannot wait for the next process is told so, and was not sent.
		f = invoke(cancelled(), c, "echo", `{}`).GetFailure()
		assert.Equal(t, connectorv1.Applied_APPLIED_NO, f.GetApplied())
		assert.Contains(t, f.GetMessage(), "being started again")
		assert.Contains(t, f.GetDiagnostics()[0].GetDetail(), "exit status 2")
		time.advance(d)
	}
	invoke(context.Background(), c, "exit", `{}`)
	log.await(t, "connector is broken")
	assert.Equal(t, plugin.Broken, c.Status().State)
	f := invoke(context.Background(), c, "echo", `{}`).GetFailure()
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, f.GetKind())
	assert.Equal(t, connectorv1.Applied_APPLIED_NO, f.GetApplied())
	assert.Contains(t, f.GetMessage(), "restarted the host")
	assert.Contains(t, f.GetDiagnostics()[0].GetDetail(), "5 times within a minute")

	c.Reset()
	c.Reset()
	assert.Nil(t, invoke(context.Background(), c, "echo", `{}`).GetFailure())
	assert.Zero(t, <-time.asked, "after a reset it starts at once")
	assert.Equal(t, 6, c.Status().Starts)
}

func TestRestart_ALongLifeForgivesEarlierEnds(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "good")
	clock := newClock()
	cfg.Clock = clock
	c := open(t, cfg)
	for range 7 {
		invoke(context.Background(), c, "echo", `{}`) // It lives,
		clock.advance(2 * time.Minute)                // and goes on to.
		invoke(context.Background(), c, "exit", `{}`)
		d := <-clock.asked
		assert.Equal(t, time.Second, d)
		clock.advance(d)
	}
	assert.Nil(t, invoke(context.Background(), c, "echo", `{}`).GetFailure())
	assert.Equal(t, 8, c.Status().Starts)
}

func TestRestart_StartsThatFail(t *testing.T) {
	t.Parallel()
	version := filepath.Join(t.TempDir(), "version")
	require.NoError(t, os.WriteFile(version, []byte("1.0.0"), 0o600))
	cfg, log := config(t, "version in "+version)
	c := open(t, cfg)
	require.NoError(t, os.Remove(version))
	invoke(context.Background(), c, "exit", `{}`)
	log.await(t, "connector is broken")
	assert.Equal(t, 5, c.Status().Starts)
	var start *plugin.StartError
	require.ErrorAs(t, c.Status().Last, &start)
	assert.ErrorContains(t, start, "asking it for its catalog")

	require.NoError(t, os.WriteFile(version, []byte("1.0.0"), 0o600))
	c.Reset()
	assert.Nil(t, invoke(context.Background(), c, "echo", `{}`).GetFailure())
}

func TestRestart_AnotherCatalog(t *testing.T) {
	t.Parallel()
	version := filepath.Join(t.TempDir(), "version")
	require.NoError(t, os.WriteFile(version, []byte("1.0.0"), 0o600))
	cfg, log := config(t, "version in "+version)
	c := open(t, cfg)
	require.NoError(t, os.WriteFile(version, []byte("1.1.0"), 0o600))
	invoke(context.Background(), c, "exit", `{}`)
	log.await(t, "connector is broken")
	var changed *plugin.ChangedError
	require.ErrorAs(t, c.Status().Last, &changed)
	assert.ErrorContains(t, changed, "is test 1.1.0 now, after test 1.0.0")
	assert.Equal(t, "1.0.0", c.Catalog().GetVersion())
}

func TestRestart_AnotherBinary(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "connector")
	require.NoError(t, os.Link(os.Args[0], binary))
	sum, err := plugin.Sum(binary)
	require.NoError(t, err)
	cfg, log := config(t, "good")
	cfg.Path, cfg.SHA256, cfg.Unverified = binary, sum, false
	c := open(t, cfg)
	require.NoError(t, os.Remove(binary))
	require.NoError(t, os.WriteFile(binary, []byte("#!/bin/sh\n"), 0o700))
	invoke(context.Background(), c, "exit", `{}`)
	log.await(t, "connector is broken")
	var checksum *plugin.ChecksumError
	assert.ErrorAs(t, c.Status().Last, &checksum)
}

func TestConnectionLost_IsACrash(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "lingers") // It lives on without its socket.
	c := open(t, cfg)
	first := c.Status().PID
	f := invoke(context.Background(), c, "hangup", `{}`).GetFailure()
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, f.GetKind())
	assert.Equal(t, connectorv1.Applied_APPLIED_UNKNOWN, f.GetApplied())
	log.await(t, "connector stopped")
	assert.False(t, alive(t, first))
	assert.Nil(t, invoke(context.Background(), c, "echo", `{}`).GetFailure())
}

func TestStuck_IsEndedAndStartedAgain(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "good")
	c := open(t, cfg)
	f := invoke(within(t, 300*time.Millisecond), c, "stop", `{}`).GetFailure()
	assert.Contains(t, f.GetMessage(), "in time")
	log.await(t, "connector is stuck")
	log.await(t, "connector stopped") // Or the next call may yet go to the one that is being ended.
	assert.Nil(t, invoke(context.Background(), c, "echo", `{}`).GetFailure())
	assert.Equal(t, 2, c.Status().Starts)
}

func TestClose_WaitsForCalls(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "good")
	c := open(t, cfg)
	ctx, answer := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { invoke(ctx, c, "wait", `{}`) })
	log.await(t, "waiting")
	closed := make(chan error)
	go func() { closed <- c.Close(context.Background()) }()
	for c.Status().State != plugin.Closing {
		runtime.Gosched()
	}
	f := invoke(context.Background(), c, "echo", `{}`).GetFailure()
	assert.Equal(t, connectorv1.Applied_APPLIED_NO, f.GetApplied(), "new calls are refused")
	assert.Contains(t, f.GetMessage(), "closed")
	assert.True(t, alive(t, c.Status().PID))
	answer()
	assert.NoError(t, <-closed)
	wg.Wait()
	assert.Equal(t, plugin.Closed, c.Status().State)
	assert.NoError(t, c.Close(context.Background()))
}

func TestClose_CutsCallsAtItsDeadline(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "good")
	cfg.DrainTimeout = 50 * time.Millisecond
	c := open(t, cfg)
	pid := c.Status().PID
	var wg sync.WaitGroup
	wg.Go(func() {
		f := invoke(within(t, time.Minute), c, "wait", `{}`).GetFailure()
		assert.Equal(t, connectorv1.Applied_APPLIED_UNKNOWN, f.GetApplied())
		assert.Contains(t, f.GetMessage(), "The host closed the connector before operation wait was answered")
	})
	log.await(t, "waiting")
	assert.ErrorContains(t, c.Close(context.Background()), "1 calls were not finished in time")
	wg.Wait()
	assert.False(t, alive(t, pid))
}

func TestClose_EndsAStoppedProcess(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "good")
	c := open(t, cfg)
	pid := c.Status().PID
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	assert.NoError(t, c.Close(context.Background()))
	assert.False(t, alive(t, pid))
}

func TestClose_WhileStartingAgain(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "good")
	clock := newClock()
	cfg.Clock = clock
	c := open(t, cfg)
	invoke(context.Background(), c, "exit", `{}`)
	<-clock.asked
	answer := make(chan *connectorv1.Failure)
	go func() { answer <- invoke(context.Background(), c, "echo", `{}`).GetFailure() }()
	assert.NoError(t, c.Close(context.Background()))
	assert.Equal(t, connectorv1.Applied_APPLIED_NO, (<-answer).GetApplied())
	assert.Empty(t, entries(t, cfg.RuntimeDir))
}

// TestClose_LeavesNothing is not parallel: it counts goroutines.
func TestClose_LeavesNothing(t *testing.T) {
	cfg, _ := config(t, "shares")
	round := func() {
		c := open(t, cfg)
		invoke(context.Background(), c, "end", `{}`)
		invoke(context.Background(), c, "exit", `{}`)
		invoke(context.Background(), c, "echo", `{}`)
		require.NoError(t, c.Close(context.Background()))
	}
	round()
	before := runtime.NumGoroutine()
	for range 3 {
		round()
	}
	assert.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+1 }, time.Minute, 10*time.Millisecond,
		"goroutines were left behind")
}
