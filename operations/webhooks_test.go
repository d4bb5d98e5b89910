package operations_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

const (
	appSecret       = "app-s3cr3t"
	instagramSecret = "instagram-s3cr3t"
	registration    = `{"app_secret":"` + appSecret + `","instagram_app_secret":"` + instagramSecret + `","more_secrets":["old-s3cr3t"],"verify_token":"v3rify","usernames":["@BlueBottle"]}`
)

func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return fmt.Sprintf("sha256=%x", mac.Sum(nil))
}

// post hands a signed body to the connector, in this process: Receive uses no
// network.
func post(t testing.TB, body string) connector.Receipt {
	t.Helper()
	return operations.Instagram("1.0.0").Receive(t.Context(), connector.Delivery{
		App: connector.Secret(registration), Method: "POST", Body: []byte(body),
		Headers: []connector.Header{{Name: "x-hub-signature-256", Value: sign(appSecret, []byte(body))}},
	})
}

// names lists the triggers of events.
func names(events []connector.Event) []string {
	out := []string{}
	for _, e := range events {
		out = append(out, e.Trigger)
	}
	return out
}

func TestReceive_Handshake(t *testing.T) {
	t.Parallel()
	receive := operations.Instagram("1.0.0").Receive
	for _, tt := range []struct {
		name, app, query string
		status           int
		body             string
	}{
		{"good", registration, "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=v3rify", 200, "1158201444"},
		{"challenge as it came", registration, "hub.mode=subscribe&hub.verify_token=v3rify&hub.challenge=%3Cb%3E+0012", 200, "<b> 0012"},
		{"wrong token", registration, "hub.mode=subscribe&hub.challenge=1&hub.verify_token=nope", 403, ""},
		{"no token", registration, "hub.mode=subscribe&hub.challenge=1", 403, ""},
		{"wrong mode", registration, "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=v3rify", 403, ""},
		{"nothing", registration, "", 403, ""},
		{"no token configured", `{"app_secret":"x"}`, "hub.mode=subscribe&hub.challenge=1&hub.verify_token=", 403, ""},
		{"no app", ``, "hub.mode=subscribe&hub.challenge=1&hub.verify_token=v3rify", 403, ""},
		{"bad query", registration, "%zz", 403, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := receive(t.Context(), connector.Delivery{App: connector.Secret(tt.app), Method: "GET", Query: tt.query})
			assert.Equal(t, tt.status, r.Status)
			assert.Equal(t, tt.body, string(r.Body))
			assert.Empty(t, r.Events)
			if tt.status == 200 {
				assert.Contains(t, r.Headers, connector.Header{Name: "Content-Type", Value: "text/plain; charset=utf-8"})
			} else {
				assert.NotEmpty(t, r.Problems)
			}
		})
	}
}

func TestReceive_Signature(t *testing.T) {
	t.Parallel()
	body := []byte(`{"object":"instagram","entry":[]}`)
	receive := operations.Instagram("1.0.0").Receive
	for _, tt := range []struct {
		name, app, header, value string
		status                   int
	}{
		{"app secret", registration, "X-Hub-Signature-256", sign(appSecret, body), 200},
		{"Instagram app secret", registration, "x-hub-signature-256", sign(instagramSecret, body), 200},
		{"old secret", registration, "X-Hub-Signature-256", sign("old-s3cr3t", body), 200},
		{"another's secret", registration, "X-Hub-Signature-256", sign("guess", body), 403},
		{"another body's", registration, "X-Hub-Signature-256", sign(appSecret, []byte("{}")), 403},
		{"missing", registration, "Content-Type", "application/json", 403},
		{"empty", registration, "X-Hub-Signature-256", "", 403},
		{"not hex", registration, "X-Hub-Signature-256", "sha256=zz", 403},
		{"short", registration, "X-Hub-Signature-256", sign(appSecret, body)[:20], 403},
		{"sha1 alone", registration, "X-Hub-Signature", "sha1=abc", 403},
		{"no secret configured", `{"verify_token":"v"}`, "X-Hub-Signature-256", sign("", body), 403},
		{"empty secret configured", `{"app_secret":""}`, "X-Hub-Signature-256", sign("", body), 403},
		{"no app", ``, "X-Hub-Signature-256", sign("", body), 403},
		{"app is no JSON", `x`, "X-Hub-Signature-256", sign("", body), 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := receive(t.Context(), connector.Delivery{
				App: connector.Secret(tt.app), Method: "POST", Body: body, Headers: []connector.Header{{Name: tt.header, Value: tt.value}},
			})
			assert.Equal(t, tt.status, r.Status)
			assert.Empty(t, r.Events)
		})
	}
	assert.Equal(t, 405, receive(t.Context(), connector.Delivery{App: connector.Secret(registration), Method: "PUT"}).Status)
}

