package sandbox_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

// jane is what an IGSID of a person of the seed world is to @bluebottle.
const jane = "7700000000000001"

func (c *client) hook() *hook {
	c.Helper()
	h := newHook(c.T, c)
	require.NoError(c, c.sb.SetCallback(h.URL, "v"))
	return h
}

func (c *client) act(igsid, kind string, a sandbox.Action) sandbox.Outcome {
	c.Helper()
	a.Kind = kind
	out, err := c.sb.Act(igsid, a)
	require.NoError(c, err)
	return out
}

func TestWebhooks_AreSignedOverEscapedBytes(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	h := c.hook()
	out := c.act(jane, "comment", sandbox.Action{MediaID: "17900001000000001", Text: "Größe M/L? 🧥"})
	got := h.flush(c)
	require.Len(t, got, 1)
	assert.Equal(t, `{"object":"instagram","entry":[{"id":"17841405726653026","time":1785747600,"changes":[{"field":"comments","value":`+
		`{"from":{"id":"7700000000000001","username":"jane_doe"},"media":{"id":"17900001000000001","media_product_type":"FEED"},"id":"`+out.CommentID+`",`+
		`"text":"Gr\u00f6\u00dfe M\/L? \ud83e\udde5"}}]}]}`, got[0].body)
	assert.Equal(t, "sha256="+proof(c.info.AppSecret, got[0].body), got[0].header.Get("X-Hub-Signature-256"))
	legacy := hmac.New(sha1.New, []byte(c.info.AppSecret))
	legacy.Write([]byte(got[0].body))
	assert.Equal(t, "sha1="+hex.EncodeToString(legacy.Sum(nil)), got[0].header.Get("X-Hub-Signature"))
	assert.Equal(t, "application/json", got[0].header.Get("Content-Type"))
}

func TestWebhooks_OfInstagramLogin(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	h := c.hook()
	bob := c.sb.Igsid("metricsaurus", "bob")
	c.act(bob, "comment", sandbox.Action{MediaID: "17900002000000001", Text: "Nice"})
	c.act(bob, "mention_in_comment", sandbox.Action{Text: "look"})
	c.act(bob, "mention_in_caption", sandbox.Action{Text: "look"})
	got := h.flush(c)
	require.Len(t, got, 2, "with Instagram Login a mention comes as a comment, and none for a caption")
	for _, d := range got {
		assert.Equal(t, "sha256="+proof(c.info.InstagramAppSecret, d.body), d.header.Get("X-Hub-Signature-256"))
		assert.Contains(t, d.body, `"field":"comments"`)
		assert.Contains(t, d.body, `"id":"17841400000000002"`)
	}
	assert.Contains(t, got[1].body, `@metricsaurus look`)
}

func TestWebhooks_ToldOfMentionsAndReplies(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	h := c.hook()
	inComment := c.act(jane, "mention_in_comment", sandbox.Action{MediaID: sandbox.SeedMentionMediaID, Text: "and you?"})
	inCaption := c.act(jane, "mention_in_caption", sandbox.Action{})
	var made struct{ ID string }
	c.post("/17800000000001007/replies", url.Values{"message": {"Thanks!"}}).into(&made)
	got := h.flush(c)
	require.Len(t, got, 3)
	assert.Contains(t, got[0].body, `{"field":"mentions","value":{"comment_id":"`+inComment.CommentID+`","media_id":"17918195224117851"}}`)
	assert.Contains(t, got[1].body, `{"field":"mentions","value":{"media_id":"`+inCaption.MediaID+`"}}`)
	assert.Contains(t, got[2].body, `"id":"`+made.ID+`","parent_id":"17800000000001007","text":"Thanks!"`)
	c.get("/" + account + "?fields=mentioned_comment.comment_id(" + inComment.CommentID + ")").ok()
	c.get("/" + account + "?fields=mentioned_media.media_id(" + inCaption.MediaID + ")").ok()
}

