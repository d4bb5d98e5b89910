package sandbox_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

func (c *client) token(spec sandbox.TokenSpec) string {
	c.Helper()
	token, err := c.sb.NewToken(spec)
	require.NoError(c, err)
	return token
}

func (c *client) userToken(scopes ...string) string {
	c.Helper()
	return c.token(sandbox.TokenSpec{Kind: sandbox.UserToken, UserID: c.info.Accounts[0].UserID, Scopes: scopes})
}

func TestTokens_OfTheOtherFlavourAreRefused(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	one := c.info.Accounts[0]
	for _, path := range []string{
		"/graph.instagram.com/v25.0/me?access_token=" + one.UserToken, "/graph.instagram.com/me?access_token=" + one.PageToken,
		"/v25.0/me?access_token=" + one.InstagramToken, "/graph.facebook.com/v25.0/" + account + "?access_token=" + one.InstagramToken,
		"/me?access_token=nonsense",
	} {
		assert.Contains(t, c.get(path).fails(190, 0), "Cannot parse access token")
	}
	c.do(c.request(http.MethodGet, "/"+account, "", "")).fails(104, 0)
	c.do(c.request(http.MethodGet, "/me", "", "")).fails(2500, 0)
}

func TestTokens_ByHostHeader(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	r := c.request(http.MethodGet, "/v25.0/me/stories?limit=10&fields=username&access_token="+c.info.Accounts[0].InstagramToken, "", "")
	r.Host = "graph.instagram.com"
	assert.Contains(t, c.do(r).ok(), `"next":"https://graph.instagram.com/v25.0/17841405726653026/stories?`)
}

func TestTokens_Expire(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	token := c.token(sandbox.TokenSpec{Kind: sandbox.UserToken, UserID: c.info.Accounts[0].UserID, ExpiresIn: 3600})
	c.get("/me?access_token=" + token).ok()
	c.sb.Clock().Advance(time.Hour)
	r := c.get("/me?access_token=" + token)
	assert.Contains(t, r.fails(190, 463), "Session has expired")
	assert.Equal(t, http.StatusUnauthorized, r.status)
}

func TestTokens_DieBySubcode(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, subcode := range []int{456, 457, 458, 459, 460, 461, 462, 463, 464, 465, 466, 467, 468, 492} {
		token := c.userToken("instagram_basic")
		require.NoError(t, c.sb.InvalidateToken(token, subcode))
		c.get("/me?access_token="+token).fails(190, subcode)
		var debug struct {
			Data struct {
				IsValid bool `json:"is_valid"`
				Error   struct{ Code, Subcode int }
			}
		}
		c.get("/debug_token?access_token=" + url.QueryEscape(c.info.AppToken) + "&input_token=" + token).into(&debug)
		assert.False(t, debug.Data.IsValid)
		assert.Equal(t, subcode, debug.Data.Error.Subcode)
	}
	token := c.userToken()
	require.NoError(t, c.sb.InvalidateToken(token, -1))
	c.get("/me?access_token="+token).fails(190, 0)
	require.Error(t, c.sb.InvalidateToken("nobody's", 460))
}

func TestScopes_AreCheckedForEachCall(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	basic := []string{"instagram_basic", "pages_read_engagement"}
	mention := "/" + account + "?fields=mentioned_media.media_id(" + sandbox.SeedMentionMediaID + "){caption}&access_token="
	c.get(mention+c.userToken(basic...)).fails(10, 0)
	c.get(mention + c.userToken(append(basic, "instagram_manage_comments")...)).ok()
	c.get("/"+account+"/stories?access_token="+c.userToken("instagram_basic")).fails(200, 0)
	c.get("/" + account + "/stories?access_token=" + c.userToken("instagram_basic", "pages_show_list")).ok()
	c.get("/" + account + "/stories?access_token=" + c.userToken("instagram_basic", "manage_pages")).ok()
	c.get("/17900001000000001?fields=comments{text}&access_token="+c.userToken(basic...)).fails(10, 0)
	c.get("/me/accounts?access_token="+c.userToken("instagram_basic")).fails(200, 0)
	ig := c.token(sandbox.TokenSpec{Kind: sandbox.InstagramToken, AccountID: account, Scopes: []string{"instagram_business_basic"}})
	c.get("/graph.instagram.com/" + account + "/media?access_token=" + ig).ok()
	c.get("/graph.instagram.com/17900001000000001/comments?access_token="+ig).fails(10, 0)
}

