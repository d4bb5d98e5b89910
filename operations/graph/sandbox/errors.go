package sandbox

import (
	"fmt"
	"net/http"
)

// An apiError is an error as Meta answers it, in its envelope
// {"error":{"message","type","code","error_subcode",...,"fbtrace_id"}}.
type apiError struct {
	status    int // HTTP; zero: by code
	code      int
	subcode   int
	kind      string // "type" in the envelope; "": OAuthException
	message   string
	userTitle string
	userMsg   string
	transient bool
	raw       []byte // another shape altogether (OAuth endpoints, upload); the envelope is not used
}

// Error makes an apiError usable as a Go error; the text is Meta's message.
func (e *apiError) Error() string { return e.message }

func (e *apiError) httpStatus() int {
	switch {
	case e.status != 0:
		return e.status
	case e.code == 190 || e.code == 102:
		return http.StatusUnauthorized
	case e.subcode != 0:
		return http.StatusBadRequest
	case e.code == 4 || e.code == 17 || e.code == 32 || e.code == 613 || e.code == 80002 || e.code == 10 || e.code >= 200 && e.code < 300:
		return http.StatusForbidden
	case e.code == 1 || e.code == 2:
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

func (e *apiError) envelope(trace string) []byte {
	if e.raw != nil {
		return e.raw
	}
	kind := e.kind
	if kind == "" {
		kind = "OAuthException"
	}
	inner := object{{"message", e.message}, {"type", kind}, {"code", e.code}}
	if e.subcode != 0 {
		inner = append(inner, member{"error_subcode", e.subcode})
	}
	if e.transient || e.userTitle != "" {
		inner = append(inner, member{"is_transient", e.transient})
	}
	if e.userTitle != "" {
		inner = append(inner, member{"error_user_title", e.userTitle})
	}
	if e.userMsg != "" {
		inner = append(inner, member{"error_user_msg", e.userMsg})
	}
	inner = append(inner, member{"fbtrace_id", trace})
	return encode(nil, object{{"error", inner}})
}

// fail is an error with a code; its message gets Meta's usual prefix.
func fail(code int, format string, args ...any) *apiError {
	return &apiError{code: code, message: fmt.Sprintf("(#%d) ", code) + fmt.Sprintf(format, args...)}
}

// failSub is fail with a subcode.
func failSub(code, subcode int, format string, args ...any) *apiError {
	e := fail(code, format, args...)
	e.subcode = subcode
	return e
}

// badParam is the error for a parameter that is missing or has a wrong value.
func badParam(format string, args ...any) *apiError { return fail(100, format, args...) }

func missingParam(name string) *apiError { return badParam("The parameter %s is required", name) }

// notFound hides on purpose whether an object is missing or may not be seen, as Meta does.
func notFound(method, id string) *apiError {
	verb := map[string]string{http.MethodGet: "get", http.MethodDelete: "delete"}[method]
	if verb == "" {
		verb = "post"
	}
	return &apiError{
		code: 100, subcode: 33, kind: "GraphMethodException",
		message: fmt.Sprintf("Unsupported %s request. Object with ID '%s' does not exist, cannot be loaded due to missing permissions, or does not support this operation. Please read the Graph API documentation at https://developers.facebook.com/docs/graph-api", verb, id),
	}
}

func unknownPath(c *call, path string) *apiError {
	e := &apiError{code: 2500, message: "Unknown path components: /" + path}
	if c.flavour == flavourInstagram {
		e.kind = "IGApiException"
	}
	return e
}

func unknownField(name, node string) *apiError {
	return badParam("Tried accessing nonexisting field (%s) on node type (%s)", name, node)
}

// badToken is the error for text that is no token of this host.
func badToken(detail string) *apiError {
	message := "Invalid OAuth access token"
	if detail != "" {
		message += " - " + detail
	}
	return &apiError{code: 190, message: message}
}

// oauthError is the shape of the OAuth endpoints that do not answer in Graph's envelope.
func oauthError(message string) *apiError {
	return &apiError{
		status: http.StatusBadRequest, code: 400, message: message,
		raw: encode(nil, object{{"error_type", "OAuthException"}, {"code", 400}, {"error_message", message}}),
	}
}
