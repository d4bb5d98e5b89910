package jq_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host/core/jq"
)

// noted are the options of a pool whose workers leave notes in a directory.
func noted(dir string) jq.Options { return jq.Options{Command: []string{os.Args[0], "noted", dir}} }

// notes waits for the notes of so many workers, and returns all there are, in the
// order in which they were left.
func notes(t testing.TB, dir string, atLeast int) []note {
	t.Helper()
	var files []string
	require.Eventually(t, func() bool {
		files, _ = filepath.Glob(filepath.Join(dir, "note-*"))
		return len(files) >= atLeast
	}, time.Minute, 5*time.Millisecond)
	slices.SortFunc(files, func(a, b string) int { return left(t, a).Compare(left(t, b)) })
	all := make([]note, len(files))
	for i, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &all[i]))
	}
	return all
}

func left(t testing.TB, file string) time.Time {
	info, err := os.Stat(file)
	require.NoError(t, err)
	return info.ModTime()
}

func kill(t testing.TB, pid int) {
	t.Helper()
	p, err := os.FindProcess(pid)
	require.NoError(t, err)
	require.NoError(t, p.Kill())
}

// awaitEnd waits for the end of a process, and does what brings it about. One that
// nobody has buried is dead too.
func awaitEnd(t testing.TB, pid int, do ...func()) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, f := range do {
			f()
		}
		p, err := os.FindProcess(pid)
		if err != nil || p.Signal(syscall.Signal(0)) != nil {
			return true
		}
		stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		return strings.Contains(string(stat), ") Z ")
	}, time.Minute, 5*time.Millisecond)
}
