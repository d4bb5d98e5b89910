// Command worker is nothing but a worker.
package main

import (
	"os"

	"github.com/storyloop/storyloop/host/core/jq"
)

func main() {
	if jq.Serve(os.Stdin, os.Stdout) != nil {
		os.Exit(1)
	}
}
