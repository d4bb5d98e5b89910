package sandbox_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

func TestDiscovery_PagesByCursorAlone(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	ask := func(fields string) reply {
		return c.get("/" + account + "?fields=business_discovery.username(natgeo_sandbox){" + fields + "}")
	}
	type found struct {
		BusinessDiscovery struct{ Media page } `json:"business_discovery"`
	}
	var first, second found
	ask("followers_count,media_count,media.limit(3){caption,view_count,like_count}").into(&first)
	media := first.BusinessDiscovery.Media
	require.Len(t, media.Data, 3)
	assert.Empty(t, media.Paging.Next)
	ask("media.limit(3).after(" + media.Paging.Cursors.After + "){caption}").into(&second)
	require.Len(t, second.BusinessDiscovery.Media.Data, 2)
	assert.NotEqual(t, media.Data[2].ID, second.BusinessDiscovery.Media.Data[0].ID)
	reel := ask("media{view_count,like_count,media_product_type}").ok()
	assert.Contains(t, reel, `{"view_count":126000,"media_product_type":"REELS"`, "likes are hidden")
	ask("stories").fails(100, 0)
	ask("email").fails(100, 0)
	ask("media{comments}").fails(100, 0)
	ask("media{insights.metric(reach)}").fails(100, 0)
	c.get("/"+account+"?fields=mentioned_media.media_id("+sandbox.SeedMentionMediaID+"){insights.metric(reach)}").fails(100, 33)
	c.get("/"+account+"?fields=business_discovery.username(agegated){username}").fails(110, 2207013)
	c.get("/"+account+"?fields=business_discovery.username(jane_doe){username}").fails(110, 2207013)
	c.get("/graph.instagram.com/"+account+"?fields=business_discovery.username(natgeo_sandbox){username}").fails(100, 0)
}

func TestHashtags_ConstantCursorThatAdvances(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	var search struct{ Data []struct{ ID string } }
	c.get("/ig_hashtag_search?user_id=" + account + "&q=coke").into(&search)
	id := search.Data[0].ID
	assert.JSONEq(t, `{"name":"coke","id":"`+id+`"}`, c.get("/"+id+"?fields=id,name").ok())
	seen, after := map[string]bool{}, ""
	for range 3 {
		var got page
		path := "/" + id + "/top_media?fields=id,caption,like_count&limit=25&user_id=" + account
		if after != "" {
			path += "&after=" + after
		}
		c.get(path).into(&got)
		for _, m := range got.Data {
			assert.False(t, seen[m.ID])
			seen[m.ID] = true
		}
		if got.Paging == nil {
			continue
		}
		assert.True(t, after == "" || after == got.Paging.Cursors.After, "the cursor is the same on every page")
		assert.Empty(t, got.Paging.Cursors.Before)
		after = got.Paging.Cursors.After
	}
	assert.Len(t, seen, 60)
	var recent page
	c.get("/" + id + "/recent_media?limit=100&user_id=" + account).into(&recent)
	assert.Len(t, recent.Data, 50, "a page has 50 at most")
	c.sb.Clock().Advance(12 * time.Hour)
	c.get("/" + id + "/recent_media?limit=50&user_id=" + account).into(&recent)
	assert.Less(t, len(recent.Data), 40, "only the last 24 hours")
	c.get("/"+id+"/top_media?fields=username&user_id="+account).fails(100, 0)
	c.get("/"+id+"/top_media").fails(100, 0)
	c.get("/ig_hashtag_search?q=coke&user_id="+sandbox.SeedSecondAccountID).fails(100, 33)
}

func TestHashtags_ThirtyInSevenDays(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	search := func(q string) reply {
		return c.get("/ig_hashtag_search?user_id=" + account + "&q=" + url.QueryEscape(q))
	}
	for i := range 30 {
		search(fmt.Sprintf("tag%d", i)).ok()
	}
	search("one.more").fails(24, 2207024)
	search("☕").fails(24, 2207024)
	search("sensitive").fails(24, 2207024)
	search("onemore").fails(18, 2207034)
	c.sb.Clock().Advance(6 * 24 * time.Hour)
	search("tag7").ok()
	var used page
	c.get("/" + account + "/recently_searched_hashtags?limit=30").into(&used)
	assert.Len(t, used.Data, 30)
	c.sb.Clock().Advance(24 * time.Hour)
	search("onemore").ok()
	assert.Equal(t, 1, strings.Count(c.get("/"+account+"/recently_searched_hashtags?fields=name").ok(), "name"), "a repeat does not begin the seven days anew")

	world := sandbox.SeedWorld()
	world.App.Without = []string{"public_content_access"}
	without := newClientOf(t, sandbox.Options{World: world})
	without.get("/ig_hashtag_search?q=coke&user_id="+account).fails(10, 0)
}

