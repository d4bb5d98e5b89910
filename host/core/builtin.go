package core

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/storyloop/storyloop/schemas/validate"
)

// builtin is a connector without a process of its own.
type builtin struct {
	catalog *connectorv1.Catalog
	// handlers carry operations out, by name. What has none is carried out by the
	// interpreter or the engine, and only as a step of a workflow.
	handlers map[string]handler
	// checks find what the schemas cannot say, by the name of an operation or
	// trigger. They skip what they cannot read: the schema has told of it.
	checks map[string]check
	// made looks whether a step's write has happened, for the operations that are
	// reconcilable, and returns its output. Nil if there are none.
	made func(context.Context) (output json.RawMessage, happened bool, err error)
	// complete makes a credential of a filled form. Nil means that there are none.
	complete func(method string, form []byte) (*connectorv1.Credential, error)

	compiled sync.Map // *validate.Schema by operation.
}

// handler makes one attempt. Its input suits the schema. An error is a
// *host.FailureError, a *host.InputError, or a fault of ours.
type handler func(ctx context.Context, key string, input []byte) (json.RawMessage, error)

// check says what is wrong with an input. An error means that it cannot tell.
type check func(ctx context.Context, input []byte, say func(pointer, code, summary string)) error

// plain returns a check that can always tell.
func plain(find func(input []byte, say func(pointer, code, summary string))) check {
	return func(_ context.Context, input []byte, say func(pointer, code, summary string)) error {
		find(input, say)
		return nil
	}
}

var _ host.Connector = (*builtin)(nil)

func (b *builtin) Catalog() *connectorv1.Catalog { return b.catalog }