func TestWebhooks_OnlyOfSubscribedFieldsAndInstalledAccounts(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	h := newHook(t, c)
	require.NoError(t, c.sb.SetCallback(h.URL, "v", "mentions"))
	c.act(jane, "comment", sandbox.Action{MediaID: "17900001000000001", Text: "Hi"})
	assert.Empty(t, h.flush(c))
	require.NoError(t, c.sb.SetCallback(h.URL, "v"))
	page := "/" + sandbox.SeedPageID + "/subscribed_apps?access_token=" + c.info.Accounts[0].PageToken
	assert.Contains(t, c.get(page).ok(), `"subscribed_fields":["feed"]`)
	c.delete(page).ok()
	assert.JSONEq(t, `{"data":[]}`, c.get(page).ok())
	c.act(jane, "comment", sandbox.Action{MediaID: "17900001000000001", Text: "Hi"})
	assert.Empty(t, h.flush(c))

	me := "/graph.instagram.com/me/subscribed_apps"
	c.post(me, url.Values{"subscribed_fields": {"comments,nonsense"}}).fails(100, 0)
	c.post(me, url.Values{"subscribed_fields": {"comments,messages"}}).ok()
	assert.JSONEq(t, `{"data":[{"app_id":"910000000000001","subscribed_fields":["comments","messages"]}]}`, c.get(me).ok())
	c.act(jane, "comment", sandbox.Action{MediaID: "17900001000000001", Text: "Hi"})
	assert.Len(t, h.flush(c), 1)
	c.delete(me).ok()
	c.post("/"+sandbox.SeedPageID+"/subscribed_apps", url.Values{"subscribed_fields": {"feed"}}).fails(210, 0)
}

func TestWebhooks_AreRetriedFor36Hours(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	h := newHook(t, c)
	require.NoError(t, c.sb.SetCallback(h.URL, "v", "comments")) // stories expire meanwhile
	h.status = http.StatusInternalServerError
	c.act(jane, "comment", sandbox.Action{MediaID: "17900001000000001", Text: "Hi"})
	require.Len(t, h.flush(c), 2, "at once, then once more")
	attempts, last := 2, time.Duration(0)
	var pauses []time.Duration
	for at := time.Minute; at <= 40*time.Hour; at += time.Minute {
		c.sb.Clock().Set(sandbox.SeedTime.Add(at))
		if n := len(h.flush(c)); n > 0 {
			attempts += n
			pauses = append(pauses, at-last)
			last = at
		}
	}
	for i := 1; i < len(pauses); i++ {
		assert.GreaterOrEqual(t, pauses[i], pauses[i-1], "pauses grow")
	}
	assert.Greater(t, attempts, 6)
	assert.LessOrEqual(t, last, 36*time.Hour)
	assert.Greater(t, last, 24*time.Hour)
	d := c.sb.Deliveries()[0]
	assert.Equal(t, sandbox.DeliveryDropped, d.State)
	assert.Equal(t, attempts, d.Attempts)
	assert.Equal(t, 500, d.Status)
}

func TestWebhooks_ArriveWhenTheReceiverIsBack(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	h := c.hook()
	h.status = http.StatusServiceUnavailable
	c.act(jane, "comment", sandbox.Action{MediaID: "17900001000000001", Text: "Hi"})
	h.flush(c)
	h.status = http.StatusOK
	c.sb.Clock().Advance(time.Minute)
	got := h.flush(c)
	require.Len(t, got, 1)
	assert.Equal(t, sandbox.DeliveryDone, c.sb.Deliveries()[0].State)
	c.sb.Clock().Advance(24 * time.Hour)
	for _, d := range h.flush(c) {
		assert.NotEqual(t, got[0].body, d.body, "it is not sent again")
	}
}

