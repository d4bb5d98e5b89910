package plugin

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// LockFile is the usual name of a lock file.
const LockFile = "connectors.lock"

// Lock is a lock file: which connectors a host runs, and what their binaries
// must be, byte for byte. An operator writes it when he trusts a binary.
type Lock struct {
	Connectors []Locked `json:"connectors"` // By name.
}

// Locked is one connector in a lock file.
type Locked struct {
	Name     string `json:"name"`     // As in its catalog.
	Version  string `json:"version"`  // As in its catalog.
	Protocol int    `json:"protocol"` // Version of the handshake.
	Path     string `json:"path"`     // Of the binary; relative paths begin at the lock file.

	// SHA256 is the checksum of the binary in hex, by platform such as
	// "linux/amd64".
	SHA256 map[string]string `json:"sha256"`
}

// ChecksumError says that a binary is not the one that was locked.
type ChecksumError struct {
	Path      string
	Want, Got []byte
}

// Error says how to accept the binary.
func (e *ChecksumError) Error() string {
	return fmt.Sprintf("connector %s is not the binary that was locked: its SHA-256 is %x, expected %x; if you trust it, accept it with: %s",
		e.Path, e.Got, e.Want, lockCommand(e.Path))
}

// UnverifiedError says that nobody has locked a binary.
type UnverifiedError struct{ Path string }

// Error says how to lock the binary.
func (e *UnverifiedError) Error() string {
	return fmt.Sprintf("connector %s has no checksum for %s, so it is not started; if you trust it, lock it with: %s",
		e.Path, platform(), lockCommand(e.Path))
}

func lockCommand(path string) string { return "storyloop connectors lock " + path }

func platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// ReadLock reads a lock file. One that does not exist is empty.
func ReadLock(path string) (*Lock, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &Lock{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the lock file: %w", err)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o002 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("the lock file %s can be written by anybody, so it locks nothing: run chmod o-w %s", path, path)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var l Lock
	if err := d.Decode(&l); err != nil {
		return nil, fmt.Errorf("reading the lock file %s: %w", path, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the lock file %s: there is something after its end", path)
	}
	return &l, l.check(path)
}

func (l *Lock) check(path string) error {
	seen := map[string]bool{}
	for i, c := range l.Connectors {
		at := fmt.Sprintf("lock file %s: /connectors/%d", path, i)
		switch {
		case !wellFormed.MatchString(c.Name):
			return fmt.Errorf("%s/name: %q is no name of a connector; use lower-case letters, digits and _", at, c.Name)
		case seen[c.Name]:
			return fmt.Errorf("%s/name: %q is there twice; remove one", at, c.Name)
		case c.Path == "":
			return fmt.Errorf("%s/path: it is missing; say where the binary is", at)
		}
		seen[c.Name] = true
		for p, sum := range c.SHA256 {
			if b, err := hex.DecodeString(sum); err != nil || len(b) != sha256.Size {
				return fmt.Errorf("%s/sha256: the sum for %s is not %d hex digits; write it with: %s", at, p, 2*sha256.Size, lockCommand(c.Path))
			}
		}
	}
	return nil
}

// Write replaces a lock file, whole or not at all.
func (l *Lock) Write(path string) error {
	slices.SortFunc(l.Connectors, func(a, b Locked) int { return strings.Compare(a.Name, b.Name) })
	if err := l.check(path); err != nil {
		return err
	}
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the lock file: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("writing the lock file: %w", err)
	}
	defer os.Remove(f.Name()) // Gone by then, if all went well.
	_, err = f.Write(append(text, '\n'))
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("writing the lock file: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("writing the lock file: %w", err)
	}
	return nil
}

// Accept locks the binary of a connector for this platform. Sums for other
// platforms stay if the version is still the same.
func (l *Lock) Accept(catalog *connectorv1.Catalog, path string, sum []byte) {
	accepted := Locked{
		Name: catalog.GetName(), Version: catalog.GetVersion(), Protocol: int(connectorv1.Handshake.ProtocolVersion), Path: path,
		SHA256: map[string]string{platform(): hex.EncodeToString(sum)},
	}
	i := slices.IndexFunc(l.Connectors, func(c Locked) bool { return c.Name == accepted.Name })
	if i < 0 {
		l.Connectors = append(l.Connectors, accepted)
		return
	}
	if old := l.Connectors[i]; old.Version == accepted.Version {
		for p, s := range old.SHA256 {
			if p != platform() {
				accepted.SHA256[p] = s
			}
		}
	}
	l.Connectors[i] = accepted
}

// Sum returns the checksum that the binary must have on this platform, or nil if
// none was locked.
func (c Locked) Sum() []byte {
	sum, err := hex.DecodeString(c.SHA256[platform()])
	if err != nil || len(sum) == 0 {
		return nil
	}
	return sum
}

// Binary returns the path of the binary, given the path of the lock file.
func (c Locked) Binary(lockFile string) string {
	if filepath.IsAbs(c.Path) {
		return c.Path
	}
	return filepath.Join(filepath.Dir(lockFile), c.Path)
}

// Sum returns the SHA-256 of a file.
func Sum(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the binary: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, fmt.Errorf("reading the binary %s: %w", path, err)
	}
	return h.Sum(nil), nil
}

// Verify checks that the file at path has the expected checksum and that nobody
// else can change it between the check and the start: the two open the file
// separately. It returns a *ChecksumError or an *UnverifiedError where the sum is
// the trouble.
func Verify(path string, want []byte) error {
	if len(want) == 0 {
		return &UnverifiedError{path}
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("checking the binary: %w", err)
	}
	file, err := os.Stat(real)
	if err != nil {
		return fmt.Errorf("checking the binary: %w", err)
	}
	dir, err := os.Stat(filepath.Dir(real))
	if err != nil {
		return fmt.Errorf("checking the binary: %w", err)
	}
	if othersMayReplace(dir) {
		return fmt.Errorf("checking the binary: anybody can put another file in the place of %s; take that right away with: chmod o-w %s", real, filepath.Dir(real))
	}
	if othersMayWrite(file) {
		return fmt.Errorf("checking the binary: anybody can write to %s; take that right away with: chmod o-w %s", real, real)
	}
	got, err := Sum(real)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return &ChecksumError{Path: path, Want: want, Got: got}
	}
	return nil
}
