package connector

import (
	"context"
	"errors"
	"fmt"
	"time"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Kind decides who acts on a failure.
type Kind = connectorv1.FailureKind

// Kinds. Only RateLimited and Unavailable are worth another attempt without
// anybody's action.
const (
	InvalidInput     = connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT     // The workflow's author acts.
	Unauthenticated  = connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED   // The credential's owner signs in again.
	PermissionDenied = connectorv1.FailureKind_FAILURE_KIND_PERMISSION_DENIED // The owner consents to more scopes.
	NotFound         = connectorv1.FailureKind_FAILURE_KIND_NOT_FOUND         // Not there, or not visible to the account.
	Precondition     = connectorv1.FailureKind_FAILURE_KIND_PRECONDITION      // The state of things forbids it now.
	RateLimited      = connectorv1.FailureKind_FAILURE_KIND_RATE_LIMITED      // The host waits.
	Unavailable      = connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE       // The host tries again.
	Refused          = connectorv1.FailureKind_FAILURE_KIND_REFUSED           // The service has reasons of its own.
	Internal         = connectorv1.FailureKind_FAILURE_KIND_INTERNAL          // The connector has a bug.
)

// Applied says whether a failed write may have happened. The zero value counts
// as AppliedUnknown.
type Applied = connectorv1.Applied

// What may have happened.
const (
	AppliedNo      = connectorv1.Applied_APPLIED_NO      // Certainly not: refused, or never sent.
	AppliedUnknown = connectorv1.Applied_APPLIED_UNKNOWN // Perhaps: the answer was lost.
	AppliedYes     = connectorv1.Applied_APPLIED_YES     // In part or whole.
)

// Problem is one remark about an input, to a person.
type Problem struct {
	Pointer string // RFC 6901 JSON Pointer into the input; empty means all of it.
	Code    string // Stable, in snake_case, such as "too_long".
	Summary string // What is wrong, in one sentence, without the value.
	Detail  string // What to do about it.
	Warning bool   // It goes on all the same.
}

// Upstream is the remote service's own account of a failure. It is for the log.
type Upstream struct {
	Status  int    // HTTP status.
	Code    string // Its error code, and its subcode after a slash: "190/463".
	Message string
	TraceID string // Its id of the request, for a support case.
}

// Error is a failure that the host can act on. A handler may return it wrapped;
// any other error becomes an INTERNAL failure whose text stays in the log.
type Error struct {
	Kind       Kind
	Message    string // One sentence for the workflow's owner. No secrets.
	Problems   []Problem
	Applied    Applied
	RetryAfter time.Duration // Zero means the host's backoff.
	Upstream   *Upstream
	Resume     string // Where another attempt goes on; empty means the call's last.
	Err        error  // The cause, for the log.
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Invalid says that the value at pointer is wrong.
func Invalid(pointer, code, format string, args ...any) *Error {
	summary := fmt.Sprintf(format, args...)
	return &Error{
		Kind: InvalidInput, Applied: AppliedNo, Message: summary,
		Problems: []Problem{{Pointer: pointer, Code: code, Summary: summary}},
	}
}

// failure turns what a handler returned into what the host sees.
func failure(ctx context.Context, c *Call, err error) *connectorv1.Failure {
	var e *Error
	switch {
	case errors.As(err, &e):
		if e.Err != nil {
			c.Log.InfoContext(ctx, "call failed", "kind", enumName(e.Kind.String(), "FAILURE_KIND_"), "cause", scrub(e.Err.Error(), c.Credential.Secret))
		}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), ctx.Err() != nil:
		e = &Error{Kind: Unavailable, Applied: AppliedUnknown, Message: "The call was cut off before it had an answer."}
	default:
		c.Log.ErrorContext(ctx, "operation failed", "error", scrub(err.Error(), c.Credential.Secret))
		e = &Error{Kind: Internal, Applied: AppliedUnknown, Message: "The connector has a fault of its own; its log says more, under call " + c.ID + "."}
	}
	f := &connectorv1.Failure{
		Kind: e.Kind, Message: scrub(e.Message, c.Credential.Secret), Applied: e.Applied,
		Diagnostics: diagnostics(e.Problems), ResumeToken: e.Resume,
	}
	if f.ResumeToken == "" {
		f.ResumeToken = c.resume
	}
	if e.RetryAfter > 0 {
		f.RetryAfter = durationpb.New(e.RetryAfter)
	}
	if u := e.Upstream; u != nil {
		secret := c.Credential.Secret
		f.Upstream = &connectorv1.Upstream{
			Status: int32(u.Status), Code: scrub(u.Code, secret), Message: scrub(u.Message, secret), TraceId: scrub(u.TraceID, secret),
		}
	}
	return f
}

func diagnostics(ps []Problem) []*connectorv1.Diagnostic {
	var ds []*connectorv1.Diagnostic
	for _, p := range ps {
		severity := connectorv1.Severity_SEVERITY_ERROR
		if p.Warning {
			severity = connectorv1.Severity_SEVERITY_WARNING
		}
		ds = append(ds, &connectorv1.Diagnostic{Severity: severity, Summary: p.Summary, Detail: p.Detail, Pointer: p.Pointer, Code: p.Code})
	}
	return ds
}
