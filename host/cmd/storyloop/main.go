// Command storyloop runs workflows: it loads connectors, checks and runs workflow
// documents, and takes webhooks in.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	_ "time/tzdata" // schedules have time zones, and small machines have no list of them
)

// released is set by the linker for a release.
var released string

// version is that of the release, or what Go knows of the commit that was built.
var version = cmp.Or(released, builtVersion())

func builtVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "dev"
	}
	return strings.TrimPrefix(info.Main.Version, "v")
}

func main() {
	if slices.Equal(os.Args[1:], workerArgs) {
		beWorker()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once, should an orderly end hang.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1   // A run or an operation failed, or something could not be started.
	exitUsage       = 2   // The command line, or a document, is wrong.
	exitParked      = 3   // A run waits for a person.
	exitInterrupted = 130 // A signal ended it.
)

// exitError carries an exit code out of a command. Its message may be empty where
// the command has said all already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	a := &app{getenv: getenv, stdout: stdout, stderr: stderr}
	root := a.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	code := exitFailed
	var exit *exitError
	switch {
	case ctx.Err() != nil:
		code, err = exitInterrupted, errors.New("interrupted")
	case errors.As(err, &exit):
		code = exit.code
	case !a.parsed:
		code, err = exitUsage, fmt.Errorf("%w; usage: %s; see: %s --help", err, command.UseLine(), command.CommandPath())
	}
	if err.Error() != "" {
		fmt.Fprintf(stderr, "%s %s\n", a.paint(red, "error:"), printable(err.Error()))
	}
	return code
}
