package host_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/enginetest"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// lines returns the log without times, which no test is about.
func (l *lab) lines() []string {
	var all []string
	for line := range strings.Lines(l.log.String()) {
		_, line, _ = strings.Cut(line, " level=")
		all = append(all, strings.TrimSpace(line))
	}
	return all
}

func TestLog_OfARunThatIsParkedAndGoesOn(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	l.world.After = func(context.Context, enginetest.Call) *connectorv1.Failure { return enginetest.Lost() }
	run := l.run(t, "- {id: a, connector: world, operation: send, input: {id: '1', password: m4rker}}")
	require.Equal(t, host.RunParked, run.State)
	require.NoError(t, l.Resolve(t.Context(), "r", "", host.Skip))
	_, err := l.Wait(t.Context(), "r")
	require.NoError(t, err)
	why := enginetest.Lost().GetMessage()
	assert.Equal(t, []string{
		`INFO msg="run started" workflow=w run=r by=person`,
		`INFO msg="step asks a person" workflow=w run=r step=a call=r/a@1 attempt=1 kind=unavailable why="` + why + `" question=may_have_happened`,
		`INFO msg="run came to rest" workflow=w run=r state=parked took=0s step=a question=may_have_happened`,
		`INFO msg="run goes on" workflow=w run=r`,
		`INFO msg="run came to rest" workflow=w run=r state=succeeded took=0s`,
	}, l.lines())
}

func TestLog_OfAStepThatIsTriedAgainAndFails(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	l.world.Before = func(_ context.Context, c enginetest.Call) *connectorv1.Failure {
		f := enginetest.Failed(connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, "Down.")
		if c.Nth == 2 {
			f = enginetest.Failed(connectorv1.FailureKind_FAILURE_KIND_NOT_FOUND, "Gone.")
		}
		f.Upstream = &connectorv1.Upstream{Code: "100/33", Message: "m4rker", TraceId: "AbC"}
		return f
	}
	run := l.run(t, `- {id: loop, connector: loop, operation: loop_list, input: {list: [1]}, steps: [{id: get, connector: world, operation: get, input: {id: '1'}}]}`)
	require.Equal(t, host.RunFailed, run.State)
	log := l.log.String()
	assert.Contains(t, log, `msg="step is tried again" workflow=w run=r step=loop[0]/get call=r/loop[0]/get@1 attempt=1 kind=unavailable why=Down. code=100/33 fbtrace_id=AbC after=`)
	assert.Contains(t, log, `msg="step failed" workflow=w run=r step=loop[0]/get call=r/loop[0]/get@2 attempt=2 kind=not_found why=Gone. code=100/33 fbtrace_id=AbC`)
	assert.NotContains(t, log, "m4rker", "what Meta wrote may quote anything")
}

func TestLog_OfALongFailure(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	run := l.run(t, `- {id: long, connector: transform, operation: jq, input: {program: '"é" * 1048576', inputs: {}}}
- {id: a, connector: terminate, operation: fail, input: {message: $.steps.long.result}}
`)
	require.Equal(t, host.RunFailed, run.State)
	assert.Len(t, run.Failure.Message, 2<<20, "the run has the whole of it")
	lines := l.lines()
	assert.Contains(t, lines[len(lines)-1], `why=`+strings.Repeat("é", 250)+"...")
	for _, line := range lines {
		assert.Less(t, len(line), 1000)
	}
}
