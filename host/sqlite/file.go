package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// prepareFile makes the file if it is not there, and checks that it is one that
// can be written, and by its owner alone: it holds what customers have said. It
// returns its path, absolute and without links, so that a file has one name.
func prepareFile(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("finding %s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", explain(path, fmt.Errorf("making the directory of %s: %w", path, err))
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	} else if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(dir, filepath.Base(path))
	}
	if err := checkDirectory(filepath.Dir(path)); err != nil {
		return "", err
	}
	_, err = os.Stat(path)
	fresh := errors.Is(err, fs.ErrNotExist)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", explain(path, fmt.Errorf("opening the store: %w", err))
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", fmt.Errorf("looking at %s: %w", path, err)
	case !info.Mode().IsRegular():
		return "", &FileError{Path: path, Problem: Foreign}
	case fresh:
		return path, syncDirectory(filepath.Dir(path))
	}
	if err := checkHeader(path); err != nil { // First: the mode of another's file is no concern of ours.
		return "", err
	}
	if othersMayRead(info) {
		return "", &FileError{Path: path, Problem: Exposed}
	}
	return path, nil
}

// checkDirectory refuses a directory in which others could replace the file.
func checkDirectory(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("looking at the store's directory: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory: the store needs one to keep its file in", dir)
	}
	if othersMayReplace(info) {
		return fmt.Errorf("others may replace files in %s (mode %04o): run chmod go-w on it, or keep the store elsewhere", dir, info.Mode().Perm())
	}
	return nil
}

// checkHeader refuses a file that SQLite has not written.
func checkHeader(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return explain(path, fmt.Errorf("opening the store: %w", err))
	}
	defer f.Close()
	header := make([]byte, 16)
	n, err := io.ReadFull(f, header)
	switch {
	case errors.Is(err, io.EOF): // empty: it becomes a store
		return nil
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return explain(path, fmt.Errorf("reading the store: %w", err))
	case !bytes.Equal(header[:n], []byte("SQLite format 3\x00")):
		return &FileError{Path: path, Problem: Foreign}
	}
	return nil
}

// checkBeside refuses a backup that has been put in the place of a store beside what
// that one has left when its process was killed: SQLite would take the log for this
// file's. A store has a log from its first opening on, and its header says so; that of
// a copy does not.
func checkBeside(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return explain(path, fmt.Errorf("opening the store: %w", err))
	}
	defer f.Close()
	var version [1]byte
	if _, err := f.ReadAt(version[:], writeVersion); errors.Is(err, io.EOF) || err == nil && version[0] != withoutLog {
		return nil
	} else if err != nil {
		return explain(path, fmt.Errorf("reading the store: %w", err))
	}
	for _, beside := range []string{walOf(path), redoOf(path)} {
		if info, err := os.Lstat(beside); err == nil && info.Size() > 0 {
			return &FileError{Path: path, Problem: Mixed}
		}
	}
	return nil
}

// Where SQLite's header says how a file is written, and that it is without a log:
// https://www.sqlite.org/fileformat2.html#the_database_header
const (
	writeVersion = 18
	withoutLog   = 1
)

// dsn names a file for the driver. A path may hold anything, also "?" and "#".
func dsn(path string, settings ...string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // Windows: file:///C:/...
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: strings.Join(settings, "&")}).String()
}
