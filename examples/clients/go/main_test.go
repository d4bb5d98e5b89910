// Package clients_test drives the local Instagram of connector-instagram with a Graph API
// client that knows nothing of it, github.com/huandu/facebook, and checks what the sandbox
// wrote into its journal of requests: what the client put on the wire and what it was
// answered, not what the client made of it.
package clients_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// connector is the path of the connector-instagram binary.
var connector string

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// run takes the binary that CONNECTOR_INSTAGRAM names, and builds one without it.
func run(m *testing.M) (code int, err error) {
	connector = os.Getenv("CONNECTOR_INSTAGRAM")
	if connector != "" {
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "connector")
	if err != nil {
		return 0, fmt.Errorf("making a folder for the connector: %w", err)
	}
	defer os.RemoveAll(dir)
	connector = filepath.Join(dir, "connector-instagram")
	build := exec.Command("go", "build", "-o", connector, "./connector/cmd/connector-instagram")
	build.Dir = filepath.Join("..", "..", "..") // the connector is in another module
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return 0, fmt.Errorf("building the connector: %w", err)
	}
	return m.Run(), nil
}
