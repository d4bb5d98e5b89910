package core_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/core"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func step(run, workflow, path string) context.Context {
	return host.WithCaller(context.Background(), host.Caller{Run: run, Workflow: workflow, Path: path})
}

func TestStorage_KeepsValuesByScope(t *testing.T) {
	t.Parallel()
	b := newBench(t, core.Config{Values: host.NewMemory()})
	at := func(n int) context.Context { return step("run-1", "shop", fmt.Sprintf("storage-%d", n)) }

	assert.JSONEq(t, `{"value":[],"exists":false}`, b.output(at(1), "storage", "get", `{"key":"k","default":[]}`))
	assert.JSONEq(t, `{"value":null,"exists":false}`, b.output(at(2), "storage", "set", `{"key":"k","value":17841405726653027}`))
	assert.Equal(t, `{"value":17841405726653027,"exists":true}`, b.output(at(3), "storage", "get", `{"key":"k","default":1}`))
	assert.JSONEq(t, `{"value":null,"exists":false}`, b.output(step("run-2", "shop", "storage-1"), "storage", "get", `{"key":"k"}`))

	b.output(at(4), "storage", "set", `{"key":"k","scope":"workflow","value":"w"}`)
	b.output(at(5), "storage", "set", `{"key":"k","scope":"host","value":"h"}`)
	other := step("run-2", "shop", "storage-2")
	assert.JSONEq(t, `{"value":"w","exists":true}`, b.output(other, "storage", "get", `{"key":"k","scope":"workflow"}`))
	assert.JSONEq(t, `{"value":null,"exists":false}`, b.output(step("run-3", "cafe", "storage-1"), "storage", "get", `{"key":"k","scope":"workflow"}`))
	assert.JSONEq(t, `{"value":"h","exists":true}`, b.output(context.Background(), "storage", "get", `{"key":"k","scope":"host"}`))

	assert.JSONEq(t, `{"value":17841405726653027,"exists":true}`, b.output(at(6), "storage", "delete", `{"key":"k"}`))
	assert.JSONEq(t, `{"value":null,"exists":false}`, b.output(at(7), "storage", "get", `{"key":"k"}`))
}

func TestStorage_ListsAndNumbers(t *testing.T) {
	t.Parallel()
	b := newBench(t, core.Config{Values: host.NewMemory()})
	n := 0
	do := func(operation, input string) string {
		n++
		return b.output(step("run-1", "shop", fmt.Sprintf("storage-%d", n)), "storage", operation, input)
	}
	for i := range 3 {
		do("append", fmt.Sprintf(`{"key":"list","value":%d,"max_items":2}`, i))
	}
	assert.JSONEq(t, `{"value":1,"exists":true,"length":1}`, do("shift", `{"key":"list"}`))
	assert.JSONEq(t, `{"value":2,"exists":true,"length":0}`, do("shift", `{"key":"list"}`))
	assert.JSONEq(t, `{"value":null,"exists":false,"length":0}`, do("shift", `{"key":"list"}`))
	assert.Equal(t, `{"value":1}`, do("increment", `{"key":"n"}`))
	assert.Equal(t, `{"value":17841405726653028}`, do("increment", `{"key":"n","by":17841405726653027}`))

	_, failure := b.invoke(step("run-1", "shop", "storage-99"), "storage", "append", `{"key":"n","value":1}`)
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, failure.GetKind())
	assert.Equal(t, "/key", failure.GetDiagnostics()[0].GetPointer())
}

func TestStorage_ARepeatedStepChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, core.Config{Values: host.NewMemory()})
	again := step("run-1", "shop", "storage-1")
	for range 3 {
		assert.Equal(t, `{"value":1}`, b.output(again, "storage", "increment", `{"key":"n","scope":"host"}`))
	}
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			b.output(step("run-2", "shop", fmt.Sprintf("loop-1[%d]/storage-1", i)), "storage", "increment", `{"key":"n","scope":"host"}`)
		})
	}
	all.Wait()
	assert.JSONEq(t, `{"value":51,"exists":true}`, b.output(again, "storage", "get", `{"key":"n","scope":"host"}`))
}

func TestStorage_WhereThereIsNone(t *testing.T) {
	t.Parallel()
	_, failure := newBench(t, core.Config{}).invoke(step("run-1", "shop", "storage-1"), "storage", "get", `{"key":"k"}`)
	require.NotNil(t, failure)
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, failure.GetKind())
	_, failure = newBench(t, core.Config{Values: host.NewMemory()}).invoke(context.Background(), "storage", "get", `{"key":"k"}`)
	assert.Contains(t, failure.GetMessage(), "only the scope host")
}

func TestStorage_TellsWhetherAStepHasMadeItsChange(t *testing.T) {
	t.Parallel()
	b := newBench(t, core.Config{Values: host.NewMemory()})
	storage, ok := b.list.Connector("storage")
	require.True(t, ok)
	input := `{"key":"n","scope":"host"}`
	look := func(ctx context.Context, operation string) *connectorv1.ReconcileResponse {
		return storage.Reconcile(ctx, &connectorv1.ReconcileRequest{Operation: operation, Input: []byte(input)})
	}
	first := step("run-1", "shop", "storage-1")
	assert.NotNil(t, look(first, "increment").GetNotHappened())
	b.output(first, "storage", "increment", input)
	b.output(step("run-1", "shop", "storage-2"), "storage", "increment", input)
	assert.Equal(t, `{"value":1}`, string(look(first, "increment").GetHappened().GetOutput()), "what it got then")
	assert.NotNil(t, look(step("run-2", "shop", "storage-1"), "increment").GetNotHappened())
	assert.NotNil(t, look(context.Background(), "increment").GetFailure(), "no step has asked")
	assert.NotNil(t, look(first, "get").GetFailure(), "a read leaves nothing to look for")
	assert.JSONEq(t, `{"value":2,"exists":true}`, b.output(first, "storage", "get", input), "to look changes nothing")

	taken := host.WithCaller(context.Background(), host.Caller{Run: "run-3", Began: "run-1", Workflow: "shop", Path: "storage-1"})
	assert.NotNil(t, look(taken, "increment").GetHappened(), "the run before has made it")
}