func TestCollaboration_InvitesAreAnswered(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	path := "/" + account + "/collaboration_invites"
	assert.Contains(t, c.get(path).ok(), `{"media_id":"17900004000000001","media_owner_username":"natgeo_sandbox","caption":"Mountain 1 #coast","media_url":`)
	c.post(path, url.Values{"media_id": {"17900004000000001"}, "accept": {"true"}}).ok()
	c.post(path, url.Values{"media_id": {"17900004000000003"}, "accept": {"false"}}).ok()
	c.post(path, url.Values{"media_id": {"17900004000000003"}, "accept": {"true"}}).fails(100, 33)
	c.post(path, url.Values{"media_id": {"17900004000000003"}}).fails(100, 0)
	assert.JSONEq(t, `{"data":[]}`, c.get(path).ok())
	assert.JSONEq(t, `{"data":[{"username":"natgeo_sandbox","id":"17900004000000001"}]}`, c.get("/"+account+"/collaborative_media?fields=username").ok())

	c.get("/" + account + "?fields=collaborative_media_search.media_id(17900004000000001){caption}").ok()
	c.get("/"+account+"?fields=collaborative_media_search.media_id(17900004000000003){caption}").fails(100, 33)

	id := c.publish(c.container("image_url", photo, "collaborators", "metricsaurus,zoe.m"))
	assert.Contains(t, c.get("/"+id+"/collaborators").ok(), `{"id":"17841400000000002","username":"metricsaurus","invite_status":"Pending"}`)
}

func TestShop_CatalogsProductsAndTags(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	assert.JSONEq(t, `{"data":[{"catalog_id":"960000000000001","catalog_name":"Blue Bottle Shop","shop_name":"Blue Bottle","product_count":4}]}`,
		c.get("/"+account+"/available_catalogs").ok())
	search := "/" + account + "/catalog_product_search?catalog_id=960000000000001"
	assert.Contains(t, c.get(search+"&q=cup").ok(), `{"product_id":3231000000000002,"merchant_id":90010177253934,"product_name":"Coffee Cup"`)
	var two page
	c.get(search + "&limit=2").into(&two)
	assert.Len(t, two.Data, 2)
	assert.NotEmpty(t, two.Paging.Next)
	c.get("/"+account+"/catalog_product_search?catalog_id=1").fails(100, 33)

	tags := "/17900001000000001/product_tags"
	assert.JSONEq(t, `{"data":[]}`, c.get(tags).ok())
	c.post(tags, url.Values{"updated_tags": {`[{"product_id":3231000000000001,"x":0.5,"y":0.25}]`}}).ok()
	c.post(tags, url.Values{"updated_tags": {`[{"product_id":3231000000000001,"x":0.75,"y":0.25}]`}}).ok()
	got := c.get(tags).ok()
	assert.Equal(t, 1, strings.Count(got, "product_id"))
	assert.Contains(t, got, `"x":0.75,"y":0.25`)
	c.post("/17900001000000003/product_tags", url.Values{"updated_tags": {`[]`}}).fails(100, 0)
	c.post("/17900001000000003/product_tags", url.Values{"child_index": {"0"}, "updated_tags": {`[{"product_id":3231000000000001,"x":0.5,"y":0.25}]`}}).ok()

	appeal := "/" + account + "/product_appeal"
	assert.JSONEq(t, `{"product_id":3231000000000004,"review_status":"rejected","eligible_for_appeal":true}`, c.get(appeal+"?product_id=3231000000000004").ok())
	c.post(appeal, url.Values{"product_id": {"3231000000000004"}, "appeal_reason": {"It is paper"}}).ok()
	c.post(appeal, url.Values{"product_id": {"3231000000000004"}, "appeal_reason": {"It is paper"}}).fails(100, 0)
	c.post(appeal, url.Values{"product_id": {"3231000000000001"}, "appeal_reason": {"x"}}).fails(100, 0)
}

func TestLikes_CountOnce(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	likes := func() string { return c.get("/17900001000000001?fields=like_count").ok() }
	path := "/" + account + "/likes?media_id=17900001000000001"
	c.post(path, nil).ok()
	c.post(path, nil).ok()
	assert.Contains(t, likes(), `"like_count":301`)
	c.delete(path).ok()
	assert.Contains(t, likes(), `"like_count":300`)
	c.post("/"+account+"/likes?media_id=18023000000000001", nil).fails(100, 33)
	c.post("/"+account+"/likes", nil).fails(100, 0)
}

