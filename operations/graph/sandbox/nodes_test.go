package sandbox_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

// TestNodes_HaveEveryDocumentedField asks for all fields of each node on the hosts that have
// them, and for those of the other host, which must be refused.
func TestNodes_HaveEveryDocumentedField(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	said := c.act(jane, "message", sandbox.Action{Text: "Hi"})
	var threads page
	c.page("/me/conversations?platform=instagram").into(&threads)
	reel := c.container("video_url", video, "media_type", "REELS")
	const bothAccount = "id,username,name,biography,website,profile_picture_url,followers_count,follows_count,media_count,media.limit(1),stories.limit(1),tags.limit(1),live_media"
	const fbAccount = "ig_id,legacy_instagram_user_id,has_profile_pic,is_published,shopping_product_tag_eligibility,shopping_review_status,owner_business"
	const bothMedia = "id,caption,media_type,media_product_type,media_url,thumbnail_url,permalink,shortcode,timestamp,username,owner,like_count,comments_count," +
		"is_comment_enabled,is_shared_to_feed,alt_text,children,comments.limit(1),view_count,current_live_viewer_count,has_poll,has_slider"
	const fbMedia = "legacy_instagram_media_id,ig_id,video_title,copyright_check_information,boost_ads_list,boost_eligibility_info,reposts_count,saved_count," +
		"shares_count,total_like_count,total_comments_count,total_views_count"
	for _, node := range []struct{ path, both, facebook, instagram string }{
		{"/" + account, bothAccount, fbAccount, "user_id,account_type"},
		{"/17900001000000001", bothMedia, fbMedia, ""},
		{"/17900001000000002", bothMedia, fbMedia, ""},
		{"/17900001000000003", bothMedia, fbMedia, ""},
		{"/17900005000000001", bothMedia, fbMedia, ""},
		{"/17800000000002007", "id,text,timestamp,username,from,like_count,hidden,media,parent_id,replies,user,legacy_instagram_comment_id", "", ""},
		{"/" + reel, "id,status_code,status,copyright_check_status,video_status", "", ""},
		{"/" + sandbox.SeedPageID, "", "id,name,category,link,tasks,access_token,instagram_business_account,connected_instagram_account", ""},
		{"/me", "", "id,name,email,first_name,middle_name,last_name,short_name,picture,gender,birthday,link,accounts", ""},
		{"/" + threads.Data[0].ID, "id,updated_time,message_count,unread_count,folder,is_owner,can_reply,link,name,participants,messages", "", ""},
		{"/" + said.MessageID, "id,created_time,from,to,message,attachments,reactions,shares,story,is_unsupported,reply_to,tags", "", ""},
		{"/" + jane, "id,name,username,profile_pic,follower_count,is_user_follow_business,is_business_follow_user,is_verified_user", "", ""},
	} {
		token := "&access_token=" + c.info.Accounts[0].UserToken
		if node.path == "/"+said.MessageID || node.path == "/"+jane || node.path == "/"+threads.Data[0].ID {
			token = "&access_token=" + c.info.Accounts[0].PageToken
		}
		ask := func(host, fields, token string) reply { return c.get(host + node.path + "?fields=" + fields + token) }
		for _, f := range strings.Split(strings.Trim(node.both+","+node.facebook, ","), ",") {
			ask("", f, token).ok()
		}
		if node.both == "" {
			continue
		}
		const ig = "/graph.instagram.com"
		for _, f := range strings.Split(strings.Trim(node.both+","+node.instagram, ","), ",") {
			ask(ig, f, "").ok()
		}
		for _, f := range strings.Split(node.facebook, ",") {
			if f != "" {
				ask(ig, f, "").fails(100, 0)
			}
		}
		if node.instagram != "" {
			ask("", node.instagram, token).fails(100, 0)
		}
	}
}

func TestMessages_ReadBackWithTheirContent(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, one := range []struct {
		kind string
		a    sandbox.Action
		want string
	}{
		{"message", sandbox.Action{URL: "https://cdn.example/a.jpg"}, `"attachments":{"data":[{"id":"1799`},
		{"message", sandbox.Action{URL: "https://cdn.example/a.jpg"}, `"image_data":{"url":"` + c.url + `/lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=`},
		{"message", sandbox.Action{URL: "https://cdn.example/a.mp4", Type: "video"}, `"video_data":{"url":`},
		{"message", sandbox.Action{URL: "https://cdn.example/a.pdf", Type: "file"}, `"file_url":`},
		{"share", sandbox.Action{MediaID: "17900001000000002"}, `"shares":{"data":[{"link":"https://www.instagram.com/reel/`},
		{"share_product", sandbox.Action{ProductID: "3231000000000001"}, `"shares":{"data":[{"template":{"payload":{"product":{"elements":{"data":[{"id":"3231000000000001"`},
		{"story_reply", sandbox.Action{MediaID: "18023000000000001", Text: "wow"}, `"story":{"reply_to":{"link":`},
		{"story_mention", sandbox.Action{}, `"story":{"mention":{"link":`},
		{"unsupported", sandbox.Action{}, `"is_unsupported":true`},
	} {
		out := c.act(jane, one.kind, one.a)
		got := c.page("/" + out.MessageID + "?fields=message,attachments,shares,story,is_unsupported").ok()
		assert.Contains(t, got, one.want)
		if _, rest, found := strings.Cut(got, `"image_data":{"url":"`); found {
			address, _, _ := strings.Cut(rest, `"`)
			assert.Equal(t, "image/jpeg", c.do(c.request(http.MethodGet, strings.ReplaceAll(address, `\u0026`, "&"), "", "")).header.Get("Content-Type"))
		}
	}
}

