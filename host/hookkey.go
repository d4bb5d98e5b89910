package host

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Auth methods of the trigger "webhook": ways in which a sender shows that it
// knows a secret.
const (
	HookToken    = "token"             // A header holds the secret.
	HookHMAC     = "hmac_sha256"       // A header holds the HMAC-SHA256 of the body.
	HookStandard = "standard_webhooks" // As standardwebhooks.com says: id, time and body are signed.
)

const (
	shortestSecret = 16
	// staleAfter is how old, or how far ahead of our clock, a signed time may be: as
	// the reference implementations of Standard Webhooks have it.
	staleAfter = 5 * time.Minute
)

// HookKey opens a [Hook] to whoever knows a secret. Make it with [ParseHookKey].
type HookKey struct {
	method, header string
	secret         []byte
}

// Format writes a mask.
func (*HookKey) Format(w fmt.State, _ rune) { fmt.Fprint(w, "[secret]") }

// ParseHookKey reads the filled form of an auth method of the trigger "webhook":
// {"secret": ..., "header": ...}. What is wrong is an *[InputError], which quotes
// nothing of it.
func ParseHookKey(method string, form []byte) (*HookKey, error) {
	if method != HookToken && method != HookHMAC && method != HookStandard {
		return nil, &InputError{"", fmt.Sprintf("the auth method must be %s, %s or %s", HookToken, HookHMAC, HookStandard)}
	}
	var in struct {
		Secret string `json:"secret"`
		Header string `json:"header"`
	}
	d := json.NewDecoder(bytes.NewReader(form))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil || method == HookStandard && in.Header != "" {
		return nil, &InputError{"", "the form must hold texts: secret, and header for " + HookToken + " and " + HookHMAC}
	}
	k := &HookKey{method: method, header: in.Header, secret: []byte(in.Secret)}
	if method == HookStandard {
		var err error
		if k.secret, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(in.Secret, "whsec_")); err != nil {
			return nil, &InputError{"/secret", "must be whsec_ and base64"}
		}
	}
	if len(k.secret) < shortestSecret {
		return nil, &InputError{"/secret", fmt.Sprintf("must have at least %d characters", shortestSecret)}
	}
	return k, nil
}

// Opens returns nil if a request shows the secret, and otherwise says what it lacks.
// Comparisons take the same time whatever is given.
func (k *HookKey) Opens(header func(name string) string, body []byte, now time.Time) error {
	switch k.method {
	case HookToken:
		return k.token(header)
	case HookHMAC:
		return k.signature(header, body)
	}
	return k.standard(header, body, now)
}

// SignsID reports whether what is signed holds the header Webhook-Id, so that nobody
// else can give a request another one. A nil key signs nothing.
func (k *HookKey) SignsID() bool { return k != nil && k.method == HookStandard }

func (k *HookKey) token(header func(string) string) error {
	name, given := k.header, ""
	if name == "" {
		name = "Authorization"
		scheme, rest, _ := strings.Cut(header(name), " ")
		if strings.EqualFold(scheme, "Bearer") {
			given = strings.TrimSpace(rest)
		}
	} else {
		given = header(name)
	}
	sum, own := sha256.Sum256([]byte(given)), sha256.Sum256(k.secret)
	if subtle.ConstantTimeCompare(sum[:], own[:]) != 1 {
		return fmt.Errorf("the header %s does not hold this address's token", name)
	}
	return nil
}

func (k *HookKey) signature(header func(string) string, body []byte) error {
	name := k.header
	if name == "" {
		name = "X-Hub-Signature-256"
	}
	given := strings.TrimPrefix(strings.TrimSpace(header(name)), "sha256=")
	mac, err := hex.DecodeString(given)
	if err != nil {
		mac, _ = base64.StdEncoding.DecodeString(given) // what is neither has no length that could match
	}
	if !hmac.Equal(mac, k.sum(body)) {
		return fmt.Errorf("the header %s does not hold the body's HMAC-SHA256 with this address's secret", name)
	}
	return nil
}

// standard checks a request as Standard Webhooks describes it.
func (k *HookKey) standard(header func(string) string, body []byte, now time.Time) error {
	id, at := header("Webhook-Id"), header("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if id == "" || err != nil {
		return errors.New("the headers Webhook-Id and Webhook-Timestamp must say which delivery this is, and when it was sent")
	}
	own, found := k.sum([]byte(id), []byte("."), []byte(at), []byte("."), body), false
	for _, part := range strings.Fields(header("Webhook-Signature")) {
		version, given, _ := strings.Cut(part, ",")
		mac, err := base64.StdEncoding.DecodeString(given)
		found = version == "v1" && err == nil && hmac.Equal(mac, own) || found
	}
	if !found {
		return errors.New("the header Webhook-Signature holds no signature with this address's secret")
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > staleAfter || age < -staleAfter {
		return fmt.Errorf("the request was signed more than %s ago, or ahead of time: sign it again", staleAfter)
	}
	return nil
}

func (k *HookKey) sum(parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, k.secret)
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil)
}
