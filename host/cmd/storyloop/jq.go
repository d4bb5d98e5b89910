package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/storyloop/storyloop/host/core/jq"
)

// workerArgs make this program a worker for jq programs. They are for its own use.
var workerArgs = []string{"jq-worker"}

// jqPool returns the workers in which the host runs jq programs: this very program,
// once more.
func jqPool(log *slog.Logger) (*jq.Pool, error) {
	path := "/proc/self/exe" // Linux: the file that runs, even if an update has put another in its place.
	if _, err := os.Stat(path); err != nil {
		if path, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("finding this program, to run jq programs in a process of their own: %w", err)
		}
	}
	return jq.NewPool(jq.Options{Command: append([]string{path}, workerArgs...), Log: log}), nil
}

// beWorker does not return.
func beWorker() {
	if err := jq.Serve(os.Stdin, os.Stdout); err != nil {
		os.Exit(exitFailed)
	}
	os.Exit(exitOK)
}
