package sqlite_test

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// smallDisk mounts a disk of 2 MiB for a test, where that is allowed.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("storyloop-test", dir, "tmpfs", 0, "size=2m,mode=0700"); err != nil {
		skip(t, "mounting a small disk, which only root may: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir
}

// makeReadOnly takes the right to write from a disk that smallDisk has mounted.
func makeReadOnly(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	_, err := os.Create(dir + "/x")
	require.Error(t, err)
}

func makePipe(path string) error { return syscall.Mkfifo(path, 0o600) }
