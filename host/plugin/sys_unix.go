//go:build unix

package plugin

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// ownGroup keeps a terminal's signals from the connector: it shall finish the
// calls that the host still waits for.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

const lockName = "host.lock"

// hold marks a directory as in use until the closer is closed or this process
// ends, however it ends.
func hold(dir string) (io.Closer, error) {
	unlocked := filepath.Join(dir, "new.lock") // A sweep shall see the file when it is locked.
	f, err := os.OpenFile(unlocked, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	if err := os.Rename(unlocked, filepath.Join(dir, lockName)); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// abandoned tells whether a directory of this user was in use by a process that
// has ended.
func abandoned(dir string) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() {
		return false
	}
	if s, ok := info.Sys().(*syscall.Stat_t); !ok || int(s.Uid) != os.Getuid() {
		return false
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR, 0)
	if err != nil {
		return false // Being made.
	}
	defer f.Close()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err == nil
		}
	}
}

// othersMayReplace tells whether somebody who is neither the owner nor of the
// group could put another file in the place of one in a directory.
func othersMayReplace(dir os.FileInfo) bool {
	return dir.Mode().Perm()&0o002 != 0 && dir.Mode()&os.ModeSticky == 0
}

// othersMayWrite tells the same of a file's content.
func othersMayWrite(file os.FileInfo) bool { return file.Mode().Perm()&0o002 != 0 }