func TestReceive_BadBodies(t *testing.T) {
	t.Parallel()
	for body, status := range map[string]int{
		"":                              400,
		"not json":                      400,
		`"text"`:                        400,
		"null":                          400,
		`{"object":"instagram","entry"`: 400,
		`{"object":"page","entry":[]}`:  404,
		`{}`:                            404,
		`{"object":"instagram"}`:        200,
		`[]`:                            200,
		`{"object":"instagram","entry":[{"id":"1","changes":[{"field":"comments","value":"x"},{"field":"comments"},{}]}]}`: 200,
	} {
		assert.Equal(t, status, post(t, body).Status, body)
	}
}

// The payloads of Meta's guide: an array around the envelope.
func TestReceive_MentionsOfTheGuide(t *testing.T) {
	t.Parallel()
	body := `[ { "entry": [ { "changes": [ { "field": "mentions", "value": { "comment_id": "17894227972186120", "media_id": "17918195224117851" } } ], "id": "17841405726653026", "time": 1520622968 } ], "object": "instagram" } ]`
	r := post(t, body)
	require.Equal(t, []string{"mentioned_in_comment", "any_event"}, names(r.Events))
	e := r.Events[0]
	assert.Equal(t, "mention/17841405726653026/17918195224117851/17894227972186120", e.ID)
	assert.Equal(t, "17841405726653026", e.Subject)
	assert.Equal(t, int64(1520622968), e.OccurredAt.Unix())
	assert.JSONEq(t, `{"ig_user_id":"17841405726653026","media_id":"17918195224117851","comment_id":"17894227972186120","time":"2018-03-09T19:16:08Z"}`, string(e.Payload))
	assert.Equal(t, r.Events, post(t, body).Events, "redelivery")

	r = post(t, `[{"entry":[{"changes":[{"field":"mentions","value":{"media_id":"17918195224117851"}}],"id":"17841405726653026","time":1520622968}],"object":"instagram"}]`)
	require.Equal(t, []string{"mentioned_in_caption", "any_event"}, names(r.Events))
	assert.Equal(t, "mention/17841405726653026/17918195224117851", r.Events[0].ID)
}

// Every payload that Meta documents, as lines of a file: what comes of each.
func TestReceive_Documented(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/webhooks.txt")
	require.NoError(t, err)
	seen := map[string]bool{}
	n := 0
	for line := range strings.Lines(string(raw)) {
		want, body, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		n++
		r := post(t, body)
		require.Equal(t, 200, r.Status, body)
		var got []string
		for _, e := range r.Events {
			if e.Trigger != "any_event" {
				got = append(got, e.Trigger)
			}
			assert.NotEmpty(t, e.Subject, body)
			assert.False(t, e.OccurredAt.IsZero(), body)
			assert.True(t, json.Valid(e.Payload))
			assert.False(t, seen[e.ID], "%s came twice: %s", e.ID, body)
			seen[e.ID] = true
		}
		if want == "-" {
			assert.Empty(t, got, body)
		} else {
			assert.Equal(t, strings.Split(want, ","), got, body)
		}
		assert.Equal(t, r.Events, post(t, body).Events, "redelivery of %s", body)
	}
	assert.Greater(t, n, 30)
}

func TestReceive_KeepsDigits(t *testing.T) {
	t.Parallel()
	r := post(t, `{"object":"instagram","entry":[{"id":"17841405726653027","time":1767225600,"changes":[{"field":"novelty","value":{"n":17841405726653027}}]}]}`)
	require.Len(t, r.Events, 1)
	assert.Contains(t, string(r.Events[0].Payload), `"value":{"n":17841405726653027}`)
}

