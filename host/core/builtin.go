package core

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// builtin is a connector that the interpreter carries out. Outside of a workflow
// it only decides conditions.
type builtin struct {
	catalog *connectorv1.Catalog
}

var _ host.Connector = (*builtin)(nil)

func (b *builtin) Catalog() *connectorv1.Catalog { return b.catalog }

// Validate finds what the schemas cannot say.
func (b *builtin) Validate(_ context.Context, req *connectorv1.ValidateRequest) (*connectorv1.ValidateResponse, error) {
	resp := &connectorv1.ValidateResponse{}
	say := func(pointer, code, summary string) {
		if !slices.ContainsFunc(req.GetUnknown(), func(u string) bool { return pointer == u || strings.HasPrefix(pointer, u+"/") }) {
			resp.Diagnostics = append(resp.Diagnostics, &connectorv1.Diagnostic{
				Severity: connectorv1.Severity_SEVERITY_ERROR, Pointer: pointer, Code: code, Summary: summary,
			})
		}
	}
	switch req.GetOperation() {
	case workflow.Delay:
		var in struct {
			Duration string `json:"duration"`
		}
		if json.Unmarshal(req.GetInput(), &in) != nil {
			break
		}
		if _, err := workflow.ParseDuration(in.Duration); err != nil {
			say("/duration", "wrong_form", err.Error())
		}
	case workflow.Condition:
		patterns(req.GetInput(), req.GetUnknown(), say)
	}
	return resp, nil
}

// patterns checks the regular expressions of a condition.
func patterns(input []byte, unknown []string, say func(pointer, code, summary string)) {
	var in struct {
		Conditions []struct {
			Comparison string          `json:"comparison"`
			Value2     json.RawMessage `json:"value2"`
		} `json:"conditions"`
	}
	if json.Unmarshal(input, &in) != nil {
		return
	}
	for i, c := range in.Conditions {
		pointer := fmt.Sprintf("/conditions/%d/value2", i)
		takesNone := strings.HasSuffix(c.Comparison, "exists") || strings.HasSuffix(c.Comparison, "empty")
		if !takesNone && c.Value2 == nil {
			say(pointer, "missing_property", "is required for "+c.Comparison)
			continue
		}
		var pattern string
		if !strings.HasSuffix(c.Comparison, "matches") || slices.Contains(unknown, pointer) || json.Unmarshal(c.Value2, &pattern) != nil {
			continue
		}
		if _, err := regexp.Compile(pattern); err != nil {
			say(pointer, "wrong_form", "is not a regular expression: "+err.Error())
		}
	}
}

func (b *builtin) Invoke(_ context.Context, req *connectorv1.InvokeRequest) *connectorv1.InvokeResponse {
	if req.GetOperation() != workflow.Condition {
		return &connectorv1.InvokeResponse{Outcome: &connectorv1.InvokeResponse_Failure{Failure: b.onlyInWorkflow(req.GetOperation())}}
	}
	result, err := workflow.Evaluate(req.GetInput())
	var failure *workflow.Failure
	if errors.As(err, &failure) {
		return &connectorv1.InvokeResponse{Outcome: &connectorv1.InvokeResponse_Failure{Failure: &connectorv1.Failure{
			Kind: connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, Applied: connectorv1.Applied_APPLIED_NO, Message: failure.Message,
			Diagnostics: []*connectorv1.Diagnostic{{Severity: connectorv1.Severity_SEVERITY_ERROR, Pointer: failure.Pointer, Summary: failure.Message, Code: "not_comparable"}},
		}}}
	}
	return &connectorv1.InvokeResponse{Outcome: &connectorv1.InvokeResponse_Result{Result: &connectorv1.Result{
		Output: fmt.Appendf(nil, `{"result":%t}`, result),
	}}}
}

func (b *builtin) InvokeStream(ctx context.Context, req *connectorv1.InvokeRequest, each func(*connectorv1.InvokeStreamResponse)) {
	switch out := b.Invoke(ctx, req).GetOutcome().(type) {
	case *connectorv1.InvokeResponse_Result:
		each(&connectorv1.InvokeStreamResponse{Event: &connectorv1.InvokeStreamResponse_Page{Page: out.Result}})
	case *connectorv1.InvokeResponse_Failure:
		each(&connectorv1.InvokeStreamResponse{Event: &connectorv1.InvokeStreamResponse_Failure{Failure: out.Failure}})
	}
}

