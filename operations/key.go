package operations

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

// key is what a credential's secret holds. The app secret is not in it: the proof
// of each token was made when the token came.
type key struct {
	Host   graph.Host `json:"host"`    // Where the token is good: the login flavour.
	UserID string     `json:"user_id"` // Whose token it is.
	Token  string     `json:"token"`
	Proof  string     `json:"proof,omitempty"`
	// Pages are the keys to the Pages that the user may manage, with Facebook Login.
	// They come last, and are read where one is wanted: an agency has hundreds, and
	// most calls want none.
	Pages json.RawMessage `json:"pages,omitempty"`
}

// pageKey is the key to one Page.
type pageKey struct {
	ID       string `json:"id"`
	IGUserID string `json:"ig_user_id,omitempty"`
	Token    string `json:"token"`
	Proof    string `json:"proof,omitempty"`
}

func readKey(secret connector.Secret) (key, error) {
	if k, ok := readSealed(secret); ok {
		return k, nil
	}
	var k key
	if err := secret.Decode(&k); err != nil || !k.usable() {
		return key{}, &connector.Error{
			Kind: connector.Unauthenticated, Applied: connector.AppliedNo,
			Message: "The call carries no usable credential.",
		}
	}
	return k, nil
}

// readSealed reads a secret as seal writes it, and its Pages not at all: to look
// through those of an agency takes longer than all the rest of a call. It returns
// false for a secret of another layout, or with a character that JSON may escape.
func readSealed(secret connector.Secret) (key, bool) {
	head, pages, found := bytes.Cut(secret, []byte(`,"pages":`))
	switch {
	case found && bytes.HasSuffix(pages, []byte("]}")):
		pages = bytes.TrimSuffix(pages, []byte("}"))
	case !found && bytes.HasSuffix(head, []byte("}")):
		head = bytes.TrimSuffix(head, []byte("}"))
	default:
		return key{}, false
	}
	text, opened := strings.CutPrefix(string(head), `{"`) // The values are parts of this copy.
	text, closed := strings.CutSuffix(text, `"`)
	if !opened || !closed || !plain(text) {
		return key{}, false
	}
	k := key{Pages: pages}
	for member := range strings.SplitSeq(text, `","`) {
		name, value, found := strings.Cut(member, `":"`)
		if !found || strings.Contains(value, `"`) {
			return key{}, false
		}
		switch name {
		case "host":
			k.Host = graph.Host(value)
		case "user_id":
			k.UserID = value
		case "token":
			k.Token = value
		case "proof":
			k.Proof = value
		default:
			return key{}, false
		}
	}
	return k, k.usable()
}

// plain reports whether JSON writes a text as it is.
func plain(text string) bool {
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' || c == '\\' {
			return false
		}
	}
	return true
}

func (k key) usable() bool {
	return k.Token != "" && (k.Host == graph.Facebook || k.Host == graph.Instagram)
}

// pages reads the keys to Pages. Without one Meta is asked, and so it is where they
// cannot be read.
func (k key) pages() []pageKey {
	var all []pageKey
	if len(k.Pages) == 0 || json.Unmarshal(k.Pages, &all) != nil {
		return nil
	}
	return all
}

// seal makes the secret of a credential.
func (k key) seal() (connector.Secret, error) {
	b, err := json.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("sealing a key: %w", err)
	}
	return b, nil
}

// proof returns the appsecret_proof of a token, which shows Meta that the caller
// knows the app's secret. Without a secret it is empty.
// Source: developers.facebook.com/docs/graph-api/securing-requests.
func proof(secret, token string) string {
	if secret == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(token))
	return hex.EncodeToString(mac.Sum(nil))
}

// page returns the key to a Page: the one of that id, or the one linked to the
// Instagram account, or the only one. Where the credential does not hold it, Meta
// is asked.
func (s *session) pageKey(ctx context.Context, pageID, igUserID string) (pageKey, error) {
	held := s.key.pages()
	for _, p := range held {
		if pageID == p.ID || pageID == "" && igUserID != "" && igUserID == p.IGUserID {
			return p, nil
		}
	}
	if pageID == "" && igUserID == "" && len(held) == 1 {
		return held[0], nil
	}
	if pageID == "" {
		return s.linkedPage(ctx, igUserID)
	}
	var page struct {
		Token string `json:"access_token"`
	}
	if err := s.fields(ctx, "/"+pageID, "access_token", &page); err != nil {
		return pageKey{}, err
	}
	if page.Token == "" {
		return pageKey{}, &connector.Error{
			Kind: connector.PermissionDenied, Applied: connector.AppliedNo,
			Message: "The user has no role on the Page that allows this.",
		}
	}
	return pageKey{ID: pageID, Token: page.Token}, nil
}

// linkedPage looks for the Page of an Instagram account among all of the user's.
func (s *session) linkedPage(ctx context.Context, igUserID string) (pageKey, error) {
	if igUserID != "" {
		pages, err := s.pages(ctx)
		if err != nil {
			return pageKey{}, err
		}
		for _, p := range pages {
			if p.IGUserID == igUserID {
				return p, nil
			}
		}
	}
	return pageKey{}, connector.Invalid("/page_id", "missing_property", "The Page that the Instagram account is linked to must be named.")
}

// maxPages bounds how many pages of Pages are read to find one.
const maxPages = 10

// pages lists the Pages that the user may manage, with their keys.
func (s *session) pages(ctx context.Context) ([]pageKey, error) {
	var found []pageKey
	params := url.Values{"fields": {"id,access_token,instagram_business_account{id}"}, "limit": {"100"}}
	for range maxPages {
		resp, err := s.do(ctx, graph.Request{Path: "/me/accounts", Params: params})
		if err != nil {
			return nil, err
		}
		page, err := resp.Page()
		if err != nil {
			return nil, err
		}
		for _, raw := range page.Data {
			var p struct {
				ID      string `json:"id"`
				Token   string `json:"access_token"`
				Account struct {
					ID string `json:"id"`
				} `json:"instagram_business_account"`
			}
			if json.Unmarshal(raw, &p) == nil && p.Token != "" {
				found = append(found, pageKey{ID: p.ID, IGUserID: p.Account.ID, Token: p.Token})
			}
		}
		if page.Next == nil {
			break
		}
		params = with(params, page.Next)
	}
	return found, nil
}

// asPage makes a request act for a Page instead of its user.
func (p pageKey) asPage(r graph.Request) graph.Request {
	r.Host, r.Token, r.Proof = graph.Facebook, p.Token, p.Proof
	return r
}
