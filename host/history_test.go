package host_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
)

func TestStep_OfAnIterationThatOnlyItsStepTellsOf(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	run := l.run(t, `
- {id: out, connector: loop, operation: loop_list, input: {list: [1, 2]}, steps: [
    {id: in, connector: loop, operation: loop_list, input: {list: [1, 2, 3]}, steps: [
      {id: get, connector: world, operation: get, input: {id: "{$.steps.in.index}"}}]}]}
`)
	require.Equal(t, host.RunSucceeded, run.State, "%v", run.Failure)

	step, err := l.Step(t.Context(), "r", "out[1]/in[2]")
	require.NoError(t, err)
	assert.Equal(t, "out[1]/in[2]/get", step.Path, "the step's own path says which it is")
	assert.JSONEq(t, `{"id":"2"}`, string(step.Input))
	step, err = l.Step(t.Context(), "r", "out[1]")
	require.NoError(t, err)
	assert.Equal(t, "out[1]", step.Path, "what has an entry of its own is shown as it is")

	var missing *host.NotFoundError
	for _, path := range []string{"out[1]/in[3]", "out[2]", "none[0]", "out[1]/in[2]/none", "out[x]", "out[01]", "]", "[0]", ""} {
		_, err = l.Step(t.Context(), "r", path)
		require.ErrorAs(t, err, &missing, path)
		assert.Equal(t, path, missing.Name)
	}
	_, err = l.Step(t.Context(), "none", "out[1]/in[2]")
	require.ErrorAs(t, err, &missing)
}
