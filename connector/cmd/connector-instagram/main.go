// Command connector-instagram is the Instagram connector. A workflow host starts
// it; by hand it describes itself (describe), and serves a local Instagram to try
// it with (sandbox).
package main

import (
	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations"
)

// version is the connector's. A release sets it.
var version = "1.0.0"

func main() {
	connector.Main(instagram())
}

// instagram is the connector with what its binary has beside: the sandbox, and the
// check against it.
func instagram() connector.Spec {
	spec := operations.Instagram(version)
	spec.Commands = []connector.Command{sandboxCommand()}
	spec.Conformance = conformanceConfig
	return spec
}
