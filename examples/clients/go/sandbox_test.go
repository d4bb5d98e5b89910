package clients_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// now is the time in every sandbox; it stands still.
const now = "2026-08-03T09:00:00Z"

// A sandbox is a running connector-instagram sandbox.
type sandbox struct {
	*testing.T
	world
}

// world is the line that the sandbox prints when it is ready.
type world struct {
	URL         string    `json:"url"`
	AppID       string    `json:"app_id"`
	AppSecret   string    `json:"app_secret"`
	VerifyToken string    `json:"verify_token"`
	Accounts    []account `json:"accounts"`
}

type account struct {
	ID             string `json:"ig_user_id"`
	Username       string `json:"username"`
	PageID         string `json:"page_id"`
	UserID         string `json:"user_id"`
	UserToken      string `json:"user_token"`
	PageToken      string `json:"page_token"`
	InstagramToken string `json:"instagram_token"`
}

// start serves a sandbox of its own for a test.
func start(t *testing.T, flags ...string) *sandbox {
	t.Helper()
	t.Parallel()
	flags = append([]string{"sandbox", "--addr", "127.0.0.1:0", "--clock", now, "--frozen"}, flags...)
	cmd := exec.Command(connector, flags...)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // it is gone already if the test failed by it
		late := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		require.NoError(t, cmd.Wait())
	})
	s := &sandbox{T: t}
	require.NoError(t, json.NewDecoder(stdout).Decode(&s.world))
	return s
}

// shop is @bluebottle, with a Page, an Instagram login and the most of everything.
func (s *sandbox) shop() account { return s.Accounts[0] }

// control calls the sandbox's control API and reads its answer into target, if there is one.
func (s *sandbox) control(method, path string, body, target any) {
	s.Helper()
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		require.NoError(s, err)
		reader = bytes.NewReader(text)
	}
	r, err := http.NewRequest(method, s.URL+"/__sandbox/"+path, reader)
	require.NoError(s, err)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(s, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(s, err)
	require.Equal(s, http.StatusOK, resp.StatusCode, "%s %s: %s", method, path, text)
	if target != nil {
		require.NoError(s, json.Unmarshal(text, target))
	}
}

// fault has bad luck strike calls.
func (s *sandbox) fault(f map[string]any) {
	s.Helper()
	s.control(http.MethodPost, "faults", f, nil)
}

// advance lets time pass.
func (s *sandbox) advance(d time.Duration) {
	s.Helper()
	s.control(http.MethodPost, "clock", map[string]string{"advance": d.String()}, nil)
}

// newToken makes a token of the shop's user.
func (s *sandbox) newToken(life time.Duration, scopes ...string) string {
	s.Helper()
	spec := map[string]any{"kind": "USER", "user_id": s.shop().UserID, "scopes": scopes, "expires_in": int(life.Seconds())}
	var out struct {
		Token string `json:"access_token"`
	}
	s.control(http.MethodPost, "tokens", spec, &out)
	return out.Token
}

// login goes through the login dialog as a browser does and returns the code.
func (s *sandbox) login(redirect, scope, decision string) url.Values {
	s.Helper()
	query := url.Values{"client_id": {s.AppID}, "redirect_uri": {redirect}, "scope": {scope}, "state": {"xyz"}, "response_type": {"code"}}
	dialog := s.URL + "/www.facebook.com/v25.0/dialog/oauth?" + query.Encode()
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := stay.PostForm(dialog, url.Values{"decision": {decision}, "share": {s.shop().PageID}})
	require.NoError(s, err)
	require.NoError(s, resp.Body.Close())
	require.Equal(s, http.StatusFound, resp.StatusCode)
	back, err := url.Parse(resp.Header.Get("Location"))
	require.NoError(s, err)
	require.True(s, strings.HasPrefix(back.String(), redirect+"?"))
	return back.Query()
}
