package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

func TestControl_DrivesTheWorld(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	h := newHook(t, c)
	assert.Contains(t, c.control(http.MethodPost, "clock", map[string]string{"advance": "90m"}).text, `"now":"2026-08-03T10:30:00Z"`)
	assert.Contains(t, c.control(http.MethodPost, "clock", map[string]string{"now": "2026-08-03T12:00:00+02:00"}).text, `"now":"2026-08-03T10:00:00Z"`)
	c.control(http.MethodPost, "callback", map[string]any{"url": h.URL, "verify_token": "v", "verify": true, "fields": []string{"comments"}})
	out := c.control(http.MethodPost, "people/"+jane+"/comment", map[string]string{"media_id": "17900001000000001", "text": "Hi"})
	assert.Contains(t, out.text, `"comment_id":"178`)
	c.control(http.MethodPost, "deliveries", map[string]any{"body": map[string]string{"object": "instagram"}})
	c.control(http.MethodPost, "flush", nil)
	assert.Len(t, h.flush(c), 2)
	assert.Equal(t, 2, strings.Count(c.control(http.MethodGet, "deliveries", nil).text, `"state":"delivered"`))
	c.control(http.MethodPost, "rules", map[string]int{"duplicate": 1})

	made := c.control(http.MethodPost, "tokens", map[string]any{"kind": "USER", "user_id": c.info.Accounts[0].UserID, "scopes": []string{"instagram_basic"}})
	var token struct {
		AccessToken string `json:"access_token"`
	}
	require.NoError(t, json.Unmarshal([]byte(made.text), &token))
	c.get("/me?access_token=" + token.AccessToken).ok()
	c.control(http.MethodPost, "tokens/invalidate", map[string]any{"token": token.AccessToken, "subcode": 458})
	c.get("/me?access_token="+token.AccessToken).fails(190, 458)

	c.control(http.MethodPost, "faults", map[string]any{"kind": "error", "code": 2, "times": 5})
	assert.Contains(t, c.control(http.MethodGet, "faults", nil).text, `"left":5`)
	c.control(http.MethodDelete, "faults", nil)
	c.control(http.MethodPost, "limits", map[string]int{"app_per_hour": 1})
	c.get("/me").ok()
	c.get("/me").fails(4, 0)
	c.control(http.MethodPost, "assets", map[string]any{"url": photo, "missing": true})
	c.post("/"+account+"/media", url.Values{"image_url": {photo}}).fails(9004, 2207052)

	journal := c.control(http.MethodGet, "requests?route=POST%20/%7Big-user%7D/media", nil).text
	assert.Equal(t, 1, strings.Count(journal, `"seq"`))
	assert.Contains(t, journal, `"POST /{ig-user}/media":1`)
	c.control(http.MethodDelete, "requests", nil)
	assert.Contains(t, c.control(http.MethodGet, "people", nil).text, `{"igsid":"7700000000000001","username":"jane_doe","account_id":"17841405726653026","account":"bluebottle"}`)

	c.control(http.MethodPost, "reset", nil)
	c.get("/me").ok()
	assert.Len(t, c.sb.Requests(), 1)
	assert.Contains(t, c.control(http.MethodGet, "clock", nil).text, "2026-08-03T10:00:00Z", "the clock stays")
	c.get("/me?access_token="+token.AccessToken).fails(190, 0)
}

