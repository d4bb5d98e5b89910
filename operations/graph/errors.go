package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Class is what kind of trouble an error is, by who can do something about it.
type Class string

// Classes.
const (
	Invalid         Class = "invalid"         // The request is wrong.
	Unauthenticated Class = "unauthenticated" // The token is dead: somebody signs in again.
	Denied          Class = "denied"          // A permission is missing.
	NotFound        Class = "not_found"       // Not there, or not visible to the account.
	Precondition    Class = "precondition"    // The state of things forbids it now.
	RateLimited     Class = "rate_limited"    // Too many calls: wait.
	Unavailable     Class = "unavailable"     // Down or slow: try again.
	Refused         Class = "refused"         // Meta has reasons of its own.
)

// Applied says whether a request that failed may have taken effect.
type Applied string

// What may have happened.
const (
	Unknown Applied = "unknown" // Perhaps: the answer was lost.
	No      Applied = "no"      // Certainly not: refused, or never sent.
	Yes     Applied = "yes"     // It has.
)

// Error is why a request did not do what it should.
type Error struct {
	Class      Class
	Applied    Applied
	Sentence   string // What is wrong, in one English sentence, without secrets.
	Action     string // What to do about it.
	Param      string // The parameter that is wrong, where that is certain.
	RetryAfter time.Duration
	Upstream   Upstream
	Status     int // HTTP status; 0 without an answer.
	Quotas     []Quota
	Err        error
}

// Upstream is what Meta said, word for word but for secrets.
type Upstream struct {
	Code, Subcode int
	Type          string
	Message       string // In whichever language the account uses.
	UserMessage   string
	TraceID       string
	Transient     bool
	coded         bool
}

