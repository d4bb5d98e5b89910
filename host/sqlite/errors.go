package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// FileError says what is wrong with the store's file. Nothing of a write that
// returned it was stored.
type FileError struct {
	Path    string
	Problem Problem
	PID     int   // Of the process that has the file; for InUse, zero if unknown.
	Version int   // Of the file; for TooNew.
	Err     error // The cause, if there is one.
}

// Problem is what is wrong with a file.
type Problem string

// Problems. Each tells its owner what to do.
const (
	NoSpace     Problem = "no_space"     // Make room.
	NotWritable Problem = "not_writable" // Give the permission.
	Exposed     Problem = "exposed"      // Take the permission from others.
	InUse       Problem = "in_use"       // End the other process.
	Damaged     Problem = "damaged"      // Restore a backup.
	Foreign     Problem = "foreign"      // Name another file.
	Mixed       Problem = "mixed"        // Move away what lies beside it.
	TooNew      Problem = "too_new"      // Run a newer storyloop.
	Broken      Problem = "broken"       // Look at the disk.
)

// Error returns one sentence: which file, what is wrong, what to do.
func (e *FileError) Error() string {
	switch e.Problem {
	case NoSpace:
		return fmt.Sprintf("no space is left to write %s: make room on its disk; nothing was stored", e.Path)
	case NotWritable:
		return fmt.Sprintf("%s cannot be written: it and its directory must be writable by this user, on a disk that is not read-only; nothing was stored", e.Path)
	case Exposed:
		return fmt.Sprintf("%s can be read or written by others than its owner: run chmod go-rwx on it", e.Path)
	case InUse:
		if e.PID != 0 {
			return fmt.Sprintf("%s is in use by process %d: two hosts cannot share a file; end that one or name another file", e.Path, e.PID)
		}
		return fmt.Sprintf("%s is in use by another process: two hosts cannot share a file; end that one or name another file", e.Path)
	case Damaged:
		return fmt.Sprintf("%s is damaged: restore a backup of it", e.Path)
	case Foreign:
		return fmt.Sprintf("%s is not a file of storyloop: name another", e.Path)
	case Mixed:
		return fmt.Sprintf("%s is a copy, and %s and %s beside it are of the store whose place it has taken: move away those that are there", e.Path, walOf(e.Path), redoOf(e.Path))
	case TooNew:
		return fmt.Sprintf("%s was written by a newer storyloop (format %d, this one knows up to %d): run that one", e.Path, e.Version, latest())
	}
	return fmt.Sprintf("using %s: %v", e.Path, e.Err)
}

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// explain turns what SQLite or the operating system says about a file into a
// *FileError. Other errors it leaves as they are.
func explain(path string, err error) error {
	var known *FileError
	if err == nil || errors.As(err, &known) {
		return err
	}
	problem := problemOf(err)
	if problem == "" {
		return err
	}
	return &FileError{Path: path, Problem: problem, Err: err}
}

func problemOf(err error) Problem {
	var sqliteErr *driver.Error
	if errors.As(err, &sqliteErr) {
		return problemOfCode(sqliteErr.Code())
	}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return NoSpace
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return NotWritable
	}
	return ""
}

func problemOfCode(code int) Problem {
	switch code {
	case lib.SQLITE_IOERR_SHMSIZE: // the log's index could not grow
		return NoSpace
	case lib.SQLITE_CANTOPEN_SYMLINK, lib.SQLITE_CANTOPEN_ISDIR:
		return Foreign
	}
	switch code & 0xff {
	case lib.SQLITE_FULL:
		return NoSpace
	case lib.SQLITE_READONLY, lib.SQLITE_CANTOPEN, lib.SQLITE_PERM, lib.SQLITE_AUTH:
		return NotWritable
	case lib.SQLITE_CORRUPT:
		return Damaged
	case lib.SQLITE_NOTADB:
		return Foreign
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return InUse
	case lib.SQLITE_IOERR, lib.SQLITE_PROTOCOL, lib.SQLITE_NOLFS:
		return Broken
	}
	return ""
}
