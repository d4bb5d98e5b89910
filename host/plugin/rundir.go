package plugin

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
)

// rundir is the private directory of one process, for its socket. The host holds
// a lock in it as long as it lives, so that a later host can tell a directory in
// use from one that a killed host left behind.
type rundir struct {
	path string
	lock io.Closer
}

const (
	rundirPattern = "storyloop-*"

	// socketRoom is what is left for the name of the base directory: a socket's
	// path may have 104 bytes on the strictest system, and go-plugin's names below
	// ours are long.
	socketRoom = 104 - len("/storyloop-1234567890/plugin-dir1234567890/plugin1234567890")
)

// defaultRuntimeDir returns a directory with a name that leaves room for a socket.
func defaultRuntimeDir() string {
	if dir := os.TempDir(); len(dir) <= socketRoom {
		return dir
	}
	return "/tmp"
}

func makeRundir(base string) (rundir, error) {
	if len(base) > socketRoom {
		return rundir{}, fmt.Errorf("making a directory for the socket: the name of %s is too long for a socket in it; choose a runtime directory of at most %d bytes", base, socketRoom)
	}
	path, err := os.MkdirTemp(base, rundirPattern) // Mode 0700.
	if err != nil {
		return rundir{}, fmt.Errorf("making a directory for the socket: %w", err)
	}
	lock, err := hold(path)
	if err != nil {
		os.RemoveAll(path)
		return rundir{}, fmt.Errorf("locking the directory for the socket: %w", err)
	}
	return rundir{path, lock}, nil
}

func (d rundir) remove() {
	d.lock.Close()
	os.RemoveAll(d.path)
}

// sweep removes the directories of hosts that were killed. It is no matter if
// that does not work: they are in nobody's way.
func sweep(base string, log *slog.Logger) {
	dirs, _ := filepath.Glob(filepath.Join(base, rundirPattern)) // The pattern is sound.
	for _, dir := range dirs {
		if !abandoned(dir) {
			continue
		}
		log.Info("removing what a killed host left behind", "dir", dir)
		os.RemoveAll(dir)
	}
}
