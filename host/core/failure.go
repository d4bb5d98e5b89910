package core

import (
	"errors"
	"fmt"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// failureOf turns what a handler returned into what the host acts on.
func failureOf(err error) *connectorv1.Failure {
	var failed *host.FailureError
	var wrong *host.InputError
	switch {
	case errors.As(err, &failed):
		return failed.Failure
	case errors.As(err, &wrong):
		return &connectorv1.Failure{
			Kind: connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, Applied: connectorv1.Applied_APPLIED_NO, Message: wrong.Message,
			Diagnostics: []*connectorv1.Diagnostic{diagnostic(wrong.Pointer, "invalid_input", wrong.Message)},
		}
	}
	return &connectorv1.Failure{
		Kind: connectorv1.FailureKind_FAILURE_KIND_INTERNAL, Applied: connectorv1.Applied_APPLIED_UNKNOWN, Message: err.Error(),
	}
}

// refused returns a failure before which nothing has happened.
func refused(kind connectorv1.FailureKind, format string, args ...any) *host.FailureError {
	return failed(kind, connectorv1.Applied_APPLIED_NO, format, args...)
}

func failed(kind connectorv1.FailureKind, applied connectorv1.Applied, format string, args ...any) *host.FailureError {
	return &host.FailureError{Failure: &connectorv1.Failure{Kind: kind, Applied: applied, Message: fmt.Sprintf(format, args...)}}
}

func diagnostic(pointer, code, summary string) *connectorv1.Diagnostic {
	return &connectorv1.Diagnostic{Severity: connectorv1.Severity_SEVERITY_ERROR, Pointer: pointer, Code: code, Summary: summary}
}
