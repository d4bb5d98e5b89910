package connector

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/storyloop/storyloop/schemas/validate"
)

// server serves a spec over the protocol.
type server struct {
	connectorv1.UnimplementedConnectorServiceServer
	connectorv1.UnimplementedOperationServiceServer
	connectorv1.UnimplementedAuthServiceServer
	connectorv1.UnimplementedTriggerServiceServer

	spec       Spec
	around     grpc.UnaryServerInterceptor // Each call, and each attempt on a shared stream.
	log        *slog.Logger
	catalog    *connectorv1.Catalog
	settings   *validate.Schema
	operations map[string]*boundOperation
	lists      map[string]OptionList
	triggers   map[string]*boundTrigger
	methods    map[string]*boundMethod
}

type boundOperation struct {
	Operation
	in, out *validate.Schema
}

type boundTrigger struct {
	Trigger
	in, out *validate.Schema
}

type boundMethod struct {
	AuthMethod
	app, form *validate.Schema
}

// Configure takes the process's settings.
func (s *server) Configure(_ context.Context, req *connectorv1.ConfigureRequest) (*connectorv1.ConfigureResponse, error) {
	settings := req.GetSettings()
	if len(settings) == 0 {
		settings = []byte("{}")
	}
	resp := &connectorv1.ConfigureResponse{Capabilities: &connectorv1.ConnectorCapabilities{InvokeMany: true}}
	if s.settings != nil {
		if resp.Diagnostics = diagnostics(checked(s.settings, settings, nil)); len(resp.Diagnostics) > 0 {
			return resp, nil
		}
	}
	if s.spec.Configure != nil {
		if err := s.spec.Configure(Settings{Host: req.GetHost(), JSON: settings}); err != nil {
			resp.Diagnostics = diagnostics([]Problem{{Code: "settings", Summary: err.Error()}})
		}
	}
	return resp, nil
}

// GetCatalog returns the catalog.
func (s *server) GetCatalog(context.Context, *connectorv1.GetCatalogRequest) (*connectorv1.GetCatalogResponse, error) {
	return &connectorv1.GetCatalogResponse{Catalog: s.catalog}, nil
}

// Validate checks an input at design time.
func (s *server) Validate(_ context.Context, req *connectorv1.ValidateRequest) (*connectorv1.ValidateResponse, error) {
	var schema *validate.Schema
	var more validator
	switch target := req.GetTarget().(type) {
	case *connectorv1.ValidateRequest_Operation:
		op, err := s.operation(target.Operation)
		if err != nil {
			return &connectorv1.ValidateResponse{Diagnostics: diagnostics(err.Problems)}, nil
		}
		schema, more = op.in, op.validate
	case *connectorv1.ValidateRequest_Trigger:
		t, err := s.trigger(target.Trigger)
		if err != nil {
			return &connectorv1.ValidateResponse{Diagnostics: diagnostics(err.Problems)}, nil
		}
		schema = t.in
	default:
		return &connectorv1.ValidateResponse{Diagnostics: diagnostics([]Problem{{Code: "no_target", Summary: "the request names neither an operation nor a trigger"}})}, nil
	}
	ps := inputProblems(schema, more, req.GetInput(), req.GetUnknown())
	return &connectorv1.ValidateResponse{Diagnostics: diagnostics(ps)}, nil
}

// Invoke runs one attempt of an operation.
func (s *server) Invoke(ctx context.Context, req *connectorv1.InvokeRequest) (*connectorv1.InvokeResponse, error) {
	c := s.call(req.GetCall(), req.GetResumeToken())
	result, err := s.invoke(ctx, c, req)
	if err != nil {
		return &connectorv1.InvokeResponse{Outcome: &connectorv1.InvokeResponse_Failure{Failure: failure(ctx, c, err)}, Report: c.report()}, nil
	}
	return &connectorv1.InvokeResponse{Outcome: &connectorv1.InvokeResponse_Result{Result: result}, Report: c.report()}, nil
}

// InvokeStream runs an operation to its end, page after page.
func (s *server) InvokeStream(req *connectorv1.InvokeRequest, out grpc.ServerStreamingServer[connectorv1.InvokeStreamResponse]) error {
	ctx := out.Context()
	for token := req.GetResumeToken(); ; {
		c := s.call(req.GetCall(), token)
		c.progress = func(p Progress) {
			event := &connectorv1.Progress{Message: p.Message, ResumeToken: p.Resume}
			if p.Fraction >= 0 {
				event.Fraction = &p.Fraction
			}
			// If it cannot be sent the host is gone, and ctx ends the call.
			_ = out.Send(&connectorv1.InvokeStreamResponse{Event: &connectorv1.InvokeStreamResponse_Progress{Progress: event}, Report: c.report()})
		}
		result, err := s.invoke(ctx, c, req)
		if err != nil {
			return out.Send(&connectorv1.InvokeStreamResponse{Event: &connectorv1.InvokeStreamResponse_Failure{Failure: failure(ctx, c, err)}, Report: c.report()})
		}
		if err := out.Send(&connectorv1.InvokeStreamResponse{Event: &connectorv1.InvokeStreamResponse_Page{Page: result}, Report: c.report()}); err != nil {
			return err
		}
		if token = result.GetNextToken(); token == "" {
			return nil
		}
	}
}

// envelope is what a message holds beside an output, at most.
const envelope = 64 << 10

func (s *server) invoke(ctx context.Context, c *Call, req *connectorv1.InvokeRequest) (*connectorv1.Result, error) {
	op, wrong := s.operation(req.GetOperation())
	if wrong != nil {
		return nil, wrong
	}
	if wrong := refuse(inputProblems(op.in, op.validate, req.GetInput(), nil), "The input does not fit "+op.Name); wrong != nil {
		return nil, wrong
	}
	output, next, err := op.handler(ctx, c, req.GetInput())
	if err != nil {
		return nil, err
	}
	return s.result(c, op, output, next)
}

