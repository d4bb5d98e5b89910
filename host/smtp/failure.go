package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/textproto"
	"strconv"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	mail "github.com/wneessen/go-mail"
)

// SMTP says by the first digit of a code whether another attempt may do.
const permanent = 500

// unsent is for what went wrong before the mail was handed over.
func unsent(ctx context.Context, err error) error {
	var certificate *tls.CertificateVerificationError
	var answer *textproto.Error
	switch {
	case errors.As(err, &certificate):
		return failure(connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, 0, "The mail server's certificate is not to be trusted: %v.", certificate.Err)
	case errors.As(err, &answer) && answer.Code >= permanent:
		return failure(connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, answer.Code, "The mail server does not let the host in (%d); check the user name and the password in its settings.", answer.Code)
	case errors.As(err, &answer):
		return failure(connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, answer.Code, "The mail server asks to come back later (%d).", answer.Code)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return failure(connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, 0, "The mail server did not answer in time.")
	case ctx.Err() != nil:
		return failure(connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, 0, "The mail was cut off before it was sent.")
	}
	return failure(connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, 0, "The mail server cannot be used: %v.", err)
}

// failureOf is for what went wrong while the mail was handed over.
func failureOf(ctx context.Context, err error) error {
	var sending *mail.SendError
	if !errors.As(err, &sending) {
		return unsent(ctx, err)
	}
	code := sending.ErrorCode()
	what := map[mail.SendErrReason]string{mail.ErrSMTPMailFrom: "the sender", mail.ErrSMTPRcptTo: "a recipient"}[sending.Reason]
	if what == "" {
		what = "the mail"
	}
	begun := sending.Reason == mail.ErrWriteContent || sending.Reason == mail.ErrSMTPDataClose
	switch {
	case code >= permanent:
		return failure(connectorv1.FailureKind_FAILURE_KIND_REFUSED, code, "The mail server refuses %s (%d); nothing was sent.", what, code)
	case code > 0:
		return failure(connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, code, "The mail server does not take %s now (%d).", what, code)
	case begun:
		f := failure(connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, 0, "The connection to the mail server broke; the mail may have been sent.")
		f.Failure.Applied = connectorv1.Applied_APPLIED_UNKNOWN
		return f
	}
	return unsent(ctx, err)
}

func invalid(pointer, message string) *host.FailureError {
	f := failure(connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, 0, "%s %s", pointer, message)
	f.Failure.Diagnostics = []*connectorv1.Diagnostic{{Severity: connectorv1.Severity_SEVERITY_ERROR, Pointer: pointer, Code: "wrong_form", Summary: message}}
	return f
}

// failure is one before which nothing was sent.
func failure(kind connectorv1.FailureKind, code int, format string, args ...any) *host.FailureError {
	f := &connectorv1.Failure{Kind: kind, Applied: connectorv1.Applied_APPLIED_NO, Message: fmt.Sprintf(format, args...)}
	if code > 0 {
		f.Upstream = &connectorv1.Upstream{Code: strconv.Itoa(code)}
	}
	return &host.FailureError{Failure: f}
}
