package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
)

func example(name string) string { return filepath.Join("..", "..", "..", "examples", name) }

func TestDemo_GetsEveryStoryOfThreePages(t *testing.T) {
	t.Parallel()
	r := storyloop(t, "demo")
	require.Equal(t, 0, r.code, r.stderr)
	assert.Contains(t, r.stdout, "30 stories in 3 pages")
	assert.Contains(t, r.stderr, "loop-1           30 of 30", "progress says which iteration")
	assert.Contains(t, r.stderr, "connector instagram")
	assert.NotContains(t, r.stderr+r.stdout, "EAAB", "no token is printed")

	r = storyloop(t, "demo", "--json")
	require.Equal(t, 0, r.code, r.stderr)
	var stories []story
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &stories))
	require.Len(t, stories, 30)
	seen := map[string]bool{}
	for _, s := range stories {
		assert.Len(t, s.ID, 17)
		assert.NotEmpty(t, s.Permalink)
		seen[s.ID] = true
	}
	assert.Len(t, seen, 30)
}

func TestRun_EveryStory(t *testing.T) {
	t.Parallel()
	r := storyloop(t, "run", example("every-story.yaml"), "--sandbox", "--json", "--stories", "60")
	require.Equal(t, 0, r.code, r.stderr)
	var got struct {
		State host.RunState
		Steps map[string]struct {
			Data  []struct{ ID string }
			Count int
		}
	}
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &got))
	assert.Equal(t, host.RunSucceeded, got.State)
	assert.Len(t, got.Steps["instagram-1"].Data, 60)
	assert.Equal(t, 60, got.Steps["loop-1"].Count)
}

func TestRun_RawRequest(t *testing.T) {
	t.Parallel()
	r := storyloop(t, "run", example("raw-request.yaml"), "--sandbox", "--json")
	require.Equal(t, 0, r.code, r.stderr)
	var got struct {
		Steps map[string]struct {
			Data       []struct{ ID string }
			StatusCode int `json:"status_code"`
			Body       struct {
				ID        string
				MediaType string `json:"media_type"`
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &got))
	require.Len(t, got.Steps["instagram-1"].Data, 1)
	assert.Equal(t, 200, got.Steps["instagram-2"].StatusCode)
	assert.Equal(t, got.Steps["instagram-1"].Data[0].ID, got.Steps["instagram-2"].Body.ID)
	assert.NotEmpty(t, got.Steps["instagram-2"].Body.MediaType)
	assert.NotContains(t, r.stdout, "EAAB", "no token in an output")
}

func TestRun_BuiltInConnectorsHaveWhatTheyNeed(t *testing.T) {
	t.Parallel()
	doc := write(t, "count.yaml", `name: count
trigger: { connector: manual }
steps:
  - id: storage-1
    connector: storage
    operation: increment
    input: { scope: workflow, key: runs, by: 17841405726653027 }
  - id: transform-1
    connector: transform
    operation: jq
    input: { program: ".n + 1", inputs: { n: $.steps.storage-1.value } }
`)
	data := filepath.Join(t.TempDir(), "storyloop.db")
	for _, want := range []string{"17841405726653028", "35682811453306055"} {
		r := storyloop(t, "run", doc, "--json", "--data", data)
		require.Equal(t, 0, r.code, r.stderr)
		assert.Contains(t, r.stdout, `"transform-1":{"result":`+want+`}`, "what was stored is there in the next run")
	}
	r := storyloop(t, "run", doc, "--settings", `{"http-client":{"allow":["not an address!"]}}`)
	assert.Equal(t, 2, r.code, r.stderr)
}

// TestRun_KeepsAWorkflowOn runs a workflow of a host that is down meanwhile.
func TestRun_KeepsAWorkflowOn(t *testing.T) {
	t.Parallel()
	doc := write(t, "on.yaml", "name: \"on\"\ntrigger: { connector: callable }\nsteps: []\n")
	data := filepath.Join(t.TempDir(), "storyloop.db")
	for _, args := range [][]string{{"workflows", "add", doc, "--enable"}, {"run", doc}} {
		r := storyloop(t, append(args, "--data", data)...)
		require.Equal(t, 0, r.code, r.stderr)
	}
	r := storyloop(t, "workflows", "list", "--json", "--data", data)
	require.Equal(t, 0, r.code, r.stderr)
	assert.Contains(t, r.stdout, `"enabled":true`)
}

// TestRun_ListsNoMoreThanAsked shows of a list what references to it see.
func TestRun_ListsNoMoreThanAsked(t *testing.T) {
	t.Parallel()
	doc := write(t, "few.yaml", `name: few
trigger: { connector: manual }
steps:
  - id: instagram-1
    connector: instagram
    operation: list_stories
    credential: bluebottle
    input: { ig_user_id: "17841405726653026", limit: 2 }
    paging: { mode: all, max_items: 3 }
`)
	r := storyloop(t, "run", doc, "--sandbox", "--json", "--stories", "9")
	require.Equal(t, 0, r.code, r.stderr)
	var got struct {
		Steps map[string]struct{ Data []json.RawMessage }
	}
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &got))
	assert.Len(t, got.Steps["instagram-1"].Data, 3)
}

