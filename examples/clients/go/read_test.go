package clients_test

import (
	"net/http"
	"testing"

	fb "github.com/huandu/facebook/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	firstPost    = "17900001000000001" // 60 comments, of them one with a reply
	firstComment = "17800000000001007"
	carousel     = "17900001000000003"
)

func TestAccounts(t *testing.T) {
	s := start(t)
	fields := "id,name,access_token,tasks,instagram_business_account{id,username}"
	got, err := s.user().Get("/me/accounts", fb.Params{"fields": fields})
	require.NoError(t, err)
	s.saw(s.made("GET", "/me/accounts", params{"fields": fields}))
	var pages []struct {
		ID                       string
		AccessToken              string
		InstagramBusinessAccount *struct{ ID, Username string }
	}
	s.into(got, "data", &pages)
	require.Len(t, pages, 3)
	assert.Equal(t, s.shop().PageID, pages[0].ID)
	assert.Equal(t, s.shop().PageToken, pages[0].AccessToken)
	assert.Equal(t, s.shop().ID, pages[0].InstagramBusinessAccount.ID)
	assert.Nil(t, pages[2].InstagramBusinessAccount, "a Page without Instagram")
}

// TestWaysToReachIt holds that the client need not know how the sandbox is reached.
func TestWaysToReachIt(t *testing.T) {
	s := start(t)
	for _, way := range []struct {
		name string
		use  func(*fb.Session)
		want func(*call)
	}{
		{"by Meta's name", func(*fb.Session) {}, func(*call) {}},
		{"by base URL", func(f *fb.Session) { f.HttpClient, f.BaseURL = nil, s.URL+"/" }, func(*call) {}},
		{"by base URL with the host in its path", func(f *fb.Session) { f.HttpClient, f.BaseURL = nil, s.URL+"/graph.facebook.com/" }, func(*call) {}},
		{"without a version", func(f *fb.Session) { f.Version = "" }, func(c *call) { c.Version = "" }},
		{"with an old version", func(f *fb.Session) { f.Version = "v2.6" }, func(c *call) { c.Version = "v2.6" }},
		{"with the token in the header", func(f *fb.Session) { f.UseAuthorizationHeader() }, func(c *call) {
			c.Auth = "bearer"
			delete(c.Params, "access_token")
		}},
	} {
		session := s.user()
		way.use(session)
		id, err := session.User()
		require.NoError(t, err, way.name)
		assert.Equal(t, s.shop().UserID, id, way.name)
		want := s.made("GET", "/me", params{"fields": "id"})
		way.want(&want)
		s.saw(want)
	}
}

// TestMedia_PagedToTheEnd follows paging.next, to which the client adds its proof each time.
func TestMedia_PagedToTheEnd(t *testing.T) {
	s := start(t)
	session := s.user()
	require.NoError(t, session.EnableAppsecretProof(true))
	path := "/" + s.shop().ID + "/media"
	got, err := session.Get(path, fb.Params{"fields": "id,caption,timestamp", "limit": 10})
	require.NoError(t, err)
	paging, err := got.Paging(session)
	require.NoError(t, err)

	seen := map[string]bool{}
	var after []string
	for more := true; more; {
		for _, m := range paging.Data() {
			var id string
			s.into(m, "id", &id)
			assert.False(t, seen[id], "%s came twice", id)
			seen[id] = true
		}
		done, err := paging.Next()
		require.NoError(t, err)
		more = !done
	}
	assert.Len(t, seen, 36)

	calls := s.journal()
	require.Len(t, calls, 4)
	for i, c := range calls {
		want := s.made("GET", path, params{"fields": "id,caption,timestamp", "limit": "10", "appsecret_proof": "<proof>"})
		if i > 0 {
			require.NotEmpty(t, c.Params["after"])
			assert.NotContains(t, after, c.Params["after"], "a cursor came twice")
			after = append(after, c.Params["after"])
			want.Params["after"], want.Params["pretty"] = c.Params["after"], "0"
		}
		assert.Equal(t, want, c)
	}
}

func TestMedia_WalkedBack(t *testing.T) {
	s := start(t)
	session := s.user()
	got, err := session.Get("/"+s.shop().ID+"/media", fb.Params{"limit": 10})
	require.NoError(t, err)
	paging, err := got.Paging(session)
	require.NoError(t, err)
	first := paging.Data()
	assert.False(t, paging.HasPrevious(), "the first page has one before it")
	_, err = paging.Next()
	require.NoError(t, err)
	assert.NotEqual(t, first, paging.Data())
	_, err = paging.Previous()
	require.NoError(t, err)
	assert.Equal(t, first, paging.Data())
	calls := s.journal()
	require.Len(t, calls, 3)
	assert.NotEmpty(t, calls[1].Params["after"])
	assert.NotEmpty(t, calls[2].Params["before"])
	assert.Empty(t, calls[2].Params["after"])
}

