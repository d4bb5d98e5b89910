//go:build !linux

package sqlite_test

import (
	"os"
	"testing"
)

func smallDisk(t *testing.T) string {
	t.Skip("mounts a small disk on Linux only")
	return ""
}

func makeReadOnly(*testing.T, string) {}

func makePipe(path string) error { return os.Mkdir(path, 0o700) } // as odd
