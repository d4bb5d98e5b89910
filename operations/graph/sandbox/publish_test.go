package sandbox_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

const (
	photo = "https://cdn.example/photo.jpg"
	video = "https://cdn.example/clip.mp4"
)

func (c *client) container(params ...string) string {
	c.Helper()
	var made struct{ ID string }
	c.post("/"+account+"/media", pairs(params...)).into(&made)
	return made.ID
}

func pairs(params ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(params); i += 2 {
		v.Set(params[i], params[i+1])
	}
	return v
}

func (c *client) status(id string) string {
	c.Helper()
	var got struct {
		StatusCode string `json:"status_code"`
	}
	c.get("/" + id + "?fields=status_code,status").into(&got)
	return got.StatusCode
}

func (c *client) publish(id string) string {
	c.Helper()
	var made struct{ ID string }
	c.post("/"+account+"/media_publish", pairs("creation_id", id)).into(&made)
	return made.ID
}

func TestPublish_EachKindReadsBackAsInstagramHasIt(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	item := c.container("image_url", photo, "is_carousel_item", "true")
	clip := c.container("video_url", video, "media_type", "VIDEO", "is_carousel_item", "true")
	c.sb.Clock().Advance(time.Minute)
	for _, post := range []struct {
		id, edge, want string
	}{
		{c.container("image_url", photo, "caption", "A photo", "alt_text", "a cup", "user_tags", `[{"username":"bob","x":0.5,"y":0.5}]`), "media", `"media_type":"IMAGE","media_product_type":"FEED"`},
		{c.container("video_url", video, "media_type", "REELS", "caption", "A reel", "thumb_offset", "100", "share_to_feed", "true"), "media", `"media_type":"VIDEO","media_product_type":"REELS"`},
		{c.container("media_type", "CAROUSEL", "children", item+","+clip, "caption", "Two"), "media", `"media_type":"CAROUSEL_ALBUM","media_product_type":"FEED"`},
		{c.container("media_type", "CAROUSEL", "children", `["`+item+`","`+clip+`"]`), "media", `"media_type":"CAROUSEL_ALBUM","media_product_type":"FEED"`},
		{c.container("media_type", "STORIES", "image_url", photo), "stories", `"media_type":"IMAGE","media_product_type":"STORY"`},
		{c.container("media_type", "STORIES", "video_url", video), "stories", `"media_type":"VIDEO","media_product_type":"STORY"`},
	} {
		c.sb.Clock().Advance(time.Minute)
		assert.Equal(t, "FINISHED", c.status(post.id))
		media := c.publish(post.id)
		assert.Equal(t, "PUBLISHED", c.status(post.id))
		assert.Contains(t, c.get("/"+media+"?fields=media_type,media_product_type").ok(), post.want)
		assert.Contains(t, c.get("/"+account+"/"+post.edge+"?limit=1").ok(), media)
		c.post("/"+account+"/media_publish", pairs("creation_id", post.id)).fails(100, 0)
	}
	c.post("/"+account+"/media_publish", pairs("creation_id", item)).fails(100, 0)
}

func TestPublish_ContainersAgeByTheClock(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	reel := c.container("video_url", video, "media_type", "REELS")
	assert.Equal(t, "IN_PROGRESS", c.status(reel))
	c.post("/"+account+"/media_publish", pairs("creation_id", reel)).fails(9007, 2207027)
	c.sb.Clock().Advance(10 * time.Second)
	assert.Equal(t, "FINISHED", c.status(reel))
	c.sb.Clock().Advance(24 * time.Hour)
	assert.Equal(t, "EXPIRED", c.status(reel))
	c.post("/"+account+"/media_publish", pairs("creation_id", reel)).fails(24, 2207008)
	c.post("/"+account+"/media_publish", pairs("creation_id", "1")).fails(24, 2207006)

	c.sb.SetAsset(sandbox.Asset{URL: "https://cdn.example/odd.mp4", Type: "video/x-msvideo"})
	odd := c.container("video_url", "https://cdn.example/odd.mp4", "media_type", "REELS")
	c.sb.Clock().Advance(time.Minute)
	assert.Equal(t, "ERROR", c.status(odd))
	assert.Contains(t, c.get("/"+odd+"?fields=status").ok(), "2207026")
	c.post("/"+account+"/media_publish", pairs("creation_id", odd)).fails(352, 2207026)
}

