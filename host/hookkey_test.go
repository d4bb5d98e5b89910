package host_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
)

// The signatures are those that GitHub's documentation and the reference
// implementation of Standard Webhooks give as examples.
func TestHookKey(t *testing.T) {
	t.Parallel()
	const (
		github   = `{"secret":"It's a Secret to Everybody"}`
		hexSum   = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
		base64   = "dXEH6g6yUJ/CESIczphLijdXC211hsIsRvQ3nIsEPhc="
		token    = `{"secret":"a-text-that-nobody-guesses"}`
		standard = `{"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`
		signed   = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	)
	at := time.Unix(1614265330, 0)
	of := func(signature string) http.Header {
		h := http.Header{}
		h.Set("Webhook-Id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
		h.Set("Webhook-Timestamp", "1614265330")
		h.Set("Webhook-Signature", signature)
		return h
	}
	for name, c := range map[string]struct {
		method, form string
		header       http.Header
		body         string
		now          time.Time
		opens        bool
	}{
		"signed":                 {"hmac_sha256", github, http.Header{"X-Hub-Signature-256": {"sha256=" + hexSum}}, "Hello, World!", at, true},
		"signed, hexadecimal":    {"hmac_sha256", github, http.Header{"X-Hub-Signature-256": {hexSum}}, "Hello, World!", at, true},
		"signed, base64":         {"hmac_sha256", github, http.Header{"X-Hub-Signature-256": {base64}}, "Hello, World!", at, true},
		"signed, own header":     {"hmac_sha256", `{"secret":"It's a Secret to Everybody","header":"x-sum"}`, http.Header{"X-Sum": {base64}}, "Hello, World!", at, true},
		"signed, other body":     {"hmac_sha256", github, http.Header{"X-Hub-Signature-256": {"sha256=" + hexSum}}, "Hello, World?", at, false},
		"signed, other secret":   {"hmac_sha256", token, http.Header{"X-Hub-Signature-256": {"sha256=" + hexSum}}, "Hello, World!", at, false},
		"signed, cut off":        {"hmac_sha256", github, http.Header{"X-Hub-Signature-256": {"sha256=" + hexSum[:32]}}, "Hello, World!", at, false},
		"signed, no signature":   {"hmac_sha256", github, http.Header{}, "Hello, World!", at, false},
		"signed, no hexadecimal": {"hmac_sha256", github, http.Header{"X-Hub-Signature-256": {"sha256=???"}}, "Hello, World!", at, false},
		"token":                  {"token", token, http.Header{"Authorization": {"bearer a-text-that-nobody-guesses"}}, "", at, true},
		"token, own header":      {"token", `{"secret":"a-text-that-nobody-guesses","header":"x-token"}`, http.Header{"X-Token": {"a-text-that-nobody-guesses"}}, "", at, true},
		"token, wrong":           {"token", token, http.Header{"Authorization": {"Bearer a-text-that-somebody-guesses"}}, "", at, false},
		"token, empty":           {"token", token, http.Header{"Authorization": {"Bearer "}}, "", at, false},
		"token, other scheme":    {"token", token, http.Header{"Authorization": {"Basic a-text-that-nobody-guesses"}}, "", at, false},
		"token, none":            {"token", token, http.Header{}, "", at, false},
		"standard":               {"standard_webhooks", standard, of(signed), `{"test": 2432232314}`, at, true},
		"standard, new secret":   {"standard_webhooks", standard, of("v1,AAAA v2,x " + signed), `{"test": 2432232314}`, at.Add(4 * time.Minute), true},
		"standard, other body":   {"standard_webhooks", standard, of(signed), `{"test": 2432232315}`, at, false},
		"standard, old":          {"standard_webhooks", standard, of(signed), `{"test": 2432232314}`, at.Add(6 * time.Minute), false},
		"standard, ahead":        {"standard_webhooks", standard, of(signed), `{"test": 2432232314}`, at.Add(-6 * time.Minute), false},
		"standard, version":      {"standard_webhooks", standard, of("v2" + signed[2:]), `{"test": 2432232314}`, at, false},
		"standard, none":         {"standard_webhooks", standard, http.Header{}, `{"test": 2432232314}`, at, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key, err := host.ParseHookKey(c.method, []byte(c.form))
			require.NoError(t, err)
			assert.Equal(t, "[secret] [secret]", fmt.Sprintf("%v %+v", key, key))
			err = key.Opens(c.header.Get, []byte(c.body), c.now)
			if c.opens {
				assert.NoError(t, err)
				return
			}
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "nobody-guesses")
		})
	}
}

func TestParseHookKey_RefusesWhatGuardsNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ method, form, pointer string }{
		"no secret":         {"token", `{}`, "/secret"},
		"short":             {"hmac_sha256", `{"secret":"guessed"}`, "/secret"},
		"short when read":   {"standard_webhooks", `{"secret":"whsec_YWJjZGVmZ2g="}`, "/secret"},
		"no base64":         {"standard_webhooks", `{"secret":"whsec_a-text-that-nobody-guesses"}`, "/secret"},
		"header of its own": {"standard_webhooks", `{"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","header":"X"}`, ""},
		"misspelt":          {"token", `{"sekret":"a-text-that-nobody-guesses"}`, ""},
		"other connector":   {"access_token", `{"access_token":"a-text-that-nobody-guesses"}`, ""},
	} {
		_, err := host.ParseHookKey(c.method, []byte(c.form))
		var wrong *host.InputError
		require.ErrorAs(t, err, &wrong, name)
		assert.Equal(t, c.pointer, wrong.Pointer, name)
		assert.NotContains(t, wrong.Error(), "nobody-guesses", name)
	}
}