func TestMediaNode(t *testing.T) {
	s := start(t)
	fields := "id,caption,media_type,timestamp,owner,like_count,children{id,media_type}"
	got, err := s.user().Get("/"+carousel, fb.Params{"fields": fields})
	require.NoError(t, err)
	s.saw(s.made("GET", "/"+carousel, params{"fields": fields}))
	var media struct {
		ID, MediaType string
		Owner         struct{ ID string }
		Children      struct {
			Data []struct{ ID, MediaType string }
		}
	}
	require.NoError(t, got.Decode(&media))
	assert.Equal(t, carousel, media.ID)
	assert.Equal(t, "CAROUSEL_ALBUM", media.MediaType)
	assert.Equal(t, s.shop().ID, media.Owner.ID)
	assert.Len(t, media.Children.Data, 3)
}

// TestQueryInPath puts parameters into the path, where they win over the others.
func TestQueryInPath(t *testing.T) {
	s := start(t)
	_, err := s.user().Get(firstPost+"?fields=id,media_type", fb.Params{"fields": "id"})
	require.NoError(t, err)
	s.saw(s.made("GET", "/"+firstPost, params{"fields": "id,media_type"}))
}

func TestSeveralNodes(t *testing.T) {
	s := start(t)
	got, err := s.user().Get("/", fb.Params{"ids": []string{firstPost, carousel}, "fields": "id,media_type"})
	require.NoError(t, err)
	s.saw(s.made("GET", "/", params{"ids": `["` + firstPost + `","` + carousel + `"]`, "fields": "id,media_type"}))
	var kind string
	s.into(got, carousel+".media_type", &kind)
	assert.Equal(t, "CAROUSEL_ALBUM", kind)
}

func TestInsights(t *testing.T) {
	s := start(t)
	session := s.user()
	metrics := []string{"reach", "likes", "saved"}
	got, err := session.Get("/"+firstPost+"/insights", fb.Params{"metric": metrics})
	require.NoError(t, err)
	var list []struct {
		Name, Period string
		Values       []struct{ Value int }
	}
	s.into(got, "data", &list)
	require.Len(t, list, 3)
	assert.Equal(t, "lifetime", list[0].Period)
	assert.Positive(t, list[0].Values[0].Value)

	day := fb.Params{"metric": "reach", "period": "day", "metric_type": "total_value", "since": 1785600000, "until": 1785686400}
	_, err = session.Get("/"+s.shop().ID+"/insights", day)
	require.NoError(t, err)
	s.saw(
		s.made("GET", "/"+firstPost+"/insights", params{"metric": `["reach","likes","saved"]`}),
		s.made("GET", "/"+s.shop().ID+"/insights", params{
			"metric": "reach", "period": "day", "metric_type": "total_value", "since": "1785600000", "until": "1785686400",
		}),
	)
}

func TestInsights_DeadMetric(t *testing.T) {
	s := start(t)
	_, err := s.user().Get("/"+firstPost+"/insights", fb.Params{"metric": "impressions"})
	var refused *fb.Error
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, 100, refused.Code)
	s.saw(s.made("GET", "/"+firstPost+"/insights", params{"metric": "impressions"}).failed(http.StatusBadRequest, 100, 0))
}

// TestInstagramLogin serves the client from the host that it does not know.
func TestInstagramLogin(t *testing.T) {
	s := start(t)
	session := s.session(s.shop().InstagramToken)
	session.BaseURL = "https://graph.instagram.com/"
	got, err := session.Get("/me", fb.Params{"fields": "user_id,username,account_type"})
	require.NoError(t, err)
	var id string
	s.into(got, "user_id", &id)
	assert.Equal(t, s.shop().ID, id)
	_, err = session.Get("/me/media", fb.Params{"limit": 2})
	require.NoError(t, err)

	me := s.made("GET", "/me", params{"fields": "user_id,username,account_type"}).by("instagram token " + s.shop().ID)
	media := s.made("GET", "/me/media", params{"limit": "2"}).by("instagram token " + s.shop().ID)
	me.Host, media.Host = "graph.instagram.com", "graph.instagram.com"
	s.saw(me, media)
}

// TestWrongHost shows that a token is good for its own flavour of login only.
func TestWrongHost(t *testing.T) {
	s := start(t)
	_, err := s.session(s.shop().InstagramToken).Get("/me", nil)
	var refused *fb.Error
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, 190, refused.Code)
	calls := s.journal()
	require.Len(t, calls, 1)
	assert.Equal(t, 190, calls[0].Code)
}
