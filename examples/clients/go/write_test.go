package clients_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	fb "github.com/huandu/facebook/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestComments reads, writes, hides and deletes. The client deletes by POST with
// method=DELETE and sends numbers and booleans as JSON in a form.
func TestComments(t *testing.T) {
	s := start(t)
	session := s.user()
	fields := "id,text,username,hidden"
	got, err := session.Get("/"+firstPost+"/comments", fb.Params{"fields": fields, "limit": 100})
	require.NoError(t, err)
	var page []struct{ ID string }
	s.into(got, "data", &page)
	assert.Len(t, page, 50, "a page of comments has 50 at most")

	got, err = session.Post("/"+firstPost+"/comments", fb.Params{"message": "Thank you, Jürgen & co!"})
	require.NoError(t, err)
	comment := s.id(got)
	got, err = session.Post("/"+firstComment+"/replies", fb.Params{"message": "It is."})
	require.NoError(t, err)
	reply := s.id(got)
	_, err = session.Post("/"+firstComment, fb.Params{"hide": true})
	require.NoError(t, err)
	got, err = session.Get("/"+firstComment, fb.Params{"fields": "hidden,replies{id}"})
	require.NoError(t, err)
	var hidden bool
	s.into(got, "hidden", &hidden)
	assert.True(t, hidden)
	_, err = session.Post("/"+firstComment, fb.Params{"hide": false})
	require.NoError(t, err)
	got, err = session.Delete("/"+comment, nil)
	require.NoError(t, err)
	var done bool
	s.into(got, "success", &done)
	assert.True(t, done)
	_, err = session.Get("/"+comment, nil)
	require.Error(t, err, "it is deleted")

	s.saw(
		s.made("GET", "/"+firstPost+"/comments", params{"fields": fields, "limit": "100"}),
		s.made("POST", "/"+firstPost+"/comments", params{"message": "Thank you, Jürgen & co!"}),
		s.made("POST", "/"+firstComment+"/replies", params{"message": "It is."}),
		s.made("POST", "/"+firstComment, params{"hide": "true"}),
		s.made("GET", "/"+firstComment, params{"fields": "hidden,replies{id}"}),
		s.made("POST", "/"+firstComment, params{"hide": "false"}),
		s.made("DELETE", "/"+comment, params{"method": "DELETE"}),
		s.made("GET", "/"+comment, nil).failed(http.StatusBadRequest, 100, 33),
	)
	assert.NotEqual(t, comment, reply)
}

// TestComment_Multipart sends a file along, upon which the client makes its form multipart.
func TestComment_Multipart(t *testing.T) {
	s := start(t)
	picture := fb.Data("cup.jpg", strings.NewReader("JPEG"))
	got, err := s.user().Post("/"+firstPost+"/comments", fb.Params{"message": "Schön ☕", "source": picture})
	require.NoError(t, err)
	assert.NotEmpty(t, s.id(got))
	calls := s.journal()
	require.Len(t, calls, 1)
	assert.Equal(t, "Schön ☕", calls[0].Params["message"])
	assert.Equal(t, "json", calls[0].Params["format"])
	assert.Equal(t, http.StatusOK, calls[0].Status)
}

func TestComments_SwitchedOff(t *testing.T) {
	s := start(t)
	session := s.user()
	_, err := session.Post("/"+firstPost, fb.Params{"comment_enabled": false})
	require.NoError(t, err)
	_, err = session.Post("/"+firstPost+"/comments", fb.Params{"message": "Hello?"})
	require.Error(t, err)
	s.saw(
		s.made("POST", "/"+firstPost, params{"comment_enabled": "false"}),
		s.made("POST", "/"+firstPost+"/comments", params{"message": "Hello?"}).failed(http.StatusBadRequest, 100, 0),
	)
}

func TestPublish_Image(t *testing.T) {
	s := start(t)
	session, account := s.user(), "/"+s.shop().ID
	tags := []map[string]any{{"username": "metricsaurus", "x": 0.5, "y": 0.25}}
	got, err := session.Post(account+"/media", fb.Params{"image_url": "https://cdn.example/cup.jpg", "caption": "A cup ☕ #coffee", "user_tags": tags})
	require.NoError(t, err)
	container := s.id(got)
	assert.Equal(t, "FINISHED", s.status(session, container))
	got, err = session.Post(account+"/media_publish", fb.Params{"creation_id": container})
	require.NoError(t, err)
	media := s.id(got)
	assert.Equal(t, "PUBLISHED", s.status(session, container))
	got, err = session.Get("/"+media, fb.Params{"fields": "caption,media_type,media_product_type"})
	require.NoError(t, err)
	assert.Equal(t, "A cup ☕ #coffee", got["caption"])

	s.saw(
		s.made("POST", account+"/media", params{
			"image_url": "https://cdn.example/cup.jpg", "caption": "A cup ☕ #coffee", "user_tags": `[{"username":"metricsaurus","x":0.5,"y":0.25}]`,
		}),
		s.made("GET", "/"+container, params{"fields": "status_code"}),
		s.made("POST", account+"/media_publish", params{"creation_id": container}),
		s.made("GET", "/"+container, params{"fields": "status_code"}),
		s.made("GET", "/"+media, params{"fields": "caption,media_type,media_product_type"}),
	)
}