func TestPublish_RefusesByTheTable(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, a := range []sandbox.Asset{
		{URL: "https://x.example/large.jpg", Bytes: 9 << 20}, {URL: "https://x.example/wide.jpg", Width: 1000, Height: 300},
		{URL: "https://x.example/gone.jpg", Missing: true}, {URL: "https://x.example/short.mp4", Seconds: 5},
		{URL: "https://x.example/slow.jpg", Code: -2, Subcode: 2207003}, {URL: "https://x.example/down.jpg", Code: -1, Subcode: 2207001},
	} {
		c.sb.SetAsset(a)
	}
	one := c.container("image_url", photo, "is_carousel_item", "true")
	for _, bad := range []struct {
		name          string
		code, subcode int
		params        []string
	}{
		{"unknown type", 100, 2207023, []string{"media_type", "GIF", "image_url", photo}},
		{"feed video", 100, 2207023, []string{"media_type", "VIDEO", "video_url", video}},
		{"no image", 100, 0, []string{"caption", "x"}},
		{"no video", 100, 0, []string{"media_type", "REELS"}},
		{"not fetchable", 9004, 2207052, []string{"image_url", "https://x.example/gone.jpg"}},
		{"not a URL", 9004, 2207052, []string{"image_url", "photo.jpg"}},
		{"not ASCII", 9004, 2207052, []string{"image_url", "https://x.example/é.jpg"}},
		{"too large", 36000, 2207004, []string{"image_url", "https://x.example/large.jpg"}},
		{"not a JPEG", 36001, 2207005, []string{"image_url", "https://x.example/a.png"}},
		{"ratio", 36003, 2207009, []string{"image_url", "https://x.example/wide.jpg"}},
		{"download timed out", -2, 2207003, []string{"image_url", "https://x.example/slow.jpg"}},
		{"Instagram is down", -1, 2207001, []string{"image_url", "https://x.example/down.jpg"}},
		{"long caption", 36004, 2207010, []string{"image_url", photo, "caption", strings.Repeat("é", 2201)}},
		{"many tags", 100, 2207040, []string{"image_url", photo, "caption", strings.Repeat("@a ", 21)}},
		{"many hashtags", 100, 0, []string{"image_url", photo, "caption", strings.Repeat("#a ", 31)}},
		{"one child", 100, 2207028, []string{"media_type", "CAROUSEL", "children", one}},
		{"eleven children", 100, 2207028, []string{"media_type", "CAROUSEL", "children", strings.Repeat(one+",", 11)}},
		{"unknown child", 24, 2207006, []string{"media_type", "CAROUSEL", "children", one + ",1"}},
		{"thumb offset", 1, 2207057, []string{"media_type", "REELS", "video_url", "https://x.example/short.mp4", "thumb_offset", "6000"}},
		{"product in a video", 100, 2207035, []string{"media_type", "REELS", "video_url", video, "product_tags", `[{"product_id":3231000000000001,"x":0.1,"y":0.1}]`}},
		{"product without a place", 100, 2207036, []string{"image_url", photo, "product_tags", `[{"product_id":"3231000000000001"}]`}},
		{"unknown product", 100, 2207037, []string{"image_url", photo, "product_tags", `[{"product_id":1,"x":0.1,"y":0.1}]`}},
		{"tag without a place", 100, 0, []string{"image_url", photo, "user_tags", `[{"username":"bob"}]`}},
		{"tag outside", 100, 0, []string{"image_url", photo, "user_tags", `[{"username":"bob","x":1.5,"y":0}]`}},
		{"four collaborators", 100, 0, []string{"image_url", photo, "collaborators", "a,b,c,d"}},
		{"unknown collaborator", 100, 0, []string{"image_url", photo, "collaborators", "nobody.at.all"}},
		{"location", 100, 0, []string{"image_url", photo, "location_id", sandbox.SeedPageID}},
		{"alt text of a reel", 100, 0, []string{"media_type", "REELS", "video_url", video, "alt_text", "x"}},
		{"trial", 100, 0, []string{"media_type", "REELS", "video_url", video, "trial_params", `{"graduation_strategy":"SOON"}`}},
		{"upload type", 100, 0, []string{"media_type", "REELS", "upload_type", "direct"}},
	} {
		t.Run(bad.name, func(t *testing.T) {
			r := c.post("/"+account+"/media", pairs(bad.params...))
			r.fails(bad.code, bad.subcode)
			assert.Equal(t, http.StatusBadRequest, r.status)
		})
	}
	c.post("/"+account+"/media", pairs("image_url", photo, "location_id", "100200300400501")).ok()
}

