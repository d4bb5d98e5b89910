package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
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

const polled = `name: polled
trigger:
  connector: instagram
  trigger: [media_published, tagged_in_media, story_published]
  credential: bluebottle
  input: { ig_user_id: "17841405726653026" }
  poll: 1s
steps:
  - id: terminate-1
    connector: terminate
    operation: finish
    input: { output: { media: $.steps.trigger.media_id } }
`

const commented = `name: commented
trigger:
  connector: instagram
  trigger: comment_added
  credential: bluebottle
  input: { ig_user_id: "17841405726653026" }
  poll: 1s
steps: []
`

// jane is @jane_doe, as @bluebottle sees her.
const jane = "7700000000000001"

// owner acts for the sandbox's first account, past the host.
type owner struct {
	t          *testing.T
	url, token string
}

func ownerOf(t *testing.T, sandbox string) owner {
	t.Helper()
	resp, err := http.Get(sandbox + "/__sandbox/info")
	require.NoError(t, err)
	defer resp.Body.Close()
	var info sandboxInfo
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&info))
	return owner{t, sandbox, info.Accounts[0].UserToken}
}

// publish puts something up and returns its id.
func (o owner) publish(params string) string {
	o.t.Helper()
	container := o.post("/17841405726653026/media", params)
	return o.post("/17841405726653026/media_publish", "creation_id="+container)
}

func (o owner) post(path, params string) string {
	o.t.Helper()
	resp, err := http.Post(o.url+path, "application/x-www-form-urlencoded", strings.NewReader(params+"&access_token="+url.QueryEscape(o.token)))
	require.NoError(o.t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(o.t, err)
	var made struct{ ID string }
	require.NoError(o.t, json.Unmarshal(answer, &made))
	require.NotEmpty(o.t, made.ID, "%s", answer)
	return made.ID
}

// polls asks a host how its polls stand.
func polls(t *testing.T, address string) []host.Poll {
	t.Helper()
	resp, err := http.Get(address + "/api/v1/polls")
	require.NoError(t, err)
	defer resp.Body.Close()
	var list struct{ Polls []host.Poll }
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&list))
	return list.Polls
}

// awaitPolls returns once so many polls have worked.
func awaitPolls(t *testing.T, address string, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		worked := 0
		for _, p := range polls(t, address) {
			if !p.Last.IsZero() && p.Failures == 0 {
				worked++
			}
		}
		return worked == n
	}, waitMost, pollEvery)
}

// media returns how often there was a run of a workflow about each medium.
func media(t *testing.T, address, workflow string) map[string]int {
	t.Helper()
	resp, err := http.Get(address + "/api/v1/runs?limit=1000&workflow=" + workflow)
	require.NoError(t, err)
	defer resp.Body.Close()
	var list struct{ Runs []host.Run }
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&list))
	counts := map[string]int{}
	for _, r := range list.Runs {
		resp, err := http.Get(address + "/api/v1/runs/" + r.ID)
		require.NoError(t, err)
		var run struct {
			Trigger struct {
				MediaID string `json:"media_id"`
			}
		}
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&run))
		require.NoError(t, resp.Body.Close())
		counts[run.Trigger.MediaID]++
	}
	return counts
}

func TestUp_FindsEventsByPolling(t *testing.T) {
	t.Parallel()
	twin := strings.Replace(polled, "name: polled", "name: twin", 1)
	s := serveFile(t, write(t, "polled.yaml", polled), write(t, "twin.yaml", twin))
	awaitPolls(t, s.Address, 3)
	o := ownerOf(t, s.Sandbox.URL)
	want := map[string]int{
		o.publish("image_url=https://cdn.example/photo.jpg"):                    1,
		o.publish("media_type=STORIES&image_url=https://cdn.example/photo.jpg"): 1,
	}
	resp, err := http.Post(s.Sandbox.URL+"/__sandbox/people/"+jane+"/tag", "application/json", strings.NewReader(`{"text":"Morning"}`))
	require.NoError(t, err)
	var tag struct {
		MediaID string `json:"media_id"`
	}
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&tag))
	require.NoError(t, resp.Body.Close())
	want[tag.MediaID] = 1
	for range 6 {
		assert.Equal(t, host.RunSucceeded, s.ended(t).State)
	}
	assert.Equal(t, want, media(t, s.Address, "polled"))
	assert.Equal(t, want, media(t, s.Address, "twin"))
	for _, p := range polls(t, s.Address) {
		assert.Equal(t, []string{"polled", "twin"}, p.Workflows, "they share each poll")
	}
	asked := journal(t, s.Sandbox.URL, http.MethodGet, "/17841405726653026/tags")
	_, answer := s.call("GET", "/metrics", "")
	assert.Contains(t, string(answer), `storyloop_polls_total{connector="instagram",outcome="ok",trigger="tagged_in_media"}`)
	assert.Contains(t, string(answer), `storyloop_polled_events_total{connector="instagram",known="new"} 3`)
	assert.NotEmpty(t, asked)

	// The account's login ends, and comes back.
	s.fault(`{"kind":"error","code":190,"route":"GET /{ig-user}/tags","times":1}`)
	s.fault(`{"kind":"error","code":4,"route":"GET /{ig-user}/stories","times":1}`)
	require.Eventually(t, func() bool {
		kinds := map[string]string{}
		for _, p := range polls(t, s.Address) {
			kinds[p.Trigger] = p.Kind
		}
		return kinds["tagged_in_media"] == "unauthenticated" && kinds["story_published"] == "rate_limited"
	}, waitMost, pollEvery)
	r := storyloop(t, "polls", "--data", s.data)
	assert.Equal(t, 0, r.code, r.stderr)
	assert.Contains(t, r.stdout, "failed 1 times: unauthenticated")
	_, answer = s.call("GET", "/metrics", "")
	assert.Contains(t, string(answer), `storyloop_polls_total{connector="instagram",outcome="unauthenticated",trigger="tagged_in_media"} 1`)

	// Off, they are polled no more.
	s.must("POST", "/api/v1/workflows/polled/disable", "{}", nil)
	s.must("POST", "/api/v1/workflows/twin/disable", "{}", nil)
	require.Empty(t, polls(t, s.Address))
	s.stop(t)
	assert.Equal(t, 1, strings.Count(s.stderr.String(), `"level":"ERROR","msg":"events cannot be looked for"`), "it is said, once")
	assert.NotContains(t, s.stderr.String(), o.token)
}

