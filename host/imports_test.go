package host_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/storyloop/storyloop/"

// The wire is the only coupling between the host and a connector: a package may
// import of ours what stands here, and nothing else.
var allowed = []struct {
	prefix  string // Of the package; the first that fits counts.
	imports []string
}{
	{"proto/connector/v1", nil},
	{"schemas/validate", nil},
	{"schemas", nil},
	{"proto/telemetry", nil},
	{"connector/cmd/connector-instagram", []string{"connector", "connector/conformance", "operations", "operations/graph/sandbox", "proto/connector/v1"}},
	{"connector", []string{"connector", "connector/", "proto/connector/v1", "schemas/validate", "proto/telemetry"}},
	{"operations/graph", nil},
	{"operations", []string{"connector", "schemas", "operations/graph"}},
	{"host/cmd/storyloop", []string{"host", "host/", "proto/connector/v1", "schemas/validate", "examples", "proto/telemetry"}},
	{"host/workflow", []string{"proto/connector/v1", "schemas", "schemas/validate"}},
	{"host/enginetest", []string{"host", "host/workflow", "host/core", "proto/connector/v1", "schemas/validate"}},
	{"host/", []string{"host", "host/workflow", "proto/connector/v1", "schemas/validate"}},
	{"host", []string{"host/workflow", "proto/connector/v1", "schemas/validate"}},
	{"examples", nil},
}

// pluginUsers alone may know go-plugin.
var pluginUsers = []string{"proto/connector/v1", "connector", "connector/conformance", "connector/connectortest", "host/plugin"}

func TestImports(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	require.NoError(t, err)
	d := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		err := d.Decode(&pkg)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		seen++
		name := strings.TrimPrefix(pkg.ImportPath, module)
		i := slices.IndexFunc(allowed, func(a struct {
			prefix  string
			imports []string
		}) bool {
			return strings.HasPrefix(name, a.prefix)
		})
		require.GreaterOrEqual(t, i, 0, "say what %s may import", name)
		for _, imported := range pkg.Imports {
			own, ours := strings.CutPrefix(imported, module)
			fits := slices.ContainsFunc(allowed[i].imports, func(a string) bool {
				return own == a || strings.HasSuffix(a, "/") && strings.HasPrefix(own, a)
			})
			if ours && !fits && !strings.HasPrefix(own, name+"/") {
				t.Errorf("%s imports %s", name, own)
			}
			if imported == "github.com/hashicorp/go-plugin" && !slices.Contains(pluginUsers, name) {
				t.Errorf("%s imports go-plugin", name)
			}
		}
	}
	assert.Greater(t, seen, 10)
}
