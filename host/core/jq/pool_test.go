package jq_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host/core/jq"
	"github.com/storyloop/storyloop/host/enginetest"
)

func TestPool_Concurrent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := noted(dir)
	o.Workers = 3
	p := newPool(t, o)
	var calls sync.WaitGroup
	for i := range 64 {
		calls.Go(func() {
			got, err := p.Run(t.Context(), `.i + ([range(1000)] | length)`, fmt.Appendf(nil, `{"i":%d}`, i))
			assert.NoError(t, err)
			assert.Equal(t, fmt.Sprint(1000+i), string(got))
		})
	}
	calls.Wait()
	assert.LessOrEqual(t, len(notes(t, dir, 1)), 3)
}

// A worker that is busy is not interrupted for others.
func TestPool_AllBusy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := noted(dir)
	o.Workers = 1
	p := newPool(t, o)
	busy, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := p.Run(busy, endless, []byte("{}"))
		done <- err
	}()
	notes(t, dir, 1)
	ctx, end := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer end()
	_, err := p.Run(ctx, `1`, []byte("{}"))
	assert.Contains(t, unavailable(t, err), "were busy")
	cancel()
	unavailable(t, <-done)
}

func TestPool_WorkerKilledOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var logged bytes.Buffer
	o := noted(dir)
	o.Log = slog.New(slog.NewTextHandler(&logged, nil))
	p := newPool(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := p.Run(ctx, endless, []byte(`"a secret"`))
		done <- err
	}()
	kill(t, notes(t, dir, 1)[0].PID)
	notes(t, dir, 2) // It is run again.
	cancel()
	unavailable(t, <-done)
	assert.Contains(t, logged.String(), "signal: killed")
	assert.NotContains(t, logged.String(), "secret")
}

func TestPool_WorkerKilledTwice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := newPool(t, noted(dir))
	done := make(chan error)
	go func() {
		_, err := p.Run(t.Context(), endless, []byte("{}"))
		done <- err
	}()
	kill(t, notes(t, dir, 1)[0].PID)
	kill(t, notes(t, dir, 2)[1].PID)
	assert.Contains(t, unavailable(t, <-done), "was run twice, and both times something ended its worker process (signal: killed)")
	got, err := p.Run(t.Context(), `1`, []byte("{}"))
	require.NoError(t, err)
	assert.Equal(t, "1", string(got))
}

func TestPool_WorkerKilledWhileIdle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := newPool(t, noted(dir))
	for i := range 3 {
		_, err := p.Run(t.Context(), `1`, []byte("{}"))
		require.NoError(t, err)
		kill(t, notes(t, dir, i+1)[i].PID)
	}
}

func TestPool_IdleWorkersEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	clock := enginetest.NewClock()
	o := noted(dir)
	o.Clock = clock
	p := newPool(t, o)
	for range 5 {
		_, err := p.Run(t.Context(), `1`, []byte("{}"))
		require.NoError(t, err)
	}
	n := notes(t, dir, 1)
	require.Len(t, n, 1, "a worker is used again")
	_, err := clock.BlockUntil(t.Context(), 1)
	require.NoError(t, err)
	awaitEnd(t, n[0].PID, func() { clock.Advance(time.Minute) })
	_, err = p.Run(t.Context(), `1`, []byte("{}"))
	require.NoError(t, err)
}

func TestPool_Close(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := newPool(t, noted(dir))
	_, err := p.Run(t.Context(), `1`, []byte("{}"))
	require.NoError(t, err)
	p.Close()
	awaitEnd(t, notes(t, dir, 1)[0].PID)
	_, err = p.Run(t.Context(), `1`, []byte("{}"))
	assert.Equal(t, "The program was cut off.", unavailable(t, err))
}

func TestPool_CloseInTheMiddle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := newPool(t, noted(dir))
	done := make(chan error)
	go func() {
		_, err := p.Run(t.Context(), endless, []byte("{}"))
		done <- err
	}()
	n := notes(t, dir, 1)[0]
	go p.Close()
	assert.Equal(t, "The program was cut off.", unavailable(t, <-done))
	awaitEnd(t, n.PID)
}