func TestMentions_InRepliesAndNotElsewhere(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	answer := c.act(jane, "comment", sandbox.Action{CommentID: sandbox.SeedMentionID, Text: "hey @BlueBottle."})
	mentioned := func(id string) reply {
		return c.get("/" + account + "?fields=mentioned_comment.comment_id(" + id + "){text}")
	}
	mentioned(answer.CommentID).ok()
	for _, text := range []string{"@bluebottles are fine", "bluebottle", "@bluebottle.shop"} {
		other := c.act(jane, "comment", sandbox.Action{MediaID: sandbox.SeedMentionMediaID, Text: text})
		mentioned(other.CommentID).fails(100, 33)
	}
	own := c.act(jane, "comment", sandbox.Action{MediaID: "17900001000000001", Text: "@bluebottle nice"})
	mentioned(own.CommentID).fails(100, 33)
	pia := c.sb.Igsid("bluebottle", "private_pia")
	hidden := c.act(pia, "mention_in_caption", sandbox.Action{})
	c.get("/"+account+"?fields=mentioned_media.media_id("+hidden.MediaID+")").fails(100, 33)
	c.get("/"+account+"?fields=mentioned_comment{text}").fails(100, 0)
	c.post("/"+account+"/mentions", url.Values{"media_id": {"17900002000000001"}, "message": {"x"}}).fails(100, 33)
	c.post("/"+account+"/mentions", url.Values{"media_id": {sandbox.SeedMentionMediaID}, "comment_id": {"1"}, "message": {"x"}}).fails(100, 33)
}

func TestPlatform_SmallerNodes(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	app := url.QueryEscape(c.info.AppToken)
	assert.JSONEq(t, `{"data":[{"id":"17841405726653026","username":"bluebottle"}]}`, c.page("/me/instagram_accounts?fields=id,username").ok())
	assert.NotContains(t, c.get("/100200300400502?fields=instagram_business_account").ok(), "instagram_business_account", "nothing is linked")
	assert.Contains(t, c.get("/900000000000001?access_token="+app).ok(), "Storyloop Sandbox")
	assert.Contains(t, c.get("/debug_token?input_token=nonsense&access_token="+app).ok(), `"is_valid":false`)
	assert.Contains(t, c.get("/debug_token?input_token="+app+"&access_token="+app).ok(), `"type":"APP"`)
	c.get("/debug_token?access_token="+app).fails(100, 0)
	c.get("/"+account+"?access_token="+app).fails(100, 33)
	c.get("/me?access_token="+app).fails(2500, 0)
	c.get("/me?access_token="+url.QueryEscape("900000000000001|wrong")).fails(190, 0)
	assert.JSONEq(t, `{"data":[]}`, c.get("/"+account+"/scheduled_media").ok())
	c.do(c.request(http.MethodPut, c.withToken("/me"), "", "")).fails(100, 33)
	c.get("/").fails(100, 0)
	c.get("/?ids=").fails(100, 0)
	c.do(c.request(http.MethodPost, c.withToken("/me"), "application/json", "{")).fails(100, 0)
	large := strings.Repeat("a", 17<<20)
	c.do(c.request(http.MethodPost, c.withToken("/"+account+"/mentions"), form, "message="+large)).fails(100, 0)
	requests := c.sb.Requests()
	assert.Equal(t, 400, requests[len(requests)-1].Status, "a request that cannot be read is written down too")
}

func TestServe_ManyAtOnce(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	h := c.hook()
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			for range 5 {
				resp, err := c.http.Get(c.withToken(c.url + "/" + account + "/stories?limit=3&fields=permalink,media_url"))
				if assert.NoError(t, err) {
					body, err := io.ReadAll(resp.Body)
					assert.NoError(t, err)
					assert.True(t, json.Valid(body), string(body))
					resp.Body.Close()
				}
				if _, err := c.sb.Act(jane, sandbox.Action{Kind: "comment", MediaID: "17900001000000001", Text: "Hi"}); err != nil {
					t.Error(err)
				}
				c.sb.Clock().Advance(time.Duration(i) * time.Millisecond)
				c.sb.Requests()
			}
		})
	}
	all.Wait()
	assert.Len(t, h.flush(c), 100)
	assert.Equal(t, 100, c.sb.Count("GET /{ig-user}/stories"))
}

func TestFacebookLogin_WithPKCE(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	verifier := strings.Repeat("v", 50)
	sum := sha256.Sum256([]byte(verifier))
	back := c.dialog("/www.facebook.com/dialog/oauth", url.Values{
		"client_id": {c.info.AppID}, "redirect_uri": {"https://a.example/?x=1"}, "scope": {"instagram_basic"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}, url.Values{"decision": {"continue"}, "share": {sandbox.SeedPageID}})
	require.Equal(t, "1", back.Query().Get("x"))
	exchange := url.Values{"client_id": {c.info.AppID}, "client_secret": {c.info.AppSecret}, "redirect_uri": {"https://a.example/?x=1"}, "code": {back.Query().Get("code")}}
	c.do(c.request(http.MethodGet, "/oauth/access_token?"+exchange.Encode(), "", "")).fails(100, 0)
	exchange.Set("code_verifier", verifier)
	c.do(c.request(http.MethodGet, "/oauth/access_token?"+exchange.Encode(), "", "")).ok()
}
