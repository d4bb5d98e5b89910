package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
)

// shell runs commands on a data file.
type shell struct {
	t    *testing.T
	data string
}

func (s shell) do(args ...string) result {
	s.t.Helper()
	return storyloop(s.t, append(args, "--data", s.data)...)
}

// must runs a command that has to end well, and returns its output.
func (s shell) must(args ...string) string {
	s.t.Helper()
	r := s.do(args...)
	require.Equal(s.t, 0, r.code, "%v: %s", args, r.stderr)
	return r.stdout
}

// finisher ends at once, and fails if it is told to.
const finisher = `name: finisher
trigger: { connector: manual }
steps:
  - id: loop-1
    connector: loop
    operation: loop_list
    input: { list: $.steps.trigger.list, on_error: continue }
    steps:
      - id: boolean-condition-1
        connector: boolean-condition
        operation: boolean_condition
        input: { conditions: [{ value1: $.steps.loop-1.value, comparison: "===", value2: bad }] }
        branches:
          "true":
            - id: terminate-1
              connector: terminate
              operation: fail
              input: { message: told to fail }
`

func TestRuns_WithoutAHost(t *testing.T) {
	t.Parallel()
	s := shell{t, filepath.Join(t.TempDir(), "storyloop.db")}
	for _, args := range [][]string{{"runs", "list"}, {"runs", "start", "finisher"}, {"polls"}, {"backup", filepath.Join(t.TempDir(), "copy.db")}} {
		r := s.do(args...)
		assert.Equal(t, 2, r.code, args)
		assert.Contains(t, r.stderr, "there is no data file", args)
		assert.NoFileExists(t, s.data, "only what is added makes a file")
	}

	out := s.must("workflows", "add", write(t, "finisher.yaml", finisher))
	assert.Contains(t, out, "finisher is stored as version")
	assert.Contains(t, out, "is off")
	assert.Contains(t, s.must("runs", "list"), "no runs")
	assert.Contains(t, s.must("runs", "list", "--workflow", "finisher"), "no runs")
	assert.Contains(t, s.must("workflows", "list"), "finisher")
	assert.Contains(t, s.must("workflows", "enable", "finisher"), "finisher is on")
	assert.Contains(t, s.must("workflows", "show", "finisher"), "on ")
	assert.Contains(t, s.must("workflows", "disable", "finisher"), "finisher is off")
	assert.Contains(t, s.must("schedules"), "no schedules")

	exported := s.must("workflows", "export", "finisher")
	other := shell{t, filepath.Join(t.TempDir(), "other.db")}
	other.must("workflows", "add", write(t, "finisher.json", exported))
	assert.Equal(t, exported, other.must("workflows", "export", "finisher"))

	r := s.do("runs", "start", "finisher", "--trigger", `{"list":["good"]}`)
	assert.Equal(t, 0, r.code, r.stderr)
	assert.Contains(t, r.stdout, "finisher: succeeded in")
	r = s.do("runs", "start", "finisher", "--trigger", `{"list":["bad"]}`)
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.stderr, "told to fail")

	var list struct{ Runs []host.Run }
	require.NoError(t, json.Unmarshal([]byte(s.must("runs", "list", "--json")), &list))
	require.Len(t, list.Runs, 2)
	failed := list.Runs[0].ID
	assert.Contains(t, s.must("runs", "list", "--state", "failed"), failed)
	assert.NotContains(t, s.must("runs", "list", "--state", "succeeded"), failed)
	shown := s.must("runs", "show", failed)
	for _, want := range []string{failed, "finisher (version ", "failed", "loop-1", "told to fail"} {
		assert.Contains(t, shown, want)
	}
	var whole struct {
		Run     host.Run
		History struct{ Steps []host.Entry }
	}
	require.NoError(t, json.Unmarshal([]byte(s.must("runs", "show", failed, "--json")), &whole))
	assert.Equal(t, failed, whole.Run.ID)
	require.NotEmpty(t, whole.History.Steps)
	var step host.Entry
	require.NoError(t, json.Unmarshal([]byte(s.must("runs", "show", failed, "--step", "loop-1[0]/boolean-condition-1")), &step))
	assert.NotEmpty(t, step.Input)
	r = s.do("runs", "show", failed, "--state", "done", "--limit", "1")
	assert.Contains(t, r.stdout, "loop-1[0]/terminate-1")
	assert.NotContains(t, r.stdout, "boolean-condition-1", "there is room for one")
	assert.Contains(t, r.stderr, "there are more steps: --limit 10 shows more")
	assert.Contains(t, s.must("runs", "show", failed, "--state", "failed,parked"), "no steps in these states", "it was ended by a step that did its work")

	r = s.do("runs", "watch", failed)
	assert.Equal(t, 1, r.code, "it is known how it ended")
	assert.Contains(t, r.stderr, "told to fail")
	r = s.do("runs", "retry", failed, "--from", "failed")
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.stderr, "told to fail")
	require.NoError(t, json.Unmarshal([]byte(s.must("runs", "list", "--json")), &list))
	require.Len(t, list.Runs, 3)
	assert.Equal(t, failed, list.Runs[0].Origin.Run)
	assert.Contains(t, s.must("runs", "show", list.Runs[0].ID), "done again: failed")

	r = s.do("runs", "resolve", failed, "skip")
	assert.Equal(t, 1, r.code, "the command is right, the run is not in a state for it")
	assert.Contains(t, r.stderr, "asks nothing")
	r = s.do("runs", "retry", failed, "--loop", "loop-1")
	assert.Equal(t, 2, r.code)
	assert.Contains(t, r.stderr, "/loop")
}

