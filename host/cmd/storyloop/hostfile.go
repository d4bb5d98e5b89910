package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

// hostFile lies beside the data file while a host runs on it, and says how to
// reach that host. It is private: its token opens the host's API.
type hostFile struct {
	Address  string `json:"address"` // Such as "http://127.0.0.1:8080".
	Token    string `json:"token"`
	Instance string `json:"instance"`
	PID      int    `json:"pid"`
}

func hostFilePath(data string) string { return data + ".host" }

// newSecret returns what nobody guesses.
func newSecret() string { return rand.Text() }

// write puts the file there, whole or not at all.
func (h hostFile) write(data string) error {
	raw, err := json.Marshal(h)
	if err != nil {
		return err
	}
	path := hostFilePath(data)
	part, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".part-*") // mode 0600
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = part.Write(raw)
	if err = errors.Join(err, part.Close()); err == nil {
		err = os.Rename(part.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", path, err), os.Remove(part.Name()))
	}
	return nil
}

// remove takes the file away, unless another host's lies there by now.
func (h hostFile) remove(data string) error {
	if there, ok, err := readHostFile(data); err != nil || !ok || there.Instance != h.Instance {
		return err
	}
	return os.Remove(hostFilePath(data))
}

// readHostFile returns false if there is none, or none that can be read as one.
func readHostFile(data string) (hostFile, bool, error) {
	raw, err := os.ReadFile(hostFilePath(data))
	if errors.Is(err, fs.ErrNotExist) {
		return hostFile{}, false, nil
	}
	if err != nil {
		return hostFile{}, false, err
	}
	var h hostFile
	return h, json.Unmarshal(raw, &h) == nil && h.Address != "", nil
}

// nearby returns how this computer reaches a listener.
func nearby(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("http://127.0.0.1:%d", tcp.Port)
	}
	return "http://" + addr.String()
}
