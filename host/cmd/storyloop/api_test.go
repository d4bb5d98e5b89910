package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	hosthttp "github.com/storyloop/storyloop/host/http"
	"github.com/storyloop/storyloop/host/http/apitest"
)

// served is `storyloop up` on a data file, with a client that holds each answer
// against the API's description.
type served struct {
	*daemon
	t     *testing.T
	data  string
	check *apitest.Checker
	http  *http.Client
}

func serveFile(t *testing.T, args ...string) *served {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data", "storyloop.db")
	s := &served{t: t, data: data, check: apitest.New(t, hosthttp.OpenAPI, nil)}
	s.http = &http.Client{Transport: s.check}
	s.daemon = up(t, append([]string{"--data", data}, args...)...)
	return s
}

// call sends JSON and returns status and answer.
func (s *served) call(method, path, body string) (int, []byte) {
	s.t.Helper()
	status, _, answer := s.send(method, path, body)
	return status, answer
}

func (s *served) send(method, path, body string) (int, http.Header, []byte) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.Address+path, strings.NewReader(body))
	require.NoError(s.t, err)
	if method != http.MethodGet {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.http.Do(req)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	return resp.StatusCode, resp.Header, answer
}

// must sends JSON and reads the answer of a success.
func (s *served) must(method, path, body string, out any) {
	s.t.Helper()
	status, answer := s.call(method, path, body)
	require.Less(s.t, status, 300, "%s %s: %s", method, path, answer)
	if out != nil {
		require.NoError(s.t, json.Unmarshal(answer, out), "%s", answer)
	}
}

// add stores a workflow.
func (s *served) add(text string) {
	s.t.Helper()
	body, err := json.Marshal(map[string]string{"text": text, "file": "test.yaml"})
	require.NoError(s.t, err)
	s.must("POST", "/api/v1/workflows", string(body), nil)
}

// follow reads a run's events until they end.
func (s *served) follow(id string) (kinds []string, last host.Progress) {
	s.t.Helper()
	resp, err := s.http.Get(s.Address + "/api/v1/runs/" + id + "/events")
	require.NoError(s.t, err)
	defer resp.Body.Close()
	require.Equal(s.t, 200, resp.StatusCode)
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			s.check.Matches("Progress", []byte(data))
			last = host.Progress{}
			require.NoError(s.t, json.Unmarshal([]byte(data), &last))
			kinds = append(kinds, string(last.Kind))
		}
	}
	return kinds, last
}

// fault brings the sandbox bad luck.
func (s *served) fault(body string) {
	s.t.Helper()
	s.control("faults", body)
}

// control commands the sandbox.
func (s *served) control(command, body string) {
	s.t.Helper()
	resp, err := http.Post(s.Sandbox.URL+"/__sandbox/"+command, "application/json", strings.NewReader(body))
	require.NoError(s.t, err)
	defer resp.Body.Close()
	require.Less(s.t, resp.StatusCode, 300)
}

// How long what must come may take, and how often it is looked for.
const (
	waitMost  = 20 * time.Second
	pollEvery = 20 * time.Millisecond
)

const getStory = `name: one-story
title: Get one story
trigger: { connector: manual }
steps:
  - id: instagram-1
    connector: instagram
    operation: list_stories
    credential: bluebottle
    input: { ig_user_id: "17841405726653026", limit: 3 }
  - id: loop-1
    connector: loop
    operation: loop_list
    input: { list: $.steps.instagram-1.data, on_error: continue }
    steps:
      - id: instagram-2
        connector: instagram
        operation: get_story
        credential: bluebottle
        input: { story_id: $.steps.loop-1.value.id }
`

const sleeper = `name: sleeper
trigger: { connector: manual }
steps:
  - id: delay-1
    connector: delay
    operation: delay
    input: { duration: 1h }
`