func TestComments_ReadWriteHideDelete(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	const media, comment = "17900001000000001", "17800000000002007"
	var first page
	c.get("/" + media + "/comments?limit=100").into(&first)
	assert.Len(t, first.Data, 50, "a page has 50 at most")
	assert.True(t, first.Data[0].Timestamp.After(first.Data[1].Timestamp.Time), "newest first")
	assert.JSONEq(t, `{"data":[{"timestamp":"2026-08-02T08:03:00+0000","text":"Thank you!","id":"17800000000002990"}]}`, c.get("/"+comment+"/replies").ok())
	got := c.get("/" + comment + "?fields=from,hidden,like_count,parent_id,media,replies{text,user},username").ok()
	assert.JSONEq(t, `{"from":{"id":"7700000000000002","username":"bob"},"hidden":false,"like_count":1,"media":{"id":"17900001000000001","media_product_type":"FEED"},
		"replies":{"data":[{"text":"Thank you!","user":{"id":"17841405726653026"},"id":"17800000000002990"}]},"username":"bob","id":"17800000000002007"}`, got)

	var made struct{ ID string }
	c.post("/17800000000002990/replies", url.Values{"message": {"And you"}}).into(&made)
	assert.Contains(t, c.get("/"+made.ID+"?fields=parent_id").ok(), comment, "a reply to a reply lands on its parent")
	c.post("/"+media+"/comments", url.Values{"message": {"Open until six"}}).into(&made)
	c.post("/"+made.ID, url.Values{"hide": {"true"}}).ok()
	assert.Contains(t, c.get("/"+made.ID+"?fields=hidden").ok(), `"hidden":false`, "own comments stay visible")
	c.post("/"+comment, url.Values{"hide": {"true"}}).ok()
	assert.Contains(t, c.get("/"+comment+"?fields=hidden").ok(), `"hidden":true`)
	c.post("/"+comment+"/replies", url.Values{"message": {"x"}}).fails(100, 0)
	for _, bad := range []string{"", strings.Repeat("a", 301), "#a #b #c #d #e", "http://a.example https://b.example", "BUY THIS NOW"} {
		c.post("/"+media+"/comments", url.Values{"message": {bad}}).fails(100, 0)
	}
	c.delete("/" + comment).ok()
	c.get("/"+comment).fails(100, 33)
	c.get("/17800000000002990").fails(100, 33)

	c.post("/"+media+"?comment_enabled=false", nil).ok()
	assert.Contains(t, c.get("/"+media+"?fields=is_comment_enabled").ok(), "false")
	c.post("/"+media+"/comments", url.Values{"message": {"x"}}).fails(100, 0)
	c.get("/"+sandbox.SeedMentionID).fails(100, 33)
	c.delete("/"+sandbox.SeedMentionID).fails(100, 33)
	c.get("/17900002000000001?fields=caption").fails(100, 33)
}

func TestMedia_OtherEdges(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	tags := c.get("/" + account + "/tags?fields=username,owner").ok()
	assert.NotContains(t, tags, "private_pia")
	assert.NotContains(t, tags, "owner")
	assert.Contains(t, c.get("/17900001000000001?fields=owner").ok(), `"owner":{"id":"17841405726653026"}`)
	assert.Contains(t, c.get("/"+account+"/live_media?fields=media_type,media_product_type").ok(), `"media_type":"BROADCAST","media_product_type":"LIVE"`)
	c.sb.Clock().Advance(2 * time.Hour)
	assert.JSONEq(t, `{"data":[]}`, c.get("/"+account+"/live_media").ok())
	var span page
	c.get("/" + account + "/media?since=2026-07-30&until=2026-08-02").into(&span)
	assert.Len(t, span.Data, 3)
	c.get("/"+account+"/media?since=soon").fails(100, 0)
	c.get("/"+account+"/media?limit=0").fails(100, 0)
	c.get("/"+account+"/media?after=%00").fails(100, 0)
	children := c.get("/17900001000000003/children?fields=media_type,permalink,caption,timestamp").ok()
	assert.Equal(t, 3, strings.Count(children, `"media_type"`))
	assert.NotContains(t, children, "permalink")
	c.get("/"+account+"/media/1").fails(2500, 0)
	c.delete("/graph.instagram.com/17900001000000001").fails(100, 33)
}

func TestETag_SavesTheBody(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	tag := c.get("/me").header.Get("ETag")
	require.NotEmpty(t, tag)
	r := c.request(http.MethodGet, c.withToken("/me"), "", "")
	r.Header.Set("If-None-Match", tag)
	again := c.do(r)
	assert.Equal(t, http.StatusNotModified, again.status)
	assert.Empty(t, again.text)
}
