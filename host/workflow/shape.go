package workflow

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/storyloop/storyloop/schemas/validate"
)

// shape is what is known about a value: the schemas of which it fits one at
// least. An empty shape means that nothing is known.
type shape []schemaNode

// schemaNode is a place in a schema's document.
type schemaNode struct {
	document any // For $ref.
	node     any
}

// document reads a schema, once.
func (c *checker) document(raw []byte) shape {
	if len(raw) == 0 {
		return nil
	}
	doc, ok := c.outputs[string(raw)]
	if !ok {
		var err error
		if doc, err = validate.Decode(raw); err != nil {
			doc = true
		}
		c.outputs[string(raw)] = doc
	}
	return shape{{doc, doc}}
}

// below is what a shape says about a value's member or item.
type below struct {
	shape  shape
	open   bool     // There may be others than those described.
	isList bool     // The value is described as a list.
	names  []string // Of the members that are described.
}

func (sh shape) below(s segment) below {
	var b below
	for _, n := range sh.alternatives() {
		n.below(s, &b)
	}
	slices.Sort(b.names)
	b.names = slices.Compact(b.names)
	return b
}

// all returns the shape of every member and item together.
func (sh shape) all() shape {
	var all shape
	for _, n := range sh.alternatives() {
		m, ok := n.node.(map[string]any)
		if !ok {
			return nil
		}
		properties, _ := m["properties"].(map[string]any)
		for _, p := range properties {
			all = append(all, n.at(p)...)
		}
		if items, ok := m["items"]; ok {
			all = append(all, n.at(items)...)
		}
		if extra, ok := m["additionalProperties"].(map[string]any); ok {
			all = append(all, n.at(extra)...)
		}
	}
	return all
}

func (n schemaNode) at(node any) shape {
	if sh, ok := node.(shape); ok {
		return sh
	}
	return shape{{n.document, node}}
}

// alternatives returns the schemas in sh with $ref, allOf, anyOf and oneOf
// followed.
func (sh shape) alternatives() []schemaNode {
	var all []schemaNode
	var follow func(n schemaNode, depth int)
	follow = func(n schemaNode, depth int) {
		all = append(all, n)
		m, ok := n.node.(map[string]any)
		if !ok || depth > 16 || len(all) > 200 {
			return
		}
		if ref, ok := m["$ref"].(string); ok {
			if target, ok := Pointee(n.document, ref); ok {
				follow(schemaNode{n.document, target}, depth+1)
			}
		}
		for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
			list, _ := m[keyword].([]any)
			for _, item := range list {
				follow(schemaNode{n.document, item}, depth+1)
			}
		}
	}
	for _, n := range sh {
		follow(n, 0)
	}
	return all
}

func (n schemaNode) below(s segment, b *below) {
	m, ok := n.node.(map[string]any)
	if !ok {
		b.open = b.open || n.node == true
		return
	}
	composed := m["$ref"] != nil || m["allOf"] != nil || m["anyOf"] != nil || m["oneOf"] != nil
	_, hasProperties := m["properties"]
	isObject, isArray := allows(m, "object"), allows(m, "array")
	b.isList = b.isList || isArray && m["type"] != nil
	if s.isIndex {
		if !isArray {
			return
		}
		if items, ok := m["items"]; ok {
			b.shape = append(b.shape, n.at(items)...)
		} else if !composed && !hasProperties {
			b.open = true
		}
		return
	}
	if !isObject {
		return
	}
	properties, _ := m["properties"].(map[string]any)
	for name, p := range properties {
		b.names = append(b.names, name)
		if name == s.name {
			b.shape = append(b.shape, n.at(p)...)
		}
	}
	patterns, _ := m["patternProperties"].(map[string]any)
	for pattern, p := range patterns {
		if ok, err := regexp.MatchString(pattern, s.name); err != nil || ok {
			b.shape = append(b.shape, n.at(p)...)
		}
	}
	switch extra := m["additionalProperties"].(type) {
	case nil:
		// A schema that only refers to others says nothing of its own.
		b.open = b.open || !composed || hasProperties
	case bool:
		b.open = b.open || extra
	default:
		if properties[s.name] == nil {
			b.shape = append(b.shape, n.at(extra)...)
		}
	}
}

// allows reports whether a schema lets a value have a type.
func allows(m map[string]any, name string) bool {
	switch t := m["type"].(type) {
	case string:
		return t == name
	case []any:
		return slices.Contains(t, any(name))
	}
	return true
}

// Pointee follows a $ref within a schema's document.
func Pointee(document any, ref string) (any, bool) {
	if ref == "#" {
		return document, true
	}
	if !strings.HasPrefix(ref, "#/") {
		return nil, false
	}
	node := document
	for _, token := range strings.Split(ref[2:], "/") {
		token = unescapePointer(token)
		switch n := node.(type) {
		case map[string]any:
			next, ok := n[token]
			if !ok {
				return nil, false
			}
			node = next
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(n) {
				return nil, false
			}
			node = n[i]
		default:
			return nil, false
		}
	}
	return node, true
}
