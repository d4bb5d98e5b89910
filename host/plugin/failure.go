package plugin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// CallError is a failure where an answer has no room for one.
type CallError struct{ Failure *connectorv1.Failure }

// Error returns the failure's message.
func (e *CallError) Error() string { return e.Failure.GetMessage() }

const (
	unavailable = connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE
	invalid     = connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT
	refused     = connectorv1.FailureKind_FAILURE_KIND_REFUSED
	internal    = connectorv1.FailureKind_FAILURE_KIND_INTERNAL

	notApplied     = connectorv1.Applied_APPLIED_NO
	perhapsApplied = connectorv1.Applied_APPLIED_UNKNOWN
)

// failure turns an error of a call into what the host can act on. It is the one
// place where that is decided. began says whether the call left for the process.
func (p *process) failure(ctx context.Context, req proto.Message, began bool, err error) *connectorv1.Failure {
	p.secrets.learn(req) // It may have been forgotten over many others.
	f := &connectorv1.Failure{Kind: unavailable, Applied: perhapsApplied}
	if !began {
		f.Applied = notApplied
	}
	code := status.Code(err)
	if code == codes.Unavailable || p.child.dying() {
		// The connection breaks before the exit is known, and the exit is known
		// before the last words.
		p.await(ctx)
	}
	switch {
	case p.ending.Load():
		f.Message = fmt.Sprintf("The host closed the connector before %s was answered.", subject(req))
	case p.child.gone():
		f.Message = fmt.Sprintf("The connector stopped (%s) before %s was answered; it is being started again.", p.child.epitaph(), subject(req))
		f.Diagnostics = p.obituary()
	case errors.Is(ctx.Err(), context.Canceled):
		f.Message = fmt.Sprintf("%s was cancelled before it was answered.", upper(subject(req)))
	case code == codes.DeadlineExceeded, ctx.Err() != nil:
		p.probe()
		f.Message = fmt.Sprintf("The connector did not answer %s in time.", subject(req))
	case code == codes.Unavailable, code == codes.Canceled, code == codes.Aborted:
		f.Message = fmt.Sprintf("The connection to the connector was lost before %s was answered.", subject(req))
	case code == codes.ResourceExhausted:
		f.Kind = invalid
		f.Message = fmt.Sprintf("The answer to %s is larger than may be sent at once (%d MiB), or its input is larger than the connector takes; use less at a time.", subject(req), connectorv1.MaxMessage>>20)
		f.Diagnostics = p.detail(err)
	case code == codes.Unimplemented:
		f.Kind, f.Applied = refused, notApplied
		f.Message = fmt.Sprintf("The connector has no answer to %s; a newer release of it may have.", subject(req))
		f.Diagnostics = p.detail(err)
	default:
		f.Kind = internal
		f.Message = fmt.Sprintf("The connector has a fault of its own and could not answer %s; its log says more.", subject(req))
		f.Diagnostics = p.detail(err)
	}
	return f
}

// await waits until an exit, if there is one, is known with all its words.
func (p *process) await(ctx context.Context) {
	select {
	case <-p.child.quiet:
	case <-ctx.Done():
	case <-time.After(exitGrace + pipeGrace):
	}
}

// obituary hands on the last words of a process.
func (p *process) obituary() []*connectorv1.Diagnostic {
	words := p.journal.lastWords()
	if len(words) == 0 {
		return nil
	}
	return []*connectorv1.Diagnostic{{
		Severity: connectorv1.Severity_SEVERITY_WARNING, Code: "last_words",
		Summary: "The last lines that the connector wrote.", Detail: strings.Join(words, "\n"),
	}}
}

// detail hands on what a status says, for the operator.
func (p *process) detail(err error) []*connectorv1.Diagnostic {
	s := status.Convert(err)
	return []*connectorv1.Diagnostic{{
		Severity: connectorv1.Severity_SEVERITY_WARNING, Code: "grpc_status",
		Summary: "What the call ended with.", Detail: clip(p.secrets.clean(s.Code().String() + ": " + s.Message())),
	}}
}

// cleanse takes secrets out of a failure that the connector made.
func (p *process) cleanse(f *connectorv1.Failure) {
	if f == nil {
		return
	}
	f.Message = p.secrets.clean(f.Message)
	for _, d := range f.Diagnostics {
		d.Summary, d.Detail = p.secrets.clean(d.Summary), p.secrets.clean(d.Detail)
		d.Pointer, d.Code = p.secrets.clean(d.Pointer), p.secrets.clean(d.Code)
	}
	if u := f.Upstream; u != nil {
		u.Message, u.Code, u.TraceId = p.secrets.clean(u.Message), p.secrets.clean(u.Code), p.secrets.clean(u.TraceId)
	}
}

// tooLarge refuses what the connector would not take, before it is sent.
func tooLarge(req proto.Message) *connectorv1.Failure {
	size := proto.Size(req)
	if size <= connectorv1.MaxMessage {
		return nil
	}
	return &connectorv1.Failure{
		Kind: invalid, Applied: notApplied,
		Message: fmt.Sprintf("The input of %s is too large: the request has %d bytes, at most %d may be sent; pass large media as URLs, and long lists in parts.",
			subject(req), size, connectorv1.MaxMessage),
	}
}

// noOutcome speaks for a connector that answered and said nothing.
func noOutcome(req proto.Message) *connectorv1.Failure {
	return &connectorv1.Failure{
		Kind: internal, Applied: perhapsApplied,
		Message: fmt.Sprintf("The connector answered %s with neither a result nor a failure; that is a fault of its own.", subject(req)),
	}
}

// subject names what was asked for, as in "operation list_stories".
func subject(req proto.Message) string {
	kind, name := "", ""
	switch r := req.(type) {
	case *connectorv1.ListOptionsRequest:
		kind, name = "option list", r.GetList()
	case interface{ GetOperation() string }:
		kind, name = "operation", r.GetOperation()
	case interface{ GetTrigger() string }:
		kind, name = "trigger", r.GetTrigger()
	}
	if name == "" {
		return strings.TrimSuffix(string(req.ProtoReflect().Descriptor().Name()), "Request")
	}
	return fmt.Sprintf("%s %.64s", kind, name)
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
