package operations

import (
	"errors"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

// failure turns an error of Meta into one that the host can act on. Other errors
// pass as they are.
func failure(err error) error {
	e, ok := graphError(err)
	if !ok {
		return err
	}
	var mapped *connector.Error
	if errors.As(err, &mapped) {
		return err
	}
	return &connector.Error{
		Kind:       kinds[e.Class],
		Message:    e.Sentence,
		Problems:   []connector.Problem{{Code: string(e.Class), Summary: e.Sentence, Detail: e.Action}},
		Applied:    applied[e.Applied],
		RetryAfter: e.RetryAfter,
		Upstream: &connector.Upstream{
			Status: e.Status, Code: e.Upstream.String(), Message: e.Upstream.Message, TraceID: e.Upstream.TraceID,
		},
		Err: err,
	}
}

func graphError(err error) (*graph.Error, bool) {
	if err == nil {
		return nil, false // Without what errors.As needs.
	}
	var e *graph.Error
	ok := errors.As(err, &e)
	return e, ok
}

// isCode reports whether Meta answered with an error code, and a subcode unless it
// is 0.
func isCode(err error, code, subcode int) bool {
	e, ok := graphError(err)
	return ok && e.Upstream.Code == code && (subcode == 0 || e.Upstream.Subcode == subcode)
}

var kinds = map[graph.Class]connector.Kind{
	graph.Invalid:         connector.InvalidInput,
	graph.Unauthenticated: connector.Unauthenticated,
	graph.Denied:          connector.PermissionDenied,
	graph.NotFound:        connector.NotFound,
	graph.Precondition:    connector.Precondition,
	graph.RateLimited:     connector.RateLimited,
	graph.Unavailable:     connector.Unavailable,
	graph.Refused:         connector.Refused,
}

var applied = map[graph.Applied]connector.Applied{
	graph.No:      connector.AppliedNo,
	graph.Unknown: connector.AppliedUnknown,
	graph.Yes:     connector.AppliedYes,
}

// located is failure for an input that names its properties as Meta names its
// parameters: it says which of them is wrong, where Meta does.
func located(err error) error {
	from, ok := graphError(err)
	err = failure(err)
	var e *connector.Error
	if ok && from.Param != "" && errors.As(err, &e) && len(e.Problems) == 1 {
		e.Problems[0].Pointer = pointerTo("", from.Param)
	}
	return err
}

// precondition says that the state of things forbids it.
func precondition(message, action string) *connector.Error {
	return &connector.Error{
		Kind: connector.Precondition, Applied: connector.AppliedNo, Message: message,
		Problems: []connector.Problem{{Code: "precondition", Summary: message, Detail: action}},
	}
}
