package http_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/core"
	"github.com/storyloop/storyloop/host/enginetest"
	hosthttp "github.com/storyloop/storyloop/host/http"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// secretive is a world whose outputs hold a secret.
type secretive struct{ *enginetest.World }

func (s secretive) Catalog() *connectorv1.Catalog {
	c := s.World.Catalog()
	for _, op := range c.GetOperations() {
		op.OutputSchema = []byte(`{"type":"object","properties":{"id":{"type":"string","x-secret":true}}}`)
	}
	return c
}

func TestSteps_AreShownAsPeopleMaySeeThem(t *testing.T) {
	t.Parallel()
	const doc = `{"name":"w","trigger":{"connector":"manual"},"steps":[{"id":"loop-1","connector":"loop","operation":"loop_list","input":{"list":[1]},
		"steps":[{"id":"a","connector":"world","operation":"get","input":{"id":"m4rker"}}]}]}`
	store := host.NewMemory()
	engine := host.NewEngine(host.Setup{Store: store, Connectors: append(host.ConnectorList{secretive{&enginetest.World{}}}, core.Connectors()...)})
	t.Cleanup(func() { assert.NoError(t, engine.Close(context.WithoutCancel(t.Context()))) })
	require.NoError(t, store.PutDefinition(t.Context(), host.Definition{Name: "w", Version: "1", Document: []byte(doc)}))
	_, _, err := engine.Start(t.Context(), host.StartRequest{Workflow: "w", ID: "r"})
	require.NoError(t, err)
	run, err := engine.Wait(t.Context(), "r")
	require.NoError(t, err)
	require.Equal(t, host.RunSucceeded, run.State, "%v", run.Failure)
	api, err := (&hosthttp.API{Engine: engine}).Handler()
	require.NoError(t, err)

	get := func(path string) []byte {
		rec := httptest.NewRecorder()
		api.ServeHTTP(rec, httptest.NewRequest("GET", "http://localhost/api/v1/runs/r/"+path, nil))
		require.Equal(t, 200, rec.Code, rec.Body)
		return rec.Body.Bytes()
	}
	var list struct {
		Steps []struct {
			Path   string
			Output json.RawMessage
		}
	}
	require.NoError(t, json.Unmarshal(get("steps?bodies=true"), &list))
	outputs := map[string]string{}
	for _, s := range list.Steps {
		outputs[s.Path] = string(s.Output)
	}
	assert.JSONEq(t, `{"id":"(hidden)","likes":17841405726653027}`, outputs["loop-1[0]/a"])
	assert.JSONEq(t, `{"count":1,"succeeded":1,"failed":0,"results":[],"failures":[]}`, outputs["loop-1"], "as steps after the loop see it")
	assert.NotContains(t, string(get("step?path=loop-1%5B0%5D/a")), `"output":{"id":"m4rker"`)
	assert.JSONEq(t, string(get("step?path=loop-1%5B0%5D/a")), string(get("step?path=loop-1%5B0%5D")), "the iteration's only step tells of it")
}
