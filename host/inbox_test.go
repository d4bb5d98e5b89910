package host_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// TestAccept_AnUnsoundEventDoesNotKeepTheOthersOut brings what no repetition of the
// delivery would mend.
func TestAccept_AnUnsoundEventDoesNotKeepTheOthersOut(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	doc, err := workflow.Parse("w.yaml", []byte("name: w\ntrigger: {connector: world, trigger: mentioned}\nsteps:\n- {id: post, connector: world, operation: post, input: {id: $.steps.trigger.media_id}}"))
	require.NoError(t, err)
	_, err = l.Define(t.Context(), doc, true, "")
	require.NoError(t, err)
	event := func(id, trigger, payload string) *connectorv1.Event {
		return &connectorv1.Event{Id: id, Trigger: trigger, Payload: []byte(payload)}
	}
	const payload = `{"media_id":"17841405726653027"}`
	fresh, err := l.Accept(t.Context(), "world", []*connectorv1.Event{
		event("torn", "mentioned", `{"media_id":"m4rk`),
		event("", "mentioned", payload),
		event("good", "mentioned", payload),
		event("stray", "", payload),
		event("huge", "mentioned", `"`+strings.Repeat("m4rker", 3<<20)+`"`),
		event("binary", "mentioned", "\"\xff\""),
	})
	require.NoError(t, err)
	assert.Equal(t, 1, fresh)
	require.NoError(t, l.Dispatch(t.Context()))
	runs, err := l.Store.Runs(t.Context(), host.RunFilter{})
	require.NoError(t, err)
	require.Len(t, runs, 1)
	assert.Equal(t, "world/mentioned/good", runs[0].Event)
	_, err = l.Wait(t.Context(), runs[0].ID)
	require.NoError(t, err)

	log := l.log.String()
	for _, want := range []string{
		`event=torn error="/trigger: the payload is not JSON`, `trigger=mentioned event="" error="it has no id`, `trigger="" event=stray`, `event=huge error="/trigger: the payload has`, `event=binary`,
	} {
		assert.Contains(t, log, `level=ERROR msg="an unsound event was left out" connector=world `)
		assert.Contains(t, log, want)
	}
	assert.NotContains(t, log, "m4rk", "what it holds is not logged")
}
