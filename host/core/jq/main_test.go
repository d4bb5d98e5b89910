package jq_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/core/jq"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// real is the worker as users get it: the race detector would take memory that the
// limits are not made for.
var real string

// The test binary is also a host, and workers of all kinds.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 {
		switch os.Args[1] {
		case "noted":
			beNoted(os.Args[2])
		case "host":
			beHost(os.Args[2])
		case "chatty":
			fmt.Println("usage: some other program")
			os.Exit(0)
		case "silent":
			select {}
		}
	}
	dir, err := os.MkdirTemp("", "jq")
	if err == nil {
		real = filepath.Join(dir, "worker")
		build := exec.Command("go", "build", "-o", real, "./testdata/worker")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		build.Stderr = os.Stderr
		err = build.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// note is what a worker tells a test about itself.
type note struct {
	PID         int
	Environment []string
}

// beNoted is a worker that leaves a note in a directory.
func beNoted(dir string) {
	text, err := json.Marshal(note{os.Getpid(), os.Environ()})
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(dir, "writing"); err == nil {
			_, err = f.Write(text)
			f.Close()
			_ = os.Rename(f.Name(), filepath.Join(dir, fmt.Sprintf("note-%d", os.Getpid())))
		}
	}
	if err == nil {
		err = jq.Serve(os.Stdin, os.Stdout)
	}
	if err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// beHost is a host in the middle of a program.
func beHost(dir string) {
	p := jq.NewPool(jq.Options{Command: []string{os.Args[0], "noted", dir}})
	_, err := p.Run(context.Background(), endless, []byte("{}"))
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

const endless = "last(repeat(1))"

func newPool(t testing.TB, o jq.Options) *jq.Pool {
	if o.Command == nil {
		o.Command = []string{real}
	}
	p := jq.NewPool(o)
	t.Cleanup(p.Close)
	return p
}

// inputError returns the message of what the program is to blame for.
func inputError(t testing.TB, err error) string {
	t.Helper()
	var wrong *host.InputError
	require.ErrorAs(t, err, &wrong)
	assert.Equal(t, "/program", wrong.Pointer)
	return wrong.Message
}

// unavailable returns the message of what the program is not to blame for.
func unavailable(t testing.TB, err error) string {
	t.Helper()
	var failed *host.FailureError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, failed.Failure.GetKind())
	assert.Equal(t, connectorv1.Applied_APPLIED_NO, failed.Failure.GetApplied())
	return failed.Failure.GetMessage()
}