func TestControl_RefusesClearly(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, bad := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"POST", "clock", `{}`, 400, "either now"},
		{"POST", "clock", `{"advance":"soon"}`, 400, "duration"},
		{"POST", "clock", `{"now":5}`, 400, "reading the body"},
		{"POST", "clock", ``, 400, "empty"},
		{"POST", "clock", `{"advance":"1h"}{}`, 400, "more than one"},
		{"POST", "faults", `{"kind":"odd"}`, 400, "none of error"},
		{"POST", "faults", `{"typo":1}`, 400, "unknown field"},
		{"POST", "people", `{}`, 400, "/__sandbox/people/{igsid}/{action}"},
		{"POST", "people/1/comment", `{}`, 400, "no person"},
		{"POST", "people/" + jane + "/wave", `{}`, 400, "none of ad_message"},
		{"POST", "callback", `{"url":"nowhere"}`, 400, "http or https"},
		{"POST", "callback", `{"url":"http://127.0.0.1:1/","verify":true}`, 400, "could not be reached"},
		{"POST", "callback", `{"url":"http://127.0.0.1:1/","fields":["x"]}`, 400, "no field"},
		{"POST", "deliveries", `{}`, 400, "body"},
		{"POST", "deliveries", `{"body":{}}`, 400, "no callback"},
		{"POST", "tokens", `{"kind":"USER","user_id":"1","scopes":[]}`, 400, "no user"},
		{"POST", "tokens/invalidate", `{"token":"x","subcode":460}`, 400, "no such token"},
		{"POST", "rules", `{"batch":5000}`, 400, "batch is from 0 to 1000"},
		{"POST", "assets", `{}`, 400, "url"},
		{"PUT", "clock", `{}`, 405, "PUT"},
		{"GET", "nothing", ``, 404, "/__sandbox/schema"},
		{"GET", "", ``, 404, "/__sandbox/info"},
	} {
		r := c.do(c.request(bad.method, "/__sandbox/"+bad.path, "application/json", bad.body))
		assert.Equal(t, bad.status, r.status, bad.path)
		assert.Contains(t, r.text, bad.says)
		assert.True(t, json.Valid([]byte(r.text)))
	}
	assert.Contains(t, c.do(c.request(http.MethodGet, "/__sandbox", "", "")).text, "/__sandbox/info")
}

