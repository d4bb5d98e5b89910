package operations_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

func (r *rig) auth() connectorv1.AuthServiceClient { return connectorv1.NewAuthServiceClient(r.conn) }

var inputs = regexp.MustCompile(`<input type="(\w+)" name="(\w+)" value="([^"]*)"([^>]*)>`)

// consent walks a person through the dialog, and returns the query with which the
// browser comes back.
func (r *rig) consent(t *testing.T, dialog string) string {
	t.Helper()
	page, err := http.Get(dialog)
	require.NoError(t, err)
	defer page.Body.Close()
	html, err := io.ReadAll(page.Body)
	require.NoError(t, err)
	require.Equal(t, 200, page.StatusCode, "%s", html)
	form := url.Values{"decision": {"continue"}}
	for _, input := range inputs.FindAllStringSubmatch(string(html), -1) {
		if input[1] == "hidden" || strings.Contains(input[4], "checked") {
			form.Add(input[2], input[3])
		}
	}
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := browser.PostForm(dialog, form)
	require.NoError(t, err)
	defer resp.Body.Close()
	back, err := resp.Location()
	require.NoError(t, err, "the dialog answered %d", resp.StatusCode)
	query := back.RawQuery
	if back.Fragment != "" {
		query += "#" + back.Fragment
	}
	return query
}

// login goes through a whole sign-in.
func (r *rig) login(t *testing.T, method string, current *connectorv1.Credential) *connectorv1.CompleteAuthorizationResponse {
	t.Helper()
	const redirect = "https://host.example/callback"
	begin, err := r.auth().BeginAuthorization(t.Context(), &connectorv1.BeginAuthorizationRequest{Method: method, App: r.app(), RedirectUrl: redirect, Current: current})
	require.NoError(t, err)
	require.Nil(t, begin.GetFailure())
	a := begin.GetAuthorization()
	assert.Contains(t, a.GetUrl(), "state="+a.GetState())
	done, err := r.auth().CompleteAuthorization(t.Context(), &connectorv1.CompleteAuthorizationRequest{
		Method: method, App: r.app(), RedirectUrl: redirect, Session: a.GetSession(), Reply: []byte(r.consent(t, a.GetUrl())),
	})
	require.NoError(t, err)
	return done
}

func TestAccessToken_IsInspectedAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	issued := seedTime.Add(-48 * time.Hour)

	c := r.facebook
	assert.Equal(t, "Maya Roaster", c.GetAccount())
	assert.Contains(t, c.GetScopes(), "instagram_manage_comments")
	assert.Equal(t, issued.Add(60*24*time.Hour), c.GetValidity().GetExpiresAt().AsTime())
	assert.Equal(t, issued.Add(90*24*time.Hour), c.GetValidity().GetConsentUntil().AsTime())
	assert.Equal(t, issued.Add(30*24*time.Hour), c.GetValidity().GetRefreshAfter().AsTime())

	c = r.instagram
	assert.Equal(t, "@bluebottle", c.GetAccount())
	assert.Contains(t, c.GetScopes(), "instagram_business_basic")
	assert.Contains(t, c.GetScopes(), "instagram_basic", "operations name permissions in Facebook Login's terms")

	c = r.paste(t, r.info.Accounts[0].PageToken)
	assert.Equal(t, "Blue Bottle Coffee", c.GetAccount())
	assert.Nil(t, c.GetValidity().GetExpiresAt(), "a Page's token does not end")
}

func TestAccessToken_Dead(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	complete := func(token string) *connectorv1.Failure {
		resp, err := r.auth().CompleteAuthorization(t.Context(), &connectorv1.CompleteAuthorizationRequest{Method: "access_token", App: r.app(), Reply: fmt.Appendf(nil, `{"access_token":%q}`, token)})
		require.NoError(t, err)
		require.NotNil(t, resp.GetFailure())
		return resp.GetFailure()
	}
	f := complete("EAAB" + marker)
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED, f.GetKind())
	assert.NotContains(t, f.String(), marker)

	require.NoError(t, r.InvalidateToken(r.info.Accounts[0].UserToken, 460))
	f = complete(r.info.Accounts[0].UserToken)
	assert.Equal(t, "190/460", f.GetUpstream().GetCode())

	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, complete("").GetKind())
	assert.NotContains(t, r.log.String(), marker)
}

func TestAccessToken_OfAnotherApp(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	body := `{"data":{"is_valid":true,"app_id":"1","type":"USER","scopes":["instagram_basic"]}}`
	require.NoError(t, r.AddFault(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 200, Body: body, ContentType: "application/json", Path: "/debug_token"}))
	resp, err := r.auth().CompleteAuthorization(t.Context(), &connectorv1.CompleteAuthorizationRequest{
		Method: "access_token", App: r.app(), Reply: fmt.Appendf(nil, `{"access_token":%q}`, r.info.Accounts[0].UserToken),
	})
	require.NoError(t, err)
	require.NotNil(t, resp.GetFailure())
	assert.Contains(t, resp.GetFailure().GetMessage(), "another app")
}