func TestAPI_AddedOnce(t *testing.T) {
	t.Parallel()
	s := serveFile(t)
	text, err := json.Marshal(map[string]any{"text": sleeper, "file": "mine.yaml"})
	require.NoError(t, err)
	s.must("POST", "/api/v1/workflows", string(text), nil)
	type detail struct {
		File    string
		AddedAt time.Time `json:"added_at"`
	}
	var first, later detail
	s.must("GET", "/api/v1/workflows/sleeper", "", &first)
	assert.Equal(t, "mine.yaml", first.File)
	s.must("POST", "/api/v1/workflows/sleeper/enable", "{}", nil)
	s.must("POST", "/api/v1/workflows", string(text), nil)
	s.must("GET", "/api/v1/workflows/sleeper", "", &later)
	assert.Equal(t, first, later, "to turn it on, or to add the same again, changes neither")
}

func TestAPI_AnswersAsItIsDescribed(t *testing.T) {
	t.Parallel()
	s := serveFile(t)
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/api/v1/openapi.json", "/api/v1/connectors", "/api/v1/connectors/instagram", "/api/v1/workflows", "/api/v1/schedules", "/api/v1/polls"} {
		s.must("GET", path, "", nil)
	}
	var about hosthttp.About
	s.must("GET", "/api/v1/host", "", &about)
	assert.Equal(t, s.data, about.Data)

	// Workflows.
	text, err := json.Marshal(map[string]any{"text": getStory, "file": "one.yaml"})
	require.NoError(t, err)
	s.must("POST", "/api/v1/check", string(text), nil)
	status, _ := s.call("POST", "/api/v1/workflows", string(text))
	assert.Equal(t, 201, status)
	status, _ = s.call("POST", "/api/v1/workflows", string(text))
	assert.Equal(t, 200, status, "the same again is no new workflow")
	s.add(sleeper)
	s.must("GET", "/api/v1/workflows", "", nil)
	var detail struct{ Document json.RawMessage }
	s.must("GET", "/api/v1/workflows/one-story", "", &detail)
	_, exported := s.call("GET", "/api/v1/workflows/one-story/document", "")
	assert.Equal(t, string(detail.Document), string(exported))
	status, _ = s.call("POST", "/api/v1/workflows", fmt.Sprintf(`{"document":%s}`, exported))
	assert.Equal(t, 200, status, "what was exported can be added")
	s.must("GET", "/api/v1/workflows/one-story/versions", "", nil)
	s.must("POST", "/api/v1/workflows/sleeper/enable", "{}", nil)
	s.must("POST", "/api/v1/workflows/sleeper/disable", "{}", nil)

	// A run, watched to its end.
	trigger := `{"id":17841405726653027123,"text":"a<b>&c","unicode":"\u00e9","exponent":1.0e2}`
	var run host.Run
	s.must("POST", "/api/v1/runs", `{"workflow":"one-story","id":"first","trigger":`+trigger+`}`, &run)
	status, _ = s.call("POST", "/api/v1/runs", `{"workflow":"one-story","id":"first","trigger":`+trigger+`}`)
	assert.Equal(t, 200, status, "a request whose answer was lost starts no second run")
	_, last := s.follow(run.ID)
	assert.Equal(t, host.RunSucceeded, last.State, "%+v", last.Failure)
	_, answer := s.call("GET", "/api/v1/runs/first", "")
	assert.Contains(t, string(answer), `"trigger":`+trigger, "JSON of others is handed on as it came")
	req, err := http.NewRequest("GET", s.Address+"/api/v1/runs/first/events", nil)
	require.NoError(t, err)
	req.Header.Set("Last-Event-ID", "end")
	resp, err := s.http.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, 204, resp.StatusCode, "who has seen the end is not told again")

	// Its history, page by page.
	var paths []string
	for from := int64(0); ; {
		var page struct {
			Steps []host.Entry
			Next  int64
		}
		path := "/api/v1/runs/first/steps?limit=2&bodies=true"
		if from > 0 {
			path += fmt.Sprintf("&from=%d", from)
		}
		s.must("GET", path, "", &page)
		for _, e := range page.Steps {
			paths = append(paths, e.Path)
		}
		if from = page.Next; from == 0 {
			break
		}
	}
	assert.Contains(t, paths, "loop-1[2]/instagram-2")
	var step host.Entry
	s.must("GET", "/api/v1/runs/first/step?path=loop-1%5B2%5D/instagram-2", "", &step)
	assert.NotEmpty(t, step.Output)
	s.must("GET", "/api/v1/runs?workflow=one-story&state=succeeded,failed&limit=1&from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z", "", nil)

	// Again, cancelled, parked and resolved.
	s.must("POST", "/api/v1/runs/first/retry", `{}`, &run)
	_, last = s.follow(run.ID)
	assert.Equal(t, host.RunSucceeded, last.State)
	s.must("POST", "/api/v1/runs", `{"workflow":"sleeper"}`, &run)
	s.must("POST", "/api/v1/runs/"+run.ID+"/cancel", "{}", &run)
	assert.Equal(t, host.RunCancelled, run.State)
	s.fault(`{"kind":"error","code":190,"route":"GET /{ig-user}/stories","times":1}`)
	s.must("POST", "/api/v1/runs", `{"workflow":"one-story"}`, &run)
	_, last = s.follow(run.ID)
	require.Equal(t, host.RunParked, last.State)
	answers := make(chan int)
	for range 2 {
		go func() {
			resp, err := s.http.Post(s.Address+"/api/v1/runs/"+run.ID+"/resolve", "application/json", strings.NewReader(`{"answer":"repeat"}`))
			if err != nil {
				answers <- 0
				return
			}
			_ = resp.Body.Close()
			answers <- resp.StatusCode
		}()
	}
	assert.ElementsMatch(t, []int{200, 409}, []int{<-answers, <-answers}, "the second finds nothing asked any more")
	_, last = s.follow(run.ID)
	assert.Equal(t, host.RunSucceeded, last.State)

	// The rest.
	backup, header, copied := s.send("GET", "/api/v1/backup", "")
	assert.Equal(t, 200, backup)
	assert.Equal(t, fmt.Sprint(len(copied)), header.Get("Content-Length"))
	assert.True(t, bytes.HasPrefix(copied, []byte("SQLite format 3\x00")))
	resp, err = s.http.Get(s.Address + "/api/v1/events")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	s.must("GET", "/api/v1/runs/first", "", nil)
	_, err = http.Get(s.Address + "/webhooks/instagram/default?hub.mode=subscribe")
	require.NoError(t, err)
	s.must("POST", "/api/v1/workflows", `{"document":{"name":"orders","trigger":{"connector":"webhook"},"steps":[]},"enable":true}`, &detail)
	s.must("POST", "/hooks/orders", `{"order":1}`, nil)
	status, _ = s.call("POST", "/hooks/order", `{"order":1}`)
	assert.Equal(t, 404, status)

	assert.Empty(t, s.check.Unused(), "all that is described was asked for")
}

