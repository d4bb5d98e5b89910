package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
)

const orders = `name: orders
trigger: { connector: webhook }
steps:
  - id: terminate-1
    connector: terminate
    operation: finish
    input: { output: { order: $.steps.trigger.order } }
`

const signedOrders = `name: signed
trigger: { connector: webhook, credential: shop, input: { path: shop/orders } }
steps: []
`

const shopKey = `credentials: {shop: {connector: webhook, method: token, form: {secret: a-text-that-nobody-guesses}}}`

func TestUp_RequestsStartRuns(t *testing.T) {
	t.Parallel()
	// Of the two files with credentials the second counts.
	s := serveFile(t, "--credentials", write(t, "vault.yaml", shopKey), write(t, "orders.yaml", orders), write(t, "signed.yaml", signedOrders))
	require.Equal(t, map[string]string{"orders": s.Address + "/hooks/orders", "signed": s.Address + "/hooks/shop/orders"}, s.Hooks)

	var taken struct{ Run string }
	s.must("POST", "/hooks/orders", `{"order":17841405726653027123}`, &taken)
	ended := s.ended(t)
	assert.Equal(t, host.RunSucceeded, ended.State)
	assert.Equal(t, taken.Run, ended.Run)
	_, answer := s.call("GET", "/api/v1/runs/"+taken.Run, "")
	assert.Contains(t, string(answer), `"output":{"order":17841405726653027123}`)

	right := map[string]string{"Content-Type": "application/json", "Authorization": "Bearer a-text-that-nobody-guesses"}
	assert.Equal(t, 202, ask(t, "POST", s.Hooks["signed"], right))
	assert.Equal(t, "signed", s.ended(t).Workflow, "the sandbox's credentials do not take the place of what opens an address")
	right["Authorization"] = "Bearer a-text-that-somebody-guesses"
	assert.Equal(t, 401, ask(t, "POST", s.Hooks["signed"], right))

	_, answer = s.call("GET", "/metrics", "")
	assert.Contains(t, string(answer), `storyloop_webhooks_total{connector="webhook",status="202"} 2`)
	assert.Contains(t, string(answer), `storyloop_events_total{connector="webhook",known="new"} 2`)
	r := storyloop(t, "workflows", "list", "--data", s.data)
	assert.Contains(t, r.stdout, "webhook /hooks/shop/orders", r.stderr)

	status, answer := s.call("POST", "/api/v1/workflows", `{"document":{"name":"taker","trigger":{"connector":"webhook","input":{"path":"orders"}},"steps":[]},"enable":true}`)
	assert.Equal(t, 409, status)
	assert.Contains(t, string(answer), `workflow \"orders\"`)
	s.stop(t)
	assert.NotContains(t, s.stderr.String(), "nobody-guesses")
}

func TestUp_RefusesAnAddressThatAnybodyCouldOpen(t *testing.T) {
	t.Parallel()
	file := write(t, "orders.yaml", orders)
	for _, args := range [][]string{{"--addr", "0.0.0.0:0"}, {"--public-url", "https://hooks.example.com"}} {
		r := storyloop(t, append([]string{"up", "--sandbox", file}, args...)...)
		assert.Equal(t, 2, r.code)
		assert.Contains(t, r.stderr, "name a credential of the connector webhook")
	}
	for credential, want := range map[string]string{
		"bluebottle": "is for the connector instagram, not for webhook",
		"shop":       "does not open an address", // it is too short
	} {
		text := `{name: a, trigger: {connector: webhook, credential: ` + credential + `}, steps: []}`
		vault := write(t, "vault.yaml", strings.Replace(shopKey, "a-text-that-nobody-guesses", "guessed", 1))
		r := storyloop(t, "up", "--sandbox", "--credentials", vault, write(t, "a.yaml", text))
		assert.Equal(t, 2, r.code, credential)
		assert.Contains(t, r.stderr, want)
		assert.NotContains(t, r.stderr, "guessed", credential)
	}
}

// TestUp_RefusesAScheduleThatIsNone is about what only the environment says.
func TestUp_RefusesAScheduleThatIsNone(t *testing.T) {
	t.Parallel()
	doc := write(t, "w.yaml", "name: w\ntrigger: { connector: schedule, input: { cron: $.env.STORYLOOP_TEST_NO_CRON } }\nenv: [STORYLOOP_TEST_NO_CRON]\nsteps: []\n")
	r := storyloop(t, "up", "--sandbox", doc)
	assert.Equal(t, 2, r.code, r.stderr)
	assert.Contains(t, r.stderr, "the host's environment has no variable STORYLOOP_TEST_NO_CRON")
}