// TestRun_Output gives the run's output also where a step in a loop gave it.
func TestRun_Output(t *testing.T) {
	t.Parallel()
	doc := write(t, "first.yaml", `name: first
trigger: { connector: manual }
steps:
  - id: loop-1
    connector: loop
    operation: loop_list
    input: { list: [17841405726653027, 2] }
    steps:
      - { id: terminate-1, connector: terminate, operation: finish, input: { output: { id: $.steps.loop-1.value } } }
`)
	r := storyloop(t, "run", doc, "--json")
	require.Equal(t, 0, r.code, r.stderr)
	assert.Contains(t, r.stdout, `"output":{"id":17841405726653027}`)
}

// The payloads are those of Meta's documentation, with the array around them.
const (
	commentMention = `[{"entry":[{"changes":[{"field":"mentions","value":{"comment_id":"17894227972186120","media_id":"17918195224117851"}}],"id":"17841405726653026","time":1520622968}],"object":"instagram"}]`
	captionMention = `[{"entry":[{"changes":[{"field":"mentions","value":{"media_id":"17918195224117851"}}],"id":"17841405726653026","time":1520622968}],"object":"instagram"}]`
)

func TestUp_RepliesToMentionsOnce(t *testing.T) {
	t.Parallel()
	d := up(t, example("reply-to-mention.yaml"))
	for _, payload := range []string{commentMention, captionMention} {
		for range 3 { // Meta delivers more than once
			require.Equal(t, 200, d.deliver(t, []byte(payload)))
		}
		assert.Equal(t, host.RunSucceeded, d.ended(t).State)
	}
	d.stop(t)
	assert.Empty(t, d.lines, "no run was doubled")
	_, doubled := <-d.lines
	assert.False(t, doubled)
	assert.NotContains(t, d.stderr.String(), d.Sandbox.AppSecret)
	assert.NotContains(t, d.stderr.String(), "EAAB")
}

func TestUp_RepliesReachTheAccount(t *testing.T) {
	t.Parallel()
	d := up(t, example("reply-to-mention.yaml"))
	require.Equal(t, 200, d.deliver(t, []byte(commentMention)))
	require.Equal(t, host.RunSucceeded, d.ended(t).State)
	require.Equal(t, 200, d.deliver(t, []byte(captionMention)))
	require.Equal(t, host.RunSucceeded, d.ended(t).State)
	// The same event once more, after its run has ended.
	require.Equal(t, 200, d.deliver(t, []byte(commentMention)))

	replies := journal(t, d.Sandbox.URL, http.MethodPost, "/17841405726653026/mentions")
	require.Len(t, replies, 2)
	assert.Equal(t, 200, replies[0].Status)
	assert.Equal(t, "17918195224117851", replies[0].Params["media_id"])
	assert.Equal(t, "17894227972186120", replies[0].Params["comment_id"])
	assert.Equal(t, "Challenge accepted!", replies[0].Params["message"])
	assert.Equal(t, "17918195224117851", replies[1].Params["media_id"])
	assert.NotContains(t, replies[1].Params, "comment_id")
	assert.Equal(t, "MacLeod agrees!", replies[1].Params["message"])
}