// TestPublish_Reel publishes too early, waits, and publishes.
func TestPublish_Reel(t *testing.T) {
	s := start(t)
	session, account := s.user(), "/"+s.shop().ID
	got, err := session.Post(account+"/media", fb.Params{"media_type": "REELS", "video_url": "https://cdn.example/pour.mp4", "share_to_feed": true})
	require.NoError(t, err)
	container := s.id(got)
	assert.Equal(t, "IN_PROGRESS", s.status(session, container))
	_, err = session.Post(account+"/media_publish", fb.Params{"creation_id": container})
	var early *fb.Error
	require.ErrorAs(t, err, &early)
	assert.Equal(t, 2207027, early.ErrorSubcode)
	assert.NotEmpty(t, early.UserTitle)
	s.advance(10 * time.Minute)
	assert.Equal(t, "FINISHED", s.status(session, container))
	_, err = session.Post(account+"/media_publish", fb.Params{"creation_id": container})
	require.NoError(t, err)

	publish := s.made("POST", account+"/media_publish", params{"creation_id": container})
	status := s.made("GET", "/"+container, params{"fields": "status_code"})
	s.saw(
		s.made("POST", account+"/media", params{"media_type": "REELS", "video_url": "https://cdn.example/pour.mp4", "share_to_feed": "true"}),
		status, publish.failed(http.StatusBadRequest, 9007, 2207027), status, publish,
	)
}

// TestPublish_Carousel gives the items as the client writes lists, in JSON.
func TestPublish_Carousel(t *testing.T) {
	s := start(t)
	session, account := s.user(), "/"+s.shop().ID
	var items []string
	for _, name := range []string{"one", "two"} {
		got, err := session.Post(account+"/media", fb.Params{"image_url": "https://cdn.example/" + name + ".jpg", "is_carousel_item": true})
		require.NoError(t, err)
		items = append(items, s.id(got))
	}
	got, err := session.Post(account+"/media", fb.Params{"media_type": "CAROUSEL", "children": items, "caption": "Two"})
	require.NoError(t, err)
	container := s.id(got)
	_, err = session.Post(account+"/media_publish", fb.Params{"creation_id": container})
	require.NoError(t, err)
	calls := s.journal()
	require.Len(t, calls, 4)
	assert.Equal(t, s.made("POST", account+"/media", params{"image_url": "https://cdn.example/one.jpg", "is_carousel_item": "true"}), calls[0])
	assert.Equal(t, s.made("POST", account+"/media", params{"media_type": "CAROUSEL", "caption": "Two", "children": `["` + items[0] + `","` + items[1] + `"]`}), calls[2])
	assert.Equal(t, s.made("POST", account+"/media_publish", params{"creation_id": container}), calls[3])
}

func TestPublishingLimit(t *testing.T) {
	s := start(t)
	got, err := s.user().Get("/"+s.shop().ID+"/content_publishing_limit", fb.Params{"fields": "config,quota_usage"})
	require.NoError(t, err)
	s.saw(s.made("GET", "/"+s.shop().ID+"/content_publishing_limit", params{"fields": "config,quota_usage"}))
	var limits []struct {
		QuotaUsage int
		Config     struct{ QuotaTotal, QuotaDuration int }
	}
	s.into(got, "data", &limits)
	require.Len(t, limits, 1)
	assert.Equal(t, 86400, limits[0].Config.QuotaDuration)
}

// id is the id of what was made.
func (s *sandbox) id(r fb.Result) string {
	s.Helper()
	var id string
	s.into(r, "id", &id)
	return id
}

// status is how far a container is.
func (s *sandbox) status(session *fb.Session, container string) (code string) {
	s.Helper()
	got, err := session.Get("/"+container, fb.Params{"fields": "status_code"})
	require.NoError(s, err)
	s.into(got, "status_code", &code)
	return code
}
