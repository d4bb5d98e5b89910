package sandbox

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// A Removal is what a person does to the app in the settings of Facebook or Instagram: they
// take the app away, or ask it to delete what it knows of them.
type Removal struct {
	// UserID is a User's or, with Instagram Login, an Account's.
	UserID string `json:"user_id"`
	// URL is the app's deauthorize callback or data deletion callback, which are set at
	// Meta's dashboard.
	URL string `json:"url"`
	// Delete asks for the deletion of data; the app has to say where its progress can be seen.
	Delete bool `json:"delete,omitempty"`
}

// A Removed is what the app's callback answered. Address and Code are of a deletion.
type Removed struct {
	Status  int    `json:"status"`
	Address string `json:"url,omitempty"`
	Code    string `json:"confirmation_code,omitempty"`
}

// Remove ends all tokens of a person with 190/458, and tells the app's callback with a signed
// request. The callback has to answer 200, and a deletion with {"url","confirmation_code"}.
func (s *Sandbox) Remove(ctx context.Context, r Removal) (Removed, error) {
	if err := checkCallback(r.URL); err != nil {
		return Removed{}, fmt.Errorf("removing the app: url: %w", err)
	}
	signed, err := s.endTokens(r.UserID)
	if err != nil {
		return Removed{}, fmt.Errorf("removing the app: %w", err)
	}
	out, err := s.tellRemoval(ctx, r, signed)
	if err != nil {
		return out, fmt.Errorf("removing the app: %w", err)
	}
	return out, nil
}

// endTokens kills what a person granted and returns the signed request that says so.
func (s *Sandbox) endTokens(id string) (signed string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, shown := flavourFacebook, id
	if a := s.st.accounts[id]; a != nil {
		f, shown = flavourInstagram, a.scopedOrID()
	} else if s.st.users[id] == nil {
		return "", fmt.Errorf("user_id: there is no user or account %q", id)
	}
	for _, t := range s.st.tokens {
		if t.flavour() == f && (t.UserID == id || t.AccountID == id) {
			t.Dead = 458
		}
	}
	return SignRequest(s.app.secret(f), encode(nil, object{
		{"user_id", shown}, {"algorithm", "HMAC-SHA256"}, {"issued_at", s.clock.Now().Unix()},
	})), nil
}

// SignRequest makes a signed_request of a JSON text: the signature, a dot, and the text, both
// in base64url.
func SignRequest(appSecret string, text []byte) string {
	payload := base64.RawURLEncoding.EncodeToString(text)
	mac := hmac.New(sha256.New, []byte(appSecret))
	mac.Write([]byte(payload))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)) + "." + payload
}

func (s *Sandbox) tellRemoval(ctx context.Context, removal Removal, signed string) (Removed, error) {
	form := strings.NewReader(url.Values{"signed_request": {signed}}.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, removal.URL, form)
	if err != nil {
		return Removed{}, fmt.Errorf("making the request: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", "facebookexternalua")
	resp, err := s.http.Do(r)
	if err != nil {
		return Removed{}, fmt.Errorf("sending the request: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	out := Removed{Status: resp.StatusCode}
	switch {
	case err != nil:
		return out, fmt.Errorf("reading the callback's answer: %w", err)
	case out.Status != http.StatusOK:
		return out, fmt.Errorf("the callback answered HTTP %d", out.Status)
	case !removal.Delete:
		return out, nil
	}
	if err := json.Unmarshal(body, &out); err != nil {
		return out, fmt.Errorf("the callback's answer to a deletion is no JSON: %w", err)
	}
	out.Status = resp.StatusCode
	if out.Address == "" || out.Code == "" {
		return out, errors.New("the callback must answer a deletion with url and confirmation_code")
	}
	return out, nil
}

func controlRemoval(s *Sandbox, r *http.Request, _ []string) (any, error) {
	var removal Removal
	if err := readControl(r, &removal); err != nil {
		return nil, err
	}
	out, err := s.Remove(r.Context(), removal)
	if err != nil {
		return nil, badControl("%s", err)
	}
	return out, nil
}
