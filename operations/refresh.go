package operations

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

// refreshAfter is when a refresh begins to be worth a call: half way to the end,
// but not before Meta takes it, which is a day after the token was made. A token
// that never ends, or whose end is not known, needs none.
func (a *api) refreshAfter(in inspection) time.Time {
	if in.expires.IsZero() || in.pageID != "" {
		return time.Time{}
	}
	issued := in.issued
	if issued.IsZero() {
		issued = in.expires.Add(-longLife)
	}
	half := issued.Add(in.expires.Sub(issued) / 2)
	if day := issued.Add(24 * time.Hour); half.Before(day) {
		half = day
	}
	if !half.Before(in.expires) {
		return time.Time{}
	}
	return half
}

// longLife is how long a long-lived token lasts.
const longLife = 60 * 24 * time.Hour

// refresh extends a credential without a person, where Meta does that.
func (a *api) refresh(ctx context.Context, appConfig connector.Secret, c connector.Credential) (connector.Credential, error) {
	registration, err := readApp(appConfig)
	if err != nil {
		return connector.Credential{}, err
	}
	k, err := readKey(c.Secret)
	if err != nil {
		return connector.Credential{}, err
	}
	issued, err := a.extend(ctx, registration, k)
	if err != nil {
		return connector.Credential{}, failure(err)
	}
	in, err := a.inspectToken(ctx, registration, issued.Token, k.Host)
	if err != nil {
		return connector.Credential{}, failure(err)
	}
	in.fill(issued)
	if in.scopes == nil {
		in.scopes = c.Scopes
	}
	return a.credential(ctx, c.Method, registration, issued.Token, in)
}

// issuedToken is a token as Meta hands it out.
type issuedToken struct {
	Token       string      `json:"access_token"`
	ExpiresIn   json.Number `json:"expires_in"`
	Permissions permissions `json:"permissions"`

	at, expires time.Time
}

// extend exchanges a token for one that lasts longer.
func (a *api) extend(ctx context.Context, registration app, k key) (issuedToken, error) {
	if k.Host == graph.Instagram {
		return a.issue(ctx, graph.Request{
			Host: graph.Instagram, Path: "/refresh_access_token", Unversioned: true,
			Params: url.Values{"grant_type": {"ig_refresh_token"}}, Token: k.Token,
		})
	}
	return a.exchange(ctx, registration, k.Token)
}

// exchange turns a token of Facebook Login into a long-lived one.
// Source: developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived.
func (a *api) exchange(ctx context.Context, registration app, token string) (issuedToken, error) {
	if registration.ID == "" || registration.Secret == "" {
		return issuedToken{}, precondition("The token cannot be extended without the app's id and secret.", "Set app_id and app_secret in the app's configuration.")
	}
	return a.issue(ctx, graph.Request{
		Host: graph.Facebook, Path: "/oauth/access_token",
		Params: url.Values{"grant_type": {"fb_exchange_token"}, "client_id": {registration.ID}, "client_secret": {registration.Secret}, "fb_exchange_token": {token}},
	})
}

// issue asks for a token and notes until when it lasts.
func (a *api) issue(ctx context.Context, r graph.Request) (issuedToken, error) {
	resp, err := a.graph().Do(ctx, r)
	if err != nil {
		return issuedToken{}, err
	}
	var answer struct {
		issuedToken
		Data []issuedToken `json:"data"` // Meta's guide shows it inside a list
	}
	if err := resp.Decode(&answer); err != nil {
		return issuedToken{}, err
	}
	t := answer.issuedToken
	if len(answer.Data) > 0 {
		t = answer.Data[0]
	}
	if t.Token == "" {
		return issuedToken{}, errors.New("no token in the answer")
	}
	t.at = resp.At
	if seconds, err := t.ExpiresIn.Int64(); err == nil && seconds > 0 {
		t.expires = resp.At.Add(time.Duration(seconds) * time.Second)
	}
	return t, nil
}

// revoke takes the consent back. With Instagram Login only the person can, in the
// app's settings.
func (a *api) revoke(ctx context.Context, _ connector.Secret, c connector.Credential) error {
	k, err := readKey(c.Secret)
	if err != nil {
		return err
	}
	if k.Host == graph.Instagram {
		return precondition("A consent of Instagram Login cannot be taken back by an app.", "Remove the app in the Instagram app, under “Apps and websites”.")
	}
	_, err = a.graph().Do(ctx, graph.Request{Host: graph.Facebook, Method: "DELETE", Path: "/me/permissions", Token: k.Token, Proof: k.Proof})
	if e, ok := graphError(err); ok && e.Class == graph.Unauthenticated {
		return nil // a dead token has no consent
	}
	return failure(err)
}

// permissions is a list that Meta writes as an array, or as text with commas.
type permissions []string

// UnmarshalJSON reads both forms; what is neither is no list.
func (p *permissions) UnmarshalJSON(b []byte) error {
	var many []string
	if json.Unmarshal(b, &many) == nil {
		*p = many
		return nil
	}
	var one string
	if json.Unmarshal(b, &one) == nil && one != "" {
		*p = strings.Split(strings.ReplaceAll(one, " ", ""), ",")
	}
	return nil
}