func TestScopes_AreGranular(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	token := c.token(sandbox.TokenSpec{
		Kind: sandbox.UserToken, UserID: c.info.Accounts[0].UserID, Scopes: []string{"instagram_basic", "pages_show_list"},
		Targets: map[string][]string{"instagram_basic": {sandbox.SeedThirdAccountID}, "pages_show_list": {"100200300400501"}},
	})
	c.get("/" + sandbox.SeedThirdAccountID + "?access_token=" + token).ok()
	c.get("/"+account+"?access_token="+token).fails(10, 0)
	pages := c.get("/me/accounts?fields=id,instagram_business_account&access_token=" + token).ok()
	assert.JSONEq(t, `{"data":[{"id":"100200300400501","instagram_business_account":{"id":"17841400000000003"}}]}`, pages)
	assert.Contains(t, c.get("/debug_token?access_token="+url.QueryEscape(c.info.AppToken)+"&input_token="+token).ok(),
		`"granular_scopes":[{"scope":"instagram_basic","target_ids":["17841400000000003"]},{"scope":"pages_show_list","target_ids":["100200300400501"]}]`)
}

func TestTokens_DataAccessEnds(t *testing.T) {
	t.Parallel()
	world := sandbox.SeedWorld()
	world.Tokens[0].DataAccessEnds = sandbox.SeedTime.Add(time.Hour)
	c := newClientOf(t, sandbox.Options{World: world})
	c.get("/" + account).ok()
	c.sb.Clock().Advance(time.Hour)
	c.get("/"+account).fails(10, 0)
	assert.Contains(t, c.get("/debug_token?input_token="+c.info.Accounts[0].UserToken).ok(), `"is_valid":true`)
}

func TestProof_CanBeRequired(t *testing.T) {
	t.Parallel()
	world := sandbox.SeedWorld()
	world.App.RequireProof = true
	c := newClientOf(t, sandbox.Options{World: world})
	assert.Contains(t, c.get("/me").fails(100, 0), "appsecret_proof")
	c.get("/me?appsecret_proof=" + sandbox.Proof(c.info.AppSecret, c.info.Accounts[0].UserToken)).ok()
	c.get("/900000000000001/subscriptions?access_token=" + url.QueryEscape(c.info.AppToken)).ok()
}

