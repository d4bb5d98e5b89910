package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/sqlite"
)

// crashWorkflow reads 40 stories in a loop, answers the comments of a post, and
// publishes a photo.
const crashWorkflow = `
name: crash
trigger: { connector: manual }
steps:
  - id: instagram-1
    connector: instagram
    operation: list_stories
    credential: bluebottle
    input: { ig_user_id: "17841405726653026", limit: 15 }
    paging: { mode: all }
  - id: loop-1
    connector: loop
    operation: loop_list
    input: { list: $.steps.instagram-1.data, concurrency: 2 }
    steps:
      - id: instagram-2
        connector: instagram
        operation: get_story
        credential: bluebottle
        input: { story_id: $.steps.loop-1.value.id }
  - id: instagram-3
    connector: instagram
    operation: list_comments
    credential: bluebottle
    input: { media_id: "17900001000000001" }
    paging: { mode: all }
  - id: loop-2
    connector: loop
    operation: loop_list
    input: { list: $.steps.instagram-3.data }
    steps:
      - id: instagram-4
        connector: instagram
        operation: reply_to_comment
        credential: bluebottle
        input: { comment_id: $.steps.loop-2.value.id, message: "Thanks from the crash test!" }
  - id: instagram-5
    connector: instagram
    operation: publish_photo
    credential: bluebottle
    input: { ig_user_id: "17841405726653026", image_url: "https://cdn.example/photo.jpg", caption: "the crash test's photo" }
`

// crashFaults are what goes wrong beside the kills: answers that are lost after the
// write was done, errors, slowness.
const crashFaults = `[
	{"kind":"reset_after","route":"POST /{comment}/replies","skip":1,"times":1},
	{"kind":"status","status":500,"body":"oops","route":"POST /{comment}/replies","skip":3,"times":1},
	{"kind":"reset_after","route":"POST /{ig-user}/media","times":1},
	{"kind":"reset_after","route":"POST /{ig-user}/media_publish","times":1},
	{"kind":"status","status":500,"body":"oops","route":"GET /{media}","skip":5,"times":2},
	{"kind":"latency","delay_ms":10,"times":-1}
]`

const faultCount = 6 // Calls that the faults above strike, other than by latency.

// crash is one run of the workflow that is killed again and again.
type crash struct {
	t       *testing.T
	random  *rand.Rand
	dir     string
	sandbox *sandbox
	args    []string // Of every process.
	kills   int
	log     strings.Builder
}

func newCrash(t *testing.T, random *rand.Rand, workflow, faults string) *crash {
	t.Helper()
	a := &app{getenv: noEnv, stdout: io.Discard, stderr: io.Discard, logLevel: "error", lockFile: lock}
	s, err := a.startSandbox(t.Context(), 40, "")
	require.NoError(t, err)
	t.Cleanup(s.close)
	c := &crash{t: t, random: random, dir: t.TempDir(), sandbox: s}
	for name, text := range map[string]string{
		"crash.yaml":       workflow,
		"credentials.yaml": fmt.Sprintf("credentials: {bluebottle: {connector: instagram, method: access_token, form: {access_token: %s}}}", s.Accounts[0].UserToken),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600))
	}
	c.args = []string{"--json", "--lock", lock, "--data", c.data(), "--credentials", filepath.Join(c.dir, "credentials.yaml"),
		"--settings", fmt.Sprintf(`{"instagram":{"sandbox_url":%q,"container_poll_seconds":0.05}}`, s.URL)}
	var all []json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(faults), &all))
	for _, f := range all {
		resp, err := http.Post(s.URL+"/__sandbox/faults", "application/json", bytes.NewReader(f))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Less(t, resp.StatusCode, 300, "%s", f)
	}
	return c
}

func (c *crash) data() string { return filepath.Join(c.dir, "storyloop.db") }

// start starts a host.
func (c *crash) start(args ...string) (*exec.Cmd, *bufio.Scanner) {
	c.t.Helper()
	cmd := exec.Command(os.Args[0], append(args, c.args...)...)
	cmd.Env = append(os.Environ(), roleEnv+"=storyloop")
	cmd.Stderr = &c.log
	out, err := cmd.StdoutPipe()
	require.NoError(c.t, err)
	require.NoError(c.t, cmd.Start())
	return cmd, bufio.NewScanner(out)
}

// begin starts the run in a host that is killed at once.
func (c *crash) begin() {
	cmd, _ := c.start("run", filepath.Join(c.dir, "crash.yaml"))
	require.Eventually(c.t, c.begun, time.Minute, 5*time.Millisecond)
	c.kill(cmd)
}

// begun reports whether the run has sent its first request.
func (c *crash) begun() bool { return len(c.requests("GET /{ig-user}/stories")) > 0 }

func (c *crash) kill(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	c.kills++
}

// goOn starts a host that goes on with the run, and kills it at a random instant.
// It returns true if the run came to rest before.
func (c *crash) goOn(patience time.Duration) bool {
	cmd, lines := c.start("up")
	if !lines.Scan() {
		_ = cmd.Wait()
		c.t.Fatalf("the host does not start: %s", c.log.String())
	}
	var first upLine
	require.NoError(c.t, json.Unmarshal(lines.Bytes(), &first))
	ended := make(chan struct{})
	go func() {
		lines.Scan()
		close(ended)
	}()
	if first.Resumed == 0 {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return true
	}
	select {
	case <-ended:
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		return true
	case <-time.After(patience):
		c.kill(cmd)
		return false
	}
}