// Meta may put an event into another batch when it delivers it again.
func TestReceive_RedeliveredInAnotherBatch(t *testing.T) {
	t.Parallel()
	with := func(time int) []connector.Event {
		return post(t, fmt.Sprintf(`{"object":"instagram","entry":[{"id":"17841400000000001","time":%d,"messaging":[{"sender":{"id":"7"},"recipient":{"id":"17841400000000001"},"timestamp":1767225600123,"reaction":{"mid":"m","action":"react","emoji":"x"}}]}]}`, time)).Events
	}
	assert.Equal(t, with(1767225600456)[0].ID, with(1767225700456)[0].ID)
}

func TestReceive_FieldNamesOnly(t *testing.T) {
	t.Parallel()
	r := post(t, `{"object":"instagram","entry":[{"id":"17841400000000001","time":1767225600,"changed_fields":["comments","mentions"]}]}`)
	assert.Equal(t, []string{"any_event", "any_event"}, names(r.Events))
	assert.NotEqual(t, r.Events[0].ID, r.Events[1].ID)
}

func TestReceive_MentionOfInstagramLogin(t *testing.T) {
	t.Parallel()
	with := func(text string) []string {
		return names(post(t, fmt.Sprintf(`{"object":"instagram","entry":[{"id":"17841400000000001","time":1767225600,"changes":[{"field":"comments","value":{"id":"17900000000000021","text":%q,"from":{"id":"7"},"media":{"id":"18000000000000011"}}}]}]}`, text)).Events)
	}
	assert.Contains(t, with("hey @bluebottle."), "mentioned_in_comment")
	assert.NotContains(t, with("hey @bluebottle.fan"), "mentioned_in_comment")
	assert.NotContains(t, with("hey bluebottle"), "mentioned_in_comment")
}

// The payloads fit the schemas: the package connector checks them on the way out.
func TestReceive_ThroughTheProcess(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	raw, err := os.ReadFile("testdata/webhooks.txt")
	require.NoError(t, err)
	for line := range strings.Lines(string(raw)) {
		_, body, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		resp := r.receive(t, &connectorv1.ReceiveRequest{
			Method: "POST", Body: []byte(body), Headers: []*connectorv1.Header{{Name: "X-Hub-Signature-256", Value: sign(r.info.AppSecret, []byte(body))}},
		})
		assert.EqualValues(t, 200, resp.GetReply().GetStatus(), body)
		assert.Empty(t, resp.GetDiagnostics(), body)
	}
	assert.NotContains(t, r.log.String(), "WARN", "a payload does not fit its schema")
}

func FuzzReceive(f *testing.F) {
	raw, err := os.ReadFile("testdata/webhooks.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if _, body, ok := strings.Cut(strings.TrimSpace(line), " "); ok && !strings.HasPrefix(line, "#") {
			f.Add(body)
		}
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := post(t, body)
		for _, e := range r.Events {
			require.True(t, json.Valid(e.Payload), "%s", e.Payload)
			require.NotEmpty(t, e.ID)
			require.NotEmpty(t, e.Trigger)
		}
		require.Equal(t, r.Events, post(t, body).Events)
	})
}

func FuzzSignature(f *testing.F) {
	f.Add("sha256=00", "{}")
	f.Add("sha256=", "")
	f.Fuzz(func(t *testing.T, signature, body string) {
		if signature == sign(appSecret, []byte(body)) || signature == strings.TrimPrefix(sign(appSecret, []byte(body)), "sha256=") {
			t.Skip()
		}
		r := operations.Instagram("1.0.0").Receive(t.Context(), connector.Delivery{
			App: connector.Secret(`{"app_secret":"` + appSecret + `"}`), Method: "POST", Body: []byte(body),
			Headers: []connector.Header{{Name: "X-Hub-Signature-256", Value: signature}},
		})
		require.Equal(t, 403, r.Status)
		require.Empty(t, r.Events)
	})
}