func TestUp_AnswersTheHandshake(t *testing.T) {
	t.Parallel()
	d := up(t, example("reply-to-mention.yaml"))
	for token, want := range map[string]int{d.Sandbox.VerifyToken: 200, "another": 403} {
		resp, err := http.Get(d.Webhooks["instagram"] + "?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=" + token)
		require.NoError(t, err)
		var body bytes.Buffer
		_, err = body.ReadFrom(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, want, resp.StatusCode)
		assert.Equal(t, want == 200, body.String() == "1158201444")
	}
}

func TestUp_RefusesWhatMetaDidNotSend(t *testing.T) {
	t.Parallel()
	d := up(t, example("reply-to-mention.yaml"))
	forged := "sha256=" + strings.Repeat("0", 64)
	assert.Equal(t, 403, d.post(t, []byte(commentMention), forged))
	assert.Equal(t, 403, d.post(t, []byte(commentMention), ""))
	assert.Equal(t, 413, d.deliver(t, bytes.Repeat([]byte("x"), 1<<20+1)))
	assert.Equal(t, 400, d.deliver(t, []byte("not JSON")))
	// What was refused left nothing: the only run is that of the next event.
	require.Equal(t, 200, d.deliver(t, []byte(captionMention)))
	require.Equal(t, host.RunSucceeded, d.ended(t).State)
	assert.Len(t, journal(t, d.Sandbox.URL, http.MethodPost, "/mentions"), 1)
}

func TestUp_TakesWhatTheSandboxSends(t *testing.T) {
	t.Parallel()
	d := up(t, example("reply-to-mention.yaml"))
	people, err := http.Get(d.Sandbox.URL + "/__sandbox/people")
	require.NoError(t, err)
	defer people.Body.Close()
	var all []struct{ IGSID, Username, Account string }
	require.NoError(t, json.NewDecoder(people.Body).Decode(&all))
	i := slices.IndexFunc(all, func(p struct{ IGSID, Username, Account string }) bool {
		return p.Username == "jane_doe" && p.Account == "bluebottle"
	})
	require.GreaterOrEqual(t, i, 0)
	resp, err := http.Post(d.Sandbox.URL+"/__sandbox/people/"+all[i].IGSID+"/mention_in_comment", "application/json",
		strings.NewReader(`{"media_id":"17918195224117851","text":"@bluebottle challenge?"}`))
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, 200, resp.StatusCode)
	assert.Equal(t, host.RunSucceeded, d.ended(t).State)
	assert.Len(t, journal(t, d.Sandbox.URL, http.MethodPost, "/17841405726653026/mentions"), 1)
}

func TestCheck_SaysWhereAndWhatWasMeant(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(example("*.yaml"))
	require.NoError(t, err)
	r := storyloop(t, append([]string{"check"}, files...)...)
	require.Equal(t, 0, r.code, r.stdout+r.stderr)

	bad := write(t, "bad.yaml", `name: bad
trigger: { connector: manual }
steps:
  - id: instagram-1
    connector: instagram
    operation: list_storys
  - id: instagram-2
    connector: instagram
    operation: get_story
    inputs: {}
  - id: instagram-3
    connector: instagram
    operation: get_story
    input: { story_idd: "1", story_id: "$.steps.instagram-9.id" }
  - id: slack-1
    connector: slack
    operation: post
`)
	r = storyloop(t, "check", bad)
	assert.Equal(t, 2, r.code)
	for _, want := range []string{
		bad + `:10:`, `did you mean "input"?`,
	} {
		assert.Contains(t, r.stdout, want)
	}
	fixed, err := os.ReadFile(bad)
	require.NoError(t, err)
	bad = write(t, "bad.yaml", strings.Replace(string(fixed), "    inputs: {}\n", "", 1))
	r = storyloop(t, "check", bad)
	assert.Equal(t, 2, r.code)
	assert.Contains(t, r.stdout, bad+`:13:`)
	assert.Contains(t, r.stdout, `no step "instagram-9" (did you mean "instagram-1"?)`)

	bad = write(t, "bad.yaml", strings.NewReplacer("    inputs: {}\n", "", "instagram-9.id", "instagram-1.dato[0].id").Replace(string(fixed)))
	r = storyloop(t, "check", bad)
	assert.Equal(t, 2, r.code)
	for _, want := range []string{
		bad + `:6:`, `did you mean "list_stories"?`,
		`/steps/2/input/story_idd`, `did you mean "story_id"?`,
		`no connector "slack"`,
	} {
		assert.Contains(t, r.stdout, want)
	}
	r = storyloop(t, "check", "--json", bad)
	var problems []problemLine
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &problems))
	assert.NotEmpty(t, problems)
	r = storyloop(t, "check", "no-such-file.yaml", files[0], t.TempDir())
	assert.Equal(t, 2, r.code)
	assert.Contains(t, r.stdout, files[0]+": ok", "what can be read is checked")
	assert.Contains(t, r.stderr, "no-such-file.yaml: no such file")
	assert.Contains(t, r.stderr, "is a directory")
	assert.Equal(t, 2, storyloop(t, "run", bad).code, "what is wrong is not run")
}