func TestFacebookLogin_FromDialogToPageToken(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	const redirect = "https://app.example/cb"
	back := c.dialog("/www.facebook.com/v25.0/dialog/oauth",
		url.Values{"client_id": {c.info.AppID}, "redirect_uri": {redirect}, "state": {"s"}, "scope": {"instagram_basic,pages_show_list,pages_read_engagement"}},
		url.Values{"decision": {"continue"}, "share": {sandbox.SeedPageID}, "grant": {"instagram_basic", "pages_show_list"}})
	exchange := url.Values{"client_id": {c.info.AppID}, "client_secret": {c.info.AppSecret}, "redirect_uri": {redirect}, "code": {back.Query().Get("code")}}
	call := func(v url.Values) reply {
		return c.do(c.request(http.MethodGet, "/v25.0/oauth/access_token?"+v.Encode(), "", ""))
	}
	wrong := func(key, value string) url.Values {
		v := url.Values{}
		for k := range exchange {
			v.Set(k, exchange.Get(k))
		}
		v.Set(key, value)
		return v
	}
	call(wrong("redirect_uri", redirect+"/")).fails(100, 36008)
	call(wrong("client_secret", "no")).fails(1, 0)
	call(wrong("client_secret", c.info.InstagramAppSecret)).fails(1, 0)
	call(wrong("code", "no")).fails(100, 0)
	var short, long struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	call(exchange).into(&short)
	assert.Equal(t, int64(3600), short.ExpiresIn)
	call(exchange).fails(100, 36009)

	call(url.Values{"grant_type": {"fb_exchange_token"}, "client_id": {c.info.AppID}, "client_secret": {c.info.AppSecret}, "fb_exchange_token": {short.AccessToken}}).into(&long)
	assert.Equal(t, int64(60*24*3600), long.ExpiresIn)
	var pages struct {
		Data []struct {
			ID          string
			AccessToken string `json:"access_token"`
		}
	}
	c.get("/me/accounts?access_token=" + long.AccessToken).into(&pages)
	require.Len(t, pages.Data, 1, "only the Page that was chosen")
	debug := c.get("/debug_token?access_token=" + url.QueryEscape(c.info.AppToken) + "&input_token=" + pages.Data[0].AccessToken).ok()
	assert.Contains(t, debug, `"expires_at":0`)
	assert.Contains(t, debug, `"type":"PAGE"`)
	assert.Contains(t, debug, `"profile_id":"134895793791914"`)
	assert.NotContains(t, debug, "pages_read_engagement", "it was not granted")

	c.sb.Clock().Advance(61 * 24 * time.Hour)
	call(url.Values{"grant_type": {"fb_exchange_token"}, "client_id": {c.info.AppID}, "client_secret": {c.info.AppSecret}, "fb_exchange_token": {long.AccessToken}}).fails(190, 463)
	c.get("/" + sandbox.SeedPageID + "?fields=id&access_token=" + pages.Data[0].AccessToken).ok()
	assert.Contains(t, call(url.Values{"grant_type": {"client_credentials"}, "client_id": {c.info.AppID}, "client_secret": {c.info.AppSecret}}).ok(), c.info.AppID+"|")
}

func TestDialogs_RefuseWhatMetaRefuses(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	good := func() url.Values {
		return url.Values{"client_id": {c.info.InstagramAppID}, "redirect_uri": {"https://a.example/"}, "response_type": {"code"}, "scope": {"instagram_business_basic"}}
	}
	for _, bad := range []struct{ key, value, says string }{
		{"client_id", c.info.AppID, "Invalid app ID"},
		{"redirect_uri", "nowhere", "redirect_uri"},
		{"response_type", "token", "response_type"},
		{"scope", "business_basic", "Invalid Scopes"},
		{"scope", "instagram_business_basic instagram_basic", "Invalid Scopes: instagram_basic"},
	} {
		q := good()
		q.Set(bad.key, bad.value)
		r := c.do(c.request(http.MethodGet, "/www.instagram.com/oauth/authorize?"+q.Encode(), "", ""))
		assert.Equal(t, http.StatusBadRequest, r.status)
		assert.Contains(t, r.text, bad.says)
		assert.Contains(t, r.header.Get("Content-Type"), "text/html")
	}
}

func TestInstagramLogin_FromDialogToRefresh(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	const redirect = "https://app.example/cb"
	back := c.dialog("/www.instagram.com/oauth/authorize",
		url.Values{"client_id": {c.info.InstagramAppID}, "redirect_uri": {redirect}, "response_type": {"code"}, "state": {"s"}, "scope": {"instagram_business_basic,instagram_business_manage_comments"}},
		url.Values{"decision": {"continue"}, "share": {account}})
	assert.Equal(t, "_", back.Fragment, "the code ends with #_")
	values := url.Values{
		"client_id": {c.info.InstagramAppID}, "client_secret": {c.info.InstagramAppSecret}, "grant_type": {"authorization_code"},
		"redirect_uri": {redirect}, "code": {back.Query().Get("code")},
	}
	redeem := func() reply {
		return c.do(c.request(http.MethodPost, "/api.instagram.com/oauth/access_token", form, values.Encode()))
	}
	var short struct {
		Data []struct {
			AccessToken string `json:"access_token"`
			UserID      string `json:"user_id"`
			Permissions string
		}
	}
	redeem().into(&short)
	assert.Equal(t, "instagram_business_basic,instagram_business_manage_comments", short.Data[0].Permissions)
	again := redeem()
	assert.Equal(t, 400, again.status)
	assert.JSONEq(t, `{"error_type":"OAuthException","code":400,"error_message":"Matching code was not found or was already used"}`, again.text)

	ig := "/graph.instagram.com"
	exchange := ig + "/access_token?grant_type=ig_exchange_token&access_token=" + short.Data[0].AccessToken + "&client_secret="
	c.get(exchange+c.info.AppSecret).fails(1, 0)
	var long, fresh struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	c.get(exchange + c.info.InstagramAppSecret).into(&long)
	refresh := ig + "/refresh_access_token?grant_type=ig_refresh_token&access_token="
	c.get(refresh+short.Data[0].AccessToken).fails(100, 0)
	c.get(refresh+long.AccessToken).fails(100, 0)
	c.sb.Clock().Advance(24 * time.Hour)
	c.get(refresh + long.AccessToken).into(&fresh)
	assert.Equal(t, int64(60*24*3600), fresh.ExpiresIn)
	assert.NotEqual(t, long.AccessToken, fresh.AccessToken)
	c.sb.Clock().Advance(60 * 24 * time.Hour)
	c.get(refresh+fresh.AccessToken).fails(190, 463)
}