// result checks an output on its way out. A surprise is a warning: the remote
// service may add what it likes.
func (s *server) result(c *Call, op *boundOperation, output []byte, next string) (*connectorv1.Result, error) {
	if len(output) > connectorv1.MaxMessage-envelope {
		applied := AppliedYes
		if op.Effect == Read {
			applied = AppliedNo
		}
		return nil, &Error{Kind: Refused, Applied: applied, Message: fmt.Sprintf(
			"The answer has %d bytes; at most %d can be handed on. Ask for fewer items or fields.", len(output), connectorv1.MaxMessage-envelope)}
	}
	for _, p := range checked(op.out, output, nil) {
		p.Code, p.Detail = "unexpected_output", "The remote service answered with something that the output schema does not describe."
		c.Warn(p)
	}
	return &connectorv1.Result{Output: output, NextToken: next, Diagnostics: diagnostics(c.warnings)}, nil
}

// Reconcile finds out whether a write has happened.
func (s *server) Reconcile(ctx context.Context, req *connectorv1.ReconcileRequest) (*connectorv1.ReconcileResponse, error) {
	c := s.call(req.GetCall(), req.GetResumeToken())
	fail := func(err error) (*connectorv1.ReconcileResponse, error) {
		return &connectorv1.ReconcileResponse{Outcome: &connectorv1.ReconcileResponse_Failure{Failure: failure(ctx, c, err)}, Report: c.report()}, nil
	}
	op, wrong := s.operation(req.GetOperation())
	if wrong != nil {
		return fail(wrong)
	}
	if op.reconcile == nil {
		return fail(&Error{Kind: Refused, Applied: AppliedUnknown, Message: "It cannot be told whether " + op.Name + " has happened: look for yourself."})
	}
	if wrong := refuse(inputProblems(op.in, op.validate, req.GetInput(), nil), "The input does not fit "+op.Name); wrong != nil {
		return fail(wrong)
	}
	output, happened, err := op.reconcile(ctx, c, req.GetInput(), timeOf(req.GetAttemptedAt()))
	if err != nil {
		return fail(err)
	}
	if !happened {
		return &connectorv1.ReconcileResponse{Outcome: &connectorv1.ReconcileResponse_NotHappened{NotHappened: &connectorv1.NotHappened{}}, Report: c.report()}, nil
	}
	result, err := s.result(c, op, output, "")
	if err != nil {
		return fail(err)
	}
	return &connectorv1.ReconcileResponse{Outcome: &connectorv1.ReconcileResponse_Happened{Happened: result}, Report: c.report()}, nil
}

// ListOptions returns choices for a property.
func (s *server) ListOptions(ctx context.Context, req *connectorv1.ListOptionsRequest) (*connectorv1.ListOptionsResponse, error) {
	c := s.call(req.GetCall(), "")
	page, err := s.listOptions(ctx, c, req)
	if err != nil {
		return &connectorv1.ListOptionsResponse{Outcome: &connectorv1.ListOptionsResponse_Failure{Failure: failure(ctx, c, err)}, Report: c.report()}, nil
	}
	out := &connectorv1.OptionPage{NextPageToken: page.NextPageToken}
	for _, o := range page.Options {
		out.Options = append(out.Options, &connectorv1.Option{Value: o.Value, Label: o.Label, Detail: o.Detail})
	}
	return &connectorv1.ListOptionsResponse{Outcome: &connectorv1.ListOptionsResponse_Page{Page: out}, Report: c.report()}, nil
}

func (s *server) listOptions(ctx context.Context, c *Call, req *connectorv1.ListOptionsRequest) (OptionPage, error) {
	list, ok := s.lists[req.GetList()]
	if !ok {
		return OptionPage{}, unknownName("option list", req.GetList(), keys(s.lists))
	}
	input := req.GetInput()
	if len(input) == 0 {
		input = []byte("{}")
	}
	value, err := validate.Decode(input)
	if err != nil {
		return OptionPage{}, Invalid("", "not_json", "The input so far is %s", err)
	}
	if _, ok := value.(map[string]any); !ok {
		return OptionPage{}, Invalid("", "wrong_type", "The input so far must be an object")
	}
	return list.List(ctx, c, OptionQuery{Input: input, Search: req.GetSearch(), PageToken: req.GetPageToken()})
}

func (s *server) operation(name string) (*boundOperation, *Error) {
	if op, ok := s.operations[name]; ok {
		return op, nil
	}
	return nil, unknownName("operation", name, keys(s.operations))
}

// call makes the author's view of a request.
func (s *server) call(c *connectorv1.Call, resume string) *Call {
	return &Call{
		ID: c.GetId(), IdempotencyKey: c.GetIdempotencyKey(), Resume: resume,
		Credential: credentialFrom(c.GetCredential()),
		Log:        callLogger(s.log, c.GetId()),
		resume:     resume,
	}
}

// report takes what was spent since the last report.
func (c *Call) report() *connectorv1.Report {
	r := &connectorv1.Report{Requests: int32(c.spent.requests)}
	for _, q := range c.spent.quotas {
		quota := &connectorv1.Quota{Name: q.Name, Subject: q.Subject, Used: q.Used}
		if !q.BlockedUntil.IsZero() {
			quota.BlockedUntil = timestamppb.New(q.BlockedUntil)
		}
		r.Quotas = append(r.Quotas, quota)
	}
	c.spent = spent{}
	return r
}

func timeOf(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

func timestamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
