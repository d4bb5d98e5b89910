package host

import connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"

// FailureError is a connector's failure where an error is asked for.
type FailureError struct{ Failure *connectorv1.Failure }

// Error returns the failure's message, which holds no secrets.
func (e *FailureError) Error() string { return e.Failure.GetMessage() }
