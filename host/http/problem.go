package http

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/workflow"
)

// Problem is how the API says what is wrong, as RFC 9457 describes it.
type Problem struct {
	Type    string `json:"type"`              // "urn:storyloop:problem:" and a code, such as "not_found".
	Title   string `json:"title"`             // The same for each problem of a type.
	Status  int    `json:"status"`            // The HTTP status.
	Detail  string `json:"detail"`            // What is wrong this time, and what to do.
	Pointer string `json:"pointer,omitempty"` // RFC 6901 JSON Pointer into the request's body.

	// Problems are all that is wrong, where it is more than one thing: with a
	// request's body, or with a workflow document.
	Problems workflow.Problems `json:"problems,omitempty"`
}

// Error returns what is wrong, one line for each problem.
func (p *Problem) Error() string {
	if len(p.Problems) > 0 {
		return p.Detail + "\n" + p.Problems.Error()
	}
	return p.Detail
}

// Code returns the last part of the type, such as "not_found".
func (p *Problem) Code() string {
	if len(p.Type) < len(problemType) {
		return ""
	}
	return p.Type[len(problemType):]
}

const problemType = "urn:storyloop:problem:"

// kind is what the problems of a type have in common.
type kind struct {
	code, title string
	status      int
}

var (
	invalidRequest  = kind{"invalid_request", "The request is wrong", http.StatusBadRequest}
	unauthenticated = kind{"unauthenticated", "The token or signature is missing or wrong", http.StatusUnauthorized}
	forbidden       = kind{"forbidden", "The request may not come from there", http.StatusForbidden}
	notFound        = kind{"not_found", "There is no such thing", http.StatusNotFound}
	notAllowed      = kind{"method_not_allowed", "The method is not for this path", http.StatusMethodNotAllowed}
	conflict        = kind{"conflict", "Not in this state", http.StatusConflict}
	tooLarge        = kind{"too_large", "The request is too large", http.StatusRequestEntityTooLarge}
	notJSON         = kind{"unsupported_media_type", "The body must be JSON", http.StatusUnsupportedMediaType}
	invalidDocument = kind{"invalid_document", "The workflow document is wrong", http.StatusUnprocessableEntity}
	remoteFailed    = kind{"remote_failed", "The remote service did not take part", http.StatusBadGateway}
	unavailable     = kind{"unavailable", "Not now", http.StatusServiceUnavailable}
	internal        = kind{"internal", "The host is broken", http.StatusInternalServerError}
)

func (k kind) problemf(format string, args ...any) *Problem {
	return &Problem{Type: problemType + k.code, Title: k.title, Status: k.status, Detail: fmt.Sprintf(format, args...)}
}

func (k kind) at(pointer, format string, args ...any) *Problem {
	p := k.problemf(format, args...)
	p.Pointer = pointer
	return p
}

// Conflict says that something cannot be done as things stand.
func Conflict(err error) *Problem { return conflict.problemf("%s", err) }

// problemOf turns an error into a problem. Whoever may use the API is the host's
// operator, so that what the store or a connector said is not kept from them;
// errors hold no secrets.
func problemOf(err error) *Problem {
	var problem *Problem
	var missing *host.NotFoundError
	var failure *host.FailureError
	var input *host.InputError
	var taken *host.HookTakenError
	var state *host.StateError
	switch {
	case errors.As(err, &problem):
		return problem
	case errors.As(err, &missing):
		return notFound.problemf("%s", err)
	case errors.As(err, &taken):
		return conflict.problemf("%s", err)
	case errors.As(err, &input):
		return invalidRequest.at(input.Pointer, "%s", err)
	case errors.As(err, &state):
		return conflict.at(state.Pointer, "%s", err)
	case errors.As(err, &failure):
		return remoteFailed.problemf("%s", err)
	case errors.Is(err, host.ErrClosed):
		return unavailable.problemf("the host is about to end; what was stored goes on when it starts again")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return unavailable.problemf("the request took too long; what it began may go on")
	}
	return internal.problemf("%s", err)
}

// writeProblem answers with a problem.
func writeProblem(w http.ResponseWriter, p *Problem) {
	switch p.Status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "10")
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="storyloop"`)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = encode(w, p)
}

// writeJSON answers with a value. The JSON of others within it keeps all digits,
// escapes and its order.
func writeJSON(w http.ResponseWriter, status int, value any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	return encode(w, value)
}

func encode(w http.ResponseWriter, value any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(value)
}
