package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"
)

// A flavour is one of Meta's two ways to log in, each with a host, tokens and secrets of its
// own.
type flavour int

const (
	flavourFacebook flavour = iota
	flavourInstagram
)

func (f flavour) String() string {
	if f == flavourInstagram {
		return "instagram"
	}
	return "facebook"
}

// Kinds of tokens, as debug_token names the first three.
const (
	UserToken      = "USER"
	PageToken      = "PAGE"
	AppToken       = "APP"
	InstagramToken = "INSTAGRAM"
)

// A Token is an access token: who may do what until when.
type Token struct {
	Value     string    `json:"value"`
	Kind      string    `json:"kind"` // USER, PAGE or INSTAGRAM; app tokens are built in
	UserID    string    `json:"user_id,omitempty"`
	PageID    string    `json:"page_id,omitempty"`
	AccountID string    `json:"account_id,omitempty"`
	Issued    time.Time `json:"issued,omitzero"`
	Expires   time.Time `json:"expires,omitzero"` // zero: never
	// DataAccessEnds is when calls for user data begin to fail although the token is valid.
	DataAccessEnds time.Time `json:"data_access_ends,omitzero"`
	LongLived      bool      `json:"long_lived,omitempty"`
	Scopes         []string  `json:"scopes"`
	// Targets narrows a scope to account or Page ids (granular scopes).
	Targets map[string][]string `json:"targets,omitempty"`
	// Dead is the 190 subcode that the token was invalidated with; -1 for none in the answer.
	Dead int `json:"dead,omitempty"`
}

func (t *Token) flavour() flavour {
	if t.Kind == InstagramToken {
		return flavourInstagram
	}
	return flavourFacebook
}

// check says why a token cannot be used at an instant, or nil.
func (t *Token) check(now time.Time) *apiError {
	switch {
	case t.Dead != 0:
		return deadToken(t.Dead)
	case !t.Expires.IsZero() && !now.Before(t.Expires):
		return &apiError{code: 190, subcode: 463, message: "Error validating access token: Session has expired on " +
			t.Expires.Format("Monday, 02-Jan-06 15:04:05 MST") + ". The current time is " + now.Format("Monday, 02-Jan-06 15:04:05 MST") + "."}
	}
	return nil
}

// deadMessages are Meta's words for the subcodes of code 190.
var deadMessages = map[int]string{
	456: "The session is malformed.",
	457: "The session has an invalid origin.",
	458: "The user has not authorized application.",
	459: "You cannot access the app till you log in to www.facebook.com and follow the instructions given.",
	460: "The session has been invalidated because the user changed their password or Facebook has changed the session for security reasons.",
	461: "The session was invalidated because the application was reinstalled.",
	462: "The session is stale.",
	463: "Session has expired.",
	464: "Sessions for the user are not allowed because the user is not a confirmed user.",
	465: "The user is invalid.",
	466: "The session was invalidated explicitly using an API call.",
	467: "The session is invalid because the user logged out.",
	468: "The session has not been used for a long time.",
	492: "The user must be an administrator, editor, or moderator of the page in order to impersonate it.",
}

func deadToken(subcode int) *apiError {
	if subcode < 0 {
		return badToken("")
	}
	detail := deadMessages[subcode]
	if detail == "" {
		detail = "The session is invalid."
	}
	return &apiError{code: 190, subcode: subcode, message: "Error validating access token: " + detail}
}

// broadScopes are scopes of older apps and what they became; a token that has one passes
// for its successors.
var broadScopes = map[string][]string{
	"manage_pages":    {"pages_show_list", "pages_manage_metadata", "pages_read_engagement", "pages_messaging"},
	"pages_messaging": {"instagram_manage_messages"},
}

// grants says whether the token has a scope for a target (an account or Page id; "" for any).
func (t *Token) grants(scope, target string) bool {
	for _, have := range t.Scopes {
		if have != scope && !slices.Contains(broadScopes[have], scope) {
			continue
		}
		targets := t.Targets[have]
		if target == "" || len(targets) == 0 || slices.Contains(targets, target) {
			return true
		}
	}
	return false
}

// Proof returns the appsecret_proof of a token: hex(HMAC-SHA256(app secret, token)).
func Proof(appSecret, token string) string {
	mac := hmac.New(sha256.New, []byte(appSecret))
	mac.Write([]byte(token))
	return hex.EncodeToString(mac.Sum(nil))
}

// checkProof judges the appsecret_proof of a request. Clients repeat the parameter when they
// follow paging.next, so every value must be right. n8n signs token|time and sends the time
// along. A proof beside an app token is not looked at: the app token holds the secret itself,
// and clients send the proof of the token that they inspect.
func (c *call) checkProof() *apiError {
	if c.token.Kind == AppToken {
		return nil
	}
	proofs := c.params["appsecret_proof"]
	if len(proofs) == 0 {
		if c.s.app.RequireProof {
			return &apiError{code: 100, kind: "GraphMethodException", message: "API calls from the server require an appsecret_proof argument"}
		}
		return nil
	}
	signed := c.token.Value
	if at := c.params.get("appsecret_time"); at != "" {
		signed += "|" + at
	}
	want := Proof(c.s.app.secret(c.token.flavour()), signed)
	for _, proof := range proofs {
		if !hmac.Equal([]byte(proof), []byte(want)) {
			return &apiError{code: 100, kind: "GraphMethodException", message: "Invalid appsecret_proof provided in the API argument"}
		}
	}
	return nil
}

func (a *App) secret(f flavour) string {
	if f == flavourInstagram {
		return a.InstagramSecret
	}
	return a.Secret
}

func (a *App) id(f flavour) string {
	if f == flavourInstagram {
		return a.InstagramID
	}
	return a.ID
}