func TestRuns_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := shell{t, filepath.Join(t.TempDir(), "storyloop.db")}
	s.must("workflows", "add", write(t, "finisher.yaml", finisher))
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"runs", "show", "x"}, 2, `there is no run "x"`},
		{[]string{"runs", "show", "x", "--limit", "0"}, 2, "--limit must be 1 at least"},
		{[]string{"runs", "show", "x", "--state", "asleep"}, 2, `no step is ever "asleep"; there are: intent, waiting`},
		{[]string{"runs", "watch", "x"}, 2, `there is no run "x"`},
		{[]string{"runs", "watch"}, 1, "no host is running"},
		{[]string{"runs", "cancel", "x"}, 2, `there is no run "x"`},
		{[]string{"runs", "retry", "x"}, 2, `there is no run "x"`},
		{[]string{"runs", "resolve", "x", "skip"}, 2, `there is no run "x"`},
		{[]string{"runs", "resolve", "x", "perhaps"}, 2, `the answer must be repeat or skip, not "perhaps"`},
		{[]string{"runs", "retry", "x", "--from", "start"}, 2, `--from must be whole, failed or iterations, not "start"`},
		{[]string{"runs", "retry", "x", "--from", "iterations"}, 2, "wants --loop"},
		{[]string{"runs", "start", "x"}, 2, `"x"`},
		{[]string{"runs", "start", "finisher", "--trigger", "{"}, 2, "--trigger is not JSON: line 1, column 2"},
		{[]string{"runs", "start", "finisher", "--trigger", "[]"}, 2, "/trigger"},
		{[]string{"runs", "list", "--state", "sleeping"}, 2, "queued, running"},
		{[]string{"runs", "list", "--workflow", "x"}, 2, `"x"`},
		{[]string{"runs", "list", "--limit", "0"}, 2, "--limit must be from 1 to 1000; --before shows the next page"},
		{[]string{"runs", "list", "--limit", "1001"}, 2, "--limit must be from 1 to 1000"},
		{[]string{"runs", "list", "--since", "yesterday"}, 2, "--since must be a time such as 2026-01-31T14:05:00Z"},
		{[]string{"workflows", "show", "x"}, 2, `"x"`},
		{[]string{"workflows", "export", "x"}, 2, `"x"`},
		{[]string{"workflows", "enable", "x"}, 2, `"x"`},
		{[]string{"workflows", "add", "no-such-file.yaml"}, 2, "no-such-file.yaml"},
		{[]string{"workflows", "add", write(t, "bad.yaml", strings.Replace(finisher, "loop_list", "loop_lisp", 1))}, 2, `did you mean "loop_list"?`},
		{[]string{"backup", s.data}, 2, "there is a file"},
		{[]string{"backup", filepath.Join(t.TempDir(), "none", "copy.db")}, 1, "no such file or directory"},
	} {
		r := s.do(tt.args...)
		assert.Equal(t, tt.code, r.code, "%v: %s%s", tt.args, r.stdout, r.stderr)
		assert.Contains(t, r.stderr, tt.want, "%v", tt.args)
	}
	damaged := shell{t, write(t, "damaged.db", "this is no database, whatever its name")}
	r := damaged.do("runs", "list")
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.stderr, "is not a file of storyloop")
}

