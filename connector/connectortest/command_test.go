package connectortest_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/connector/conformance"
)

// command runs the example connector's binary as a person does.
func command(flaw string, args ...string) (stdout string, code int) {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = []string{roleEnv + "=connector", flawEnv + "=" + flaw}
	out, _ := cmd.Output() // The exit code says it.
	return string(out), cmd.ProcessState.ExitCode()
}

func TestConformanceCommand_ASoundConnectorConforms(t *testing.T) {
	t.Parallel()
	out, code := command("", "conformance")
	assert.Equal(t, 0, code, out)
	assert.Contains(t, out, "ok              bad input is refused with a pointer before anything is sent\n")
	assert.Contains(t, out, "not applicable  a dead token is UNAUTHENTICATED\n")
	assert.Contains(t, out, "notes 1.4.0: 15 checks hold, 0 fail, 16 do not apply here\n")
}

func TestConformanceCommand_AFlawedConnectorDoesNot(t *testing.T) {
	t.Parallel()
	out, code := command("property without words", "conformance", "--json")
	assert.Equal(t, 1, code, out)
	var report struct {
		Connector string
		Conforms  bool
		Results   []conformance.Result
	}
	require.NoError(t, json.Unmarshal([]byte(out), &report))
	assert.Equal(t, "notes", report.Connector)
	assert.False(t, report.Conforms)
	require.NotEmpty(t, report.Results)
	for _, r := range report.Results {
		assert.Equal(t, r.Check == "the catalog is sound", r.Status == conformance.Failed, "%s: %v", r.Check, r.Findings)
	}
}

func TestConformanceCommand_SettingsAreTheUsers(t *testing.T) {
	t.Parallel()
	out, code := command("", "conformance", "--settings", `{"base":1}`)
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "/base is no property here")
	_, code = command("", "conformance", "--settings", `{`)
	assert.Equal(t, 2, code)
	_, code = command("", "conformance", "all")
	assert.Equal(t, 2, code)
}

// It writes its golden file with -update, so it runs by itself.
func TestDescribe_MarkdownIsTheReferencePage(t *testing.T) {
	_, code := command("", "describe", "--markdown", "--json")
	assert.Equal(t, 2, code, "one or the other")
	out, code := command("", "describe", "--markdown")
	require.Equal(t, 0, code)
	again, _ := command("", "describe", "--markdown")
	assert.Equal(t, out, again, "the same catalog gives the same page")

	assert.Contains(t, out, "- What may go wrong: [Errors of the service](#errors-of-the-service).\n")
	assert.Contains(t, out, "| `40/1` | `INVALID_INPUT` | no | The note has a \\| in it. | Leave it out. |\n")
	described, _ := command("", "describe", "--json")
	var catalog struct{ Errors []map[string]string }
	require.NoError(t, json.Unmarshal([]byte(described), &catalog))
	require.Len(t, catalog.Errors, 2)
	assert.Equal(t, map[string]string{
		"code": "500 to 599", "kind": "unavailable", "applied": "unknown", "sentence": "The notebook is closed.", "action": "Try again later.",
	}, catalog.Errors[1])

	golden := filepath.Join("testdata", "notes.golden.md")
	if flag.Lookup("update").Value.String() == "true" {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(golden, []byte(out), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err, "run the test with -update")
	assert.Equal(t, string(want), out)
}