func TestUp_FindsACommentWhoseWebhookWasLost(t *testing.T) {
	t.Parallel()
	s := serveFile(t)
	added, err := json.Marshal(map[string]any{"text": commented, "enable": true}) // while it runs
	require.NoError(t, err)
	s.must("POST", "/api/v1/workflows", string(added), nil)
	awaitPolls(t, s.Address, 1)
	comment := func() {
		resp, err := http.Post(s.Sandbox.URL+"/__sandbox/people/"+jane+"/comment", "application/json", strings.NewReader(`{"media_id":"17900001000000001","text":"Love it"}`))
		require.NoError(t, err)
		defer resp.Body.Close()
		require.Equal(t, 200, resp.StatusCode)
	}
	s.control("rules", `{"hold":true}`) // the webhook does not come
	comment()
	assert.Equal(t, "commented", s.ended(t).Workflow)
	s.control("rules", `{}`) // it comes late
	s.control("flush", "")
	comment()
	s.ended(t)
	s.must("POST", "/api/v1/workflows/commented/disable", "{}", nil)
	s.stop(t)
	_, more := <-s.lines
	assert.False(t, more, "each comment has started one run")
}

func TestUp_KilledBetweenPolls(t *testing.T) {
	t.Parallel()
	a := &app{getenv: noEnv, stdout: io.Discard, stderr: io.Discard, logLevel: "error", lockFile: lock}
	box, err := a.startSandbox(t.Context(), 0, "")
	require.NoError(t, err)
	t.Cleanup(box.close)
	o := ownerOf(t, box.URL)
	data := filepath.Join(t.TempDir(), "storyloop.db")
	credentials := write(t, "credentials.yaml", fmt.Sprintf("credentials: {bluebottle: {connector: instagram, method: access_token, form: {access_token: %s}}}", o.token))
	start := func(args ...string) (*exec.Cmd, upLine) {
		cmd := exec.Command(os.Args[0], append([]string{"up", "--json", "--lock", lock, "--credentials", credentials, "--data", data,
			"--settings", fmt.Sprintf(`{"instagram":{"sandbox_url":%q}}`, box.URL)}, args...)...)
		return cmd, begin(t, cmd)
	}
	cmd, line := start(write(t, "polled.yaml", polled))
	awaitPolls(t, line.Address, 3)
	want := map[string]int{}
	for i := range 5 {
		want[o.publish("image_url=https://cdn.example/photo.jpg")] = 1
		time.Sleep(time.Duration(i) * 300 * time.Millisecond) // somewhere between the poll, the event and its run
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait()
		cmd, line = start()
	}
	require.Eventually(t, func() bool { return len(media(t, line.Address, "polled")) == len(want) }, waitMost, pollEvery)
	o.publish("image_url=https://cdn.example/photo.jpg")
	require.Eventually(t, func() bool { return len(media(t, line.Address, "polled")) == len(want)+1 }, waitMost, pollEvery)
	for id, times := range media(t, line.Address, "polled") {
		assert.Equal(t, 1, times, id)
	}
}

func TestCheck_Polls(t *testing.T) {
	t.Parallel()
	instagram := func(trigger, poll string) string {
		return `{connector: instagram, trigger: ` + trigger + `, credential: x, input: {ig_user_id: "1"}, poll: ` + poll + `}`
	}
	wrong := map[string]string{
		`{connector: manual, poll: 5m}`:                                              "no events of this trigger can be found by polling",
		instagram("media_published", "never"):                                        "the events of media_published are found by polling alone",
		instagram("story_expired", "5m"):                                             "no events of this trigger can be found by polling",
		instagram("media_published", "10ms"):                                         "must be 1s at least",
		instagram("media_published", "sometimes"):                                    "/trigger/poll",
		`{connector: instagram, trigger: media_published, input: {ig_user_id: "1"}}`: "is required: which account instagram is to act for",
	}
	files := map[string]string{} // By trigger.
	args := []string{"check"}
	for trigger := range wrong {
		files[trigger] = write(t, "a.yaml", `{name: a, trigger: `+trigger+`, steps: []}`)
		args = append(args, files[trigger])
	}
	r := storyloop(t, args...)
	assert.Equal(t, 2, r.code)
	for trigger, want := range wrong {
		assert.Regexp(t, files[trigger]+":.*"+want, r.stdout)
	}
	args = []string{"check"}
	for _, poll := range []string{"never", "1d", "90s"} {
		args = append(args, write(t, "a.yaml", `{name: a, trigger: `+instagram("comment_added", poll)+`, steps: []}`))
	}
	r = storyloop(t, args...)
	assert.Equal(t, 0, r.code, r.stdout)
}
