package core

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/storyloop/storyloop/host"
)

// webInput is the input of get and request.
type webInput struct {
	Method       string                     `json:"method"`
	URL          string                     `json:"url"`
	Query        map[string]json.RawMessage `json:"query"`
	Headers      map[string]string          `json:"headers"`
	Body         json.RawMessage            `json:"body"`
	BodyType     string                     `json:"body_type"`
	Response     string                     `json:"response"`
	ErrorStatus  string                     `json:"error_status"`
	Timeout      string                     `json:"timeout"`
	MaxBytes     int64                      `json:"max_bytes"`
	MaxRedirects int                        `json:"max_redirects"`
}

// request writes the request.
func (in webInput) request(ctx context.Context, u *url.URL) (*http.Request, error) {
	query, err := values("/query", in.Query)
	if err != nil {
		return nil, err
	}
	switch {
	case u.RawQuery == "":
		u.RawQuery = query.Encode()
	case len(query) > 0:
		u.RawQuery += "&" + query.Encode() // what is there keeps its form: it may be signed
	}
	body, kind, err := in.payload()
	if err != nil {
		return nil, err
	}
	var sent io.Reader
	if body != nil {
		sent = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, in.Method, u.String(), sent)
	if err != nil {
		return nil, &host.InputError{Pointer: "/url", Message: "cannot be called"}
	}
	req.Header.Set("User-Agent", "storyloop/"+version)
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	for name, value := range in.Headers {
		if err := headerAllowed(name); err != nil {
			return nil, err
		}
		req.Header.Set(name, value)
	}
	return req, nil
}

// payload returns the body, nil if there is none, and its type.
func (in webInput) payload() (body []byte, kind string, err error) {
	if in.Body == nil || in.BodyType == "none" {
		return nil, "", nil
	}
	switch in.BodyType {
	case "form":
		var fields map[string]json.RawMessage
		if json.Unmarshal(in.Body, &fields) != nil || fields == nil {
			return nil, "", &host.InputError{Pointer: "/body", Message: "must be an object, to be sent as a form"}
		}
		form, err := values("/body", fields)
		return []byte(form.Encode()), "application/x-www-form-urlencoded", err
	case "text":
		var text *string
		if json.Unmarshal(in.Body, &text) != nil || text == nil {
			return nil, "", &host.InputError{Pointer: "/body", Message: "must be a text, to be sent as one"}
		}
		return []byte(*text), "text/plain; charset=utf-8", nil
	}
	return in.Body, "application/json", nil
}

// values reads parameters: texts, numbers with all their digits, true and false,
// and lists of them.
func values(pointer string, fields map[string]json.RawMessage) (url.Values, error) {
	all := url.Values{}
	for name, raw := range fields {
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil {
			list = []json.RawMessage{raw}
		}
		for _, item := range list {
			var text string
			switch {
			case json.Unmarshal(item, &text) == nil && item[0] == '"':
			case strings.ContainsAny(string(item[:1]), "tf-0123456789"):
				text = string(item)
			default:
				return nil, &host.InputError{Pointer: pointer + "/" + escape(name), Message: "must be a text, a number, true or false, or a list of them"}
			}
			all.Add(name, text)
		}
	}
	return all, nil
}

// headerAllowed refuses the headers that the connection itself needs.
func headerAllowed(name string) error {
	switch canonical := http.CanonicalHeaderKey(name); canonical {
	case "Host", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Te", "Trailer", "Upgrade", "Expect", "Accept-Encoding":
		return &host.InputError{Pointer: "/headers/" + escape(name), Message: fmt.Sprintf("%s is set by the host itself", canonical)}
	default:
		if strings.HasPrefix(canonical, "Proxy-") {
			return &host.InputError{Pointer: "/headers/" + escape(name), Message: fmt.Sprintf("%s is set by the host itself", canonical)}
		}
	}
	return nil
}

// escape writes a name as part of a JSON Pointer.
func escape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
