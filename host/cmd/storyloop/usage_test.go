package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host/sqlite"
)

func TestRun_BesideAHostThatHasTheDataFile(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "storyloop.db")
	hosts, err := sqlite.Open(t.Context(), data, sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, hosts.Close()) })
	storyloop := func(args ...string) result {
		var stdout, stderr lockedBuffer
		getenv := func(name string) string { return map[string]string{"STORYLOOP_DATA": data}[name] }
		code := run(t.Context(), append([]string{"--lock", lock, "--credentials", emptyVault(t)}, args...), getenv, &stdout, &stderr)
		return result{code, stdout.String(), stderr.String()}
	}
	doc := write(t, "one.yaml", `name: one
trigger: { connector: manual }
steps:
  - { id: transform-1, connector: transform, operation: jq, input: { program: "1 + 1" } }
`)

	r := storyloop("run", doc)
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.stderr, "is in use by process")
	assert.Contains(t, r.stderr, "or --data '' to run in memory")
	r = storyloop("run", doc, "--data", "")
	assert.Equal(t, 0, r.code, r.stderr)

	invoke := []string{"invoke", "transform", "jq", "--input", `{"program": "1 + 1"}`}
	r = storyloop(invoke...)
	assert.Equal(t, 0, r.code, r.stderr)
	assert.Equal(t, `{"result":2}`, strings.TrimSpace(r.stdout))
	r = storyloop(append(invoke, "--data", data)...)
	assert.Equal(t, 1, r.code, "a file that is named is used")
}

func TestExit_WhatIsWrongWithTheCommandLine(t *testing.T) {
	t.Parallel()
	own := write(t, "own.yaml", `credentials:
  door: { connector: webhook, method: hmac, form: { secret: s3cr3t } }
  lost: { connector: instagram, method: access_token, app: none, form: { access_token: EAAB } }
`)
	call := func(args ...string) []string {
		return append([]string{"invoke", "instagram", "list_stories", "--credentials", own}, args...)
	}
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"misspelt command", []string{"chek"}, `there is no command of storyloop "chek": did you mean "check"?`},
		{"misspelt command of a group", []string{"runs", "shwo"}, `there is no command of storyloop runs "shwo": did you mean "show"?`},
		{"command like no other", []string{"runs", "frobnicate"}, `"frobnicate"; there are: cancel, list,`},
		{"settings that a connector refuses", []string{"catalog", "--settings", `{"instagram": {"graph_version": 25}}`}, "refuses its settings: /graph_version"},
		{"settings that a connector refuses beside the sandbox", []string{"up", "--sandbox", "--settings", `{"instagram": {"graph_version": "25"}}`}, "refuses its settings: /graph_version"},
		{"settings of the wrong kind beside the sandbox", []string{"up", "--sandbox", "--settings", `{"instagram": 1}`}, "those of instagram must be an object"},
		{"settings in a file that is not there", []string{"catalog", "--settings", "@nofile"}, "reading --settings: open nofile"},
		{"input in a directory", call("--input", "@."), "reading --input:"},
		{"fewer than no stories", []string{"up", "--sandbox", "--stories", "-3"}, "--stories must not be less than 0"},
		{"stories of no sandbox", []string{"up", "--stories", "3"}, "add --sandbox"},
		{"address without a port", []string{"up", "--addr", "nonsense"}, "--addr must be like"},
		{"address with a wrong port", []string{"up", "--addr", "127.0.0.1:nonsense"}, "--addr must be like"},
		{"public URL without a scheme", []string{"up", "--public-url", "hooks.example.com"}, "--public-url must be like https://hooks.example.com"},
		{"public URL with a port alone", []string{"up", "--public-url", "hooks.example.com:8080"}, "--public-url must be like https://hooks.example.com"},
		{"public URL that has more than a path", []string{"up", "--public-url", "https://hooks.example.com/?a=b"}, "--public-url must be like https://hooks.example.com"},
		{"another connector's credential", call("--credential", "door"), `"door" is for the connector webhook`},
		{"app that is not there", call("--credential", "lost"), "lost"},
		{"input of every page", call("--all", "--input", `{"ig_user": "1"}`), "/ig_user is no property here"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := storyloop(t, tt.args...)
			assert.Equal(t, 2, r.code)
			assert.Contains(t, r.stderr, tt.want)
			assert.NotContains(t, r.stderr, "\n\n")
		})
	}
}

func TestSettings_ThatNoConnectorGets(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, settings, want string }{
		{"misspelt", `{"http-klient": {"allow": []}}`, `no connector "http-klient" takes settings: did you mean "http-client"?`},
		{"of a connector that takes none", `{"loop": {}}`, `no connector "loop" takes settings; these do: http-client, instagram`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, command := range []string{"catalog", "check " + example("every-story.yaml")} {
				r := storyloop(t, append(strings.Fields(command), "--settings", tt.settings)...)
				assert.Equal(t, 2, r.code, command)
				assert.Contains(t, r.stderr, tt.want, command)
			}
		})
	}
}
