package operations

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

// login is what differs between the two ways to sign in at Meta.
type login struct {
	api      *api
	name     string
	scopes   []string
	clientID func(app) string
	dialog   func(a app, params url.Values) string // The address of the page that asks for consent.
	// redeem turns a code into a long-lived token.
	redeem func(ctx context.Context, a app, code, redirect string) (issuedToken, error)
	host   graph.Host
}

// facebookLoginMethod signs in with Facebook, for accounts linked to a Page.
// Source: developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow.
func facebookLoginMethod(a *api) connector.AuthMethod {
	l := login{
		api: a, name: facebookLogin, scopes: facebookScopes, host: graph.Facebook,
		clientID: func(a app) string { return a.ID },
		dialog: func(registration app, params url.Values) string {
			if registration.LoginConfigID != "" {
				params.Del("scope")
				params.Set("config_id", registration.LoginConfigID)
			}
			return a.graph().URL(graph.FacebookDialog, "/dialog/oauth", false) + "?" + params.Encode()
		},
		redeem: a.redeemFacebook,
	}
	return l.method("Facebook Login")
}

// instagramLoginMethod signs in with Instagram itself; no Page is needed.
// Source: developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/business-login.
func instagramLoginMethod(a *api) connector.AuthMethod {
	l := login{
		api: a, name: instagramLogin, scopes: instagramScopes, host: graph.Instagram,
		clientID: func(a app) string { return a.InstagramID },
		dialog: func(_ app, params url.Values) string {
			return a.graph().URL(graph.InstagramPages, "/oauth/authorize", true) + "?" + params.Encode()
		},
		redeem: a.redeemInstagram,
	}
	return l.method("Instagram Login")
}

func (l login) method(title string) connector.AuthMethod {
	return connector.AuthMethod{
		Name:     l.name,
		Title:    title,
		Flow:     connector.OAuth2Code,
		Scopes:   scopes(l.scopes),
		Begin:    l.begin,
		Complete: l.complete,
		Refresh:  l.api.refresh,
		Inspect:  l.api.inspect,
		Revoke:   l.api.revoke,
	}
}

// loginSession is what a flow under way needs to end.
type loginSession struct {
	State  string `json:"state"`
	UserID string `json:"user_id,omitempty"` // Who is expected to come back, in a renewal.
}

func (l login) begin(_ context.Context, r connector.BeginRequest) (connector.Authorization, error) {
	registration, err := l.registration(r.App)
	if err != nil {
		return connector.Authorization{}, err
	}
	wanted := r.Scopes
	if len(wanted) == 0 {
		for _, s := range scopes(l.scopes) {
			if s.Default {
				wanted = append(wanted, s.Name)
			}
		}
	}
	for i, name := range wanted {
		if !slices.Contains(l.scopes, name) {
			return connector.Authorization{}, connector.Invalid(pointerTo("/scopes", i), "unknown_scope", "This login has no permission of that name.")
		}
	}
	session := loginSession{State: rand.Text()}
	params := url.Values{
		"client_id": {l.clientID(registration)}, "redirect_uri": {r.RedirectURL}, "response_type": {"code"},
		"scope": {strings.Join(wanted, ",")}, "state": {session.State},
	}
	if r.Current != nil {
		if k, err := readKey(r.Current.Secret); err == nil {
			session.UserID = k.UserID
		}
		if l.host == graph.Facebook {
			params.Set("auth_type", "rerequest") // ask again for what was declined
		}
	}
	secret, err := json.Marshal(session)
	if err != nil {
		return connector.Authorization{}, fmt.Errorf("keeping the session: %w", err)
	}
	return connector.Authorization{URL: l.dialog(registration, params), State: session.State, Session: secret}, nil
}