func TestAPI_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := serveFile(t)
	s.add(sleeper)
	s.add(getStory)
	s.must("POST", "/api/v1/runs", `{"workflow":"sleeper","id":"asleep"}`, nil)
	s.must("POST", "/api/v1/runs", `{"workflow":"one-story","id":"done"}`, nil)
	s.follow("done")
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
		code, detail, pointer    string
	}{
		{"no such path", "GET", "/api/v1/rums", "", 404, "not_found", "/api/v1/openapi.json", ""},
		{"method", "DELETE", "/api/v1/runs", "{}", 405, "method_not_allowed", "GET, POST", ""},
		{"no such run", "GET", "/api/v1/runs/x", "", 404, "not_found", `there is no run "x"`, ""},
		{"no such run to follow", "GET", "/api/v1/runs/x/events", "", 404, "not_found", `there is no run "x"`, ""},
		{"no such run's steps", "GET", "/api/v1/runs/x/steps", "", 404, "not_found", `there is no run "x"`, ""},
		{"no such page", "GET", "/api/v1/runs?before=x", "", 404, "not_found", `there is no run "x"`, ""},
		{"no such step", "GET", "/api/v1/runs/done/step?path=x", "", 404, "not_found", `there is no step "x"`, ""},
		{"no step named", "GET", "/api/v1/runs/done/step", "", 400, "invalid_request", "loop-1[3]/instagram-2", ""},
		{"misspelt parameter", "GET", "/api/v1/runs?workflo=x", "", 400, "invalid_request", `did you mean "workflow"?`, ""},
		{"no such state", "GET", "/api/v1/runs?state=sleeping", "", 400, "invalid_request", "queued, running", ""},
		{"no number", "GET", "/api/v1/runs?limit=x", "", 400, "invalid_request", "from 1 to 1000", ""},
		{"too many", "GET", "/api/v1/runs?limit=1001", "", 400, "invalid_request", "from 1 to 1000", ""},
		{"no time", "GET", "/api/v1/runs?from=yesterday", "", 400, "invalid_request", "2026-01-31T14:05:00Z", ""},
		{"no flag", "GET", "/api/v1/runs/done/steps?bodies=1", "", 400, "invalid_request", "true or false", ""},
		{"not JSON", "POST", "/api/v1/runs", "{", 400, "invalid_request", "the body is not JSON", ""},
		{"misspelt property", "POST", "/api/v1/runs", `{"workflow":"sleeper","triger":{}}`, 400, "invalid_request", `Did you mean "trigger"?`, "/triger"},
		{"wrong type", "POST", "/api/v1/runs", `{"workflow":7}`, 400, "invalid_request", "must be a string", "/workflow"},
		{"bad id", "POST", "/api/v1/runs", `{"workflow":"sleeper","id":"a/b"}`, 400, "invalid_request", "", "/id"},
		{"taken id", "POST", "/api/v1/runs", `{"workflow":"sleeper","id":"done"}`, 409, "conflict", "taken", "/id"},
		{"no such workflow", "POST", "/api/v1/runs", `{"workflow":"x"}`, 404, "not_found", `"x"`, ""},
		{"no such version", "GET", "/api/v1/workflows/sleeper?version=x", "", 404, "not_found", "sleeper", ""},
		{"no such workflow to enable", "POST", "/api/v1/workflows/x/enable", "{}", 404, "not_found", `"x"`, ""},
		{"no such connector", "GET", "/api/v1/connectors/x", "", 404, "not_found", `there is no connector "x"`, ""},
		{"retry of what goes on", "POST", "/api/v1/runs/asleep/retry", "{}", 409, "conflict", "only a run that has ended", ""},
		{"retry of no failure", "POST", "/api/v1/runs/done/retry", `{"from":"failed"}`, 409, "conflict", "has succeeded", "/from"},
		{"retry without a loop", "POST", "/api/v1/runs/done/retry", `{"from":"iterations"}`, 400, "invalid_request", "which loop", "/loop"},
		{"retry of no loop", "POST", "/api/v1/runs/done/retry", `{"from":"iterations","loop":"loop-9"}`, 409, "conflict", "loop-9", "/loop"},
		{"retry of a whole loop", "POST", "/api/v1/runs/done/retry", `{"loop":"loop-1"}`, 400, "invalid_request", "iterations", "/loop"},
		{"nothing asked", "POST", "/api/v1/runs/asleep/resolve", `{"answer":"skip"}`, 409, "conflict", "asks nothing", ""},
		{"no answer", "POST", "/api/v1/runs/asleep/resolve", `{"answer":"perhaps"}`, 400, "invalid_request", "repeat", "/answer"},
		{"two documents", "POST", "/api/v1/check", `{"text":"a","document":{}}`, 400, "invalid_request", "", ""},
		{"wrong document", "POST", "/api/v1/workflows", `{"text":"name: x\ntrigger: {connector: manual}\nsteps: [{id: instagram-1, connector: instagram, operation: list_storys}]","file":"x.yaml"}`, 422, "invalid_document", "cannot run", ""},
	} {
		status, answer := s.call(tt.method, tt.path, tt.body)
		assert.Equal(t, tt.status, status, "%s: %s", tt.name, answer)
		var p hosthttp.Problem
		require.NoError(t, json.Unmarshal(answer, &p), tt.name)
		assert.Equal(t, tt.code, p.Code(), tt.name)
		assert.Contains(t, p.Detail, tt.detail, tt.name)
		assert.Equal(t, tt.pointer, p.Pointer, tt.name)
		assert.Equal(t, tt.status, p.Status, tt.name)
		assert.NotEmpty(t, p.Title, tt.name)
		if tt.code == "invalid_document" {
			assert.Contains(t, p.Error(), "x.yaml:3:")
			assert.Contains(t, p.Error(), `did you mean "list_stories"?`)
		}
	}
	assert.Equal(t, 405, ask(t, "DELETE", s.Address+"/api/v1/runs", nil), "without a type too")
	status, answer := s.call("POST", "/api/v1/runs", `{"workflow":"sleeper","trigger":{"x":"`+strings.Repeat("x", hosthttp.MaxRequest)+`"}}`)
	assert.Equal(t, 413, status, "%.200s", answer)
}