// rest reads the run's record once no host is there.
func (c *crash) rest() host.Run {
	c.t.Helper()
	store, err := sqlite.Open(c.t.Context(), c.data(), sqlite.Options{})
	require.NoError(c.t, err)
	defer store.Close()
	runs, err := store.Runs(c.t.Context(), host.RunFilter{})
	require.NoError(c.t, err)
	require.Len(c.t, runs, 1)
	return runs[0]
}

// verify holds the world against what the workflow should have done to it, once.
func (c *crash) verify() {
	t, run := c.t, c.rest()
	what := fmt.Sprintf("run %s after %d kills: %+v %+v\n%s", run.State, c.kills, run.Failure, run.Question, c.log.String())
	switch run.State {
	case host.RunSucceeded:
	case host.RunParked:
		require.NotEmpty(t, run.Question.Text, what)
	default:
		t.Fatal(what)
	}
	done := run.State == host.RunSucceeded
	var comments, media struct {
		Data []struct {
			ID, Caption string
			Replies     struct{ Data []struct{ Text string } }
		}
	}
	c.get("/17900001000000001/comments?limit=50&fields=id,replies.limit(50){text}", &comments)
	require.NotEmpty(t, comments.Data)
	for _, comment := range comments.Data {
		n := 0
		for _, r := range comment.Replies.Data {
			if r.Text == "Thanks from the crash test!" {
				n++
			}
		}
		assert.LessOrEqual(t, n, 1, "comment %s: %s", comment.ID, what)
		if done {
			assert.Equal(t, 1, n, "comment %s: %s", comment.ID, what)
		}
	}
	c.get("/17841405726653026/media?limit=100&fields=caption", &media)
	photos := 0
	for _, m := range media.Data {
		if m.Caption == "the crash test's photo" {
			photos++
		}
	}
	assert.LessOrEqual(t, photos, 1, what)
	if done {
		assert.Equal(t, 1, photos, what)
	}
	// A read is repeated only if it was under way at a kill, or struck by a fault; two
	// at once are under way in the loop.
	assert.LessOrEqual(t, len(c.requests("GET /{media}")), 40+2*c.kills+faultCount, what)
}

func (c *crash) get(path string, out any) {
	c.t.Helper()
	separator := "&"
	if !strings.Contains(path, "?") {
		separator = "?"
	}
	resp, err := http.Get(c.sandbox.URL + "/v25.0" + path + separator + "access_token=" + url.QueryEscape(c.sandbox.Accounts[0].UserToken))
	require.NoError(c.t, err)
	defer resp.Body.Close()
	require.Equal(c.t, 200, resp.StatusCode, path)
	require.NoError(c.t, json.NewDecoder(resp.Body).Decode(out))
}

// requests returns the sandbox's journal of a route.
func (c *crash) requests(route string) []json.RawMessage {
	c.t.Helper()
	resp, err := http.Get(c.sandbox.URL + "/__sandbox/requests")
	require.NoError(c.t, err)
	defer resp.Body.Close()
	var all struct{ Requests []json.RawMessage }
	require.NoError(c.t, json.NewDecoder(resp.Body).Decode(&all))
	var found []json.RawMessage
	for _, raw := range all.Requests {
		var r struct{ Route string }
		require.NoError(c.t, json.Unmarshal(raw, &r))
		if r.Route == route {
			found = append(found, raw)
		}
	}
	return found
}

// crashRandom is the same on every machine, unless STORYLOOP_CRASH_SEED says
// otherwise.
func crashRandom(t *testing.T) *rand.Rand {
	seed := uint64(20260101)
	if text := os.Getenv("STORYLOOP_CRASH_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, "STORYLOOP_CRASH_SEED")
		seed = n
	}
	t.Logf("STORYLOOP_CRASH_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, seed))
}

func TestCrash_KilledHostDoesNothingTwice(t *testing.T) {
	t.Parallel()
	const kills = 60
	random := crashRandom(t)
	for total := 0; total < kills; {
		c := newCrash(t, random, crashWorkflow, crashFaults)
		c.begin()
		for rested := false; !rested; {
			patience := time.Duration(random.IntN(400)) * time.Millisecond
			if total+c.kills >= kills {
				patience = time.Minute
			}
			rested = c.goOn(patience)
		}
		c.verify()
		total += c.kills
	}
}

func TestCrash_KilledConnectorDoesNothingTwice(t *testing.T) {
	t.Parallel()
	random := crashRandom(t)
	for range 3 {
		c := newCrash(t, random, crashWorkflow, crashFaults)
		cmd, _ := c.start("run", filepath.Join(c.dir, "crash.yaml"))
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		require.Eventually(t, c.begun, time.Minute, 5*time.Millisecond)
		// Four kills: a connector that dies more often within a minute is broken.
		for over := false; !over && c.kills < 4; {
			select {
			case <-ended:
				ended <- nil
				over = true
			case <-time.After(time.Duration(300+random.IntN(1200)) * time.Millisecond):
				for _, child := range children(cmd.Process.Pid) {
					if pid, err := strconv.Atoi(child); err == nil && syscall.Kill(pid, syscall.SIGKILL) == nil {
						c.kills++
					}
				}
			}
		}
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Fatalf("the run does not come to rest: %s", c.log.String())
		}
		c.verify()
	}
}
