package sqlite_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
)

// skip leaves a test out where the machine lacks something, but never in CI.
func skip(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// What the process asks of the system tells what a write has survived when its call
// returned: for Synced the log was synced since the call before, for Written something
// was written to it, or beside.
func TestStore_SyncsWhatMustSurviveAPowerCut(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		skip(t, "strace is not installed")
	}
	if err := exec.Command(strace, "-o", os.DevNull, "true").Run(); err != nil {
		skip(t, "tracing is not allowed here: %v", err)
	}
	dir := t.TempDir()
	trace := filepath.Join(dir, "trace")
	child := process(t, "syncer", filepath.Join(dir, "storyloop.db"))
	traced := exec.Command(strace, append([]string{"-f", "-y", "-e", "trace=write,pwrite64,fsync,fdatasync", "-o", trace}, child.Args...)...)
	traced.Env = child.Env
	out, err := traced.CombinedOutput()
	require.NoError(t, err, string(out))
	text, err := os.ReadFile(trace)
	require.NoError(t, err)

	wrote, synced := regexp.MustCompile(`pwrite64\(\d+<[^>]*-(wal|redo)>`), regexp.MustCompile(`(fsync|fdatasync)\(\d+<[^>]*-wal>`)
	returned := regexp.MustCompile(`write\(1<[^>]*>, "(\d+) returned`)
	var writes, syncs, syncedCalls, writtenCalls, syncsForWritten int
	for line := range strings.Lines(string(text)) {
		call := returned.FindStringSubmatch(line)
		switch {
		case wrote.MatchString(line):
			writes++
		case synced.MatchString(line):
			syncs++
		case call != nil && call[1] == fmt.Sprint(host.Synced):
			syncedCalls++
			assert.Positive(t, syncs, "a synced write returned before the log was synced")
			assert.Positive(t, writes)
			writes, syncs = 0, 0
		case call != nil:
			writtenCalls++
			syncsForWritten += syncs
			assert.Positive(t, writes, "a written write returned before it was written")
			writes, syncs = 0, 0
		}
	}
	assert.Equal(t, 50, syncedCalls)
	assert.Equal(t, 50, writtenCalls)
	assert.Zero(t, syncsForWritten, "nothing is paid for that was not asked for")
}
