package sandbox_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

// TestParts shows each part of the sandbox in a few calls; the other tests go into detail.
func TestParts(t *testing.T) {
	t.Parallel()
	for _, part := range []struct {
		name string
		show func(*testing.T, *client)
	}{
		{"state", partState}, {"clock", partClock}, {"hosts", partHosts}, {"requests", partRequests}, {"paging", partPaging}, {"auth", partAuth},
		{"publishing", partPublishing}, {"messaging", partMessaging}, {"webhooks", partWebhooks}, {"limits", partLimits}, {"faults", partFaults},
		{"people", partPeople}, {"record", partRecord},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t)
			part.show(t, c)
		})
	}
}

func partState(t *testing.T, c *client) {
	world := sandbox.SeedWorld()
	count := map[string]int{}
	for _, m := range world.Media {
		count[m.Type+" "+m.Product]++
		if m.ParentID != "" {
			count["item"]++
		}
		if len(m.Collabs) > 0 {
			count["invited"]++
		}
	}
	for _, kind := range []string{"IMAGE FEED", "VIDEO REELS", "CAROUSEL_ALBUM FEED", "IMAGE STORY", "VIDEO STORY", "BROADCAST LIVE", "item", "invited"} {
		assert.NotZero(t, count[kind], kind)
	}
	assert.GreaterOrEqual(t, count["IMAGE STORY"]+count["VIDEO STORY"], 30)
	for name, n := range map[string]int{
		"accounts": len(world.Accounts), "pages": len(world.Pages), "hashtags": len(world.Hashtags), "threads": len(world.Threads), "catalogs": len(world.Catalogs),
	} {
		assert.NotZero(t, n, name)
	}
	assert.Greater(t, len(world.Comments), 50)
	text, err := json.Marshal(world)
	require.NoError(t, err)
	loaded, err := sandbox.LoadWorld(bytes.NewReader(text))
	require.NoError(t, err)
	assert.Equal(t, world, loaded)
	c.get("/" + account).ok()
}

func partClock(t *testing.T, c *client) {
	reel := c.container("video_url", video, "media_type", "REELS")
	c.sb.SetLimits(sandbox.Limits{AppPerHour: 1})
	c.get("/me").ok()
	c.get("/me").fails(4, 0)
	c.control(http.MethodPost, "clock", map[string]string{"advance": "26h"})
	c.get("/me").ok()
	assert.Equal(t, "EXPIRED", c.status(reel))
	assert.JSONEq(t, `{"data":[]}`, c.get("/"+account+"/stories").ok())
	c.send(to(jane, `{"text":"x"}`)).fails(10, 2534022)
	c.sb.Clock().Advance(60 * 24 * time.Hour)
	c.get("/me").fails(190, 463)
}

func partHosts(t *testing.T, c *client) {
	one := c.info.Accounts[0]
	c.get("/graph.facebook.com/v25.0/me?access_token=" + one.UserToken).ok()
	c.get("/graph.instagram.com/v25.0/me?access_token=" + one.InstagramToken).ok()
	c.get("/graph.instagram.com/v25.0/me?access_token="+one.UserToken).fails(190, 0)
	r := c.request(http.MethodGet, "/v25.0/me?access_token="+one.InstagramToken, "", "")
	r.Host = "graph.instagram.com"
	c.do(r).ok()
	r = c.request(http.MethodGet, "/17841405726653026?fields=username&access_token="+one.UserToken, "", "")
	r.Host = "graph.intern.facebook.com"
	c.do(r).ok()
	assert.Equal(t, http.StatusNotFound, c.get("/www.facebook.com/nothing").status)
}

func partRequests(t *testing.T, c *client) {
	got := c.get("/" + account + "?fields=username,website,media.limit(2){id,caption,comments.limit(5){id,text,replies{id,text}}}").ok()
	assert.Contains(t, got, `"replies":{"data":[{"id":`)
	assert.NotContains(t, c.get("/"+sandbox.SeedThirdAccountID+"?fields=website").ok(), "website", "a key without a value is left out")
	c.get("/"+account+"?fields=nope").fails(100, 0)
	c.get("/"+account+"?fields=media{").fails(2500, 0)
	c.get("/"+account+"/stories?fields=nope").fails(100, 0)
	c.post("/17841405726653026/mentions", url.Values{"media_id": {"17918195224117851"}}).fails(100, 0)
}

