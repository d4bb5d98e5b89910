package http_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/core"
	hosthttp "github.com/storyloop/storyloop/host/http"
	"github.com/storyloop/storyloop/host/http/apitest"
)

// starter starts runs, and holds each answer against the API's description.
func starter(t *testing.T) func(body string, keys ...string) (int, []byte) {
	t.Helper()
	store := host.NewMemory()
	engine := host.NewEngine(host.Setup{Store: store, Connectors: core.Connectors()})
	t.Cleanup(func() { assert.NoError(t, engine.Close(context.WithoutCancel(t.Context()))) })
	for _, name := range []string{"a", "b"} {
		doc := `{"name":"` + name + `","trigger":{"connector":"manual"},"steps":[]}`
		require.NoError(t, store.PutDefinition(t.Context(), host.Definition{Name: name, Version: "1", Document: []byte(doc)}))
	}
	api, err := (&hosthttp.API{Engine: engine}).Handler()
	require.NoError(t, err)
	c := http.Client{Transport: apitest.New(t, hosthttp.OpenAPI, hosthttp.Local{Handler: api})}
	return func(body string, keys ...string) (int, []byte) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/api/v1/runs", strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		for _, key := range keys {
			req.Header.Add("Idempotency-Key", key)
		}
		resp, err := c.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, answer
	}
}

func TestStartRun_OncePerIdempotencyKey(t *testing.T) {
	t.Parallel()
	start := starter(t)
	id := func(answer []byte) string {
		var r host.Run
		require.NoError(t, json.Unmarshal(answer, &r), "%s", answer)
		return r.ID
	}
	status, answer := start(`{"workflow":"a"}`, "8e03978e-40d5")
	assert.Equal(t, 201, status)
	assert.Equal(t, "8e03978e-40d5", id(answer))
	for _, again := range []func() (int, []byte){
		func() (int, []byte) { return start(`{"workflow":"a"}`, "8e03978e-40d5") },
		func() (int, []byte) { return start(`{"workflow":"a"}`, `"8e03978e-40d5"`) },
		func() (int, []byte) { return start(`{"workflow":"a","id":"8e03978e-40d5"}`) },
		func() (int, []byte) { return start(`{"workflow":"a","id":"8e03978e-40d5"}`, "8e03978e-40d5") },
	} {
		status, answer = again()
		assert.Equal(t, 200, status)
		assert.Equal(t, "8e03978e-40d5", id(answer), "it is the run that is there")
	}
	start(`{"workflow":"a","trigger":{"story":17841405726653027,"list":[1]}}`, "with-a-trigger")
	status, answer = start(`{"trigger": {"list": [1], "story": 17841405726653027}, "workflow": "a"}`, "with-a-trigger")
	assert.Equal(t, 200, status, "%s", answer)
	status, answer = start(`{"workflow":"a"}`, "another")
	assert.Equal(t, 201, status)
	assert.Equal(t, "another", id(answer))
}

func TestStartRun_WrongIdempotencyKeys(t *testing.T) {
	t.Parallel()
	start := starter(t)
	status, answer := start(`{"workflow":"a","id":"mine"}`, "mine")
	require.Equal(t, 201, status, "%s", answer)
	status, answer = start(`{"workflow":"a","trigger":{"story":17841405726653027}}`, "told")
	require.Equal(t, 201, status, "%s", answer)
	for _, tt := range []struct {
		name, body string
		keys       []string
		status     int
		want       string
	}{
		{"of another workflow", `{"workflow":"b"}`, []string{"mine"}, 409, `the id "mine" is taken by a run of a`},
		{"of another trigger", `{"workflow":"a","trigger":{"x":1}}`, []string{"mine"}, 409, `the id "mine" is taken by a run with another trigger`},
		{"of a trigger that differs in its last digit", `{"workflow":"a","trigger":{"story":17841405726653026}}`, []string{"told"}, 409, "with another trigger"},
		{"another than the id", `{"workflow":"a","id":"mine"}`, []string{"yours"}, 400, `the header Idempotency-Key says "yours", and the body "mine": give one of them, or the same`},
		{"empty", `{"workflow":"a"}`, []string{""}, 400, "the header Idempotency-Key must have from 1 to 200 letters"},
		{"too long", `{"workflow":"a"}`, []string{strings.Repeat("x", 201)}, 400, "the header Idempotency-Key must have from 1 to 200 letters"},
		{"half in quotes", `{"workflow":"a"}`, []string{`"mine`}, 400, "the header Idempotency-Key must have from 1 to 200 letters"},
		{"path", `{"workflow":"a"}`, []string{"a/b"}, 400, "the header Idempotency-Key must have from 1 to 200 letters"},
		{"two", `{"workflow":"a"}`, []string{"mine", "mine"}, 400, "the header Idempotency-Key stands there twice"},
	} {
		status, answer := start(tt.body, tt.keys...)
		assert.Equal(t, tt.status, status, "%s: %s", tt.name, answer)
		var p hosthttp.Problem
		require.NoError(t, json.Unmarshal(answer, &p), tt.name)
		assert.Contains(t, p.Detail, tt.want, tt.name)
	}
}
