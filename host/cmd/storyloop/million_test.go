package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host/sqlite"
	"github.com/storyloop/storyloop/host/sqlite/sqlitetest"
)

// BenchmarkMillion starts a host on a file of a million finished steps, and asks it
// by its API and by the command line, each a process of its own. It fails where an
// answer takes 100 ms or more, or the start 2 s.
func BenchmarkMillion(b *testing.B) {
	dir := b.TempDir()
	data, credentials := filepath.Join(dir, "storyloop.db"), filepath.Join(dir, "credentials.yaml")
	require.NoError(b, os.WriteFile(credentials, nil, 0o600))
	s, err := sqlite.Open(b.Context(), data, sqlite.Options{})
	require.NoError(b, err)
	require.NoError(b, s.Close())
	require.NoError(b, sqlitetest.FillMillion(data))
	program := filepath.Join(dir, "storyloop")
	out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(b, err, "%s", out)
	command := func(args ...string) *exec.Cmd {
		return exec.Command(program, append(args, "--data", data, "--lock", lock, "--credentials", credentials)...)
	}

	b.Run("up", func(b *testing.B) {
		var took time.Duration
		for range b.N {
			start := time.Now()
			_, stop := bringUp(b, command("up", "--json", "--keep", "0"))
			took += time.Since(start)
			stop()
		}
		below(b, took, 2*time.Second)
	})
	up, stop := bringUp(b, command("up", "--json", "--keep", "0"))
	defer stop()
	for _, page := range []struct{ name, path string }{
		{"runs", "/api/v1/runs"},
		{"runs that failed", "/api/v1/runs?state=failed"},
		{"runs of a workflow, page 10", "/api/v1/runs?workflow=w3&before=run-1003"},
		{"run", "/api/v1/runs/run-7"},
		{"steps of a run of 50,000", "/api/v1/runs/run-7/steps"},
		{"steps of a run of 50,000, later", "/api/v1/runs/run-7/steps?from=40000"},
		{"step", "/api/v1/runs/run-7/step?path=loop-1%5B40000%5D/instagram-2"},
	} {
		b.Run("API/"+page.name, func(b *testing.B) {
			start := time.Now()
			for range b.N {
				resp, err := http.Get(up.Address + page.path)
				require.NoError(b, err)
				body, err := io.ReadAll(resp.Body)
				require.NoError(b, errors.Join(err, resp.Body.Close()))
				require.Equal(b, http.StatusOK, resp.StatusCode, "%s", body)
			}
			below(b, time.Since(start), 100*time.Millisecond)
		})
	}
	for _, args := range [][]string{{"runs", "list"}, {"runs", "list", "--state", "failed"}, {"runs", "show", "run-7"}, {"runs", "show", "run-9000"}} {
		b.Run("CLI/"+strings.Join(args, " "), func(b *testing.B) {
			start := time.Now()
			for range b.N {
				out, err := command(args...).CombinedOutput()
				require.NoError(b, err, "%s", out)
			}
			below(b, time.Since(start), 100*time.Millisecond)
		})
	}
}

// bringUp starts a host and returns when it is up.
func bringUp(b *testing.B, cmd *exec.Cmd) (line upLine, stop func()) {
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	lines := bufio.NewReader(out)
	first, err := lines.ReadBytes('\n')
	require.NoError(b, err, "up did not come up")
	require.NoError(b, json.Unmarshal(first, &line))
	return line, func() {
		require.NoError(b, cmd.Process.Signal(os.Interrupt))
		_, _ = io.Copy(io.Discard, lines)
		_ = cmd.Wait() // Its exit code says that it was interrupted.
	}
}

// below fails a benchmark that took as long as the limit each time, or longer.
func below(b *testing.B, took, limit time.Duration) {
	each := took / time.Duration(b.N)
	b.ReportMetric(float64(each)/float64(time.Millisecond), "ms")
	if each >= limit {
		b.Errorf("takes %v; the limit is %v", each, limit)
	}
}
