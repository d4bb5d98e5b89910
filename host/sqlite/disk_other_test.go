//go:build !linux

package sqlite_test

import "testing"

func smallDisk(t *testing.T) string {
	t.Skip("mounts a small disk on Linux only")
	return ""
}

func makeReadOnly(*testing.T, string) {}