func TestAccessToken_OldScopeNames(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	token, err := r.NewToken(sandbox.TokenSpec{Kind: sandbox.UserToken, UserID: r.info.Accounts[0].UserID, Scopes: []string{"manage_pages", "instagram_basic"}})
	require.NoError(t, err)
	c := r.paste(t, token)
	assert.Subset(t, c.GetScopes(), []string{"manage_pages", "pages_show_list", "pages_manage_metadata", "pages_read_engagement"})
}

func TestAccessToken_WithoutAnApp(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	resp, err := r.auth().CompleteAuthorization(t.Context(), &connectorv1.CompleteAuthorizationRequest{
		Method: "access_token", Reply: fmt.Appendf(nil, `{"access_token":%q}`, r.info.Accounts[0].UserToken),
	})
	require.NoError(t, err)
	require.Nil(t, resp.GetFailure())
	assert.Contains(t, resp.GetCredential().GetScopes(), "instagram_basic")
	assert.Nil(t, resp.GetCredential().GetValidity().GetExpiresAt(), "nobody has said")
}

func TestInspect(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	for _, c := range []*connectorv1.Credential{r.facebook, r.instagram} {
		resp, err := r.auth().InspectCredential(t.Context(), &connectorv1.InspectCredentialRequest{App: r.app(), Credential: c})
		require.NoError(t, err)
		require.Nil(t, resp.GetFailure())
		assert.Equal(t, c.GetSecret(), resp.GetCredential().GetSecret())
		assert.Equal(t, c.GetScopes(), resp.GetCredential().GetScopes())
		assert.Equal(t, c.GetValidity().String(), resp.GetCredential().GetValidity().String())
	}
	r.Clock().Advance(61 * 24 * time.Hour)
	for _, c := range []*connectorv1.Credential{r.facebook, r.instagram} {
		resp, err := r.auth().InspectCredential(t.Context(), &connectorv1.InspectCredentialRequest{App: r.app(), Credential: c})
		require.NoError(t, err)
		assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED, resp.GetFailure().GetKind())
	}
}

func TestFacebookLogin(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{world: func(w *sandbox.World) { w.App.RequireProof = true }})
	done := r.login(t, "facebook_login", nil)
	require.Nil(t, done.GetFailure(), "%v", done.GetFailure())
	c := done.GetCredential()
	assert.Equal(t, "Maya Roaster", c.GetAccount())
	assert.Contains(t, c.GetScopes(), "instagram_basic")
	assert.Greater(t, c.GetValidity().GetExpiresAt().AsTime(), seedTime.Add(50*24*time.Hour))
	assert.NotContains(t, string(c.GetSecret()), r.info.AppSecret, "the app's secret stays with the host")

	resp := r.invokeAs(t, c, "list_stories", `{"ig_user_id":"17841405726653026"}`, "")
	require.Nil(t, resp.GetFailure(), "%v", resp.GetFailure())

	again := r.login(t, "facebook_login", c)
	require.Nil(t, again.GetFailure(), "%v", again.GetFailure())
}

func TestInstagramLogin(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	done := r.login(t, "instagram_login", nil)
	require.Nil(t, done.GetFailure(), "%v", done.GetFailure())
	c := done.GetCredential()
	assert.Equal(t, "instagram_login", c.GetMethod())
	expires := c.GetValidity().GetExpiresAt().AsTime()
	assert.Greater(t, expires, seedTime.Add(59*24*time.Hour))

	// A refresh is worth a call half way, and gives sixty more days.
	after := c.GetValidity().GetRefreshAfter().AsTime()
	assert.Greater(t, after, seedTime.Add(24*time.Hour))
	r.Clock().Set(after)
	refreshed, err := r.auth().RefreshCredential(t.Context(), &connectorv1.RefreshCredentialRequest{App: r.app(), Credential: c})
	require.NoError(t, err)
	require.Nil(t, refreshed.GetFailure(), "%v", refreshed.GetFailure())
	assert.Greater(t, refreshed.GetCredential().GetValidity().GetExpiresAt().AsTime(), expires)
	assert.Equal(t, c.GetScopes(), refreshed.GetCredential().GetScopes())

	// Somebody else comes back from a renewal.
	other := r.paste(t, r.info.Accounts[1].InstagramToken)
	wrong := r.login(t, "instagram_login", other)
	if assert.NotNil(t, wrong.GetFailure()) {
		assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, wrong.GetFailure().GetKind())
	}
}

