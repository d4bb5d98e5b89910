package host

import (
	"bytes"
	"encoding/json"
	"slices"
	"sync"

	"github.com/storyloop/storyloop/host/workflow"
	"github.com/storyloop/storyloop/schemas/validate"
)

// schemas keeps compiled schemas, by their text: a connector that was restarted
// with the same catalog finds its own.
type schemas struct {
	mu sync.Mutex
	// Guarded by mu.
	compiled map[string]*inputSchema
}

// inputSchema is a schema, and where in its values secrets stand.
type inputSchema struct {
	schema  *validate.Schema
	secrets []secretPath
}

// secretPath leads to a secret. A star stands for every member and item.
type secretPath []string

const anyToken = "*"

// hidden stands where a secret was.
const hidden = "(hidden)"

// get compiles a schema once. An empty one lets everything pass.
func (s *schemas) get(raw []byte) (*inputSchema, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.compiled[string(raw)]; ok {
		return c, nil
	}
	text := raw
	if len(text) == 0 {
		text = []byte("true")
	}
	schema, err := validate.Compile(text)
	if err != nil {
		return nil, err
	}
	document, err := validate.Decode(text)
	if err != nil {
		return nil, err
	}
	c := &inputSchema{schema: schema, secrets: secrets(document)}
	if s.compiled == nil {
		s.compiled = map[string]*inputSchema{}
	}
	s.compiled[string(raw)] = c
	return c, nil
}

func (s *inputSchema) check(input []byte) ([]validate.Problem, error) { return s.schema.Check(input) }

// mask returns an input with its secrets hidden, for the history.
func (s *inputSchema) mask(input json.RawMessage) json.RawMessage {
	if !s.hasSecret(input) {
		return input
	}
	value, err := validate.Decode(input)
	if err != nil {
		return nil
	}
	for _, path := range s.secrets {
		value = hide(value, path)
	}
	masked, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	return masked
}

// hasSecret reports whether a secret may be in an input. It reads no JSON, since
// most inputs have none: a name that is not in the text, and not hidden by an
// escape, is not in the value.
func (s *inputSchema) hasSecret(input []byte) bool {
	if len(s.secrets) > 0 && bytes.IndexByte(input, '\\') >= 0 {
		return true
	}
	return slices.ContainsFunc(s.secrets, func(path secretPath) bool {
		return !slices.ContainsFunc(path, func(token string) bool {
			return token != anyToken && !bytes.Contains(input, []byte(`"`+token+`"`))
		})
	})
}

func hide(value any, path secretPath) any {
	if len(path) == 0 {
		return hidden
	}
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			if path[0] == anyToken || path[0] == name {
				v[name] = hide(member, path[1:])
			}
		}
	case []any:
		if path[0] == anyToken {
			for i := range v {
				v[i] = hide(v[i], path[1:])
			}
		}
	}
	return value
}

// secrets finds where a schema says "x-secret".
func secrets(document any) []secretPath {
	const deepest = 12 // schemas may refer to themselves
	var found []secretPath
	var walk func(node any, path secretPath, depth int)
	walk = func(node any, path secretPath, depth int) {
		m, ok := node.(map[string]any)
		if !ok || depth > deepest {
			return
		}
		if m["x-secret"] == true {
			found = append(found, append(secretPath{}, path...))
			return
		}
		below := func(token string) secretPath { return append(append(secretPath{}, path...), token) }
		if properties, ok := m["properties"].(map[string]any); ok {
			for name, p := range properties {
				walk(p, below(name), depth+1)
			}
		}
		for _, keyword := range []string{"items", "additionalProperties"} {
			walk(m[keyword], below(anyToken), depth+1)
		}
		for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
			list, _ := m[keyword].([]any)
			for _, item := range list {
				walk(item, path, depth+1)
			}
		}
		for _, keyword := range []string{"if", "then", "else"} {
			walk(m[keyword], path, depth+1)
		}
		if ref, ok := m["$ref"].(string); ok {
			if target, ok := workflow.Pointee(document, ref); ok {
				walk(target, path, depth+1)
			}
		}
	}
	walk(document, nil, 0)
	return found
}
