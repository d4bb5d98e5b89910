package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/workflow"
)

// instagram answers every GET with an object of the id that was asked for, after
// a while. It is a bare handler, so that what is measured is not the sandbox.
type instagram struct{ latency time.Duration }

func (i instagram) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	time.Sleep(i.latency)
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"id":%q,"media_type":"IMAGE","media_product_type":"STORY","timestamp":"2026-01-01T00:00:00+0000","permalink":"https://www.instagram.com/stories/x/1"}`, path.Base(r.URL.Path))
}

// within serves it in this process, and returns its URL. A plain loop over it is
// as quick as can be: its requests change goroutines, and no process.
func (i instagram) within(b *testing.B) string {
	srv := httptest.NewServer(i)
	b.Cleanup(srv.Close)
	return srv.URL
}

// beside serves one without latency in a process of its own, as any real service is.
func beside(b *testing.B) string {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"=instagram")
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	url, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(b, err)
	return strings.TrimSpace(url)
}

// beInstagram serves until standard input ends.
func beInstagram() {
	srv := httptest.NewServer(instagram{})
	fmt.Println(srv.URL)
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// loopOver is a workflow that gets a story for each item of $.steps.trigger.list.
const loopOver = `{"name":"bench","trigger":{"connector":"manual"},"steps":[{"id":"loop-1","connector":"loop","operation":"loop_list",
"input":{"list":"$.steps.trigger.list","concurrency":%d},"steps":[{"id":"instagram-1","connector":"instagram","operation":"get_story","credential":"bench",
"input":{"story_id":"$.steps.loop-1.value"}}]}]}`

func ids(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = strconv.Itoa(18_023_000_000_000_000 + i)
	}
	return all
}

// plain is the loop that a programmer would write by hand.
func plain(b *testing.B, url string, ids []string, concurrency int) time.Duration {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: concurrency}}
	start := time.Now()
	var wg sync.WaitGroup
	slots := make(chan struct{}, concurrency)
	for _, id := range ids {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			resp, err := client.Get(url + "/v25.0/" + id)
			if err != nil {
				b.Error(err)
				return
			}
			defer resp.Body.Close()
			var story struct{ ID string }
			if err := json.NewDecoder(resp.Body).Decode(&story); err != nil || story.ID != id {
				b.Errorf("got %q, want %q: %v", story.ID, id, err)
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

// benchStack is a host whose runs are kept in a file.
func benchStack(b *testing.B, url string) *stack {
	var stderr bytes.Buffer
	a := &app{getenv: noEnv, stdout: io.Discard, stderr: &stderr, logLevel: "error", lockFile: lock}
	a.credentials = b.TempDir() + "/credentials.yaml"
	require.NoError(b, os.WriteFile(a.credentials, []byte(benchCredentials), 0o600))
	a.settings = fmt.Sprintf(`{"instagram":{"sandbox_url":%q}}`, url)
	a.data = b.TempDir() + "/storyloop.db"
	s, err := a.openStack(b.Context(), stackOptions{})
	require.NoError(b, err)
	b.Cleanup(s.close)
	return s
}

const benchCredentials = `credentials: {bench: {connector: instagram, method: access_token, form: {access_token: EAABbenchbenchbench}}}`

// through is the same loop as a workflow, through the engine and the connector's
// process.
func through(b *testing.B, s *stack, ids []string, concurrency int) time.Duration {
	doc, err := workflow.Parse("bench.json", fmt.Appendf(nil, loopOver, concurrency))
	require.NoError(b, err)
	_, err = s.engine.Define(b.Context(), doc, false, "")
	require.NoError(b, err)
	trigger, err := json.Marshal(map[string][]string{"list": ids})
	require.NoError(b, err)
	start := time.Now()
	id := newRunID()
	_, _, err = s.engine.Start(b.Context(), host.StartRequest{Workflow: doc.Name, ID: id, Trigger: trigger})
	require.NoError(b, err)
	run, err := s.engine.Wait(b.Context(), id)
	require.NoError(b, err)
	took := time.Since(start)
	require.Equal(b, host.RunSucceeded, run.State, "%v", run.Failure)
	return took
}

// BenchmarkLoop compares a durable loop over 1,000 stories with a plain net/http
// loop over the same service in the same run. The service is a process of its own, as
// any real one is; service=within puts it into the plain loop's, which then crosses no
// process at all, where the workflow's calls cross four times.
func BenchmarkLoop(b *testing.B) {
	for _, bench := range []struct {
		latency     time.Duration
		concurrency int
		beside      bool
	}{{20 * time.Millisecond, 1, false}, {20 * time.Millisecond, 16, false}, {0, 1, true}, {0, 16, true}, {0, 1, false}, {0, 16, false}} {
		where := "within"
		if bench.beside {
			where = "beside"
		}
		name := fmt.Sprintf("latency=%s/concurrency=%d/service=%s", bench.latency, bench.concurrency, where)
		b.Run(name, func(b *testing.B) {
			url := ""
			if bench.beside {
				url = beside(b)
			} else {
				url = instagram{bench.latency}.within(b)
			}
			s := benchStack(b, url)
			list := ids(1000)
			through(b, s, list[:50], bench.concurrency) // connections are made, the credential is known
			plain(b, url, list[:50], bench.concurrency)
			var ours, baseline, busy time.Duration
			b.ResetTimer()
			for range b.N {
				baseline += plain(b, url, list, bench.concurrency)
				before := computed()
				ours += through(b, s, list, bench.concurrency)
				busy += computed() - before
			}
			b.ReportMetric(float64(ours)/float64(baseline), "x-of-plain-loop")
			b.ReportMetric(float64(baseline.Microseconds())/float64(b.N*len(list)), "plain-µs/step")
			b.ReportMetric(float64(ours.Microseconds())/float64(b.N*len(list)), "ours-µs/step")
			b.ReportMetric(float64(busy.Microseconds())/float64(b.N*len(list)), "cpu-µs/step")
			b.ReportMetric(float64(len(list)*b.N)/ours.Seconds(), "steps/s")
		})
	}
}

// BenchmarkRuns measures durable steps a second over 64 runs at once of a loop of
// 100 steps.
func BenchmarkRuns(b *testing.B) {
	const runs, steps = 64, 100
	s := benchStack(b, instagram{}.within(b))
	list := ids(steps)
	through(b, s, list, 1)
	var took time.Duration
	b.ResetTimer()
	for range b.N {
		start := time.Now()
		var wg sync.WaitGroup
		for range runs {
			wg.Go(func() { through(b, s, list, 1) })
		}
		wg.Wait()
		took += time.Since(start)
	}
	b.ReportMetric(float64(runs*steps*b.N)/took.Seconds(), "steps/s")
}

// BenchmarkMemory measures the largest resident memory of the host and its
// connector together, in MB, while they loop over stories, durably.
func BenchmarkMemory(b *testing.B) {
	small := 0
	for _, n := range []int{1000, 5000, 100_000} {
		b.Run(fmt.Sprintf("items=%d", n), func(b *testing.B) {
			kb := loopMemory(b, n)
			if n == 1000 {
				small = kb
			}
			b.ReportMetric(float64(kb)/1024, "MB-together")
			b.ReportMetric(float64(kb)/float64(small), "x-of-1000")
		})
	}
}

// loopMemory returns the largest resident memory during a loop, in KB.
func loopMemory(b *testing.B, n int) int {
	url := instagram{}.within(b)
	dir := b.TempDir()
	trigger, err := json.Marshal(map[string][]string{"list": ids(n)})
	require.NoError(b, err)
	for name, text := range map[string]string{
		"bench.json": fmt.Sprintf(loopOver, 4), "credentials.yaml": benchCredentials, "trigger.json": string(trigger),
	} {
		require.NoError(b, os.WriteFile(dir+"/"+name, []byte(text), 0o600))
	}
	program := dir + "/storyloop"
	out, err := exec.CommandContext(b.Context(), "go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(b, err, "%s", out)
	var largest int
	for range b.N {
		cmd := exec.CommandContext(b.Context(), program, "run", dir+"/bench.json", "--trigger", "@"+dir+"/trigger.json", "--lock", lock, "--data", dir+"/storyloop.db",
			"--credentials", dir+"/credentials.yaml", "--settings", fmt.Sprintf(`{"instagram":{"sandbox_url":%q}}`, url))
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		require.NoError(b, cmd.Start())
		ctx, ended := context.WithCancel(b.Context())
		sampled := make(chan int, 1)
		go func() { sampled <- sample(ctx, cmd.Process.Pid) }()
		err := cmd.Wait()
		ended()
		require.NoError(b, err, stderr.String())
		largest = max(largest, <-sampled)
		require.NoError(b, os.Remove(dir+"/storyloop.db"))
	}
	return largest
}

// sample returns the largest resident memory of a process and its children, in
// KB, until ctx ends.
func sample(ctx context.Context, pid int) int {
	largest := 0
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		sum := resident(strconv.Itoa(pid))
		for _, child := range children(pid) {
			sum += resident(child)
		}
		largest = max(largest, sum)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return largest
		}
	}
}

// computed returns how much processor time this process and its children have used.
func computed() time.Duration {
	var ticks time.Duration
	for _, pid := range append(children(os.Getpid()), strconv.Itoa(os.Getpid())) {
		stat, _ := os.ReadFile("/proc/" + pid + "/stat")
		_, after, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(after); len(fields) > 12 {
			for _, f := range fields[11:13] { // In user mode and in the kernel.
				n, _ := strconv.Atoi(f)
				ticks += time.Duration(n)
			}
		}
	}
	return ticks * 10 * time.Millisecond
}

// children returns the processes that a process has started, by whichever of its
// threads.
func children(pid int) []string {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	var all []string
	for _, task := range tasks {
		list, _ := os.ReadFile(task)
		all = append(all, strings.Fields(string(list))...)
	}
	return all
}

func resident(pid string) int {
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	fields := strings.Fields(after)
	if len(fields) == 0 {
		return 0
	}
	kb, _ := strconv.Atoi(fields[0])
	return kb
}
