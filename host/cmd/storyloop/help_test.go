package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
)

// commands returns all commands of the program's own.
func commands(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, c := range cmd.Commands() {
		all = append(all, commands(c)...)
	}
	return all
}

func commandTree() *cobra.Command {
	return (&app{getenv: noEnv, stdout: io.Discard, stderr: io.Discard}).root()
}

// understands asks the program whether a line of a shell is right, without running
// it.
func understands(line string) error {
	line, _, _ = strings.Cut(line, " | ")
	line, _, _ = strings.Cut(line, " > ")
	line, _, _ = strings.Cut(line, " # ")
	var args []string
	for _, arg := range strings.Fields(strings.TrimSuffix(line, "&"))[1:] {
		args = append(args, strings.Trim(arg, "'"))
	}
	root := commandTree()
	if len(args) == 0 || args[0] == "--version" {
		return nil
	}
	cmd, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// shellLines returns the lines of a text that run the program, those that go on put
// together.
func shellLines(text, program string) []string {
	var all []string
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		if _, call, ok := strings.Cut(" "+strings.TrimSpace(line), " "+program+" "); ok && !strings.Contains(line, "`") {
			all = append(all, program+" "+strings.TrimSpace(call))
		}
	}
	return all
}

func TestHelp_OfEachCommandHasExamplesThatAreRight(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, cmd := range commands(commandTree()) {
		lines := shellLines(cmd.Example, "storyloop")
		assert.NotEmpty(t, lines, "%s has no example", cmd.CommandPath())
		for _, line := range lines {
			seen++
			assert.NoError(t, understands(line), line)
			assert.True(t, strings.HasPrefix(line, cmd.CommandPath()), "%s is an example of another command than %s", line, cmd.CommandPath())
		}
	}
	assert.Greater(t, seen, 30)
}

func TestREADME_CommandsAreRight(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../README.md")
	require.NoError(t, err)
	lines := shellLines(string(text), "bin/storyloop")
	assert.Greater(t, len(lines), 8)
	for _, line := range lines {
		assert.NoError(t, understands(line), line)
	}
}

func TestHelp_OfTheProgramSaysTheExitCodes(t *testing.T) {
	t.Parallel()
	r := storyloop(t, "--help")
	require.Equal(t, 0, r.code)
	for _, code := range []string{"0 done", "1 a run", "2 the command line", "3 a run waits", "130 interrupted"} {
		assert.Contains(t, r.stdout, code)
	}
}

func TestCommandLine_ThatIsWrong(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"demmo":                 "demo",
		"runs rum":              `there is no command of storyloop runs "rum"`,
		"workflows rum":         `there is no command of storyloop workflows "rum"`,
		"import rum":            `there is no command of storyloop import "rum"`,
		"connectors rum":        `there is no command of storyloop connectors "rum"`,
		"backup":                "usage: storyloop backup FILE",
		"runs list --wrong":     "unknown flag: --wrong; usage: storyloop runs list",
		"demo --log-level loud": "--log-level must be debug, info, warn or error",
		"runs list --limit x":   `--limit must be a whole number, not "x"; usage: storyloop runs list`,
		"up --keep 3":           `--keep must be a length of time such as 90s, 15m, 72h or 30d, not "3"`,
		"up --sandbox=perhaps":  `--sandbox must be true or false, not "perhaps"`,
		"up --keep -1s":         "--keep must not be less than 0",
		"run x --trigger {":     "--trigger is not JSON: line 1, column 2",
		"catalog --settings []": "--settings must be a JSON object by connector, such as",
		`invoke storage get --settings {"http-client":{"alow":[]}}`: `http-client wants {"allow": ["127.0.0.1",`,
	} {
		r := storyloop(t, strings.Fields(line)...)
		assert.Equal(t, 2, r.code, line)
		assert.Contains(t, r.stderr, want)
		assert.Empty(t, r.stdout)
	}
	for _, group := range []string{"runs", "workflows", "import"} {
		r := storyloop(t, group)
		assert.Equal(t, 0, r.code)
		assert.Contains(t, r.stdout, "Available Commands:")
	}
}

// TestOutput_InAPipe prints every table there is to what is no terminal, and as JSON.
func TestOutput_InAPipe(t *testing.T) {
	t.Parallel()
	s := shell{t, filepath.Join(t.TempDir(), "storyloop.db")}
	s.must("workflows", "add", example("every-story.yaml"), write(t, "finisher.yaml", finisher))
	s.must("runs", "start", "finisher", "--trigger", `{"list":["good"]}`)
	var list struct{ Runs []host.Run }
	require.NoError(t, json.Unmarshal([]byte(s.must("runs", "list", "--json")), &list))
	for _, args := range [][]string{
		{"catalog"}, {"catalog", "instagram"}, {"catalog", "instagram", "get_story"}, {"connectors"},
		{"runs", "list"}, {"runs", "show", list.Runs[0].ID}, {"workflows", "list"}, {"workflows", "show", "finisher"}, {"schedules"},
		{"check", example("every-story.yaml")},
	} {
		r := s.do(args...)
		assert.Equal(t, 0, r.code, "%v: %s", args, r.stderr)
		assert.NotContains(t, r.stdout+r.stderr, "\x1b", "%v", args)
		assert.NotEmpty(t, r.stdout+r.stderr, "%v", args)
		out := s.must(append(args, "--json")...)
		assert.True(t, json.Valid([]byte(out)), "%v: %s", args, out)
		assert.Equal(t, 1, strings.Count(out, "\n"), "one line for a program: %v", args)
	}
}
