package host

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// refusedCredential says what it means for a call that the vault did not give its
// credential: nothing was asked of the operation. A connector that does not take
// what its owner has written down wants a person, whatever it calls that. Known is
// false if the vault itself is broken, which belongs in the log alone.
func refusedCredential(err error) (f *connectorv1.Failure, known bool) {
	f = &connectorv1.Failure{Applied: connectorv1.Applied_APPLIED_NO}
	var missing *NotFoundError
	var failed *FailureError
	switch {
	case errors.As(err, &missing):
		f.Kind = connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED
		f.Message = fmt.Sprintf("The vault has no %s %q.", missing.Kind, missing.Name)
	case errors.As(err, &failed):
		f = proto.CloneOf(failed.Failure)
		f.Applied = connectorv1.Applied_APPLIED_NO
		switch f.GetKind() {
		case connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, connectorv1.FailureKind_FAILURE_KIND_NOT_FOUND,
			connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, connectorv1.FailureKind_FAILURE_KIND_REFUSED:
			f.Kind = connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED
		}
	default:
		f.Kind = connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE
		f.Message = "The vault cannot be read; the host's log says more."
		return f, false
	}
	return f, true
}
