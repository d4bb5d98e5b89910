package sandbox

import (
	"crypto/hmac"
	"net/http"
	"slices"
	"strings"
	"time"
)

// facebookToken is /oauth/access_token on graph.facebook.com: code for token, short for long,
// and the app token.
func facebookToken(c *call) (any, error) {
	app := c.s.app
	if c.params.get("client_id") == "" {
		return nil, &apiError{code: 101, message: "Missing client_id parameter."}
	}
	if c.params.get("client_id") != app.ID {
		return nil, &apiError{code: 101, message: "Error validating application. Cannot get application info due to a system error."}
	}
	if !hmac.Equal([]byte(c.params.get("client_secret")), []byte(app.Secret)) {
		return nil, &apiError{code: 1, status: http.StatusBadRequest, message: "Error validating client secret."}
	}
	switch grant := c.params.get("grant_type"); grant {
	case "client_credentials":
		return object{{"access_token", app.ID + "|" + app.Secret}, {"token_type", "bearer"}}, nil
	case "fb_exchange_token":
		return c.exchangeFacebook()
	case "", "authorization_code":
		return c.redeemFacebook()
	default:
		return nil, badParam("Unsupported grant_type %s", grant)
	}
}

func (c *call) exchangeFacebook() (any, error) {
	old := c.s.st.tokens[c.params.get("fb_exchange_token")]
	if old == nil || old.Kind != UserToken {
		return nil, badToken("Cannot parse access token")
	}
	if err := old.check(c.now); err != nil {
		return nil, err
	}
	t := *old
	t.Issued, t.Expires, t.LongLived = c.now, c.now.Add(longLife), true
	return c.issue(&t), nil
}

func (c *call) redeemFacebook() (any, error) {
	code := c.s.st.codes[c.params.get("code")]
	switch {
	case c.params.get("code") == "":
		return nil, &apiError{code: 1, status: http.StatusBadRequest, message: "Missing code parameter."}
	case code == nil || code.flavour != flavourFacebook:
		return nil, &apiError{code: 100, message: "Invalid verification code format."}
	case code.used:
		return nil, &apiError{code: 100, subcode: 36009, message: "This authorization code has been used."}
	case c.now.Sub(code.issued) >= codeLife:
		return nil, &apiError{code: 100, subcode: 36007, message: "This authorization code has expired."}
	case !code.verifierFits(c.params.get("code_verifier")):
		return nil, &apiError{code: 100, message: "Invalid code_verifier parameter."}
	case code.redirect != c.params.get("redirect_uri"):
		return nil, &apiError{code: 100, subcode: 36008, message: "Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request"}
	}
	code.used = true
	return c.issue(c.s.newUserToken(code.user, code.scopes, code.pages, c.now, shortLife)), nil
}

// newUserToken makes a Facebook user token that is not long-lived yet.
func (s *Sandbox) newUserToken(user string, scopes, pages []string, now time.Time, life time.Duration) *Token {
	t := &Token{
		Kind: UserToken, UserID: user, Scopes: slices.Clone(scopes),
		Issued: now, Expires: now.Add(life), DataAccessEnds: now.Add(dataAccessLife), Targets: map[string][]string{},
	}
	for _, scope := range scopes {
		if ids := s.targetsOf(scope, pages); len(ids) > 0 {
			t.Targets[scope] = ids
		}
	}
	return t
}

// targetsOf are the ids that a scope is granted for when the user chose Pages: account ids
// for instagram_*, Page ids for pages_*.
func (s *Sandbox) targetsOf(scope string, pages []string) []string {
	if strings.HasPrefix(scope, "pages_") {
		return slices.Clone(pages)
	}
	if !strings.HasPrefix(scope, "instagram_") {
		return nil
	}
	var ids []string
	for _, id := range pages {
		if p := s.st.pages[id]; p != nil && p.AccountID != "" {
			ids = append(ids, p.AccountID)
		}
	}
	return ids
}

// pageTokenFor is the Page token that a user token leads to. That of a long-lived user token
// never expires; that of a short one dies with it.
func (s *Sandbox) pageTokenFor(t *Token, p *Page) string {
	switch t.Kind {
	case PageToken:
		return t.Value
	case UserToken:
	default:
		return ""
	}
	expires := t.Expires
	if t.LongLived {
		expires = time.Time{}
	}
	for _, have := range s.st.tokens {
		if have.Kind == PageToken && have.PageID == p.ID && have.UserID == t.UserID && have.Dead == 0 &&
			have.Expires.Equal(expires) && slices.Equal(have.Scopes, t.Scopes) {
			return have.Value
		}
	}
	page := *t
	page.Kind, page.PageID, page.Expires = PageToken, p.ID, expires
	page.Value = s.tokenText(&page)
	s.st.tokens[page.Value] = &page
	return page.Value
}
