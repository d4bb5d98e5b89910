package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

// command runs the connector's binary.
func command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), roleEnv+"=connector")
	return cmd
}

// serve starts a sandbox, and returns its first line and a function that ends it.
func serve(t *testing.T, args ...string) (line announcement, stop func() string) {
	t.Helper()
	cmd := command(append([]string{"sandbox"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it may have ended by itself
	out := bufio.NewReader(stdout)
	first, err := out.ReadBytes('\n')
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(first, &line))
	return line, func() string {
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		rest, err := io.ReadAll(out)
		require.NoError(t, err)
		require.NoError(t, cmd.Wait(), "%s", stderr.String())
		return string(rest)
	}
}

func get(t *testing.T, url, token string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func TestSandbox_SaysWhatToUseAndServes(t *testing.T) {
	t.Parallel()
	line, stop := serve(t, "--stories", "3", "--verify-token", "v3rify", "--app-secret", "s3cret")
	assert.Equal(t, "v3rify", line.VerifyToken)
	assert.Equal(t, "s3cret", line.AppSecret)
	assert.NotEmpty(t, line.AppID)
	require.NotEmpty(t, line.Accounts)
	a := line.Accounts[0]
	status, body := get(t, line.URL+"/v25.0/"+a.IGUserID+"/stories", a.UserToken)
	assert.Equal(t, 200, status, body)
	assert.Equal(t, 3, strings.Count(body, `"id"`))
	status, body = get(t, line.URL+"/graph.instagram.com/v25.0/me?fields=username", a.InstagramToken)
	assert.Equal(t, 200, status, body)
	status, _ = get(t, line.Control+"info", "")
	assert.Equal(t, 200, status)
	assert.Empty(t, stop(), "one line, and no more")
}

func TestSandbox_WorldFromAFile(t *testing.T) {
	t.Parallel()
	world, err := json.Marshal(sandbox.Seed{Stories: 2}.World())
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "world.json")
	require.NoError(t, os.WriteFile(file, world, 0o600))
	line, stop := serve(t, "--world", file, "--clock", "2026-08-03T09:00:00Z", "--frozen", "--callback", "http://127.0.0.1:1/hook")
	assert.Equal(t, "2026-08-03T09:00:00Z", line.Now)
	assert.Equal(t, "http://127.0.0.1:1/hook", line.Callback)
	stop()
}

func TestSandbox_PrintedWorldIsTakenBackUnchanged(t *testing.T) {
	t.Parallel()
	const clock = "2026-08-03T09:00:00Z"
	first, err := command("sandbox", "--print-world", "--clock", clock, "--stories", "2", "--verify-token", "mine").Output()
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "world.json")
	require.NoError(t, os.WriteFile(file, first, 0o600))
	second, err := command("sandbox", "--print-world", "--world", file).Output()
	require.NoError(t, err)
	assert.Equal(t, string(first), string(second))

	line, stop := serve(t, "--world", file, "--clock", clock, "--frozen")
	assert.Equal(t, "mine", line.VerifyToken)
	status, body := get(t, line.URL+"/v25.0/"+line.Accounts[0].IGUserID+"/stories", line.Accounts[0].UserToken)
	assert.Equal(t, 200, status, body)
	assert.Equal(t, 2, strings.Count(body, `"id"`))
	status, body = get(t, line.Control+"world", "")
	assert.Equal(t, 200, status)
	_, err = sandbox.LoadWorld(strings.NewReader(body))
	assert.NoError(t, err)
	stop()
}

func TestSandbox_ExitCodes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--help"}, 0, "Examples:"},
		{[]string{"--bogus"}, 2, "bogus"},
		{[]string{"extra"}, 2, "extra"},
		{[]string{"--stories", "-1"}, 2, "negative"},
		{[]string{"--world", "x.json", "--stories", "1"}, 2, "--world"},
		{[]string{"--world", "/does/not/exist.json"}, 1, "world"},
		{[]string{"--addr", "256.0.0.1:1"}, 1, "listening"},
		{[]string{"--clock", "yesterday"}, 1, "--clock"},
		{[]string{"--callback", "nowhere"}, 1, "callback"},
	} {
		cmd := command(append([]string{"sandbox"}, tt.args...)...)
		out, err := cmd.CombinedOutput()
		if tt.code == 0 {
			require.NoError(t, err)
		}
		assert.Equal(t, tt.code, cmd.ProcessState.ExitCode(), "%v: %s", tt.args, out)
		assert.Contains(t, string(out), tt.says)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	out, err := command("describe", "--json").Output()
	require.NoError(t, err)
	assert.True(t, json.Valid(out))
	assert.Contains(t, string(out), "list_stories")
}
