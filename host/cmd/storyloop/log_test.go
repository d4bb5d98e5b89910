package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
)

// logLine is what the tests read of a line of the log.
type logLine struct {
	Level, Msg, Workflow, Run, Step, Call, State, Kind string

	Connector string
	Attempt   int
	Log       struct{ Call, Cause string } // What the connector wrote.
}

// logged returns the log of a daemon that has ended.
func (d *daemon) logged(t *testing.T) []logLine {
	t.Helper()
	require.NotNil(t, d.cmd.ProcessState, "end it first")
	var all []logLine
	for text := range strings.Lines(d.stderr.String()) {
		var line logLine
		require.NoError(t, json.Unmarshal([]byte(text), &line), text)
		all = append(all, line)
	}
	return all
}

// token returns the token that the daemon's credential holds.
func (d *daemon) token(t *testing.T) string {
	t.Helper()
	resp, err := http.Get(d.Sandbox.URL + "/__sandbox/info")
	require.NoError(t, err)
	defer resp.Body.Close()
	var info struct {
		Accounts []struct {
			UserToken string `json:"user_token"`
		}
	}
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&info))
	require.NotEmpty(t, info.Accounts)
	return info.Accounts[0].UserToken
}

func TestLog_JoinsHostAndConnectorByTheCall(t *testing.T) {
	t.Parallel()
	s := serveFile(t, "--log-level", "info")
	s.add(getStory)
	token := s.token(t)
	s.fault(fmt.Sprintf(`{"kind":"error","code":2,"path":"/*/stories","message":"Malformed access token %s"}`, token))
	s.fault(`{"kind":"error","code":100,"subcode":33,"method":"GET","path":"/[0-9]*","skip":1}`)
	var run host.Run
	s.must("POST", "/api/v1/runs", `{"workflow":"one-story"}`, &run)
	require.Equal(t, "succeeded", string(s.ended(t).State))
	s.stop(t)

	lines := s.logged(t)
	find := func(msg, step string) logLine {
		t.Helper()
		for _, l := range lines {
			if l.Msg == msg && l.Step == step {
				return l
			}
		}
		t.Fatalf("no line %q about step %q in:\n%s", msg, step, s.stderr)
		return logLine{}
	}
	of := func(call string) logLine {
		t.Helper()
		for _, l := range lines {
			if l.Log.Call == call {
				return l
			}
		}
		t.Fatalf("the connector says nothing of call %q in:\n%s", call, s.stderr)
		return logLine{}
	}
	for step, want := range map[string]struct{ msg, kind string }{
		"instagram-1":           {"step is tried again", "unavailable"},
		"loop-1[1]/instagram-2": {"step failed", "not_found"},
	} {
		host := find(want.msg, step)
		assert.Equal(t, logLine{
			Level: "INFO", Msg: want.msg, Workflow: "one-story", Run: run.ID, Step: step,
			Call: run.ID + "/" + step + "@1", Attempt: 1, Kind: want.kind,
		}, host)
		theirs := of(host.Call)
		assert.Equal(t, "call failed", theirs.Msg)
		assert.Equal(t, "connector-instagram", theirs.Connector)
		assert.NotEmpty(t, theirs.Log.Cause)
	}
	assert.Equal(t, run.ID, find("run started", "").Run)
	assert.Equal(t, "succeeded", find("run came to rest", "").State)
	for _, l := range lines {
		assert.NotEqual(t, "call ended", l.Msg, "a call that goes well is no news")
	}
	assert.NotContains(t, s.stderr.String(), token)
	assert.NotContains(t, s.stderr.String(), s.Sandbox.AppSecret)
}
