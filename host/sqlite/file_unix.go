//go:build unix

package sqlite

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

func othersMayRead(info os.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }

// othersMayReplace is false for a directory such as /tmp, where a file belongs to
// who made it.
func othersMayReplace(info os.FileInfo) bool {
	return info.Mode().Perm()&0o022 != 0 && info.Mode()&os.ModeSticky == 0
}

// syncDirectory makes sure that a new file's name survives a power cut.
func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("opening the store's directory: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) { // some file systems have no such thing
		return fmt.Errorf("syncing %s: %w", dir, err)
	}
	return nil
}

// flock takes a lock that ends with the file, and so with the process.
func flock(f *os.File) (bool, error) {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, err
		}
	}
}

func funlock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