func partPaging(t *testing.T, c *client) {
	var first page
	c.get("/" + account + "/stories?limit=10").into(&first)
	var next page
	c.get("/" + account + "/stories?limit=10&after=" + first.Paging.Cursors.After).into(&next)
	var back page
	c.get("/" + account + "/stories?limit=10&before=" + next.Paging.Cursors.Before).into(&back)
	assert.Equal(t, first.Data, back.Data)
	c.delete("/" + first.Data[9].ID).ok()
	var after page
	c.get("/" + account + "/stories?limit=10&after=" + first.Paging.Cursors.After).into(&after)
	assert.Equal(t, next.Data, after.Data, "a cursor outlives its item")
	c.get("/"+account+"/stories?after=nonsense").fails(100, 0)
}

func partAuth(t *testing.T, c *client) {
	c.get("/" + account + "?access_token=" + c.userToken("instagram_basic")).ok()
	c.get("/"+account+"/insights?metric=reach&period=day&access_token="+c.userToken("instagram_basic")).fails(10, 0)
}

func partPublishing(t *testing.T, c *client) {
	id := c.publish(c.container("image_url", photo, "caption", "Hello @metricsaurus"))
	assert.Contains(t, c.get("/"+id+"?fields=caption,permalink").ok(), "Hello @metricsaurus")
}

func partMessaging(t *testing.T, c *client) {
	c.send(to(jane, `{"text":"Hi"}`)).ok()
	c.send(to(uma, `{"text":"Hi"}`)).fails(10, 2534022)
}

func partWebhooks(t *testing.T, c *client) {
	h := c.hook()
	c.act(jane, "message", sandbox.Action{Text: "Hi"})
	got := h.flush(c)
	require.Len(t, got, 1)
	assert.Equal(t, "sha256="+proof(c.info.AppSecret, got[0].body), got[0].header.Get("X-Hub-Signature-256"))
	assert.NotEmpty(t, got[0].header.Get("X-Hub-Signature"))
}

func partLimits(t *testing.T, c *client) {
	c.sb.SetLimits(sandbox.Limits{AccountPerDay: 1})
	c.get("/" + account).ok()
	assert.Contains(t, c.get("/"+account).header.Get("X-Business-Use-Case-Usage"), `"estimated_time_to_regain_access":1440`)
}

func partFaults(t *testing.T, c *client) {
	c.control(http.MethodPost, "faults", map[string]any{"kind": "error", "code": 190, "subcode": 459, "route": "GET /{ig-user}/stories"})
	c.get("/me").ok()
	c.get("/"+account+"/stories").fails(190, 459)
	c.get("/" + account + "/stories").ok()
}

func partPeople(t *testing.T, c *client) {
	var out sandbox.Outcome
	c.control(http.MethodPost, "people/"+jane+"/mention_in_caption", map[string]string{"text": "look"}).into(&out)
	assert.Contains(t, c.get("/"+account+"?fields=mentioned_media.media_id("+out.MediaID+"){caption}").ok(), "@bluebottle look")
}

func partRecord(t *testing.T, c *client) {
	c.get("/v25.0/" + account + "/stories?limit=3").ok()
	var got struct {
		Counts   map[string]int
		Requests []sandbox.Request
	}
	c.control(http.MethodGet, "requests", nil).into(&got)
	assert.Equal(t, map[string]int{"GET /{ig-user}/stories": 1}, got.Counts)
	assert.Equal(t, sandbox.Request{
		Seq: 1, At: sandbox.SeedTime, Method: "GET", Host: "graph.facebook.com", Version: "v25.0", Path: "/17841405726653026/stories",
		Route: "GET /{ig-user}/stories", Params: map[string]string{"limit": "3", "access_token": "<user token 10100000000000001>"},
		Token: "user token 10100000000000001", Auth: "parameter", Status: 200,
	}, got.Requests[0])

	c.get("/" + c.info.AppID + "/subscriptions?access_token=" + url.QueryEscape(c.info.AppToken)).ok()
	c.get("/oauth/access_token?grant_type=client_credentials&client_id=" + c.info.AppID + "&client_secret=" + c.info.AppSecret).ok()
	c.control(http.MethodGet, "requests", nil).into(&got)
	assert.Equal(t, []string{"app token", "<app token>"}, []string{got.Requests[1].Token, got.Requests[1].Params["access_token"]})
	assert.Equal(t, []string{"", "<app secret>"}, []string{got.Requests[2].Token, got.Requests[2].Params["client_secret"]})
}