// Validate finds what the schemas cannot say.
func (b *builtin) Validate(ctx context.Context, req *connectorv1.ValidateRequest) (*connectorv1.ValidateResponse, error) {
	resp := &connectorv1.ValidateResponse{}
	name := req.GetOperation()
	if name == "" {
		name = req.GetTrigger()
	}
	find, ok := b.checks[name]
	if !ok {
		return resp, nil
	}
	err := find(ctx, req.GetInput(), func(pointer, code, summary string) {
		if known(pointer, req.GetUnknown()) {
			resp.Diagnostics = append(resp.Diagnostics, diagnostic(pointer, code, summary))
		}
	})
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// known reports whether a value is known before a workflow runs.
func known(pointer string, unknown []string) bool {
	return !slices.ContainsFunc(unknown, func(u string) bool { return pointer == u || strings.HasPrefix(pointer, u+"/") })
}

func (b *builtin) Invoke(ctx context.Context, req *connectorv1.InvokeRequest) *connectorv1.InvokeResponse {
	output, err := b.invoke(ctx, req)
	if err != nil {
		return &connectorv1.InvokeResponse{Outcome: &connectorv1.InvokeResponse_Failure{Failure: failureOf(err)}}
	}
	return &connectorv1.InvokeResponse{Outcome: &connectorv1.InvokeResponse_Result{Result: &connectorv1.Result{Output: output}}}
}

func (b *builtin) invoke(ctx context.Context, req *connectorv1.InvokeRequest) (json.RawMessage, error) {
	op, ok := workflow.FindOperation(b.catalog, req.GetOperation())
	if !ok {
		return nil, refused(connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, "The connector %s has no operation %q.", b.catalog.GetName(), req.GetOperation())
	}
	handle, ok := b.handlers[op.GetName()]
	if !ok {
		return nil, refused(connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, "The operation %s of %s runs only as a step of a workflow.", op.GetName(), b.catalog.GetName())
	}
	if err := b.checkInput(op, req.GetInput()); err != nil {
		return nil, err
	}
	return handle(ctx, req.GetCall().GetIdempotencyKey(), req.GetInput())
}

func (b *builtin) checkInput(op *connectorv1.Operation, input []byte) error {
	kept, ok := b.compiled.Load(op.GetName())
	if !ok {
		schema, err := validate.Compile(op.GetInputSchema())
		if err != nil {
			return fmt.Errorf("reading the schema of %s: %w", op.GetName(), err)
		}
		kept, _ = b.compiled.LoadOrStore(op.GetName(), schema)
	}
	problems, err := kept.(*validate.Schema).Check(input)
	if err != nil {
		return &host.InputError{Message: err.Error()}
	}
	if len(problems) > 0 {
		return &host.InputError{Pointer: problems[0].Pointer, Message: problems[0].Message}
	}
	return nil
}

func (b *builtin) InvokeStream(ctx context.Context, req *connectorv1.InvokeRequest, each func(*connectorv1.InvokeStreamResponse)) {
	switch out := b.Invoke(ctx, req).GetOutcome().(type) {
	case *connectorv1.InvokeResponse_Result:
		each(&connectorv1.InvokeStreamResponse{Event: &connectorv1.InvokeStreamResponse_Page{Page: out.Result}})
	case *connectorv1.InvokeResponse_Failure:
		each(&connectorv1.InvokeStreamResponse{Event: &connectorv1.InvokeStreamResponse_Failure{Failure: out.Failure}})
	}
}

// lacks answers what a built-in connector does not have.
func (b *builtin) lacks(what string) *connectorv1.Failure {
	return &connectorv1.Failure{
		Kind: connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, Applied: connectorv1.Applied_APPLIED_NO,
		Message: fmt.Sprintf("The connector %s has no %s.", b.catalog.GetName(), what),
	}
}

// Reconcile looks whether a write has happened.
func (b *builtin) Reconcile(ctx context.Context, req *connectorv1.ReconcileRequest) *connectorv1.ReconcileResponse {
	fail := func(f *connectorv1.Failure) *connectorv1.ReconcileResponse {
		return &connectorv1.ReconcileResponse{Outcome: &connectorv1.ReconcileResponse_Failure{Failure: f}}
	}
	op, ok := workflow.FindOperation(b.catalog, req.GetOperation())
	if !ok || !op.GetReconcilable() {
		return fail(b.lacks("operation whose effect can be looked for"))
	}
	output, happened, err := b.made(ctx)
	switch {
	case err != nil:
		return fail(failureOf(err))
	case happened:
		return &connectorv1.ReconcileResponse{Outcome: &connectorv1.ReconcileResponse_Happened{Happened: &connectorv1.Result{Output: output}}}
	}
	return &connectorv1.ReconcileResponse{Outcome: &connectorv1.ReconcileResponse_NotHappened{NotHappened: &connectorv1.NotHappened{}}}
}

func (b *builtin) ListOptions(context.Context, *connectorv1.ListOptionsRequest) *connectorv1.ListOptionsResponse {
	return &connectorv1.ListOptionsResponse{Outcome: &connectorv1.ListOptionsResponse_Failure{Failure: b.lacks("option lists")}}
}

func (b *builtin) BeginAuthorization(context.Context, *connectorv1.BeginAuthorizationRequest) *connectorv1.BeginAuthorizationResponse {
	return &connectorv1.BeginAuthorizationResponse{Outcome: &connectorv1.BeginAuthorizationResponse_Failure{Failure: b.lacks("credentials")}}
}

func (b *builtin) CompleteAuthorization(_ context.Context, req *connectorv1.CompleteAuthorizationRequest) *connectorv1.CompleteAuthorizationResponse {
	fail := func(f *connectorv1.Failure) *connectorv1.CompleteAuthorizationResponse {
		return &connectorv1.CompleteAuthorizationResponse{Outcome: &connectorv1.CompleteAuthorizationResponse_Failure{Failure: f}}
	}
	if b.complete == nil {
		return fail(b.lacks("credentials"))
	}
	credential, err := b.complete(req.GetMethod(), req.GetReply())
	if err != nil {
		return fail(failureOf(err))
	}
	return &connectorv1.CompleteAuthorizationResponse{Outcome: &connectorv1.CompleteAuthorizationResponse_Credential{Credential: credential}}
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