// ask sends a request as it is and returns the status.
func ask(t *testing.T, method, url string, header map[string]string) int {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader("{}"))
	require.NoError(t, err)
	for name, value := range header {
		req.Header.Set(name, value)
	}
	if h, ok := header["Host"]; ok {
		req.Host = h
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	return resp.StatusCode
}

func TestUp_SaysThatTheAPIIsClosed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args   []string
		closed bool
	}{
		{nil, false},
		{[]string{"--addr", "0.0.0.0:0"}, true},
		{[]string{"--addr", "0.0.0.0:0", "--api-token-file", write(t, "token", "a-token-of-the-operator")}, false},
	} {
		d := up(t, tt.args...)
		d.stop(t)
		assert.Equal(t, tt.closed, strings.Contains(d.stderr.String(), "API and metrics are closed to programs"), tt.args)
	}
}

func TestAPI_TokenIsNeededWhereOthersReachIt(t *testing.T) {
	t.Parallel()
	token := write(t, "token", "a-token-of-the-operator\n")
	s := serveFile(t, "--addr", "0.0.0.0:0", "--api-token-file", token)
	_, port, _ := strings.Cut(strings.TrimPrefix(s.Address, "http://"), "]:")
	if port == "" {
		port = s.Address[strings.LastIndexByte(s.Address, ':')+1:]
	}
	base := "http://127.0.0.1:" + port
	right := map[string]string{"Authorization": "Bearer a-token-of-the-operator"}
	for _, path := range []string{"/api/v1/runs", "/metrics"} {
		assert.Equal(t, 401, ask(t, "GET", base+path, nil), path)
		assert.Equal(t, 401, ask(t, "GET", base+path, map[string]string{"Authorization": "Bearer wrong"}), path)
		assert.Equal(t, 200, ask(t, "GET", base+path, right), path)
	}
	assert.Equal(t, 200, ask(t, "GET", base+"/healthz", nil))
	assert.Equal(t, 200, ask(t, "GET", base+"/readyz", nil))
	assert.NotEqual(t, 401, ask(t, "POST", base+"/webhooks/instagram/default", nil), "remote services have no token")
	r := storyloop(t, "runs", "list", "--data", s.data)
	assert.Equal(t, 0, r.code, "commands beside the data file find a token there: %s", r.stderr)

	exposed := filepath.Join(t.TempDir(), "exposed")
	require.NoError(t, os.WriteFile(exposed, []byte("a-token-of-the-operator"), 0o644))
	r = storyloop(t, "up", "--sandbox", "--api-token-file", exposed)
	assert.Equal(t, 2, r.code)
	assert.Contains(t, r.stderr, "run chmod 600 ")
	r = storyloop(t, "up", "--sandbox", "--api-token-file", write(t, "short", "short"))
	assert.Equal(t, 2, r.code)
	assert.Contains(t, r.stderr, "at least 16 characters")
}

