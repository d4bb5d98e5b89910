package connector

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// Main runs a connector's binary: it serves hosts, or runs a subcommand for
// people. It does not return.
func Main(spec Spec) {
	os.Exit(run(spec, os.Args, os.Getenv, os.Stdout, os.Stderr))
}

// Exit codes of a connector's binary.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

func run(spec Spec, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	name := filepath.Base(args[0])
	command, rest := "", []string(nil)
	if len(args) > 1 {
		command, rest = args[1], args[2:]
	}
	switch command {
	case "", "--debug", "-debug":
		h := connectorv1.Handshake
		if getenv(h.MagicCookieKey) != h.MagicCookieValue {
			fmt.Fprintf(stderr, "%s is started by a workflow host, not by hand.\n\n", name)
			usage(spec, name, stderr)
			return exitUsage
		}
		if err := serve(spec, command != ""); err != nil {
			fmt.Fprintf(stderr, "%s: %v\n", name, err)
			return exitError
		}
		return exitOK
	case "help", "-h", "-help", "--help":
		usage(spec, name, stdout)
		return exitOK
	case "version", "--version":
		fmt.Fprintf(stdout, "%s %s (protocol %d)\n", spec.Name, spec.Version, connectorv1.Handshake.ProtocolVersion)
		return exitOK
	case "describe":
		return describe(spec, name, rest, stdout, stderr)
	case "conformance":
		return checkConformance(spec, name, rest, stdout, stderr)
	}
	for _, c := range spec.Commands {
		if c.Name == command {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return c.Run(ctx, rest, stdout, stderr)
		}
	}
	fmt.Fprintf(stderr, "%s: there is no command %q\n\n", name, command)
	usage(spec, name, stderr)
	return exitUsage
}

func usage(spec Spec, name string, w io.Writer) {
	fmt.Fprintf(w, "%s %s: %s\n\nCommands:\n", spec.Title, spec.Version, spec.Summary)
	const row = "  %-12s %s\n"
	fmt.Fprintf(w, row, "describe", "show what the connector offers (--json for all of it, --markdown for a reference page)")
	fmt.Fprintf(w, row, "conformance", "check that the connector keeps the protocol (--json for programs)")
	fmt.Fprintf(w, row, "version", "print the version")
	for _, c := range spec.Commands {
		fmt.Fprintf(w, row, c.Name, c.Summary)
	}
	h := connectorv1.Handshake
	fmt.Fprintf(w, `
Examples:
  %[1]s describe
  %[1]s describe --json | jq '.operations[].name'
  %[2]s=%[3]s %[1]s --debug
      serves any gRPC client, and stays when the client goes; the line that it
      prints ends in "unix|<socket>|grpc"
`, name, h.MagicCookieKey, h.MagicCookieValue)
}