func TestRuns_WithAHost(t *testing.T) {
	t.Parallel()
	d := serveFile(t, "--addr", "127.0.0.1:0")
	s := shell{t, d.data}
	info, err := os.Stat(d.data + ".host")
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "the file holds a token")

	s.must("workflows", "add", write(t, "sleeper.yaml", sleeper), write(t, "one.yaml", getStory))
	out := s.must("runs", "start", "sleeper")
	id := strings.Fields(out)[1]
	r := s.do("runs", "retry", id)
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.stderr, "only a run that has ended")
	require.Eventually(t, func() bool { return strings.Contains(s.must("runs", "show", id), "waits until") }, waitMost, pollEvery)
	assert.Contains(t, s.must("runs", "cancel", id), "cancelled")
	r = s.do("runs", "watch", id)
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.stderr, "was cancelled")

	r = s.do("runs", "start", "one-story", "--watch")
	assert.Equal(t, 0, r.code, r.stderr)
	assert.Contains(t, r.stderr, "instagram-1", "progress is shown while it runs")
	assert.Contains(t, r.stdout, "one-story: succeeded in")
	ended := strings.Fields(r.stdout)[1]
	assert.Contains(t, s.must("runs", "cancel", ended), "had ended already: succeeded")

	d.fault(`{"kind":"error","code":190,"route":"GET /{ig-user}/stories","times":1}`)
	r = s.do("runs", "start", "one-story", "--watch", "--json")
	assert.Equal(t, 3, r.code)
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	var started host.Run
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &started))
	var last host.Progress
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &last))
	assert.Equal(t, host.RunParked, last.State)
	assert.Contains(t, s.must("runs", "show", started.ID), "storyloop runs resolve "+started.ID)
	r = s.do("runs", "resolve", started.ID, "repeat", "--step", "another")
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.stderr, "not about another")
	r = s.do("runs", "resolve", started.ID, "repeat", "--step", last.Question.Path, "--watch")
	assert.Equal(t, 0, r.code, r.stderr)

	// A look at a document needs no data file, not even one that is named.
	s.must("check", example("every-story.yaml"))

	// A backup while the host goes on is a data file.
	copied := filepath.Join(t.TempDir(), "copy.db")
	assert.Contains(t, s.must("backup", copied), "bytes")
	assert.Equal(t, s.must("runs", "list"), shell{t, copied}.must("runs", "list"))
	info, err = os.Stat(copied)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	left, err := filepath.Glob(filepath.Join(filepath.Dir(d.data), ".backup-*"))
	require.NoError(t, err)
	assert.Empty(t, left)

	// After its end the file is free.
	d.stop(t)
	assert.NoFileExists(t, d.data+".host")
	assert.Contains(t, s.must("runs", "list"), started.ID)
}

