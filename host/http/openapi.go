package http

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/storyloop/storyloop/host/workflow"
	"github.com/storyloop/storyloop/schemas/validate"
)

// OpenAPI is the description of what the host serves, as OpenAPI 3.1: the paths,
// what they take and what they answer. The API takes nothing that it does not
// describe.
//
//go:embed openapi.json
var OpenAPI []byte

// description is what the API itself reads of the document.
type description struct {
	Paths      map[string]map[string]described `json:"paths"`
	Components json.RawMessage                 `json:"components"`
}

// described is an operation of the document.
type described struct {
	OperationID string `json:"operationId"`
	Parameters  []struct {
		Name   string          `json:"name"`
		In     string          `json:"in"`
		Schema json.RawMessage `json:"schema"`
	} `json:"parameters"`
	RequestBody struct {
		Content map[string]struct {
			Schema json.RawMessage `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
}

// shape is what an operation takes.
type shape struct {
	query []string         // Names of query parameters.
	body  *validate.Schema // Nil if it takes none.
}

// readDescription reads the document.
func readDescription() (description, error) {
	var d description
	if err := json.Unmarshal(OpenAPI, &d); err != nil {
		return d, fmt.Errorf("reading openapi.json: %w", err)
	}
	return d, nil
}

// shape returns what an operation takes, by the document.
func (d description) shape(method, path string) (shape, error) {
	op, ok := d.Paths[path][strings.ToLower(method)]
	if !ok {
		return shape{}, fmt.Errorf("openapi.json does not describe %s %s", method, path)
	}
	var s shape
	for _, p := range op.Parameters {
		if p.In == "query" {
			s.query = append(s.query, p.Name)
		}
	}
	content, ok := op.RequestBody.Content["application/json"]
	if !ok {
		return s, nil
	}
	// References lead from the schema to the components beside it.
	raw := fmt.Appendf(nil, `{"allOf":[%s],"components":%s}`, content.Schema, d.Components)
	var err error
	if s.body, err = validate.Compile(raw); err != nil {
		return s, fmt.Errorf("openapi.json: the body of %s %s: %w", method, path, err)
	}
	return s, nil
}

// checkQuery refuses parameters that are not described: one that is misspelt
// would otherwise do nothing.
func (s shape) checkQuery(q url.Values) *Problem {
	for name := range q {
		if slices.Contains(s.query, name) {
			continue
		}
		if near := validate.Nearest(name, s.query); near != "" {
			return invalidRequest.problemf("there is no query parameter %q: did you mean %q?", name, near)
		}
		return invalidRequest.problemf("there is no query parameter %q here", name)
	}
	return nil
}

// checkBody compares a body with its schema.
func (s shape) checkBody(body []byte) *Problem {
	found, err := s.body.Check(body)
	if err != nil {
		return invalidRequest.problemf("the body is %s", err)
	}
	if len(found) == 0 {
		return nil
	}
	p := invalidRequest.at(found[0].Pointer, "%s", sentence(found[0]))
	for _, f := range found {
		p.Problems = append(p.Problems, workflow.Problem{File: "body", Pointer: f.Pointer, Code: f.Code, Message: f.Message, Hint: f.Detail})
	}
	return p
}

func sentence(p validate.Problem) string {
	where := p.Pointer
	if where == "" {
		where = "the body"
	}
	text := where + " " + p.Message
	if p.Detail != "" {
		text += " (" + p.Detail + ")"
	}
	return text
}
