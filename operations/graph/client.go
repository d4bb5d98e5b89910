// Package graph speaks to Meta's Graph API. A [Client] has one method that
// matters, [Client.Do]: one request, one attempt. It knows the hosts and
// versions of the API, decodes errors by a table, reads quotas from headers, and
// keeps tokens out of URLs, errors and logs. When to try again is its caller's
// affair.
package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// MaxAnswer bounds the body of an answer, in bytes. A page of a hundred media
// with all fields takes about 200 KB.
const MaxAnswer = 8 << 20

// Client sends requests. The zero value speaks to Meta, in [DefaultVersion].
// It is safe for concurrent use once its fields are set.
type Client struct {
	// Sandbox is the base URL of a server that stands in for all of Meta's hosts,
	// each under its name as the first part of the path. Empty means Meta.
	Sandbox string
	// Version of the API, such as "v25.0". Empty means DefaultVersion.
	Version string
	// UserAgent of requests. Empty means Go's own.
	UserAgent string
	// Transport is used instead of the default one, if set.
	Transport http.RoundTripper
	// Timeout bounds one request, beside the caller's own deadline. Zero means two
	// minutes, which is longer than Meta ever takes.
	Timeout time.Duration
	// Now tells the time. Nil means the system's clock.
	Now func() time.Time
}

// Request is one request. Parameters of a GET go into the query; those of other
// methods into a form, unless JSON is set.
type Request struct {
	Host   Host
	Method string // Empty means GET.
	Path   string // Without version, such as "/17841405726653026/stories".
	Params url.Values
	Query  url.Values // Goes into the query whatever the method.
	Fields string     // Which fields to read, joined by commas: a parameter, and often the only one.
	JSON   any        // Body as JSON.
	Header http.Header

	// Unversioned leaves the version out of the path, for the endpoints that are
	// documented without one.
	Unversioned bool

	Token string // Goes into the Authorization header, never into the URL.
	Proof string // The token's appsecret_proof, if the app requires one.
}

// Response is an answer with a 2xx status and no error in it.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	// Quotas is what the headers say about budgets.
	Quotas []Quota
	// At is when Meta answered, by its own clock.
	At time.Time

	method string
}

// Do sends one request, once, and follows no redirects. Its errors are of type
// [*Error], which says whether the request may have taken effect.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	ctx, span := c.begin(ctx, r)
	resp, err := c.do(ctx, r)
	end(span, resp, err)
	return resp, err
}

func (c *Client) do(ctx context.Context, r Request) (*Response, error) {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	var sent atomic.Bool
	req, err := c.build(ctx, r, &sent)
	if err != nil {
		return nil, &Error{Class: Invalid, Applied: No, Sentence: "The request could not be put together.", Err: withoutURL(err)}
	}
	answer, err := c.transport().RoundTrip(req)
	if err != nil {
		return nil, lost(req.Method, sent.Load(), withoutURL(err))
	}
	defer answer.Body.Close()
	body, err := readBody(answer)
	if err != nil {
		return nil, lost(req.Method, true, fmt.Errorf("reading the answer: %w", err))
	}
	quotas := Quotas(answer.Header, c.now())
	if len(body) > MaxAnswer {
		return nil, &Error{
			Class: Refused, Applied: writes(req.Method, Yes), Status: answer.StatusCode, Quotas: quotas,
			Sentence: "The answer is larger than 8 MiB.", Action: "Ask for fewer fields, or for a smaller page.",
		}
	}
	if e := decodeError(req.Method, answer, body); e != nil {
		e.Quotas = quotas
		e.RetryAfter = retryAfter(e, answer.Header, quotas)
		e.Upstream = redact(e.Upstream, secrets(r))
		return nil, e
	}
	return &Response{
		Status: answer.StatusCode, Header: answer.Header, Body: body, Quotas: quotas,
		At: c.date(answer.Header), method: req.Method,
	}, nil
}

// expected bounds how large a body is believed to be before it has come.
const expected = 1 << 20

// readBody reads the body of an answer to its end, or at most one byte more than it
// may have.
func readBody(answer *http.Response) ([]byte, error) {
	length := answer.ContentLength
	if length <= 0 || length > expected {
		return io.ReadAll(io.LimitReader(answer.Body, MaxAnswer+1))
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(answer.Body, body); err != nil {
		return nil, err
	}
	// There is no more, but its end: without it the connection would be of no use.
	_, err := io.Copy(io.Discard, answer.Body)
	return body, err
}

// Decode reads the body, which must be JSON, into out. What it cannot read counts
// as an answer that was lost: a proxy's page, or a body that was cut off.
func (r *Response) Decode(out any) error {
	if raw, ok := out.(*json.RawMessage); ok && json.Valid(r.Body) {
		*raw = bytes.TrimSpace(r.Body)
		return nil
	}
	if err := json.Unmarshal(r.Body, out); err != nil {
		return &Error{
			Class: Unavailable, Applied: writes(r.method, Unknown), Status: r.Status, Quotas: r.Quotas,
			Sentence: "Instagram's answer could not be read.", Action: "Try again later.",
			Err: fmt.Errorf("decoding an answer of %d bytes: %w", len(r.Body), err),
		}
	}
	return nil
}

// bounded ends a request when the client's timeout is over. A caller that waits no
// longer than that has a clock of its own.
func (c *Client) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	end := time.Now().Add(c.timeout())
	if own, ok := ctx.Deadline(); ok && own.Before(end) {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, end)
}

// transport is what sends. It follows no redirect: a token goes to the host it was
// meant for, and nowhere else.
func (c *Client) transport() http.RoundTripper {
	if c.Transport == nil {
		return http.DefaultTransport
	}
	return c.Transport
}

// date is when the answer was sent, by the clock of who sent it.
func (c *Client) date(h http.Header) time.Time {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		return t
	}
	return c.now().UTC()
}

func (c *Client) timeout() time.Duration {
	if c.Timeout == 0 {
		return 2 * time.Minute
	}
	return c.Timeout
}

func (c *Client) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}
