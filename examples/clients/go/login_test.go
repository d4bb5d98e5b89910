package clients_test

import (
	"net/http"
	"testing"
	"time"

	fb "github.com/huandu/facebook/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const redirect = "http://127.0.0.1:1/back"

// TestLogin goes from the dialog to a long-lived token, as the client's own methods do it.
func TestLogin(t *testing.T) {
	s := start(t)
	app := s.app()
	app.RedirectUri = redirect
	code := s.login(redirect, "instagram_basic,pages_show_list", "continue").Get("code")
	s.journal() // the browser's part

	short, seconds, _, err := app.ParseCodeInfo(code, "")
	require.NoError(t, err)
	assert.InDelta(t, 3600, seconds, 3600, "it lives for an hour or two")
	long, seconds, err := app.ExchangeToken(short)
	require.NoError(t, err)
	assert.NotEqual(t, short, long)
	assert.InDelta(t, 60*24*3600, seconds, 24*3600)
	session := s.session(long)
	require.NoError(t, session.Validate())

	token := "user token " + s.shop().UserID
	app1 := params{"client_id": s.AppID, "client_secret": "<app secret>"}
	s.saw(
		s.oauth(app1, params{"redirect_uri": redirect, "code": "<code>"}),
		s.oauth(app1, params{"grant_type": "fb_exchange_token", "fb_exchange_token": "<" + token + ">"}),
		s.made("GET", "/me", params{"fields": "id"}),
	)
}

func TestLogin_CodeUsedTwice(t *testing.T) {
	s := start(t)
	app := s.app()
	app.RedirectUri = redirect
	code := s.login(redirect, "instagram_basic", "continue").Get("code")
	s.journal()
	_, err := app.ParseCode(code)
	require.NoError(t, err)
	_, err = app.ParseCode(code)
	require.Error(t, err)
	want := s.oauth(params{"client_id": s.AppID, "client_secret": "<app secret>"}, params{"redirect_uri": redirect, "code": "<code>"})
	s.saw(want, want.failed(http.StatusBadRequest, 100, 36009))
}

func TestLogin_WrongSecret(t *testing.T) {
	s := start(t)
	app := s.app()
	app.RedirectUri, app.AppSecret = redirect, "0000"
	_, err := app.ParseCode(s.login(redirect, "instagram_basic", "continue").Get("code"))
	require.Error(t, err)
	calls := s.journal()
	last := calls[len(calls)-1]
	assert.Equal(t, "/oauth/access_token", last.Path)
	assert.Equal(t, "<unknown app secret>", last.Params["client_secret"])
	assert.Equal(t, http.StatusBadRequest, last.Status)
}

func TestLogin_Declined(t *testing.T) {
	s := start(t)
	back := s.login(redirect, "instagram_basic", "cancel")
	assert.Equal(t, "access_denied", back.Get("error"))
	assert.Equal(t, "user_denied", back.Get("error_reason"))
	assert.Equal(t, "xyz", back.Get("state"))
	assert.Empty(t, back.Get("code"))
}

func TestExchange_ExpiredToken(t *testing.T) {
	s := start(t)
	token := s.newToken(time.Hour, "instagram_basic")
	s.advance(2 * time.Hour)
	_, _, err := s.app().ExchangeToken(token)
	require.Error(t, err)
	calls := s.journal()
	require.Len(t, calls, 1)
	assert.Equal(t, []int{190, 463}, []int{calls[0].Code, calls[0].Subcode})
}

// TestInspect asks with the app's token about the user's, and sends the proof of the user's.
func TestInspect(t *testing.T) {
	s := start(t)
	session := s.user()
	require.NoError(t, session.EnableAppsecretProof(true))
	got, err := session.Inspect()
	require.NoError(t, err)
	var info struct {
		AppID, Type, UserID string
		IsValid             bool
		ExpiresAt           int64
		Scopes              []string
	}
	require.NoError(t, got.Decode(&info))
	assert.True(t, info.IsValid)
	assert.Equal(t, "USER", info.Type)
	assert.Equal(t, s.AppID, info.AppID)
	assert.Equal(t, s.shop().UserID, info.UserID)
	assert.Contains(t, info.Scopes, "instagram_manage_comments")
	s.saw(s.debugToken("user token "+s.shop().UserID, params{"appsecret_proof": "<proof>"}))
}

func TestInspect_PageToken(t *testing.T) {
	s := start(t)
	got, err := s.session(s.shop().PageToken).Inspect()
	require.NoError(t, err)
	var info struct {
		Type, ProfileID string
		ExpiresAt       int64
	}
	require.NoError(t, got.Decode(&info))
	assert.Equal(t, "PAGE", info.Type)
	assert.Equal(t, s.shop().PageID, info.ProfileID)
	assert.Zero(t, info.ExpiresAt, "it never expires")
	s.saw(s.debugToken("page token "+s.shop().PageID, nil))
}

// TestInspect_DeadToken answers 200 and says in data what is wrong.
func TestInspect_DeadToken(t *testing.T) {
	s := start(t)
	s.control(http.MethodPost, "tokens/invalidate", map[string]any{"token": s.shop().UserToken, "subcode": 460}, nil)
	got, err := s.user().Inspect()
	require.Error(t, err, "the client reads data.error")
	assert.Equal(t, false, got["is_valid"])
	s.saw(s.debugToken("user token "+s.shop().UserID, nil))
}

func TestProof(t *testing.T) {
	s := start(t)
	session := s.user()
	require.NoError(t, session.EnableAppsecretProof(true))
	_, err := session.Post("/"+firstPost+"/comments", fb.Params{"message": "Proved"})
	require.NoError(t, err)
	session.App().AppSecret = "0000"
	require.NoError(t, session.EnableAppsecretProof(false))
	require.NoError(t, session.EnableAppsecretProof(true)) // makes it anew
	_, err = session.Post("/"+firstPost+"/comments", fb.Params{"message": "Forged"})
	require.Error(t, err)
	proved := s.made("POST", "/"+firstPost+"/comments", params{"message": "Proved", "appsecret_proof": "<proof>"})
	forged := s.made("POST", "/"+firstPost+"/comments", params{"message": "Forged", "appsecret_proof": "<proof>"})
	s.saw(proved, forged.failed(http.StatusBadRequest, 100, 0))
}

// TestProof_Required has a world of its own, whose app has "Require App Secret" switched on.
func TestProof_Required(t *testing.T) {
	s := start(t, "--world", "testdata/strict.json")
	session := s.user()
	_, err := session.Get("/me/accounts", fb.Params{"fields": "name"})
	require.ErrorContains(t, err, "appsecret_proof")
	_, _, err = s.app().ExchangeToken(s.shop().UserToken) // shows the secret itself
	require.NoError(t, err)
	require.NoError(t, session.EnableAppsecretProof(true))
	got, err := session.Get("/me/accounts", fb.Params{"fields": "name"})
	require.NoError(t, err)
	assert.Equal(t, "Strict Coffee", got.Get("data.0.name"))

	exchange := params{"grant_type": "fb_exchange_token", "fb_exchange_token": "<user token " + s.shop().UserID + ">"}
	s.saw(
		s.made("GET", "/me/accounts", params{"fields": "name"}).failed(http.StatusBadRequest, 100, 0),
		s.oauth(params{"client_id": s.AppID, "client_secret": "<app secret>"}, exchange),
		s.made("GET", "/me/accounts", params{"fields": "name", "appsecret_proof": "<proof>"}),
	)
}

// oauth is a successful call of the token endpoint.
func (s *sandbox) oauth(some, more params) call {
	c := call{Method: "POST", Host: "graph.facebook.com", Version: version, Path: "/oauth/access_token", Params: params{}, Status: http.StatusOK}
	for _, p := range []params{some, more} {
		for k, v := range p {
			c.Params[k] = v
		}
	}
	return c
}

// debugToken is a successful call that asks with the app's token about another.
func (s *sandbox) debugToken(about string, p params) call {
	c := s.made("GET", "/debug_token", p).by("app token")
	c.Params["input_token"] = "<" + about + ">"
	return c
}