func TestCheck_Webhooks(t *testing.T) {
	t.Parallel()
	other := write(t, "other.yaml", "name: other\ntrigger:\n  connector: webhook\n  input:\n    path: orders\nsteps: []\n")
	file := write(t, "orders.yaml", orders)
	r := storyloop(t, "check", file, file)
	assert.Equal(t, 0, r.code, r.stdout)
	r = storyloop(t, "check", file, other)
	assert.Equal(t, 2, r.code)
	assert.Contains(t, r.stdout, other+`:5:5: /trigger/input/path: the path "orders" is also that of orders in `+file)
	args := []string{"check"}
	for _, input := range []string{`{path: "../api"}`, `{path: "a//b"}`, `{path: "/orders"}`, `{pat: orders}`} {
		args = append(args, write(t, "a.yaml", `{name: a, trigger: {connector: webhook, input: `+input+`}, steps: []}`))
	}
	r = storyloop(t, args...)
	assert.Equal(t, 2, r.code)
	for _, file := range args[1:4] {
		assert.Contains(t, r.stdout, file+":1:49: /trigger/input/path")
	}
	assert.Contains(t, r.stdout, `did you mean "path"?`)
}

// begin starts `storyloop up --json` and returns its first line. What it prints later
// is not read: it is soon killed.
func begin(t *testing.T, cmd *exec.Cmd) (line upLine) {
	t.Helper()
	cmd.Env = append(os.Environ(), roleEnv+"=storyloop")
	var stderr lockedBuffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan(), "%s", &stderr)
	require.NoError(t, json.Unmarshal(lines.Bytes(), &line))
	return line
}

func TestUp_WhatWasAcknowledgedOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "storyloop.db")
	start := func(args ...string) (*exec.Cmd, upLine) {
		cmd := exec.Command(os.Args[0], append([]string{"up", "--json", "--lock", lock, "--credentials", emptyVault(t), "--data", data}, args...)...)
		return cmd, begin(t, cmd)
	}
	cmd, line := start(write(t, "orders.yaml", orders))
	const requests = 20
	var wanted []string
	for i := range requests {
		resp, err := http.Post(line.Hooks["orders"], "application/json", strings.NewReader(fmt.Sprintf(`{"order":%d}`, i)))
		require.NoError(t, err)
		require.Equal(t, 202, resp.StatusCode)
		var taken struct{ Run string }
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&taken))
		require.NoError(t, resp.Body.Close())
		wanted = append(wanted, taken.Run)
	}
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()

	_, line = start() // the workflow is on in the data file
	for _, run := range wanted {
		require.Eventually(t, func() bool {
			resp, err := http.Get(line.Address + "/api/v1/runs/" + run)
			if err != nil {
				return false
			}
			defer resp.Body.Close()
			var r host.Run
			return resp.StatusCode == 200 && json.NewDecoder(resp.Body).Decode(&r) == nil && r.State == host.RunSucceeded
		}, waitMost, pollEvery)
	}
	resp, err := http.Get(line.Address + "/api/v1/runs?workflow=orders&limit=100")
	require.NoError(t, err)
	defer resp.Body.Close()
	var list struct{ Runs []host.Run }
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&list))
	assert.Len(t, list.Runs, requests, "each once")
}

func TestUp_TakesOverANewSecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	vault := filepath.Join(dir, "vault.yaml")
	require.NoError(t, os.WriteFile(vault, []byte(shopKey), 0o600))
	line := begin(t, exec.CommandContext(t.Context(), os.Args[0], "up", "--json", "--lock", lock,
		"--data", filepath.Join(dir, "storyloop.db"), "--credentials", vault, write(t, "signed.yaml", signedOrders)))
	bearer := func(secret string) map[string]string {
		return map[string]string{"Content-Type": "application/json", "Authorization": "Bearer " + secret}
	}
	require.Equal(t, 202, ask(t, "POST", line.Hooks["signed"], bearer("a-text-that-nobody-guesses")))
	require.NoError(t, os.WriteFile(vault, []byte(strings.Replace(shopKey, "a-text-that", "another-that", 1)), 0o600))
	assert.Equal(t, 202, ask(t, "POST", line.Hooks["signed"], bearer("another-that-nobody-guesses")))
	assert.Equal(t, 401, ask(t, "POST", line.Hooks["signed"], bearer("a-text-that-nobody-guesses")))
}
