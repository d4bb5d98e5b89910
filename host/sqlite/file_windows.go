package sqlite

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// Mode bits say nothing about who may read or write here.

func othersMayRead(os.FileInfo) bool { return false }

func othersMayReplace(os.FileInfo) bool { return false }

// syncDirectory does nothing: a directory cannot be synced here.
func syncDirectory(string) error { return nil }

// flock takes a lock that ends with the file, and so with the process. It locks
// a byte far behind the text, since locked bytes cannot be read by others.
func flock(f *os.File) (bool, error) {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, lockedByte())
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}

func funlock(f *os.File) error {
	return windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, lockedByte())
}

func lockedByte() *windows.Overlapped { return &windows.Overlapped{Offset: 1 << 20} }