// TestControl_SchemaKnowsEveryCommand holds the schema against the commands and their bodies.
func TestControl_SchemaKnowsEveryCommand(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	text := c.control(http.MethodGet, "schema", nil).text
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("control.json", strings.NewReader(text)))
	schema, err := compiler.Compile("control.json")
	require.NoError(t, err)

	var doc struct {
		Properties map[string]struct {
			Ref string `json:"$ref"`
		}
		Defs map[string]struct {
			Properties map[string]struct {
				Description string
				Enum        []string
			}
		} `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal([]byte(text), &doc))
	bodies := map[string]any{
		"fault": sandbox.Fault{}, "action": sandbox.Action{}, "rules": sandbox.Rules{}, "token": sandbox.TokenSpec{}, "limits": sandbox.Limits{}, "asset": sandbox.Asset{}, "removal": sandbox.Removal{},
	}
	for name, body := range bodies {
		var got []string
		for key, property := range doc.Defs[name].Properties {
			assert.NotEmpty(t, property.Description, name+"."+key)
			got = append(got, key)
		}
		assert.ElementsMatch(t, jsonNames(body), got, name)
	}
	kinds := doc.Defs["action"].Properties["kind"].Enum
	slices.Sort(kinds)
	assert.Equal(t, sandbox.ActionKinds(), kinds)
	for command, property := range doc.Properties {
		method, path, _ := strings.Cut(command, " ")
		r := c.do(c.request(method, "/__sandbox/"+path, "application/json", "{"))
		assert.NotEqual(t, http.StatusNotFound, r.status, command)
		assert.NotEqual(t, http.StatusMethodNotAllowed, r.status, command)
		if property.Ref != "" {
			assert.Equal(t, http.StatusBadRequest, r.status, command)
		}
	}
	for _, good := range []string{`{"POST clock":{"advance":"1h"}}`, `{"POST faults":{"kind":"hang"}}`, `{"POST people":{"text":"Hi"}}`} {
		assert.NoError(t, schema.Validate(decode(t, good)))
	}
	for _, bad := range []string{`{"POST clock":{}}`, `{"POST faults":{"kind":"odd"}}`, `{"POST people":{"colour":"red"}}`, `{"POST nothing":{}}`} {
		assert.Error(t, schema.Validate(decode(t, bad)), bad)
	}
}

func decode(t *testing.T, text string) (value any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), &value))
	return value
}

func TestClock_RunsAtTheSpeedOfTimeWhenAsked(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, time.November, 22, 4, 0, 0, 0, time.UTC)
	c := newClientOf(t, sandbox.Options{Clock: sandbox.NewRunningClock(start)})
	h := c.hook()
	var stories page
	c.get("/" + account + "/stories?limit=100").into(&stories)
	assert.Len(t, stories.Data, 30, "the seed world is as old as its clock")
	first := c.sb.Clock().Now()
	require.Eventually(t, func() bool { return c.sb.Clock().Now().After(first) }, time.Minute, time.Millisecond)
	require.NoError(t, c.sb.SetRules(sandbox.Rules{DelaySeconds: 1}))
	c.act(jane, "comment", sandbox.Action{MediaID: "17900001000000001", Text: "Hi"})
	require.Eventually(t, func() bool { return c.sb.Deliveries()[0].State == sandbox.DeliveryDone }, time.Minute, 5*time.Millisecond)
	assert.Len(t, h.flush(c), 1)
}

func TestWorld_IsTheSameInEveryRun(t *testing.T) {
	t.Parallel()
	run := func() string {
		c := newClientOf(t, sandbox.Options{})
		var out strings.Builder
		c.post("/"+account+"/mentions", url.Values{"media_id": {sandbox.SeedMentionMediaID}, "message": {"Hi"}}).ok()
		out.WriteString(c.get("/" + account + "/media?fields=id,timestamp,like_count,shortcode&limit=100").ok())
		out.WriteString(c.act(jane, "message", sandbox.Action{Text: "x"}).MessageID)
		out.WriteString(c.get("/" + account + "?fields=nope").text)
		return out.String()
	}
	assert.Equal(t, run(), run())
}

func TestWorld_CanBeLarge(t *testing.T) {
	t.Parallel()
	world := sandbox.Seed{Stories: 5000, Media: 12_000}.World()
	c := newClientOf(t, sandbox.Options{World: world})
	for edge, want := range map[string]int{"stories": 5000, "media": 10_000} {
		next, n := "/"+account+"/"+edge+"?limit=100", 0
		for next != "" {
			var got page
			c.get(next).into(&got)
			n += len(got.Data)
			next = got.Paging.Next
		}
		assert.Equal(t, want, n, edge)
	}
}

func TestLoadWorld_ReadsWhatItWrote(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(sandbox.SeedWorld())
	require.NoError(t, err)
	world, err := sandbox.LoadWorld(bytes.NewReader(text))
	require.NoError(t, err)
	assert.Equal(t, sandbox.SeedWorld(), world)
	c := newClientOf(t, sandbox.Options{World: world})
	c.get("/me").ok()
}

func TestLoadWorld_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	const app = `"app":{"id":"1","secret":"2","name":"n","instagram_id":"3","instagram_secret":"4"}`
	const accounts = `"accounts":[{"id":"10","username":"me"}]`
	for text, says := range map[string]string{
		``:                              "it is empty",
		`{} {}`:                         "more after",
		`{"typo":1}`:                    `unknown field "typo"`,
		`{"accounts":[]}`:               "app.id: it is missing",
		`{` + app + `,"accounts":[{}]}`: "accounts[0].username: it is missing",
		`{` + app + `,` + accounts + `,"pages":[{"id":"10","name":"x"}]}`:                                                                  `accounts[0].id: "10" is the id of pages[0] already`,
		`{` + app + `,` + accounts + `,"media":[{"id":"5","owner_id":"6","type":"IMAGE","product":"FEED","at":"2026-01-01T00:00:00Z"}]}`:   `media[0].owner_id: there is no account or person "6"`,
		`{` + app + `,` + accounts + `,"media":[{"id":"5","owner_id":"10","type":"IMAGE","product":"REELS","at":"2026-01-01T00:00:00Z"}]}`: `no medium of Instagram`,
		`{` + app + `,` + accounts + `,"comments":[{"id":"5","media_id":"1","from_id":"10","text":"x","at":"2026-01-01T00:00:00Z"}]}`:      `comments[0].media_id: there is no media "1"`,
		`{` + app + `,` + accounts + `,"tokens":[{"value":"x","kind":"ROOT","scopes":[]}]}`:                                                `tokens[0].kind: "ROOT" is none of`,
	} {
		_, err := sandbox.LoadWorld(strings.NewReader(text))
		assert.ErrorContains(t, err, says, text)
	}
	_, err := sandbox.New(sandbox.Options{World: &sandbox.World{}})
	assert.ErrorContains(t, err, "app.id")
}

func TestFlush_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	require.NoError(t, c.sb.Flush(context.Background()), "nothing is due")
	block := make(chan struct{})
	h := newHook(t, c)
	h.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-block })
	defer close(block)
	require.NoError(t, c.sb.SetCallback(h.URL, "v"))
	c.act(jane, "comment", sandbox.Action{MediaID: "17900001000000001", Text: "Hi"})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, c.sb.Flush(ctx), context.DeadlineExceeded)
}
