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
	assert.Equal(t, []string{
		"manual", "schedule", "webhook", "callable", "alert", "loop", "boolean-condition", "branch", "delay", "terminate",
		"storage", "transform", "http-client", "send-email", "call-workflow",
	}, cs.Names())
	for _, c := range cs {
		for _, op := range c.Catalog().GetOperations() {
			described(t, op.GetName(), op.GetInputSchema())
			described(t, op.GetName(), op.GetOutputSchema())
		}
		for _, tr := range c.Catalog().GetTriggers() {
			described(t, tr.GetName(), tr.GetInputSchema())
			described(t, tr.GetName(), tr.GetOutputSchema())
		}
		for _, m := range c.Catalog().GetAuthMethods() {
			described(t, m.GetName(), m.GetFormSchema())
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
		"jq":                 {"transform", "jq", `{"program":".a\n| )"}`, nil, "line 2, column 3: unexpected token"},
		"jq name":            {"transform", "jq", `{"program":"lenght"}`, nil, "function not defined: lenght/0"},
		"unknown jq":         {"transform", "jq", `{"program":")"}`, []string{"/program"}, ""},
		"internal URL":       {"http-client", "get", `{"url":"http://169.254.169.254/latest"}`, nil, "is an internal address"},
		"user in URL":        {"http-client", "get", `{"url":"https://me:pass@example.com"}`, nil, "must hold no user name"},
		"own header":         {"http-client", "request", `{"url":"https://example.com","headers":{"host":"a"}}`, nil, "Host is set by the host itself"},
		"long request":       {"http-client", "request", `{"url":"https://example.com","timeout":"6m"}`, nil, "of 5m at most"},
		"address":            {"send-email", "send", `{"to":["ada"]}`, nil, "is no e-mail address"},
		"unknown address":    {"send-email", "send", `{"to":[null]}`, []string{"/to/0"}, ""},
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

func TestValidate_Schedules(t *testing.T) {
	t.Parallel()
	conn, _ := core.Connectors().Connector("schedule")
	check := func(input string, unknown ...string) []*connectorv1.Diagnostic {
		resp, err := conn.Validate(context.Background(), &connectorv1.ValidateRequest{
			Target: &connectorv1.ValidateRequest_Trigger{Trigger: "schedule"}, Input: []byte(input), Unknown: unknown,
		})
		require.NoError(t, err)
		return resp.GetDiagnostics()
	}
	assert.Empty(t, check(`{"cron":"30 9 * * 1-5","time_zone":"Europe/Berlin"}`))
	assert.Empty(t, check(`{"cron":null}`, "/cron"))
	wrong := check(`{"cron":"30 25 * * *"}`)
	require.Len(t, wrong, 1)
	assert.Equal(t, "/cron", wrong[0].GetPointer())
	wrong = check(`{"cron":"30 9 * * *","time_zone":"Europe/Berln"}`)
	require.Len(t, wrong, 1)
	assert.Equal(t, "/time_zone", wrong[0].GetPointer())
}

func TestCompleteAuthorization_Webhook(t *testing.T) {
	t.Parallel()
	conn, _ := core.Connectors().Connector("webhook")
	for _, m := range conn.Catalog().GetAuthMethods() {
		form := `{"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`
		resp := conn.CompleteAuthorization(t.Context(), &connectorv1.CompleteAuthorizationRequest{Method: m.GetName(), Reply: []byte(form)})
		assert.Equal(t, m.GetName(), resp.GetCredential().GetMethod())
		assert.Equal(t, form, string(resp.GetCredential().GetSecret()))
		resp = conn.CompleteAuthorization(t.Context(), &connectorv1.CompleteAuthorizationRequest{Method: m.GetName(), Reply: []byte(`{"secret":"short"}`)})
		assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, resp.GetFailure().GetKind())
		assert.Contains(t, resp.GetFailure().GetMessage(), "must")
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
