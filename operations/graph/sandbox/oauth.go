package sandbox

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
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
