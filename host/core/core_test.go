package core_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/storyloop/storyloop/host/core"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/storyloop/storyloop/schemas/validate"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConnectors_AreDescribedInFull(t *testing.T) {
	t.Parallel()
	cs := core.Connectors()
	assert.Equal(t, []string{"manual", "loop", "boolean-condition", "branch", "delay", "terminate"}, cs.Names())
	for _, c := range cs {
		for _, op := range c.Catalog().GetOperations() {
			described(t, op.GetName(), op.GetInputSchema())
			described(t, op.GetName(), op.GetOutputSchema())
		}
		for _, tr := range c.Catalog().GetTriggers() {
			described(t, tr.GetName(), tr.GetInputSchema())
			described(t, tr.GetName(), tr.GetOutputSchema())
		}
	}
}

// described checks that people find title, description and example everywhere, and
// that each example is valid.
func described(t *testing.T, name string, raw []byte) {
	t.Helper()
	_, err := validate.Compile(raw)
	require.NoError(t, err, name)
	var schema struct {
		Title, Description string
		Properties         map[string]json.RawMessage
	}
	require.NoError(t, json.Unmarshal(raw, &schema))
	assert.NotEmpty(t, schema.Title, name)
	assert.NotEmpty(t, schema.Description, name)
	for property, raw := range schema.Properties {
		var p struct {
			Title, Description string
			Examples           []json.RawMessage
		}
		require.NoError(t, json.Unmarshal(raw, &p))
		assert.NotEmpty(t, p.Title, name+" "+property)
		assert.NotEmpty(t, p.Description, name+" "+property)
		require.Len(t, p.Examples, 1, name+" "+property)
		s, err := validate.Compile(raw)
		require.NoError(t, err, name+" "+property)
		problems, err := s.Check(p.Examples[0])
		require.NoError(t, err)
		assert.Empty(t, problems, name+" "+property)
	}
}

func TestValidate_WhatSchemasCannotSay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		connector, operation, input string
		unknown                     []string
		want                        string
	}{
		"long delay":         {"delay", "delay", `{"duration":"500d"}`, nil, `"500d" is longer than 400 days`},
		"delay":              {"delay", "delay", `{"duration":"2d12h"}`, nil, ""},
		"unknown delay":      {"delay", "delay", `{"duration":null}`, []string{"/duration"}, ""},
		"expression":         {"boolean-condition", "boolean_condition", `{"conditions":[{"comparison":"not_matches","value1":"a","value2":"("}]}`, nil, "is not a regular expression"},
		"unknown expression": {"boolean-condition", "boolean_condition", `{"conditions":[{"comparison":"matches","value2":null}]}`, []string{"/conditions/0/value2"}, ""},
		"no second value":    {"boolean-condition", "boolean_condition", `{"conditions":[{"comparison":">","value1":1}]}`, nil, "is required for >"},
		"needs none":         {"boolean-condition", "boolean_condition", `{"conditions":[{"comparison":"not_exists"}]}`, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, ok := core.Connectors().Connector(c.connector)
			require.True(t, ok)
			resp, err := conn.Validate(context.Background(), &connectorv1.ValidateRequest{
				Target: &connectorv1.ValidateRequest_Operation{Operation: c.operation}, Input: []byte(c.input), Unknown: c.unknown,
			})
			require.NoError(t, err)
			if c.want == "" {
				assert.Empty(t, resp.GetDiagnostics())
				return
			}
			require.Len(t, resp.GetDiagnostics(), 1)
			assert.Contains(t, resp.GetDiagnostics()[0].GetSummary(), c.want)
		})
	}
}

func TestInvoke_OutsideOfAWorkflow(t *testing.T) {
	t.Parallel()
	cs := core.Connectors()
	condition, _ := cs.Connector("boolean-condition")
	resp := condition.Invoke(context.Background(), &connectorv1.InvokeRequest{
		Operation: "boolean_condition", Input: []byte(`{"conditions":[{"value1":17841405726653027,"comparison":">","value2":17841405726653026}]}`),
	})
	assert.JSONEq(t, `{"result":true}`, string(resp.GetResult().GetOutput()))

	loop, _ := cs.Connector("loop")
	resp = loop.Invoke(context.Background(), &connectorv1.InvokeRequest{Operation: "loop_list", Input: []byte(`{"list":[]}`)})
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, resp.GetFailure().GetKind())
}
