package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// lock keeps a file for one process. The system gives it free when the process
// ends, however it does; the side file stays, since removing it would let two
// processes hold locks on two files of one name.
type lock struct{ file *os.File }

// lockFile locks a store's file by a file beside it, which holds the process's id
// for others to report. SQLite's own locks say nothing about whose they are, and
// are given free after each transaction.
func lockFile(path string) (*lock, error) {
	name := path + ".lock"
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, explain(path, fmt.Errorf("opening %s: %w", name, err))
	}
	ok, err := flock(f)
	if err != nil {
		_ = f.Close()
		return nil, explain(path, fmt.Errorf("locking %s: %w", name, err))
	}
	if !ok {
		text, _ := io.ReadAll(io.LimitReader(f, 32))
		_ = f.Close()
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text))) // zero: being written right now
		return nil, &FileError{Path: path, Problem: InUse, PID: pid}
	}
	l := &lock{file: f}
	if err := l.sign(); err != nil {
		_ = f.Close()
		return nil, explain(path, fmt.Errorf("writing %s: %w", name, err))
	}
	return l, nil
}

func (l *lock) sign() error {
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err := l.file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// release unlocks before it closes: a child process that is just being started holds
// a copy of the file for a moment, and the lock with it.
func (l *lock) release() error { return errors.Join(funlock(l.file), l.file.Close()) }