func TestInstagramLogin_AnswersACodeInThreeForms(t *testing.T) {
	t.Parallel()
	for reply, want := range map[string]string{
		"": `"user_id":"26000000000000001","permissions":"instagram_business_basic"}]}`, "flat": `"permissions":["instagram_business_basic"]}`, "number": `"user_id":26000000000000001}`,
	} {
		world := sandbox.SeedWorld()
		world.App.CodeReply = reply
		c := newClientOf(t, sandbox.Options{World: world})
		back := c.dialog("/www.instagram.com/oauth/authorize", url.Values{"client_id": {c.info.InstagramAppID}, "redirect_uri": {"https://a.example/"}, "scope": {"instagram_business_basic"}},
			url.Values{"decision": {"continue"}, "share": {account}})
		got := c.do(c.request(http.MethodPost, "/api.instagram.com/oauth/access_token", form, url.Values{
			"client_id": {c.info.InstagramAppID}, "client_secret": {c.info.InstagramAppSecret}, "grant_type": {"authorization_code"},
			"redirect_uri": {"https://a.example/"}, "code": {back.Query().Get("code")},
		}.Encode()))
		assert.Contains(t, got.ok(), want)
	}
}

func TestPermissions_ListAndRevoke(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	assert.Contains(t, c.get("/me/permissions").ok(), `{"permission":"instagram_basic","status":"granted"}`)
	c.delete("/me/permissions/instagram_manage_comments").ok()
	assert.Contains(t, c.get("/me/permissions").ok(), `{"permission":"instagram_manage_comments","status":"declined"}`)
	c.get("/17900001000000001/comments").fails(10, 0)
	c.delete("/me/permissions").ok()
	c.get("/me").fails(190, 458)
}

func TestJournal_HoldsNoSecret(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	one := c.info.Accounts[0]
	c.get("/me?access_token=" + one.UserToken + "&appsecret_proof=" + sandbox.Proof(c.info.AppSecret, one.UserToken))
	c.get("/debug_token?input_token=" + one.PageToken + "&access_token=" + url.QueryEscape(c.info.AppToken))
	c.get("/me?access_token=some-unknown-token")
	c.post("/", url.Values{"batch": {`[{"method":"GET","relative_url":"me?access_token=` + one.PageToken + `"}]`}})
	c.do(c.request(http.MethodGet, "/oauth/access_token?client_id=1&client_secret="+c.info.AppSecret+"&code=some-code", "", ""))
	journal := c.do(c.request(http.MethodGet, "/__sandbox/requests", "", "")).ok()
	for _, secret := range []string{one.UserToken, one.PageToken, c.info.AppSecret, "some-unknown-token", "some-code", sandbox.Proof(c.info.AppSecret, one.UserToken)} {
		assert.NotContains(t, journal, secret)
	}
	assert.Contains(t, journal, "<page token 134895793791914>")
	assert.Equal(t, 6, strings.Count(journal, `"seq"`))
}
