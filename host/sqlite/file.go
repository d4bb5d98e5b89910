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
	case othersMayRead(info):
		return "", &FileError{Path: path, Problem: Exposed}
	case fresh:
		return path, syncDirectory(filepath.Dir(path))
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

// dsn names a file for the driver. A path may hold anything, also "?" and "#".
func dsn(path string, settings ...string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // Windows: file:///C:/...
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: strings.Join(settings, "&")}).String()
}
