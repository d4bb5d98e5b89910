package workflow

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ohler55/ojg/jp"
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

// paths checks each reference in v against the output schema of the step that it
// names.
func (c *checker) paths(v *Value) {
	v.each(func(v *Value, r *Ref, lenient bool) {
		if r.Root == "config" {
			c.configPath(v, r, lenient)
			return
		}
		if r.Root == "steps" {
			c.follow(v, r, c.output(r.Name, v.pointer, 0), lenient)
		}
	})
}

func (c *checker) configPath(v *Value, r *Ref, lenient bool) {
	if lenient || !r.Singular() {
		return
	}
	if _, err := r.walk(datum{raw: c.doc.Config}); err != nil {
		c.report(v.pointer, "leads_nowhere", err.Error(), "")
	}
}

// output returns the shape of what a reference to a step leads to, seen from the
// pointer where it stands. Depth bounds loops over loops.
func (c *checker) output(id, from string, depth int) shape {
	if id == "trigger" {
		cat, ok := c.in.Catalog(c.doc.Trigger.Connector)
		if !ok {
			return nil
		}
		var either shape
		for _, t := range c.doc.Trigger.Triggers(cat) {
			either = append(either, c.document(t.GetOutputSchema())...)
		}
		return either
	}
	s, ok := c.doc.Step(id)
	if !ok {
		return nil
	}
	if s.isLoop() && (strings.HasPrefix(from, s.pointer+"/steps/") || strings.HasPrefix(from, s.pointer+"/input/collect")) {
		return c.iteration(s, depth)
	}
	cat, ok := c.in.Catalog(s.Connector)
	if !ok {
		return nil
	}
	op, ok := FindOperation(cat, s.Operation)
	if !ok {
		return nil
	}
	return c.document(op.GetOutputSchema())
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

// iteration returns the shape of a loop as its body sees it.
func (c *checker) iteration(s *Step, depth int) shape {
	properties := map[string]any{
		"index": map[string]any{"type": "integer"}, "is_first": map[string]any{"type": "boolean"},
	}
	if s.Operation != LoopForever {
		properties["count"] = map[string]any{"type": "integer"}
		properties["is_last"] = map[string]any{"type": "boolean"}
		properties["value"] = true
	}
	if s.Operation == LoopObject {
		properties["key"] = map[string]any{"type": "string"}
	}
	sh := shape{{true, map[string]any{"type": "object", "properties": properties, "additionalProperties": false}}}
	list := s.Input.Member("list")
	if s.Operation != LoopList || list == nil || list.ref == nil || list.ref.Root != "steps" || !list.ref.Singular() || depth > maxDepth {
		return sh
	}
	value := c.output(list.ref.Name, list.pointer, depth+1)
	for _, segment := range append(slices.Clone(list.ref.path), segment{isIndex: true}) {
		value = value.below(segment).shape
	}
	if len(value) > 0 {
		properties["value"] = value
	}
	return sh
}

// follow walks a reference through a shape as far as it is known.
func (c *checker) follow(v *Value, r *Ref, sh shape, lenient bool) {
	if !r.Singular() {
		c.followSelection(v, r, sh, lenient)
		return
	}
	for i, s := range r.path {
		next, ok := c.followSegment(v, r, i, s, sh, lenient)
		if !ok {
			return
		}
		sh = next
	}
}

func (c *checker) followSelection(v *Value, r *Ref, sh shape, lenient bool) {
	for _, f := range r.expr[1:] {
		var next shape
		switch f := f.(type) {
		case jp.Child:
			ok := false
			if next, ok = c.followSegment(v, r, -1, segment{name: string(f)}, sh, lenient); !ok {
				return
			}
		case jp.Nth, jp.Slice, *jp.Filter:
			next = sh.below(segment{isIndex: true}).shape
		case jp.Wildcard:
			next = sh.all()
		default:
			return
		}
		if sh = next; len(sh) == 0 {
			return
		}
	}
}

func (c *checker) followSegment(v *Value, r *Ref, i int, s segment, sh shape, lenient bool) (shape, bool) {
	if len(sh) == 0 {
		return nil, false
	}
	b := sh.below(s)
	if len(b.shape) > 0 {
		return b.shape, true
	}
	where := r.Text
	if i >= 0 {
		where = r.subject(i)
	}
	near := validate.Nearest(s.name, b.names)
	switch {
	case b.open && near != "" && !s.isIndex:
		c.warn(v.pointer, "unlikely_name", fmt.Sprintf("%s: %s is not known to have %q", r.Text, where, s.name), fmt.Sprintf("did you mean %q?", near))
	case b.open || lenient:
	case b.isList && !s.isIndex:
		c.report(v.pointer, "leads_nowhere", fmt.Sprintf("%s leads nowhere: %s is a list and has no %q", r.Text, where, s.name), "name an item, as in [0], or loop over the list")
	case s.isIndex:
		c.report(v.pointer, "leads_nowhere", fmt.Sprintf("%s leads nowhere: %s is no list", r.Text, where), "")
	case len(b.names) == 0:
		c.report(v.pointer, "leads_nowhere", fmt.Sprintf("%s leads nowhere: %s has nothing below it", r.Text, where), "")
	default:
		c.report(v.pointer, "leads_nowhere", fmt.Sprintf("%s leads nowhere: %s has no %q", r.Text, where, s.name), hint(s.name, b.names))
	}
	return nil, false
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