func TestWebhooks_ByTheRules(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	h := c.hook()
	comment := func(text string) {
		c.act(jane, "comment", sandbox.Action{MediaID: "17900001000000001", Text: text})
	}
	rules := func(r sandbox.Rules) { require.NoError(t, c.sb.SetRules(r)) }

	rules(sandbox.Rules{Hold: true})
	for _, text := range []string{"one", "two", "three"} {
		comment(text)
	}
	assert.Empty(t, h.flush(c))
	rules(sandbox.Rules{Batch: 2, Reorder: true})
	got := h.flush(c)
	require.Len(t, got, 2)
	assert.Less(t, strings.Index(got[0].body, "three"), strings.Index(got[0].body, "two"))
	assert.Contains(t, got[1].body, "one")
	assert.Equal(t, 1, strings.Count(got[0].body, `"changes"`), "one entry with two changes")

	rules(sandbox.Rules{Duplicate: 2})
	comment("again")
	got = h.flush(c)
	require.Len(t, got, 3)
	assert.Equal(t, got[0].body, got[2].body)

	rules(sandbox.Rules{DelaySeconds: 60})
	comment("later")
	assert.Empty(t, h.flush(c))
	c.sb.Clock().Advance(time.Minute)
	assert.Len(t, h.flush(c), 1)

	rules(sandbox.Rules{WrongSignature: true, Array: true})
	comment("forged")
	got = h.flush(c)
	assert.NotEqual(t, "sha256="+proof(c.info.AppSecret, got[0].body), got[0].header.Get("X-Hub-Signature-256"))
	assert.True(t, strings.HasPrefix(got[0].body, "[{") && json.Valid([]byte(got[0].body)))

	rules(sandbox.Rules{Direct: true})
	comment("direct")
	assert.Contains(t, h.flush(c)[0].body, `"time":1785747660,"field":"comments","value":{`)
	require.Error(t, c.sb.SetRules(sandbox.Rules{Batch: 1001}))
}

func TestWebhooks_WithoutValues(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	h := newHook(t, c)
	c.post("/900000000000001/subscriptions?access_token="+url.QueryEscape(c.info.AppToken), url.Values{
		"object": {"instagram"}, "callback_url": {h.URL}, "verify_token": {"v"}, "fields": {"comments"}, "include_values": {"false"},
	}).ok()
	c.act(jane, "comment", sandbox.Action{MediaID: "17900001000000001", Text: "Hi"})
	assert.JSONEq(t, `{"object":"instagram","entry":[{"id":"17841405726653026","time":1785747600,"changed_fields":["comments"]}]}`, h.flush(c)[0].body)
}

func TestWebhooks_OfAnothersMaking(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	body := []byte(`{"object":"instagram","entry":[{"id":"0","time":1}]}`)
	require.Error(t, c.sb.Deliver("facebook", body), "no callback is set")
	h := c.hook()
	require.NoError(t, c.sb.Deliver("instagram", body))
	require.Error(t, c.sb.Deliver("threads", body))
	got := h.flush(c)
	require.Len(t, got, 1)
	assert.Equal(t, string(body), got[0].body)
	assert.Equal(t, "sha256="+proof(c.info.InstagramAppSecret, string(body)), got[0].header.Get("X-Hub-Signature-256"))
}

func TestStories_ExpireAndSendTheirInsights(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	h := c.hook()
	const story = "18023000000000030" // the oldest
	c.get("/" + story + "?fields=media_url").ok()
	c.sb.Clock().Advance(5 * time.Hour)
	c.get("/"+story).fails(100, 33)
	assert.NotContains(t, c.get("/"+account+"/stories?limit=100").ok(), story)
	assert.Empty(t, h.flush(c), "the insights come an hour after the end")
	c.sb.Clock().Advance(time.Hour)
	got := h.flush(c)
	require.NotEmpty(t, got)
	assert.Contains(t, got[0].body, `"field":"story_insights","value":{"media_id":"`+story+`","impressions":92,"reach":69,"taps_forward":34,"taps_back":6,"exits":8,"replies":5}`)
	c.sb.Clock().Advance(48 * time.Hour)
	assert.Len(t, append(got, h.flush(c)...), 30, "one for each story of the account, none twice")
	assert.JSONEq(t, `{"data":[]}`, c.get("/"+account+"/stories").ok())
}