func TestCheck_AgainstOwnCredentialsOrTheSandboxs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(example("*.yaml"))
	require.NoError(t, err)
	own := write(t, "own.yaml", `credentials:
  mine: { connector: instagram, method: access_token, form: { access_token: EAAB } }
  door: { connector: webhook, method: hmac, form: { secret: s3cr3t } }
`)
	check := append([]string{"check", "--credentials", own}, files...)
	r := storyloop(t, check...)
	assert.Equal(t, 2, r.code)
	assert.Contains(t, r.stdout, `no credential "bluebottle" (there are mine)`, "only those that fit are offered")
	r = storyloop(t, append(check, "--sandbox")...)
	assert.Equal(t, 0, r.code, r.stdout+r.stderr)
}

func TestInvoke_PrintsTheOutputAsItCame(t *testing.T) {
	t.Parallel()
	r := storyloop(t, "invoke", "instagram", "list_stories", "--sandbox", "--credential", "bluebottle", "--input", `{"ig_user_id":"17841405726653026","limit":3}`)
	require.Equal(t, 0, r.code, r.stderr)
	var page struct{ Data []struct{ ID string } }
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &page))
	assert.Len(t, page.Data, 3)
	assert.Contains(t, r.stderr, "--page-token")

	r = storyloop(t, "invoke", "instagram", "list_stories", "--all", "--sandbox", "--credential", "bluebottle", "--input", `{"ig_user_id":"17841405726653026","limit":10}`)
	require.Equal(t, 0, r.code, r.stderr)
	assert.Len(t, strings.Split(strings.TrimSpace(r.stdout), "\n"), 3, "a line a page")
}

// Whoever runs a workflow must see what the service itself said; the workflow must
// not, since it may hand it to anybody.
func TestFailure_TellsWhatTheServiceSaid(t *testing.T) {
	t.Parallel()
	const said = "Unsupported get request"
	r := storyloop(t, "invoke", "instagram", "get_story", "--sandbox", "--credential", "bluebottle", "--input", `{"story_id":"17999999999999999"}`)
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.stderr, said)

	doc := write(t, "w.yaml", `{name: w, trigger: {connector: manual}, steps: [{id: a, connector: instagram, operation: get_story, credential: bluebottle,
		input: {story_id: "17999999999999999"}, on_error: {strategy: branch, error: [{id: f, connector: terminate, operation: finish, input: {output: $.errors.a}}]}}]}`)
	r = storyloop(t, "run", doc, "--sandbox", "--json")
	require.Equal(t, 0, r.code, r.stderr)
	assert.Contains(t, r.stdout, "not_found")
	assert.NotContains(t, r.stdout, said)

	doc = write(t, "w.yaml", `{name: w, trigger: {connector: manual}, steps: [{id: b, connector: instagram, operation: get_story, credential: bluebottle, input: {story_id: "17999999999999999"}}]}`)
	data := filepath.Join(t.TempDir(), "w.db")
	r = storyloop(t, "run", doc, "--sandbox", "--data", data)
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.stderr, said)
	_, rest, _ := strings.Cut(r.stderr, "run ")
	id, _, _ := strings.Cut(rest, " ")
	assert.Contains(t, storyloop(t, "runs", "show", id, "--data", data).stdout, said)
}