func (b *builtin) onlyInWorkflow(operation string) *connectorv1.Failure {
	return &connectorv1.Failure{
		Kind: connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, Applied: connectorv1.Applied_APPLIED_NO,
		Message: fmt.Sprintf("The operation %s of %s runs only as a step of a workflow.", operation, b.catalog.GetName()),
	}
}

// lacks answers what a built-in connector does not have.
func (b *builtin) lacks(what string) *connectorv1.Failure {
	return &connectorv1.Failure{
		Kind: connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, Applied: connectorv1.Applied_APPLIED_NO,
		Message: fmt.Sprintf("The connector %s has no %s.", b.catalog.GetName(), what),
	}
}

func (b *builtin) Reconcile(context.Context, *connectorv1.ReconcileRequest) *connectorv1.ReconcileResponse {
	return &connectorv1.ReconcileResponse{Outcome: &connectorv1.ReconcileResponse_Failure{Failure: b.lacks("operation that reaches out")}}
}

func (b *builtin) ListOptions(context.Context, *connectorv1.ListOptionsRequest) *connectorv1.ListOptionsResponse {
	return &connectorv1.ListOptionsResponse{Outcome: &connectorv1.ListOptionsResponse_Failure{Failure: b.lacks("option lists")}}
}

func (b *builtin) BeginAuthorization(context.Context, *connectorv1.BeginAuthorizationRequest) *connectorv1.BeginAuthorizationResponse {
	return &connectorv1.BeginAuthorizationResponse{Outcome: &connectorv1.BeginAuthorizationResponse_Failure{Failure: b.lacks("credentials")}}
}

func (b *builtin) CompleteAuthorization(context.Context, *connectorv1.CompleteAuthorizationRequest) *connectorv1.CompleteAuthorizationResponse {
	return &connectorv1.CompleteAuthorizationResponse{Outcome: &connectorv1.CompleteAuthorizationResponse_Failure{Failure: b.lacks("credentials")}}
}

func (b *builtin) RefreshCredential(context.Context, *connectorv1.RefreshCredentialRequest) *connectorv1.RefreshCredentialResponse {
	return &connectorv1.RefreshCredentialResponse{Outcome: &connectorv1.RefreshCredentialResponse_Failure{Failure: b.lacks("credentials")}}
}

func (b *builtin) InspectCredential(context.Context, *connectorv1.InspectCredentialRequest) *connectorv1.InspectCredentialResponse {
	return &connectorv1.InspectCredentialResponse{Outcome: &connectorv1.InspectCredentialResponse_Failure{Failure: b.lacks("credentials")}}
}

func (b *builtin) RevokeCredential(context.Context, *connectorv1.RevokeCredentialRequest) *connectorv1.RevokeCredentialResponse {
	return &connectorv1.RevokeCredentialResponse{Failure: b.lacks("credentials")}
}

func (b *builtin) Subscribe(context.Context, *connectorv1.SubscribeRequest) *connectorv1.SubscribeResponse {
	return &connectorv1.SubscribeResponse{Outcome: &connectorv1.SubscribeResponse_Failure{Failure: b.lacks("events from outside")}}
}

func (b *builtin) Unsubscribe(context.Context, *connectorv1.UnsubscribeRequest) *connectorv1.UnsubscribeResponse {
	return &connectorv1.UnsubscribeResponse{Failure: b.lacks("events from outside")}
}

func (b *builtin) Receive(context.Context, *connectorv1.ReceiveRequest) (*connectorv1.ReceiveResponse, error) {
	return nil, fmt.Errorf("the connector %s receives no webhooks", b.catalog.GetName())
}

func (b *builtin) Poll(context.Context, *connectorv1.PollRequest) *connectorv1.PollResponse {
	return &connectorv1.PollResponse{Outcome: &connectorv1.PollResponse_Failure{Failure: b.lacks("events from outside")}}
}
