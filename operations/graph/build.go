package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
)

// build puts a request together. It tells sent when the request may be on its way.
func (c *Client) build(ctx context.Context, r Request, sent *atomic.Bool) (*http.Request, error) {
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	var query, contentType string
	var body io.Reader
	switch {
	case r.JSON != nil:
		b, err := encodeJSON(r.JSON)
		if err != nil {
			return nil, err
		}
		body, contentType = bytes.NewReader(b), "application/json"
		query = r.encode(merged(r.Query, r.Params))
	case method == http.MethodGet || method == http.MethodDelete:
		query = r.encode(merged(r.Query, r.Params))
	default:
		query = r.Query.Encode()
		if len(r.Params) > 0 || r.Fields != "" || r.Proof != "" {
			body, contentType = strings.NewReader(r.encode(r.Params)), "application/x-www-form-urlencoded"
		}
	}
	if method != http.MethodGet { // A read that was sent has done nothing either.
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	}
	if body == nil {
		// net/http repeats a read by itself when its connection breaks, unless it has
		// a body that cannot be had twice. One attempt is one request.
		body = emptyBody{sent}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.URL(r.Host, r.Path, r.Unversioned), body)
	if err != nil {
		return nil, err
	}
	req.URL.RawQuery = query
	if method == http.MethodGet {
		// Without a word on the body's length net/http would try whether there is one, in
		// a goroutine of its own. This goes no further than net/http.
		req.TransferEncoding = identity
	}
	for name, values := range r.Header {
		req.Header[name] = values
	}
	if contentType != "" && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", contentType)
	}
	if c.UserAgent != "" {
		req.Header.Set("User-Agent", c.UserAgent)
	}
	if r.Token != "" {
		scheme := "Bearer "
		if r.Host == Upload {
			scheme = "OAuth " // the upload host knows no other
		}
		req.Header.Set("Authorization", scheme+r.Token)
	}
	return req, nil
}

// identity is what a body is sent as that is sent as it is. Nobody changes it.
var identity = []string{"identity"}

// emptyBody is a body that net/http does not know to be empty. It is asked for when
// the headers are written, or in a moment before or, over HTTP/2, after that.
type emptyBody struct{ sent *atomic.Bool }

func (b emptyBody) Read([]byte) (int, error) {
	b.sent.Store(true)
	return 0, io.EOF
}

// WriteTo spares net/http the buffer that it would make to read into.
func (b emptyBody) WriteTo(io.Writer) (int64, error) {
	b.sent.Store(true)
	return 0, nil
}

func (emptyBody) Close() error { return nil }

// encodeJSON leaves "<" and "&" as they are: a message is no HTML.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding the request: %w", err)
	}
	return b.Bytes(), nil
}

// encode writes parameters, with the request's proof and its fields in the place of
// others of these names.
func (r Request) encode(params url.Values) string {
	own := []struct{ name, value string }{{"appsecret_proof", r.Proof}, {"fields", r.Fields}}
	var b strings.Builder
	b.Grow(384) // Enough for most.
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	for _, p := range own {
		if p.value != "" {
			writeParam(&b, p.name, p.value)
			names = slices.DeleteFunc(names, func(name string) bool { return name == p.name })
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range params[name] {
			writeParam(&b, name, value)
		}
	}
	return b.String()
}

func writeParam(b *strings.Builder, name, value string) {
	if b.Len() > 0 {
		b.WriteByte('&')
	}
	b.WriteString(url.QueryEscape(name))
	b.WriteByte('=')
	b.WriteString(escape(value))
}

// escape is url.QueryEscape, but that it leaves a list of fields as it is: Meta's own
// examples do not escape the commas of one.
func escape(value string) string {
	if strings.Trim(value, "abcdefghijklmnopqrstuvwxyz_,") == "" {
		return value
	}
	return url.QueryEscape(value)
}

// merged returns parameters with others added or put in their place. It changes
// neither.
func merged(params, more url.Values) url.Values {
	switch {
	case len(more) == 0:
		return params
	case len(params) == 0:
		return more
	}
	both := maps.Clone(params)
	maps.Copy(both, more)
	return both
}