func (l login) complete(ctx context.Context, r connector.CompleteRequest) (connector.Credential, error) {
	registration, err := l.registration(r.App)
	if err != nil {
		return connector.Credential{}, err
	}
	var session loginSession
	if err := r.Session.Decode(&session); err != nil {
		return connector.Credential{}, connector.Invalid("/session", "bad_session", "The sign-in's session cannot be read; start again.")
	}
	code, err := readReply(r.Reply, session.State)
	if err != nil {
		return connector.Credential{}, err
	}
	issued, err := l.redeem(ctx, registration, code, r.RedirectURL)
	if e, ok := graphError(err); ok && e.Class == graph.Invalid {
		e.Class, e.Sentence, e.Action = graph.Unauthenticated, "Meta did not accept the code of the sign-in.", "Sign in again; a code is good once, for a short time, and for one redirect URL."
	}
	if err != nil {
		return connector.Credential{}, failure(err)
	}
	in, err := l.api.inspectToken(ctx, registration, issued.Token, l.host)
	if err != nil {
		return connector.Credential{}, failure(err)
	}
	if session.UserID != "" && session.UserID != in.userID {
		return connector.Credential{}, precondition("Somebody else signed in: "+in.account+".", "Sign in as the same account, or make a new credential.")
	}
	in.fill(issued)
	return l.api.credential(ctx, l.name, registration, issued.Token, in)
}

// fill adds what the token itself came with, where the inspection does not say.
func (in *inspection) fill(t issuedToken) {
	if in.scopes == nil {
		in.scopes = t.Permissions
	}
	if !in.knowsValidity {
		in.issued, in.expires = t.at, t.expires
	}
}

// registration reads the operator's registration, which must have what this login
// needs.
func (l login) registration(s connector.Secret) (app, error) {
	a, err := readApp(s)
	if err != nil {
		return app{}, err
	}
	prefix := ""
	if l.host == graph.Instagram {
		prefix = "instagram_"
	}
	if l.clientID(a) == "" {
		return app{}, connector.Invalid("/app/"+prefix+"app_id", "missing_property", "The app's configuration has no %sapp_id.", prefix)
	}
	if a.secretAt(l.host) == "" {
		return app{}, connector.Invalid("/app/"+prefix+"app_secret", "missing_property", "The app's configuration has no %sapp_secret.", prefix)
	}
	return a, nil
}

// readReply reads what the browser came back with, and returns the code in it. Meta
// puts "#_" or "#_=_" behind it, which is no part of the code.
func readReply(reply connector.Secret, state string) (string, error) {
	raw, _, _ := strings.Cut(strings.TrimPrefix(string(reply), "?"), "#")
	q, err := url.ParseQuery(raw)
	if err != nil {
		return "", connector.Invalid("/reply", "bad_reply", "What the browser came back with cannot be read.")
	}
	if q.Get("error") != "" || q.Get("error_code") != "" {
		return "", &connector.Error{
			Kind: connector.Refused, Applied: connector.AppliedNo, Message: "The person did not consent.",
			Upstream: &connector.Upstream{Code: q.Get("error"), Message: firstOf(q.Get("error_description"), q.Get("error_message"))},
		}
	}
	if !hmac.Equal([]byte(q.Get("state")), []byte(state)) {
		return "", connector.Invalid("/reply", "wrong_state", "The reply does not belong to this sign-in; start again.")
	}
	code := q.Get("code")
	if code == "" {
		return "", connector.Invalid("/reply", "no_code", "The reply has no code in it; start again.")
	}
	return code, nil
}

func (a *api) redeemFacebook(ctx context.Context, registration app, code, redirect string) (issuedToken, error) {
	short, err := a.issue(ctx, graph.Request{
		Host: graph.Facebook, Path: "/oauth/access_token",
		Params: url.Values{"client_id": {registration.ID}, "client_secret": {registration.Secret}, "redirect_uri": {redirect}, "code": {code}},
	})
	if err != nil {
		return issuedToken{}, err
	}
	return a.exchange(ctx, registration, short.Token)
}

// redeemInstagram turns a code into a token of an hour, and that into one of sixty
// days.
func (a *api) redeemInstagram(ctx context.Context, registration app, code, redirect string) (issuedToken, error) {
	short, err := a.issue(ctx, graph.Request{
		Host: graph.InstagramAPI, Method: "POST", Path: "/oauth/access_token", Unversioned: true,
		Params: url.Values{
			"client_id": {registration.InstagramID}, "client_secret": {registration.InstagramSecret},
			"grant_type": {"authorization_code"}, "redirect_uri": {redirect}, "code": {code},
		},
	})
	if err != nil {
		return issuedToken{}, err
	}
	long, err := a.issue(ctx, graph.Request{
		Host: graph.Instagram, Path: "/access_token", Unversioned: true, Token: short.Token,
		Params: url.Values{"grant_type": {"ig_exchange_token"}, "client_secret": {registration.InstagramSecret}},
	})
	if long.Permissions == nil {
		long.Permissions = short.Permissions
	}
	return long, err
}
