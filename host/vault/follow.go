package vault

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"reflect"
	"time"
)

// source is the file that a vault follows.
type source struct {
	path string
	log  *slog.Logger
	seen stamp // Of the file when it was read last.
	said stamp // Of the file when what is wrong with it was logged.
}

// stamp tells one state of a file from another. The zero stamp is of none.
type stamp struct {
	modified time.Time
	size     int64
	mode     fs.FileMode
}

// Follow lets the vault hold what its owner writes into the file at path from now
// on, so that a token can be replaced while the host goes on. What cannot be used is
// logged and changes nothing. Call it before the vault is used.
func (v *Vault) Follow(path string, log *slog.Logger) {
	v.source = &source{path: path, log: log}
}

// follow takes over what has been written since. Its caller holds v.mu.
func (v *Vault) follow() {
	if v.source == nil {
		return
	}
	now, ok := v.source.look()
	if !ok || now == v.source.seen {
		return
	}
	contents, err := Read(v.source.path, true)
	if after, ok := v.source.look(); !ok || after != now { // somebody writes it
		return
	}
	var shut *fs.PathError
	if !errors.As(err, &shut) { // A file may be given to us without a change of its stamp.
		v.source.seen = now
	}
	if err != nil {
		if v.source.said != now {
			v.source.log.Error("the credentials file cannot be used as it is now; what it held before is used", "error", err)
		}
		v.source.said = now
		return
	}
	v.replace(contents)
}

// look returns the state of the file, unless it is empty, as it is for a moment while
// some editors write it.
func (s *source) look() (stamp, bool) {
	info, err := os.Stat(s.path)
	if err != nil || info.Size() == 0 {
		return stamp{}, false
	}
	return stamp{info.ModTime(), info.Size(), info.Mode()}, true
}

// replace keeps of the credentials that were completed those that nobody has changed.
func (v *Vault) replace(contents Contents) {
	old := v.contents
	v.contents = contents
	for name := range v.completed {
		was, is := old.Credentials[name], contents.Credentials[name]
		if !reflect.DeepEqual(was, is) || !reflect.DeepEqual(old.Apps[was.Connector], contents.Apps[is.Connector]) {
			delete(v.completed, name)
		}
	}
}
