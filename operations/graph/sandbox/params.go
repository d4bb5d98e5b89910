package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// maxBody is the most that the sandbox reads of one request's body, but for uploads.
const maxBody = 16 << 20

// params are a request's parameters, merged from query and body, as Meta takes them from
// anywhere. A value from a JSON body that is not a string is kept as its JSON text, so it
// reads the same as one that came as text in a form.
type params map[string][]string

// get returns the parameter's value, "" without one. What came last wins: the body over the
// query.
func (p params) get(key string) string {
	list := p[key]
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1]
}

func (p params) has(key string) bool { return len(p[key]) > 0 }

// list reads a list parameter: a JSON array, a comma list, or name[] several times.
func (p params) list(key string) []string {
	var items []string
	for _, k := range []string{key, key + "[]"} {
		if text := p.get(k); k == key && text != "" {
			items = append(items, splitList(jsonList(text))...)
		} else if k != key {
			items = append(items, p[k]...)
		}
	}
	for i := 0; p.has(fmt.Sprintf("%s[%d]", key, i)); i++ {
		items = append(items, p.get(fmt.Sprintf("%s[%d]", key, i)))
	}
	return items
}

// truth reads a boolean parameter; ok is false when it is none.
func (p params) truth(key string) (value, ok bool) {
	switch strings.ToLower(p.get(key)) {
	case "true", "1", "yes":
		return true, true
	case "false", "0", "no":
		return false, true
	}
	return false, false
}

// decode reads a structured parameter, whose value is JSON, into target.
func (p params) decode(key string, target any) error {
	return json.Unmarshal([]byte(p.get(key)), target)
}

func splitList(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// jsonList turns a JSON array of strings into a comma list and leaves other text alone.
func jsonList(text string) string {
	if !strings.HasPrefix(strings.TrimSpace(text), "[") {
		return text
	}
	var items []json.RawMessage
	if json.Unmarshal([]byte(text), &items) != nil {
		return text
	}
	parts := make([]string, len(items))
	for i, item := range items {
		parts[i] = jsonText(item)
	}
	return strings.Join(parts, ",")
}

// jsonText returns a JSON string's content, and any other value as it is written.
func jsonText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil && len(raw) > 0 && raw[0] == '"' {
		return s
	}
	return string(raw)
}

// readParams merges query and body of a request.
func readParams(r *http.Request) (params, error) {
	p := params{}
	if r.URL.RawQuery != "" {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return nil, fmt.Errorf("reading the query: %w", err)
		}
		p = params(query)
	}
	if r.Body == nil || r.ContentLength == 0 {
		return p, nil
	}
	if err := p.readBody(r); err != nil {
		return nil, err
	}
	return p, nil
}

func (p params) merge(values map[string][]string) {
	for k, v := range values {
		p[k] = append(p[k], v...)
	}
}

func (p params) readBody(r *http.Request) error {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "multipart/form-data" {
		return p.readMultipart(r)
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return fmt.Errorf("reading the body: %w", err)
	}
	return p.mergeText(kind, body)
}

// mergeText merges a body that is JSON or a form. A body without a content type is what it
// looks like.
func (p params) mergeText(kind string, body []byte) error {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil
	}
	if kind == "application/json" || kind != "application/x-www-form-urlencoded" && body[0] == '{' {
		return p.mergeJSON(body)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return fmt.Errorf("reading the form: %w", err)
	}
	p.merge(form)
	return nil
}

func (p params) mergeJSON(body []byte) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(body, &values); err != nil {
		return fmt.Errorf("reading the JSON body: %w", err)
	}
	for k, v := range values {
		if string(v) != "null" {
			p[k] = append(p[k], jsonText(v))
		}
	}
	return nil
}

func (p params) readMultipart(r *http.Request) error {
	reader, err := r.MultipartReader()
	if err != nil {
		return fmt.Errorf("reading the multipart body: %w", err)
	}
	left := int64(maxBody)
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the multipart body: %w", err)
		}
		text, err := io.ReadAll(io.LimitReader(part, left+1))
		if err != nil {
			return fmt.Errorf("reading the multipart body: %w", err)
		}
		if left -= int64(len(text)); left < 0 {
			return fmt.Errorf("reading the multipart body: it is larger than %d bytes", maxBody)
		}
		if part.FileName() != "" { // a file travels as a part; its name stands for it
			p["filedata"] = append(p["filedata"], part.FileName())
			continue
		}
		p[part.FormName()] = append(p[part.FormName()], string(text))
	}
}