func TestLogin_BadReplies(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	for _, method := range []string{"facebook_login", "instagram_login"} {
		begin, err := r.auth().BeginAuthorization(t.Context(), &connectorv1.BeginAuthorizationRequest{Method: method, App: r.app(), RedirectUrl: "https://host.example/cb"})
		require.NoError(t, err)
		a := begin.GetAuthorization()
		for _, tt := range []struct {
			name, reply string
			kind        connectorv1.FailureKind
		}{
			{"declined", "error=access_denied&error_reason=user_denied&error_description=no&state=" + a.GetState(), connectorv1.FailureKind_FAILURE_KIND_REFUSED},
			{"wrong state", "code=x&state=y", connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT},
			{"no code", "state=" + a.GetState(), connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT},
			{"unknown code", "code=" + marker + "&state=" + a.GetState() + "#_", connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED},
			{"not a query", "%zz", connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT},
			{"empty", "", connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT},
		} {
			t.Run(method+"/"+tt.name, func(t *testing.T) {
				done, err := r.auth().CompleteAuthorization(t.Context(), &connectorv1.CompleteAuthorizationRequest{
					Method: method, App: r.app(), RedirectUrl: "https://host.example/cb", Session: a.GetSession(), Reply: []byte(tt.reply),
				})
				require.NoError(t, err)
				require.NotNil(t, done.GetFailure())
				assert.Equal(t, tt.kind, done.GetFailure().GetKind(), "%v", done.GetFailure())
				assert.NotContains(t, done.GetFailure().String(), marker)
			})
		}
	}
	assert.NotContains(t, r.log.String(), marker)
}

func TestLogin_NeedsAnApp(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	begin, err := r.auth().BeginAuthorization(t.Context(), &connectorv1.BeginAuthorizationRequest{
		Method: "instagram_login", App: &connectorv1.App{Config: []byte(`{"app_id":"1","app_secret":"2"}`)}, RedirectUrl: "https://host.example/cb",
	})
	require.NoError(t, err)
	require.NotNil(t, begin.GetFailure())
	assert.Contains(t, begin.GetFailure().String(), "instagram_app_id")
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	for range 2 { // the second finds nothing to undo
		resp, err := r.auth().RevokeCredential(t.Context(), &connectorv1.RevokeCredentialRequest{App: r.app(), Credential: r.facebook})
		require.NoError(t, err)
		require.Nil(t, resp.GetFailure(), "%v", resp.GetFailure())
	}
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED, r.fails(t, "list_pages", `{}`).GetKind())

	resp, err := r.auth().RevokeCredential(t.Context(), &connectorv1.RevokeCredentialRequest{App: r.app(), Credential: r.instagram})
	require.NoError(t, err)
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, resp.GetFailure().GetKind(), "only the person can")
}

func TestCredential_EveryAnswerOfTheCodeExchange(t *testing.T) {
	t.Parallel()
	// Three shapes are documented for the same endpoint.
	for name, answer := range map[string]string{
		"guide":   `{"data":[{"access_token":"IGshort","user_id":"1020","permissions":"instagram_business_basic,instagram_business_manage_comments"}]}`,
		"capture": `{"access_token":"IGshort","user_id":"1234567890","permissions":["instagram_business_basic","instagram_business_manage_comments"]}`,
		"old":     `{"access_token":"IGshort","user_id":17841405726653026}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rigOptions{})
			require.NoError(t, r.AddFault(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 200, Body: answer, ContentType: "application/json", Path: "/oauth/access_token"}))
			require.NoError(t, r.AddFault(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 200, ContentType: "application/json", Path: "/access_token",
				Body: fmt.Sprintf(`{"access_token":%q,"token_type":"bearer","expires_in":5183944}`, r.info.Accounts[0].InstagramToken)}))
			done := r.login(t, "instagram_login", nil)
			require.Nil(t, done.GetFailure(), "%v", done.GetFailure())
			if name == "old" {
				assert.Contains(t, done.GetCredential().GetScopes(), "instagram_business_content_publish", "nobody said, so all are assumed")
			} else {
				assert.NotContains(t, done.GetCredential().GetScopes(), "instagram_business_content_publish")
				assert.Contains(t, done.GetCredential().GetScopes(), "instagram_business_manage_comments")
			}
		})
	}
}

func FuzzLoginReply(f *testing.F) {
	f.Add("code=AQ&state=x#_")
	f.Add("error=access_denied&error_reason=user_denied")
	f.Add("?code=%zz;&state=")
	f.Fuzz(func(t *testing.T, reply string) {
		if strings.Contains(reply, "goodstate") {
			t.Skip()
		}
		_, err := completeLogin(t.Context(), reply)
		require.Error(t, err)
		require.NotContains(t, err.Error(), appSecret)
	})
}

func FuzzTokenAnswer(f *testing.F) {
	f.Add(200, `{"data":[{"access_token":"IGshort","user_id":"1020","permissions":"a,b"}]}`)
	f.Add(200, `{"access_token":"IGshort","user_id":17841405726653026,"permissions":["a"]}`)
	f.Add(400, `{"error_type":"OAuthException","code":400,"error_message":"Matching code was not found or was already used"}`)
	f.Add(400, `{"error":{"message":"m","code":100,"error_subcode":36009}}`)
	var status atomic.Int32
	var body atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(int(status.Load()))
		_, _ = io.WriteString(w, body.Load().(string))
	}))
	f.Cleanup(server.Close)
	f.Fuzz(func(t *testing.T, code int, answer string) {
		if code < 200 || code > 599 || code == 204 || code == 304 {
			t.Skip()
		}
		status.Store(int32(code))
		body.Store(answer)
		c, err := completeLoginAt(t.Context(), server.URL, "code=x&state=goodstate")
		if err != nil {
			require.NotContains(t, err.Error(), appSecret)
			return
		}
		require.NotContains(t, string(c.Secret), appSecret)
	})
}