func TestPool_WorkersKnowNothingButTheTimeZone(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("STORYLOOP_API_TOKEN", "a secret")
	t.Setenv("TZ", "")
	os.Unsetenv("TZ") // and set it again in the end
	_, err := newPool(t, noted(dir)).Run(t.Context(), `1`, []byte("{}"))
	require.NoError(t, err)
	assert.Empty(t, notes(t, dir, 1)[0].Environment)

	dir = t.TempDir()
	t.Setenv("TZ", "Asia/Tokyo")
	local, err := newPool(t, noted(dir)).Run(t.Context(), `0 | strflocaltime("%H %Z")`, []byte("{}"))
	require.NoError(t, err)
	assert.Equal(t, `"09 JST"`, string(local))
	assert.Equal(t, []string{"TZ=Asia/Tokyo"}, notes(t, dir, 1)[0].Environment)
}

func TestPool_CommandIsNoWorker(t *testing.T) {
	t.Parallel()
	p := newPool(t, jq.Options{Command: []string{os.Args[0], "chatty", ""}})
	_, err := p.Run(t.Context(), `1`, []byte("{}"))
	assert.Contains(t, unavailable(t, err), "did not start")
	p = newPool(t, jq.Options{Command: []string{filepath.Join(t.TempDir(), "nothing")}})
	_, err = p.Run(t.Context(), `1`, []byte("{}"))
	assert.Contains(t, unavailable(t, err), "No worker for jq programs can be started")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = newPool(t, jq.Options{Command: []string{os.Args[0], "silent", ""}}).Run(ctx, `1`, []byte("{}"))
	unavailable(t, err)
}

func TestWorker_EndsWithItsHost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "host", dir)
	require.NoError(t, cmd.Start())
	n := notes(t, dir, 1)[0]
	kill(t, cmd.Process.Pid)
	_ = cmd.Wait()
	awaitEnd(t, n.PID)
}

// Where the system does not end a worker with its host, the end of standard input
// does, though a program is running.
func TestWorker_EndsWithItsInput(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(real)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	greeting := make([]byte, 8)
	_, err = out.Read(greeting)
	require.NoError(t, err)
	task, err := json.Marshal(map[string]string{"program": endless})
	require.NoError(t, err)
	_, err = in.Write(append([]byte{0, 0, 0, byte(len(task)), 0, 0, 0, 2}, string(task)+"{}"...))
	require.NoError(t, err)
	require.NoError(t, in.Close())
	require.NoError(t, cmd.Wait())
}

// What a host gets on its input when it is asked for something else.
func TestWorker_RefusesOtherInput(t *testing.T) {
	t.Parallel()
	for _, input := range []string{"", "help\n", strings.Repeat("\xff", 100), "\x00\x00\x00\x02\x00\x00\x00\x00[]"} {
		cmd := exec.Command(real)
		cmd.Stdin = strings.NewReader(input)
		assert.NoError(t, cmd.Run(), "%q", input)
	}
}

func BenchmarkRun(b *testing.B) {
	const program = `[.stories[] | select(.like_count > 100) | {id, likes: .like_count}] | sort_by(.likes)`
	inputs := []byte(`{"stories":[` + strings.Repeat(`{"id":"17841405726653027","like_count":120,"caption":"hello"},`, 24) + `{"id":"1","like_count":1}]}`)
	pool := newPool(b, jq.Options{})
	per := func(r runner) time.Duration {
		const n = 2000
		began := time.Now()
		for range n {
			if _, err := r.Run(b.Context(), program, inputs); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(began) / n
	}
	per(pool) // It starts the worker.
	var local, worker time.Duration
	for b.Loop() {
		local += per(jq.Local{})
		worker += per(pool)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(worker.Microseconds())/float64(b.N), "µs/worker")
	b.ReportMetric(float64(local.Microseconds())/float64(b.N), "µs/local")
	b.ReportMetric(float64(worker)/float64(local), "worker/local")
}