// Error returns the sentence with Meta's code, which is what a log needs.
func (e *Error) Error() string {
	s := e.Sentence
	if e.Upstream.coded {
		s += " (" + e.Upstream.String() + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// String returns the code, and the subcode after a slash: "190/463".
func (u Upstream) String() string {
	if !u.coded {
		return ""
	}
	if u.Subcode == 0 {
		return fmt.Sprint(u.Code)
	}
	return fmt.Sprintf("%d/%d", u.Code, u.Subcode)
}

// lost is the error of a request without an answer.
func lost(method string, sent bool, err error) *Error {
	e := &Error{Class: Unavailable, Applied: No, Err: err, Action: "Try again later."}
	timeout := errors.Is(err, context.DeadlineExceeded)
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		timeout = true
	}
	switch {
	case errors.Is(err, context.Canceled):
		e.Sentence = "The call was cancelled before Instagram answered."
	case timeout:
		e.Sentence = "Instagram did not answer in time."
	case !sent:
		e.Sentence = "Instagram could not be reached."
		e.Action = "Check the network, the proxy and the settings of the connector."
	default:
		e.Sentence = "The connection to Instagram broke before the answer came."
	}
	if sent {
		e.Applied = writes(method, Unknown)
	}
	return e
}

// writes returns a for methods that change something; a read never has.
func writes(method string, a Applied) Applied {
	if method == http.MethodGet || method == http.MethodHead {
		return No
	}
	return a
}

// decodeError returns the error in an answer, or nil if there is none.
func decodeError(method string, answer *http.Response, body []byte) *Error {
	if answer.StatusCode < 300 && !mentionsError(body) {
		return nil
	}
	u, found := upstream(body)
	if !found && answer.StatusCode < 300 {
		return nil
	}
	if u.TraceID == "" {
		u.TraceID = answer.Header.Get("X-Fb-Trace-Id")
	}
	e := classify(u, answer.StatusCode)
	e.Applied = writes(method, e.Applied)
	return e
}

// mentionsError reports whether an answer may hold an error. Few do, and to look
// whether one does takes as long as to read it.
func mentionsError(body []byte) bool {
	return bytes.Contains(body, []byte(`"error`)) || bytes.Contains(body, []byte(`"debug_info"`))
}

// upstream reads the shapes in which Meta reports errors: the Graph API's, that
// of the sign-in endpoints, that of the upload host, and that of a failed batch.
func upstream(body []byte) (u Upstream, found bool) {
	var envelope struct {
		Error       json.RawMessage `json:"error"`
		Description string          `json:"error_description"`
		Reason      string          `json:"error_reason"`

		ErrorType    string `json:"error_type"`
		ErrorMessage string `json:"error_message"`
		Code         code   `json:"code"`

		Debug *struct {
			Retriable bool   `json:"retriable"`
			Type      string `json:"type"`
			Message   string `json:"message"`
		} `json:"debug_info"`
	}
	if json.Unmarshal(body, &envelope) != nil {
		return Upstream{}, false
	}
	switch {
	case envelope.Debug != nil:
		d := envelope.Debug
		return Upstream{Type: d.Type, Message: d.Message, Transient: d.Retriable}, true
	case envelope.ErrorType != "" || envelope.ErrorMessage != "":
		return Upstream{Type: envelope.ErrorType, Message: envelope.ErrorMessage, Code: int(envelope.Code), coded: envelope.Code != 0}, true
	case len(envelope.Error) == 0 || string(envelope.Error) == "null":
		return Upstream{}, false
	}
	var graph struct {
		Message   string `json:"message"`
		Type      string `json:"type"`
		Code      code   `json:"code"`
		Subcode   code   `json:"error_subcode"`
		Sub       code   `json:"subcode"` // inside debug_token
		Transient bool   `json:"is_transient"`
		Title     string `json:"error_user_title"`
		UserMsg   string `json:"error_user_msg"`
		TraceID   string `json:"fbtrace_id"`
	}
	if json.Unmarshal(envelope.Error, &graph) == nil {
		sub := graph.Subcode
		if sub == 0 {
			sub = graph.Sub
		}
		return Upstream{
			Code: int(graph.Code), Subcode: int(sub), Type: graph.Type, Message: graph.Message, coded: true,
			UserMessage: strings.TrimSpace(graph.Title + " " + graph.UserMsg), TraceID: graph.TraceID, Transient: graph.Transient,
		}, true
	}
	var number code
	if json.Unmarshal(envelope.Error, &number) == nil && number != 0 {
		return Upstream{Code: int(number), Message: envelope.Description, coded: true}, true
	}
	var text string
	if json.Unmarshal(envelope.Error, &text) == nil {
		return Upstream{Type: text, Message: strings.TrimSpace(envelope.Reason + " " + envelope.Description)}, true
	}
	return Upstream{}, true // an error of a shape that nobody has seen yet
}

// code is a number that some endpoints write as a string. What is neither reads
// as 0, since an error must be readable whatever its details.
type code int

// UnmarshalJSON never fails.
func (c *code) UnmarshalJSON(b []byte) error {
	var n int
	if _, err := fmt.Sscanf(strings.Trim(string(b), `"`), "%d", &n); err == nil {
		*c = code(n)
	}
	return nil
}

// classify turns what Meta said into what it means: by the table, and where the
// table is silent, by the HTTP status.
func classify(u Upstream, status int) *Error {
	e := &Error{Status: status, Upstream: u}
	if row, ok := lookUp(u); ok {
		e.Class, e.Applied, e.RetryAfter = row.Class, row.Applied, row.Wait
		e.Sentence, e.Action, e.Param = row.Sentence, row.Action, row.Param
		return e
	}
	e.Class, e.Applied, e.Sentence, e.Action = byStatus(u, status)
	return e
}

func byStatus(u Upstream, status int) (Class, Applied, string, string) {
	switch {
	case u.Transient:
		return Unavailable, Unknown, "Instagram has a passing problem.", "Try again later."
	case status == http.StatusTooManyRequests:
		return RateLimited, No, "Instagram takes no more calls for now.", "Wait."
	case status >= 500:
		return Unavailable, Unknown, "Instagram has a problem of its own.", "Try again later."
	case status == http.StatusUnauthorized || u.Type == "OAuthException" && !u.graph():
		return Unauthenticated, No, "Instagram did not accept the sign-in.", "Sign in again."
	case status == http.StatusForbidden:
		return Denied, No, "Instagram denies this to the account.", "Check the permissions of the account."
	case status == http.StatusNotFound:
		return NotFound, No, "Instagram does not know this address.", "Check the ids."
	case status >= 300 && status < 400:
		return Refused, Unknown, "Instagram sent the request elsewhere, which is not followed.", "Check the address."
	}
	return Refused, No, "Instagram refused the request.", "See what Instagram said."
}

// graph reports whether the code is one of the Graph API, rather than a repeated
// HTTP status as the sign-in endpoints send.
func (u Upstream) graph() bool { return u.coded && (u.Code < 400 || u.Code > 599) }

// retryAfter is how long to wait before another attempt, where anybody knows.
func retryAfter(e *Error, h http.Header, quotas []Quota) time.Duration {
	if e.Class != RateLimited && e.Class != Unavailable {
		return 0
	}
	if s, err := time.ParseDuration(h.Get("Retry-After") + "s"); err == nil && s > 0 {
		return s
	}
	wait := e.RetryAfter
	for _, q := range quotas {
		if e.Class == RateLimited {
			wait = max(wait, q.Regain)
		}
	}
	return wait
}

// withoutURL takes the request's URL out of an error of net/http, since its query
// may hold a secret.
func withoutURL(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}

// secrets lists the values of a request that must not appear in an error. Meta
// quotes a token that it cannot read.
func secrets(r Request) []string {
	hidden := []string{r.Token, r.Proof}
	for _, values := range []url.Values{r.Params, r.Query} {
		for name, vs := range values {
			if SecretParam(name) {
				hidden = append(hidden, vs...)
			}
		}
	}
	return hidden
}

// SecretParam reports whether a parameter or property of that name holds a secret
// of Meta's API. Meta takes a name for the same in another case, and with brackets.
func SecretParam(name string) bool {
	name, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(name)), "[")
	switch name {
	case "access_token", "page_token", "appsecret_proof", "client_secret", "fb_exchange_token", "input_token", "code", "code_verifier", "verify_token", "notification_messages_token":
		return true
	}
	return false
}

func redact(u Upstream, hidden []string) Upstream {
	for _, s := range hidden {
		if len(s) < 4 {
			continue
		}
		u.Message = strings.ReplaceAll(u.Message, s, "[secret]")
		u.UserMessage = strings.ReplaceAll(u.UserMessage, s, "[secret]")
		u.Type = strings.ReplaceAll(u.Type, s, "[secret]")
	}
	return u
}

// NewError returns the error of a code that Meta reported otherwise than as one:
// debug_token says in a good answer why a token is bad.
func NewError(code, subcode int) *Error {
	return classify(Upstream{Code: code, Subcode: subcode, coded: true}, http.StatusOK)
}
