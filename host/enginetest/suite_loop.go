package enginetest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const everyItem = `
- {id: list, connector: world, operation: list, paging: {mode: all}}
- id: loop
  connector: loop
  operation: loop_list
  input: {list: $.steps.list.data, concurrency: %d, on_error: %s, collect: {id: $.steps.get.id, likes: $.steps.get.likes}}
  steps:
    - {id: get, connector: world, operation: get, input: {id: $.steps.loop.value.id}}
- {id: end, connector: terminate, operation: finish, input: {output: $.steps.loop}}
`

func looped(concurrency int, onError string) string {
	return fmt.Sprintf(everyItem, concurrency, onError)
}

type loopOutput struct {
	Count, Succeeded, Failed int
	Results                  []json.RawMessage
	Failures                 []struct {
		Index   int
		Kind    string
		Message string
	}
}

func output(t *testing.T, run host.Run) loopOutput {
	t.Helper()
	require.Equal(t, host.RunSucceeded, run.State, "%v %v", run.Failure, run.Question)
	var out loopOutput
	require.NoError(t, json.Unmarshal(run.Output, &out))
	return out
}

func testLoop(t *testing.T, r *rig) {
	store := r.open()
	e := r.start(store)
	r.begin(e, looped(1, "stop"))
	out := output(t, r.wait(e))
	assert.Equal(t, 7, out.Count)
	assert.Equal(t, 7, out.Succeeded)
	require.Len(t, out.Results, 7)
	assert.Equal(t, `{"id":"17841405726650003","likes":17841405726653027}`, string(out.Results[3]), "ids keep their digits")
	assert.Len(t, r.world.Calls("list"), 3)

	get := r.entry(store, "loop[3]/get")
	assert.Equal(t, host.EntryDone, get.State)
	assert.Equal(t, "loop", get.Loop)
	assert.Equal(t, 3, get.Index)
	assert.JSONEq(t, `{"id":"17841405726650003"}`, string(get.Input))
	require.Len(t, get.Attempts, 1)
	assert.Equal(t, "r/loop[3]/get", r.world.Calls("get")[3].Key)

	n, err := store.Iterations(r.ctx, "r", "loop")
	require.NoError(t, err)
	assert.Equal(t, 7, n)
	var paths []string
	for _, entry := range r.entries(store) {
		paths = append(paths, entry.Path)
	}
	assert.Subset(t, paths, []string{"list", "list#2", "list#3", "loop[0]/get", "loop", "end"})
}

func testParallelLoop(t *testing.T, r *rig) {
	together := make(chan struct{})
	arrived := make(chan struct{}, 7)
	r.world.Before = func(ctx context.Context, c Call) *connectorv1.Failure {
		if c.Operation != "get" {
			return nil
		}
		arrived <- struct{}{}
		if len(arrived) == 3 {
			close(together) // nobody goes on before three have come
		}
		<-together
		if c.Input == `{"id":"17841405726650002"}` {
			return Failed(connectorv1.FailureKind_FAILURE_KIND_NOT_FOUND, "It is gone.")
		}
		return nil
	}
	e := r.start(r.open())
	r.begin(e, looped(3, "continue"))
	out := output(t, r.wait(e))
	assert.Equal(t, 3, r.world.AtOnce())
	assert.Equal(t, 7, out.Count)
	assert.Equal(t, 1, out.Failed)
	for i, result := range out.Results {
		if i == 2 {
			assert.Equal(t, "null", string(result))
			continue
		}
		assert.Contains(t, string(result), fmt.Sprintf("1784140572665%04d", i), "results keep their order")
	}
	require.Len(t, out.Failures, 1)
	assert.Equal(t, 2, out.Failures[0].Index)
	assert.Equal(t, "not_found", out.Failures[0].Kind)
}
