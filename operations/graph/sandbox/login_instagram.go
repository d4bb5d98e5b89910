package sandbox

import (
	"crypto/hmac"
	"net/http"
	"slices"
	"strings"
)

// instagramCode is POST api.instagram.com/oauth/access_token.
func instagramCode(c *call) (any, error) {
	app, code := c.s.app, c.s.st.codes[c.params.get("code")]
	switch {
	case c.params.get("client_id") != app.InstagramID:
		return nil, oauthError("Invalid platform app")
	case !hmac.Equal([]byte(c.params.get("client_secret")), []byte(app.InstagramSecret)):
		return nil, oauthError("Error validating client secret.")
	case c.params.get("grant_type") != "authorization_code":
		return nil, oauthError("Invalid grant_type: " + c.params.get("grant_type"))
	case code == nil || code.used || code.flavour != flavourInstagram:
		return nil, oauthError("Matching code was not found or was already used")
	case c.now.Sub(code.issued) >= codeLife:
		return nil, oauthError("This authorization code has expired")
	case code.redirect != c.params.get("redirect_uri"):
		return nil, oauthError("Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request")
	}
	code.used = true
	t := &Token{
		Kind: InstagramToken, AccountID: code.user, Scopes: slices.Clone(code.scopes),
		Issued: c.now, Expires: c.now.Add(shortLife),
	}
	c.issue(t)
	a := c.s.st.accounts[code.user]
	switch c.s.app.CodeReply {
	case "flat":
		return object{{"access_token", t.Value}, {"user_id", a.scopedOrID()}, {"permissions", slices.Clone(t.Scopes)}}, nil
	case "number":
		return object{{"access_token", t.Value}, {"user_id", jsonNumber(a.scopedOrID())}}, nil
	}
	return object{{"data", []object{{
		{"access_token", t.Value}, {"user_id", a.scopedOrID()}, {"permissions", strings.Join(t.Scopes, ",")},
	}}}}, nil
}

func (a *Account) scopedOrID() string {
	if a.ScopedID != "" {
		return a.ScopedID
	}
	return a.ID
}

// exchangeInstagram is GET graph.instagram.com/access_token: short for long.
func exchangeInstagram(c *call) (any, error) {
	if g := c.params.get("grant_type"); g != "ig_exchange_token" {
		return nil, badParam("Unsupported grant_type %s", g)
	}
	if !hmac.Equal([]byte(c.params.get("client_secret")), []byte(c.s.app.InstagramSecret)) {
		return nil, &apiError{code: 1, status: http.StatusBadRequest, message: "Error validating client secret."}
	}
	old, err := c.instagramToken()
	if err != nil {
		return nil, err
	}
	if old.LongLived {
		return nil, &apiError{code: 452, kind: "IGApiException", message: "Session key invalid. This could be because the session key has an incorrect format, or because the user has revoked this session"}
	}
	t := *old
	t.Issued, t.Expires, t.LongLived = c.now, c.now.Add(longLife), true
	return c.issue(&t), nil
}

// refreshInstagram is GET graph.instagram.com/refresh_access_token: for a long-lived token that
// is at least a day old.
func refreshInstagram(c *call) (any, error) {
	if g := c.params.get("grant_type"); g != "ig_refresh_token" {
		return nil, badParam("Unsupported grant_type %s", g)
	}
	old, err := c.instagramToken()
	if err != nil {
		return nil, err
	}
	switch {
	case !old.LongLived:
		return nil, badParam("Only a long-lived token can be refreshed")
	case c.now.Sub(old.Issued) < minRefreshAge:
		return nil, badParam("A token can be refreshed when it is at least 24 hours old")
	case !old.grants("instagram_business_basic", ""):
		return nil, missingScope("instagram_business_basic")
	}
	t := *old
	t.Issued, t.Expires = c.now, c.now.Add(longLife)
	return append(c.issue(&t), member{"permissions", strings.Join(t.Scopes, ",")}), nil
}

// instagramToken is the token that an exchange is about.
func (c *call) instagramToken() (*Token, error) {
	text := c.params.get("access_token")
	if text == "" {
		text, _ = bearer(c.r.Header.Get("Authorization"))
	}
	t := c.s.st.tokens[text]
	if t == nil || t.Kind != InstagramToken {
		return nil, badToken("Cannot parse access token")
	}
	return t, orNil(t.check(c.now))
}
