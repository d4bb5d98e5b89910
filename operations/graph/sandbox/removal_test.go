package sandbox_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

// callback is an app's deauthorize or deletion callback: it keeps the signed requests and
// answers with a body.
func callback(t *testing.T, status int, body string) (url string, signed func() string) {
	got := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.PostFormValue("signed_request")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() string { return <-got }
}

func TestRemoval_EndsTokensAndTellsTheApp(t *testing.T) {
	t.Parallel()
	for _, one := range []struct{ user, shown, host, token, secret string }{
		{"10100000000000001", "10100000000000001", "", "user", "0123456789abcdef0123456789abcdef"},
		{account, "26000000000000001", "/graph.instagram.com", "instagram", "fedcba9876543210fedcba9876543210"},
	} {
		c := newClient(t)
		token := map[string]string{"user": c.info.Accounts[0].UserToken, "instagram": c.info.Accounts[0].InstagramToken}[one.token]
		url, signed := callback(t, 200, `{"url":"https://app.example/deletions/7","confirmation_code":"7"}`)
		var out sandbox.Removed
		c.control(http.MethodPost, "removals", sandbox.Removal{UserID: one.user, URL: url, Delete: true}).into(&out)
		assert.Equal(t, sandbox.Removed{Status: 200, Address: "https://app.example/deletions/7", Code: "7"}, out)

		request := signed()
		_, payload, _ := strings.Cut(request, ".")
		text, err := base64.RawURLEncoding.DecodeString(payload)
		require.NoError(t, err)
		assert.Equal(t, sandbox.SignRequest(one.secret, text), request)
		var said struct {
			UserID    string `json:"user_id"`
			Algorithm string
			IssuedAt  int64 `json:"issued_at"`
		}
		require.NoError(t, json.Unmarshal(text, &said))
		assert.Equal(t, []any{one.shown, "HMAC-SHA256", sandbox.SeedTime.Unix()}, []any{said.UserID, said.Algorithm, said.IssuedAt})
		c.get(one.host+"/me?access_token="+token).fails(190, 458)
	}
}

func TestRemoval_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	good, _ := callback(t, 200, "ok")
	broken, _ := callback(t, 500, "")
	vague, _ := callback(t, 200, "{}")
	user := "10100000000000001"
	_, err := c.sb.Remove(t.Context(), sandbox.Removal{UserID: user, URL: good})
	require.NoError(t, err)
	for says, r := range map[string]sandbox.Removal{
		"url":                                  {UserID: user},
		`there is no user or account "nobody"`: {UserID: "nobody", URL: good},
		"HTTP 500":                             {UserID: user, URL: broken},
		"no JSON":                              {UserID: user, URL: good, Delete: true},
		"confirmation_code":                    {UserID: user, URL: vague, Delete: true},
	} {
		_, err := c.sb.Remove(t.Context(), r)
		assert.ErrorContains(t, err, says)
	}
}