func TestRuns_AFileThatAKilledHostLeftBehind(t *testing.T) {
	t.Parallel()
	d := serveFile(t)
	s := shell{t, d.data}
	s.must("workflows", "add", write(t, "sleeper.yaml", sleeper))
	id := strings.Fields(s.must("runs", "start", "sleeper"))[1]
	orphans := children(d.cmd.Process.Pid)
	require.NoError(t, d.cmd.Process.Kill())
	for range d.lines { // Wait may close the pipe only when all is read
	}
	for _, pid := range orphans {
		_ = exec.Command("kill", pid).Run()
	}
	_ = d.cmd.Wait()
	require.FileExists(t, d.data+".host")
	r := s.do("runs", "watch", id)
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.stderr, "no host is running")
	assert.Contains(t, s.must("runs", "cancel", id), "cancelled", "nobody else has the file")

	// Another host has taken the address.
	other := serveFile(t)
	stale := fmt.Sprintf(`{"address":%q,"token":"x","instance":"y","pid":1}`, other.Address)
	require.NoError(t, os.WriteFile(d.data+".host", []byte(stale), 0o600))
	assert.Contains(t, s.must("runs", "list"), id)
	stale = fmt.Sprintf(`{"address":%q,"token":"","instance":"y","pid":1}`, other.Address)
	require.NoError(t, os.WriteFile(d.data+".host", []byte(stale), 0o600))
	assert.Contains(t, s.must("runs", "list"), id, "a host that is another one is not asked")
}

func TestRuns_GoOnInTheNextHost(t *testing.T) {
	t.Parallel()
	d := serveFile(t)
	s := shell{t, d.data}
	s.must("workflows", "add", write(t, "sleeper.yaml", sleeper))
	id := strings.Fields(s.must("runs", "start", "sleeper"))[1]
	s.must("workflows", "enable", "sleeper")
	d.stop(t)
	again := up(t, "--data", d.data)
	assert.Equal(t, 1, again.Resumed)
	assert.Equal(t, []string{"sleeper"}, again.Workflows, "what was on stays on")
	assert.Contains(t, s.must("runs", "cancel", id), "cancelled")
	assert.Equal(t, host.RunCancelled, again.ended(t).State)
}

func TestUp_SaysAgainWhereWebhooksCome(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "storyloop.db")
	first := up(t, "--data", data, example("reply-to-mention.yaml"))
	assert.Equal(t, data, first.Data)
	first.stop(t)
	again := up(t, "--data", data)
	assert.Equal(t, again.Address+"/webhooks/instagram/default", again.Webhooks["instagram"])
}

const daily = `name: daily
trigger: { connector: schedule, input: { cron: "30 9 * * 1-5", time_zone: Europe/Berlin } }
steps:
  - id: terminate-1
    connector: terminate
    operation: finish
`

func TestSchedules_AreListedWhileTheirWorkflowIsOn(t *testing.T) {
	t.Parallel()
	d := serveFile(t)
	s := shell{t, d.data}
	s.must("workflows", "add", "--enable", write(t, "daily.yaml", daily))
	var list struct{ Schedules []host.Schedule }
	require.Eventually(t, func() bool {
		d.must("GET", "/api/v1/schedules", "", &list)
		return len(list.Schedules) == 1
	}, waitMost, pollEvery)
	assert.Equal(t, 9, list.Schedules[0].Next.In(berlin(t)).Hour())
	assert.Contains(t, s.must("schedules"), "30 9 * * 1-5 Europe/Berlin")
	s.must("workflows", "disable", "daily")
	require.Eventually(t, func() bool {
		d.must("GET", "/api/v1/schedules", "", &list)
		return len(list.Schedules) == 0
	}, waitMost, pollEvery)
}

func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	return zone
}

func TestBackup_OfAHostInMemory(t *testing.T) {
	t.Parallel()
	d := up(t)
	assert.Equal(t, 409, ask(t, "GET", d.Address+"/api/v1/backup", nil))
}
