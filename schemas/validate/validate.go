// Package validate checks JSON texts against JSON Schemas (draft 2020-12), for
// both sides of the protocol. Schemas may come from strangers: compiling one
// opens no file and no connection. Texts may hold secrets: no problem quotes a
// value.
package validate

import (
	"bytes"
	"fmt"
	"io"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// location is a name for the document that leads to no file.
const location = "mem:///schema.json"

// Schema is a compiled JSON Schema. It is safe for concurrent use.
type Schema struct {
	raw      []byte
	compiled *jsonschema.Schema
	shape    *shape // The same, for texts that fit.
}

// Compile compiles a schema. It refuses a document that is not JSON, not a valid
// schema, or not complete in itself: a reference may only lead within the
// document.
func Compile(raw []byte) (*Schema, error) {
	if _, err := Decode(raw); err != nil {
		return nil, fmt.Errorf("the schema is %w", err)
	}
	c := jsonschema.NewCompiler()
	c.Draft, c.AssertFormat = jsonschema.Draft2020, true
	c.LoadURL = func(string) (io.ReadCloser, error) {
		return nil, fmt.Errorf("a $ref leads out of the document; use #/$defs")
	}
	if err := c.AddResource(location, bytes.NewReader(raw)); err != nil {
		return nil, fmt.Errorf("reading the schema: %w", err)
	}
	compiled, err := c.Compile(location)
	if err != nil {
		return nil, fmt.Errorf("compiling the schema: %w", err)
	}
	return &Schema{raw: raw, compiled: compiled, shape: newShape(compiled)}, nil
}

// JSON returns the document from which s was compiled.
func (s *Schema) JSON() []byte { return s.raw }

// Check returns what is wrong with a JSON text, sorted by pointer; nothing, if
// all is well. The error is a *SyntaxError where text is not JSON at all.
func (s *Schema) Check(text []byte) ([]Problem, error) {
	return s.CheckKnown(text, nil)
}

// CheckKnown is Check for a text that is not final: nothing is said about the
// values at the JSON Pointers in unknown, which may hold anything, and nothing
// that follows from them. That there may be such a property at all is checked.
func (s *Schema) CheckKnown(text []byte, unknown []string) ([]Problem, error) {
	if s.shape.fits(text) {
		return nil, nil
	}
	return s.inspect(text, unknown)
}

// inspect is CheckKnown for a text that may not fit.
func (s *Schema) inspect(text []byte, unknown []string) ([]Problem, error) {
	value, err := Decode(text)
	if err != nil {
		return nil, err
	}
	if err = s.compiled.Validate(value); err == nil {
		return nil, nil
	}
	failed, ok := err.(*jsonschema.ValidationError)
	if !ok {
		return nil, fmt.Errorf("checking against the schema: %w", err)
	}
	// Explanations look keywords up. The decoded document is not kept for them: it
	// takes several times the memory of the text, and is seldom wanted.
	document, err := Decode(s.raw)
	if err != nil {
		return nil, fmt.Errorf("reading the schema: %w", err)
	}
	e := explainer{schema: document, value: value, unknown: unknown}
	return sorted(e.problems(failed)), nil
}
