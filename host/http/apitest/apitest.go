// Package apitest holds a host's answers against the document that describes
// them.
package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/storyloop/storyloop/schemas/validate"
)

// Checker carries requests and fails the test where an answer is not as an OpenAPI
// document says: an undescribed path, status, content type, or property.
type Checker struct {
	t          testing.TB
	next       http.RoundTripper
	paths      map[string]map[string]operation
	components json.RawMessage

	mu sync.Mutex
	// Guarded by mu.
	seen map[string]bool // "GET /path 200"
}

type operation struct {
	Responses map[string]response `json:"responses"`
}

type response struct {
	Ref     string `json:"$ref"`
	Content map[string]struct {
		Schema json.RawMessage `json:"schema"`
	} `json:"content"`
}

// New returns a checker for requests that next carries; nil means the network.
func New(t testing.TB, openapi []byte, next http.RoundTripper) *Checker {
	t.Helper()
	var d struct {
		Paths      map[string]map[string]operation `json:"paths"`
		Components struct {
			Responses map[string]response `json:"responses"`
			Schemas   any                 `json:"schemas"`
		} `json:"components"`
	}
	decoder := json.NewDecoder(bytes.NewReader(openapi))
	decoder.UseNumber()
	if err := decoder.Decode(&d); err != nil {
		t.Fatalf("reading the document: %v", err)
	}
	seal(d.Components.Schemas)
	components, err := json.Marshal(map[string]any{"schemas": d.Components.Schemas})
	if err != nil {
		t.Fatal(err)
	}
	for _, methods := range d.Paths {
		for _, op := range methods {
			for status, r := range op.Responses {
				if name, ok := strings.CutPrefix(r.Ref, "#/components/responses/"); ok {
					op.Responses[status] = d.Components.Responses[name]
				}
			}
		}
	}
	if next == nil {
		next = http.DefaultTransport
	}
	return &Checker{t: t, next: next, paths: d.Paths, components: components, seen: map[string]bool{}}
}

// seal allows objects no properties but those that are described: clients are to
// take more, but a test wants to know of them.
func seal(schema any) {
	switch s := schema.(type) {
	case map[string]any:
		_, described := s["properties"].(map[string]any)
		if _, said := s["additionalProperties"]; described && !said {
			s["additionalProperties"] = false
		}
		for _, part := range s {
			seal(part)
		}
	case []any:
		for _, part := range s {
			seal(part)
		}
	}
}

// RoundTrip implements [http.RoundTripper].
func (c *Checker) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	path, described := c.find(r.Method, r.URL.Path)
	if !described {
		if resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusMethodNotAllowed {
			c.t.Errorf("%s %s answers %d and is not described", r.Method, r.URL.Path, resp.StatusCode)
		}
		return resp, nil
	}
	c.check(r.Method+" "+path, c.paths[path][strings.ToLower(r.Method)], resp)
	return resp, nil
}

// find returns the described path that a request's path is an instance of: the one
// with the fewest placeholders.
func (c *Checker) find(method, path string) (template string, ok bool) {
	fewest := 1000
	for t, methods := range c.paths {
		n := strings.Count(t, "{")
		if _, there := methods[strings.ToLower(method)]; there && instance(t, path) && n < fewest {
			template, ok, fewest = t, true, n
		}
	}
	return template, ok
}

func instance(template, path string) bool {
	want, have := strings.Split(template, "/"), strings.Split(path, "/")
	return len(want) == len(have) && !slices.ContainsFunc(want, func(w string) bool {
		h := have[0]
		have = have[1:]
		return w != h && !strings.HasPrefix(w, "{")
	})
}

func (c *Checker) check(what string, op operation, resp *http.Response) {
	status := strconv.Itoa(resp.StatusCode)
	what += " " + status
	c.mu.Lock()
	c.seen[what] = true
	c.mu.Unlock()
	described, ok := op.Responses[status]
	if !ok {
		described, ok = op.Responses["default"]
	}
	if !ok {
		c.t.Errorf("%s is not described", what)
		return
	}
	if len(described.Content) == 0 {
		return
	}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	content, ok := described.Content[kind]
	if err != nil || !ok {
		c.t.Errorf("%s has the content type %q, which is not described", what, resp.Header.Get("Content-Type"))
		return
	}
	if kind != "application/json" && kind != "application/problem+json" {
		return
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		c.t.Errorf("%s: reading the body: %v", what, err)
		return
	}
	c.matches(what, content.Schema, body)
	if kind == "application/problem+json" {
		var p struct{ Status int }
		if json.Unmarshal(body, &p) != nil || p.Status != resp.StatusCode {
			c.t.Errorf("%s: the problem says status %d", what, p.Status)
		}
	}
}

func (c *Checker) matches(what string, schema, body []byte) {
	compiled, err := validate.Compile(fmt.Appendf(nil, `{"allOf":[%s],"components":%s}`, schema, c.components))
	if err != nil {
		c.t.Errorf("%s: %v", what, err)
		return
	}
	problems, err := compiled.Check(body)
	if err != nil {
		c.t.Errorf("%s: the body is %v", what, err)
	}
	for _, p := range problems {
		c.t.Errorf("%s: %s %s %s in %.1000s", what, p.Pointer, p.Message, p.Detail, body)
	}
}

// Matches fails the test if a JSON text is not as the schema of that name says.
func (c *Checker) Matches(name string, text []byte) {
	c.matches(name, fmt.Appendf(nil, `{"$ref":"#/components/schemas/%s"}`, name), text)
}

// Unused returns what is described for success and was not answered yet, such as
// "GET /healthz 200".
func (c *Checker) Unused() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var unused []string
	for path, methods := range c.paths {
		for method, op := range methods {
			for status := range op.Responses {
				what := strings.ToUpper(method) + " " + path + " " + status
				if strings.HasPrefix(status, "2") && !c.seen[what] {
					unused = append(unused, what)
				}
			}
		}
	}
	slices.Sort(unused)
	return unused
}

// Seen reports whether there was an answer, such as "GET /healthz 200".
func (c *Checker) Seen(what string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[what]
}