func TestPublish_Quotas(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.sb.SetLimits(sandbox.Limits{PublishPerDay: 2, ContainerPerDay: 4})
	limit := "/" + account + "/content_publishing_limit"
	assert.JSONEq(t, `{"data":[{"quota_usage":0}]}`, c.get(limit).ok())
	ids := []string{c.container("image_url", photo), c.container("image_url", photo), c.container("image_url", photo)}
	c.publish(ids[0])
	c.sb.Clock().Advance(time.Hour)
	c.publish(ids[1])
	c.post("/"+account+"/media_publish", pairs("creation_id", ids[2])).fails(9, 2207042)
	assert.JSONEq(t, `{"data":[{"config":{"quota_total":2,"quota_duration":86400},"quota_usage":2}]}`, c.get(limit+"?fields=config,quota_usage").ok())
	since := c.sb.Clock().Now().Add(-time.Minute).Unix()
	assert.JSONEq(t, `{"data":[{"quota_usage":1}]}`, c.get(fmt.Sprintf("%s?since=%d", limit, since)).ok())
	c.container("image_url", photo)
	c.post("/"+account+"/media", pairs("image_url", photo)).fails(9, 2207042)
	c.sb.Clock().Advance(23 * time.Hour)
	assert.JSONEq(t, `{"data":[{"quota_usage":1}]}`, c.get(limit).ok())
}

func TestPublish_ResumableUpload(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	var made struct{ ID, URI string }
	c.post("/v25.0/"+account+"/media", pairs("media_type", "REELS", "upload_type", "resumable")).into(&made)
	assert.Equal(t, c.url+"/rupload.facebook.com/ig-api-upload/v25.0/"+made.ID, made.URI)
	upload := func(token string, offset, size int, body string) reply {
		r := c.request(http.MethodPost, made.URI, "", body)
		r.Header.Set("Authorization", "OAuth "+token)
		r.Header.Set("offset", fmt.Sprint(offset))
		r.Header.Set("file_size", fmt.Sprint(size))
		return c.do(r)
	}
	token := c.info.Accounts[0].UserToken
	assert.Contains(t, upload("nonsense", 0, 10, "0123456789").text, `"debug_info":{"retriable":false,"type":"NotAuthorizedError"`)
	assert.Contains(t, upload(token, 0, 10, "01234").text, `"retriable":true,"type":"PartialRequestError"`)
	assert.Equal(t, "IN_PROGRESS", c.status(made.ID))
	assert.Contains(t, c.get("/"+made.ID+"?fields=video_status").ok(), `"uploading_phase":{"status":"in_progress","bytes_transferred":5}`)
	assert.Contains(t, upload(token, 0, 10, "0123456789").text, "OffsetInvalidError")
	assert.Contains(t, upload(token, 5, 10, "56789").ok(), `"success":true`)
	c.sb.Clock().Advance(time.Minute)
	assert.Equal(t, "FINISHED", c.status(made.ID))
	c.publish(made.ID)

	c.post("/"+account+"/media", pairs("media_type", "REELS", "upload_type", "resumable")).into(&made)
	r := c.request(http.MethodPost, made.URI, "", "")
	r.Header.Set("Authorization", "OAuth "+token)
	r.Header.Set("file_url", "ftp://nowhere/")
	assert.Contains(t, c.do(r).text, "ProcessingFailedError")
	r.Header.Set("file_url", video)
	r.Body = io.NopCloser(strings.NewReader(""))
	c.do(r).ok()
}

func TestPublish_InstagramLoginLacksSomeParameters(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	path := "/graph.instagram.com/me/media"
	c.post(path, pairs("image_url", photo)).ok()
	c.post(path, pairs("image_url", photo, "collaborators", "bob")).fails(100, 0)
	c.post(path, pairs("image_url", photo, "product_tags", "[]")).fails(100, 0)
}

func TestMedia_FilesOnTheCDN(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	var m struct {
		MediaURL string `json:"media_url"`
	}
	c.get("/17900001000000001?fields=media_url").into(&m)
	r := c.do(c.request(http.MethodGet, m.MediaURL, "", ""))
	r.ok()
	assert.Equal(t, "image/jpeg", r.header.Get("Content-Type"))
	assert.Equal(t, "image/jpeg", http.DetectContentType([]byte(r.text)))
	c.get("/17900001000000002?fields=media_url").into(&m)
	clip := c.do(c.request(http.MethodGet, m.MediaURL, "", ""))
	assert.Equal(t, "video/mp4", http.DetectContentType([]byte(clip.text)))
	c.delete("/17900001000000002").ok()
	assert.Equal(t, http.StatusNotFound, c.do(c.request(http.MethodGet, m.MediaURL, "", "")).status)
	c.sb.Clock().Advance(96 * time.Hour)
	assert.Equal(t, http.StatusForbidden, c.do(c.request(http.MethodGet, m.MediaURL, "", "")).status)
	require.NotContains(t, c.get("/17900001000000006").ok(), "media_url", "copyrighted media have none")
}