// A proxy need not say that it is one.
func TestAPI_TokenIsNeededBehindAPublicAddress(t *testing.T) {
	t.Parallel()
	s := serveFile(t, "--public-url", "https://hooks.example.com")
	assert.Equal(t, 401, ask(t, "GET", s.Address+"/api/v1/runs", nil))
	assert.Equal(t, 401, ask(t, "GET", s.Address+"/metrics", nil))
	r := storyloop(t, "runs", "list", "--data", s.data)
	assert.Equal(t, 0, r.code, r.stderr)
}

func TestUp_ServesMetrics(t *testing.T) {
	t.Parallel()
	s := serveFile(t)
	s.add(getStory)
	s.control("limits", `{"account_per_day":50}`) // so that a few calls are a part of it
	s.must("POST", "/api/v1/runs", `{"workflow":"one-story","id":"a"}`, nil)
	s.follow("a")
	assert.Equal(t, 403, ask(t, "POST", s.Address+"/webhooks/instagram/default", map[string]string{"X-Hub-Signature-256": "sha256=forged"}))
	_, answer := s.call("GET", "/metrics", "")
	for _, line := range []string{
		`storyloop_runs{state="succeeded"} 1`,
		`storyloop_runs_ended_total{state="succeeded",workflow="one-story"} 1`,
		`storyloop_steps_total{connector="instagram",operation="get_story",outcome="done"} 3`,
		`storyloop_steps_total{connector="loop",operation="loop_list",outcome="done"} 1`,
		`storyloop_attempts_total{connector="instagram",operation="list_stories",outcome="ok"} 1`,
		`storyloop_call_duration_seconds_count{connector="instagram",operation="get_story"} 3`,
		`storyloop_quota_used_ratio{connector="instagram"`,
		`storyloop_connector_up{connector="instagram"} 1`,
		`storyloop_connector_starts_total{connector="instagram"} 1`,
		`storyloop_store_write_duration_seconds_count{durability="synced"}`,
		`storyloop_webhooks_total{connector="instagram",status="403"} 1`,
		"go_goroutines",
	} {
		assert.True(t, strings.Contains(string(answer), line), "no %s", line)
	}
	assert.NotContains(t, string(answer), s.Sandbox.AppSecret)
}

func TestReadyz_TellsOfAConnectorThatDoesNotRun(t *testing.T) {
	t.Parallel()
	s := serveFile(t)
	var list struct {
		Connectors []struct {
			Name    string
			Process *hosthttp.Status
		}
	}
	s.must("GET", "/api/v1/connectors", "", &list)
	pid := 0
	for _, c := range list.Connectors {
		if c.Process != nil {
			pid = c.Process.PID
		}
	}
	require.NotZero(t, pid)
	require.NoError(t, exec.Command("kill", "-KILL", fmt.Sprint(pid)).Run())
	require.Eventually(t, func() bool {
		status, _ := s.call("GET", "/readyz", "")
		return status == 503
	}, waitMost, pollEvery)
	status, _ := s.call("GET", "/healthz", "")
	assert.Equal(t, 200, status)
	require.Eventually(t, func() bool {
		status, _ := s.call("GET", "/readyz", "")
		return status == 200
	}, waitMost, pollEvery, "it is started again")
}
