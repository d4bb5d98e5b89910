package jq

import (
	"context"
	"fmt"
	"time"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// cutOff is the end of a program whose caller no longer waits.
func cutOff() error { return unavailable("The program was cut off.") }

// unavailable is a failure that the program is not to blame for: it may do better
// another time.
func unavailable(format string, args ...any) *host.FailureError {
	return &host.FailureError{Failure: &connectorv1.Failure{
		Kind: connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, Applied: connectorv1.Applied_APPLIED_NO, Message: fmt.Sprintf(format, args...),
	}}
}

// late is the end of a program that took all the time it was given.
func late(allowed time.Duration) error {
	return wrong("the program took longer than %v; is it a loop that never ends?", allowed)
}

// left is how long a context has, as people say it. It must have a deadline.
func left(ctx context.Context) time.Duration {
	const precise = 10 * time.Millisecond
	deadline, _ := ctx.Deadline()
	return max(time.Until(deadline).Round(precise), precise)
}
