package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The test binary is also the program; the connector is built once, as users get
// it.
const roleEnv = "STORYLOOP_TEST_ROLE"

// lock is the lock file of the built connector.
var lock string

func TestMain(m *testing.M) {
	if slices.Equal(os.Args[1:], workerArgs) {
		beWorker()
	}
	switch os.Getenv(roleEnv) {
	case "storyloop":
		main()
	case "instagram":
		beInstagram()
	}
	dir, err := os.MkdirTemp("", "storyloop")
	if err == nil {
		lock, err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func build(dir string) (string, error) {
	binary := filepath.Join(dir, "connector-instagram")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/storyloop/storyloop/connector/cmd/connector-instagram").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the connector: %w\n%s", err, out)
	}
	lock := filepath.Join(dir, "connectors.lock")
	var stderr bytes.Buffer
	if code := run(context.Background(), []string{"connectors", "lock", "--quiet", "--lock", lock, binary}, noEnv, io.Discard, &stderr); code != 0 {
		return "", fmt.Errorf("locking the connector: %s", stderr.String())
	}
	return lock, nil
}

func noEnv(string) string { return "" }

// result is how a command went.
type result struct {
	code           int
	stdout, stderr string
}

// storyloop runs a command in this process.
func storyloop(t *testing.T, args ...string) result {
	t.Helper()
	var stdout, stderr lockedBuffer // a child process writes to it too
	code := run(t.Context(), append([]string{"--lock", lock, "--credentials", emptyVault(t)}, args...), noEnv, &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// lockedBuffer collects what several write.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func emptyVault(t *testing.T) string {
	return write(t, "credentials.yaml", "")
}

// write makes a private file.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// daemon is `storyloop up` as a process of its own.
type daemon struct {
	upLine
	cmd    *exec.Cmd
	lines  chan string // Standard output after the first line.
	stderr *bytes.Buffer
}

func up(t *testing.T, args ...string) *daemon {
	t.Helper()
	d := &daemon{cmd: exec.Command(os.Args[0], append([]string{"up", "--json", "--sandbox", "--log-level", "debug", "--lock", lock, "--credentials", emptyVault(t)}, args...)...), lines: make(chan string, 1000), stderr: &bytes.Buffer{}}
	d.cmd.Env = append(os.Environ(), roleEnv+"=storyloop")
	d.cmd.Stderr = d.stderr
	out, err := d.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, d.cmd.Start())
	t.Cleanup(func() { d.stop(t) })
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		_ = d.cmd.Wait()
		t.Fatalf("up did not come up: %s", d.stderr)
	}
	require.NoError(t, json.Unmarshal(lines.Bytes(), &d.upLine))
	go func() {
		defer close(d.lines)
		for lines.Scan() {
			d.lines <- lines.Text()
		}
	}()
	return d
}

// stop asks the daemon to end and waits until it has.
func (d *daemon) stop(t *testing.T) {
	t.Helper()
	if d.cmd.ProcessState != nil {
		return
	}
	require.NoError(t, d.cmd.Process.Signal(os.Interrupt))
	for range d.lines { // Wait may close the pipe only when all is read
	}
	err := d.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Error(err)
	}
}

func TestUp_LeavesNothingBehindWhenKilled(t *testing.T) {
	t.Parallel()
	d := up(t, example("reply-to-mention.yaml"))
	started := children(d.cmd.Process.Pid)
	require.Len(t, started, 2, "a connector and a sandbox")
	require.NoError(t, d.cmd.Process.Kill())
	for range d.lines { // Wait may close the pipe only when all is read
	}
	_ = d.cmd.Wait()
	for _, pid := range started {
		require.Eventually(t, func() bool { return resident(pid) == 0 }, time.Minute, 50*time.Millisecond, "process %s lives on", pid)
	}
}

// ended waits for the next run to come to rest.
func (d *daemon) ended(t *testing.T) endedLine {
	t.Helper()
	select {
	case text, ok := <-d.lines:
		require.True(t, ok, "the daemon ended: %s", d.stderr)
		var line endedLine
		require.NoError(t, json.Unmarshal([]byte(text), &line), text)
		return line
	case <-time.After(time.Minute):
		t.Fatal("no run came to rest")
		return endedLine{}
	}
}

// deliver posts a body as Meta would, signed with the sandbox's app secret.
func (d *daemon) deliver(t *testing.T, body []byte) int {
	t.Helper()
	mac := hmac.New(sha256.New, []byte(d.Sandbox.AppSecret))
	mac.Write(body)
	return d.post(t, body, fmt.Sprintf("sha256=%x", mac.Sum(nil)))
}

func (d *daemon) post(t *testing.T, body []byte, signature string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.Webhooks["instagram"], bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	if signature != "" {
		req.Header.Set("X-Hub-Signature-256", signature)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// journaled is a request that the sandbox got.
type journaled struct {
	Method string            `json:"method"`
	Path   string            `json:"path"`
	Status int               `json:"status"`
	Params map[string]string `json:"params"`
}

// journal asks a sandbox for the requests to paths that end so.
func journal(t *testing.T, sandbox, method, suffix string) []journaled {
	t.Helper()
	resp, err := http.Get(sandbox + "/__sandbox/requests")
	require.NoError(t, err)
	defer resp.Body.Close()
	var all struct {
		Requests []journaled `json:"requests"`
	}
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&all))
	var found []journaled
	for _, r := range all.Requests {
		if r.Method == method && strings.HasSuffix(r.Path, suffix) {
			found = append(found, r)
		}
	}
	return found
}