func TestInvoke_BadInput(t *testing.T) {
	t.Parallel()
	large := write(t, "large.json", fmt.Sprintf(`{"ig_user_id":"1","x":%q}`, strings.Repeat("x", 20<<20)))
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"unknown connector", []string{"instagran", "list_stories"}, 2, `did you mean "instagram"?`},
		{"unknown operation", []string{"instagram", "list_storys"}, 2, `did you mean "list_stories"?`},
		{"unknown credential", []string{"instagram", "list_stories", "--credential", "nobody"}, 2, `there is no credential "nobody"`},
		{"no credential", []string{"instagram", "list_stories", "--input", `{"ig_user_id":"1"}`}, 2, "--credential"},
		{"unknown property", []string{"instagram", "list_stories", "--input", `{"ig_user":"1"}`}, 2, "/ig_user is no property here"},
		{"wrong type", []string{"instagram", "list_stories", "--input", `{"ig_user_id":1}`}, 2, "/ig_user_id must be a string, not a number"},
		{"not JSON", []string{"instagram", "list_stories", "--input", `{`}, 2, "not JSON: line 1"},
		{"too large", []string{"instagram", "list_stories", "--input", "@" + large}, 2, "16777216"},
		{"missing file", []string{"instagram", "list_stories", "--input", "@no-such-file"}, 2, "no-such-file"},
		{"unknown flag", []string{"instagram", "list_stories", "--inputs", `{}`}, 2, "--inputs"},
		{"too few arguments", []string{"instagram"}, 2, "accepts 2 arg"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := storyloop(t, append([]string{"invoke"}, tt.args...)...)
			assert.Equal(t, tt.code, r.code)
			assert.Contains(t, r.stderr, tt.want)
			assert.Less(t, len(r.stderr), 2000, "an error does not repeat the input")
		})
	}
}

func TestConnectors_OnlyLockedBinariesAreStarted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	binary := filepath.Join(dir, "connector-instagram")
	program, err := os.ReadFile(filepath.Join(filepath.Dir(lock), "connector-instagram"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(binary, program, 0o755))
	own := filepath.Join(dir, "connectors.lock")

	r := storyloop(t, "connectors", "--lock", own)
	assert.Contains(t, r.stdout, "storyloop connectors lock PATH")
	r = storyloop(t, "connectors", "lock", "--lock", own, binary)
	require.Equal(t, 0, r.code, r.stderr)
	assert.Contains(t, r.stdout, "locked instagram")
	require.Equal(t, 0, storyloop(t, "catalog", "--lock", own).code)

	require.NoError(t, os.WriteFile(binary, append(program, 0), 0o755))
	r = storyloop(t, "catalog", "--lock", own)
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.stderr, "is not the binary that was locked")
	assert.Contains(t, r.stderr, "storyloop connectors lock "+binary)
	r = storyloop(t, "connectors", "--lock", own)
	assert.Contains(t, r.stdout, "is not the binary that was locked")

	r = storyloop(t, "catalog", "--lock", filepath.Join(dir, "none.lock"), "--unverified", binary)
	assert.Equal(t, 0, r.code, r.stderr)
}

func TestCatalog_ShowsConnectorsOperationsAndSchemas(t *testing.T) {
	t.Parallel()
	r := storyloop(t, "catalog")
	require.Equal(t, 0, r.code, r.stderr)
	for _, name := range []string{"loop", "boolean-condition", "instagram"} {
		assert.Contains(t, r.stdout, name)
	}
	r = storyloop(t, "catalog", "instagram", "list_stories")
	assert.Contains(t, r.stdout, "ig_user_id")
	r = storyloop(t, "catalog", "instagram", "list_stories", "--json")
	var e entryLine
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &e))
	assert.Equal(t, "read", e.Effect)
	assert.NotEmpty(t, e.InputSchema)
	r = storyloop(t, "catalog", "instagram", "list_storys")
	assert.Equal(t, 2, r.code)
	assert.Contains(t, r.stderr, `did you mean "list_stories"?`)
}
