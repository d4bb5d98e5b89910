package core

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/storyloop/storyloop/schemas/validate"
	"google.golang.org/protobuf/types/known/durationpb"
)

// trip is one request and what became of it.
type trip struct {
	in   webInput
	sent atomic.Bool // A service may have seen the request.
}

// watch returns a context whose requests tell when something is sent.
func (t *trip) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaderField: func(string, []string) { t.sent.Store(true) },
		WroteHeaders:     func() { t.sent.Store(true) },
	})
}

func (t *trip) applied() connectorv1.Applied {
	if t.sent.Load() {
		return connectorv1.Applied_APPLIED_UNKNOWN
	}
	return connectorv1.Applied_APPLIED_NO
}

// failure says why there is no answer. It does not pass the error's text on, which
// holds the URL.
func (t *trip) failure(ctx context.Context, err error) error {
	var blocked *blockedError
	var redirect *redirectError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &redirect):
		return failed(connectorv1.FailureKind_FAILURE_KIND_REFUSED, t.applied(), "The redirect was not followed: %s.", redirect.message)
	case errors.As(err, &blocked) && t.sent.Load():
		return failed(connectorv1.FailureKind_FAILURE_KIND_REFUSED, t.applied(), "The redirect was not followed: %v.", blocked)
	case errors.As(err, &blocked):
		return &host.InputError{Pointer: "/url", Message: blocked.Error()}
	case errors.As(err, &certificate):
		return failed(connectorv1.FailureKind_FAILURE_KIND_REFUSED, t.applied(), "The service's certificate is not to be trusted: %v.", certificate.Err)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return failed(connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, t.applied(), "The service did not answer in time.")
	case ctx.Err() != nil:
		return failed(connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, t.applied(), "The request was cut off.")
	case t.sent.Load():
		return failed(connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, t.applied(), "The connection broke before the answer was there.")
	}
	return failed(connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, t.applied(), "The service cannot be reached.")
}

// webOutput is the output of get and request.
type webOutput struct {
	StatusCode int               `json:"status_code"`
	Headers    map[string]string `json:"headers"`
	Body       json.RawMessage   `json:"body"`
}

// answer reads what came back.
func (t *trip) answer(ctx context.Context, resp *http.Response) (json.RawMessage, error) {
	if resp.StatusCode >= http.StatusBadRequest && t.in.ErrorStatus != "return" {
		return nil, statusFailure(resp)
	}
	out := webOutput{StatusCode: resp.StatusCode, Headers: map[string]string{}, Body: json.RawMessage("null")}
	for name, values := range resp.Header {
		if name != "Set-Cookie" {
			out.Headers[strings.ToLower(name)] = strings.ToValidUTF8(strings.Join(values, ", "), "\uFFFD")
		}
	}
	if t.in.Response == "none" || t.in.Method == http.MethodHead || resp.StatusCode == http.StatusNoContent {
		return json.Marshal(out)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, t.in.MaxBytes+1))
	if err != nil {
		return nil, t.failure(ctx, err)
	}
	if int64(len(body)) > t.in.MaxBytes {
		return nil, t.unreadable("is larger than %d bytes; raise max_bytes", t.in.MaxBytes)
	}
	if out.Body, err = t.read(body, resp.Header.Get("Content-Type")); err != nil {
		return nil, err
	}
	return json.Marshal(out)
}

// read turns a body into JSON, whose numbers stay as they are.
func (t *trip) read(body []byte, contentType string) (json.RawMessage, error) {
	kind, _, _ := mime.ParseMediaType(contentType)
	saysJSON := kind == "application/json" || strings.HasSuffix(kind, "+json")
	switch {
	case t.in.Response == "base64":
		return json.Marshal(base64.StdEncoding.EncodeToString(body))
	case t.in.Response == "json" || t.in.Response == "auto" && saysJSON && len(body) > 0:
		err := validate.Syntax(body)
		if err == nil {
			return body, nil
		}
		if t.in.Response == "json" {
			return nil, t.unreadable("is %v", err)
		}
	}
	if !utf8.Valid(body) {
		return nil, t.unreadable("is no text in UTF-8; read it as base64")
	}
	return json.Marshal(string(body))
}

// unreadable is for an answer that came, so that the service has done its part.
func (t *trip) unreadable(format string, args ...any) error {
	return failed(connectorv1.FailureKind_FAILURE_KIND_REFUSED, connectorv1.Applied_APPLIED_YES, "The answer "+format+".", args...)
}

// statusFailure turns a status into what the host does next. A service that fails
// may have acted before.
func statusFailure(resp *http.Response) error {
	kind, applied := connectorv1.FailureKind_FAILURE_KIND_REFUSED, connectorv1.Applied_APPLIED_NO
	switch code := resp.StatusCode; {
	case code == http.StatusNotFound || code == http.StatusGone:
		kind = connectorv1.FailureKind_FAILURE_KIND_NOT_FOUND
	case code == http.StatusTooManyRequests:
		kind = connectorv1.FailureKind_FAILURE_KIND_RATE_LIMITED
	case code == http.StatusRequestTimeout || code >= http.StatusInternalServerError:
		kind, applied = connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, connectorv1.Applied_APPLIED_UNKNOWN
	}
	err := failed(kind, applied, "The service answered %s.", strings.TrimSpace(fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode))))
	err.Failure.Upstream = &connectorv1.Upstream{Status: int32(resp.StatusCode), Code: strconv.Itoa(resp.StatusCode)}
	if seconds, parseErr := strconv.Atoi(resp.Header.Get("Retry-After")); parseErr == nil && seconds > 0 {
		const longest = 24 * 60 * 60
		err.Failure.RetryAfter = durationpb.New(time.Duration(min(seconds, longest)) * time.Second)
	}
	return err
}
