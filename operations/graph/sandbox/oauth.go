package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Lives of tokens (developers.facebook.com/docs/instagram-platform and
// facebook-login/guides/access-tokens).
const (
	shortLife      = time.Hour
	longLife       = 60 * 24 * time.Hour
	dataAccessLife = 90 * 24 * time.Hour
	codeLife       = time.Hour
	minRefreshAge  = 24 * time.Hour
)

// An authCode is what an OAuth dialog hands out. It is good once and for an hour.
type authCode struct {
	flavour   flavour
	user      string // user id or account id
	redirect  string
	scopes    []string
	pages     []string // the Pages that the user chose
	issued    time.Time
	used      bool
	challenge string // PKCE, S256
}

// isOAuthPath says whether a path is part of the login, which works with every version:
// libraries have old ones wired in (passport-facebook: v3.2).
func isOAuthPath(path string) bool {
	return path == "oauth/access_token" || path == "dialog/oauth" || path == "access_token" || path == "refresh_access_token" || path == "oauth/authorize"
}

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

// issue stores a token under a new text and makes the answer for it.
func (c *call) issue(t *Token) object {
	t.Value = c.s.tokenText(t)
	c.s.st.tokens[t.Value] = t
	return object{{"access_token", t.Value}, {"token_type", "bearer"}}.with("expires_in", lifeLeft(t, c.now))
}

func lifeLeft(t *Token, now time.Time) any {
	if t.Expires.IsZero() {
		return nil
	}
	return int64(t.Expires.Sub(now) / time.Second)
}

// tokenText makes up a token: opaque, unique, the same in every run.
func (s *Sandbox) tokenText(t *Token) string {
	s.st.nextID++
	prefix := "EAAB"
	if t.Kind == InstagramToken {
		prefix = "IGAAB"
	}
	return prefix + secretText(fmt.Sprint(s.app.Secret, s.st.nextID, t.Kind, t.UserID, t.PageID, t.AccountID), 72)
}

// secretText makes up n letters and digits from a seed.
func secretText(seed string, n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	var b []byte
	for i := 0; len(b) < n; i++ {
		sum := sha256.Sum256([]byte(seed + "/" + strconv.Itoa(i)))
		for _, x := range sum {
			b = append(b, letters[int(x)%len(letters)])
		}
	}
	return string(b[:n])
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
		return nil, missingScope("instagram_business_basic", c.method)
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

// A TokenSpec says what kind of token to make.
type TokenSpec struct {
	Kind      string              `json:"kind"` // USER, PAGE or INSTAGRAM
	UserID    string              `json:"user_id,omitempty"`
	PageID    string              `json:"page_id,omitempty"`
	AccountID string              `json:"account_id,omitempty"`
	Scopes    []string            `json:"scopes"`
	Targets   map[string][]string `json:"targets,omitempty"`
	// ExpiresIn is its life in seconds; 0 never ends.
	ExpiresIn int64 `json:"expires_in,omitempty"`
	LongLived bool  `json:"long_lived,omitempty"`
}

// NewToken makes a token without a login, such as one that lacks a scope. It fails when the
// spec names somebody that the world does not have.
func (s *Sandbox) NewToken(spec TokenSpec) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &Token{
		Kind: spec.Kind, UserID: spec.UserID, PageID: spec.PageID, AccountID: spec.AccountID,
		Scopes: slices.Clone(spec.Scopes), Targets: spec.Targets, Issued: s.clock.Now(), LongLived: spec.LongLived,
	}
	if spec.ExpiresIn != 0 {
		t.Expires = t.Issued.Add(time.Duration(spec.ExpiresIn) * time.Second)
	}
	if err := s.st.checkToken(t); err != nil {
		return "", fmt.Errorf("making a token: %w", err)
	}
	t.Value = s.tokenText(t)
	s.st.tokens[t.Value] = t
	return t.Value, nil
}

// InvalidateToken kills a token with a subcode of error 190, such as 460 for a changed
// password; -1 leaves the subcode out.
func (s *Sandbox) InvalidateToken(token string, subcode int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.st.tokens[token]
	if t == nil {
		return fmt.Errorf("invalidating a token: there is no such token")
	}
	if subcode == 0 {
		return fmt.Errorf("invalidating a token: name a subcode of error 190, or -1 for none")
	}
	t.Dead = subcode
	return nil
}
