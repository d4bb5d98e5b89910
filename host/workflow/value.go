package workflow

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Value is a JSON value in a document that may hold references.
type Value struct {
	raw      json.RawMessage // Set if there is no reference in it.
	ref      *Ref            // Set if the whole value is one reference,
	fallback *Value          // and this beside it for where it leads nowhere.
	parts    []part          // Set for text with references in it.
	members  []valueMember   // Of an object with references in it.
	items    []*Value        // Of a list with references in it.

	pointer string // Into the document.
	at      place
}

type valueMember struct {
	name  string
	value *Value
}

// part is literal text, or a reference in it.
type part struct {
	text string
	ref  *Ref
}

// Constant returns the value itself if it holds no reference.
func (v *Value) Constant() (json.RawMessage, bool) {
	if v == nil {
		return nil, false
	}
	return v.raw, v.raw != nil
}

// Member returns a member of an object, or nil.
func (v *Value) Member(name string) *Value {
	if v == nil {
		return nil
	}
	if v.raw != nil {
		if raw, ok := rawMember(v.raw, name); ok {
			return &Value{raw: raw, pointer: join(v.pointer, name), at: v.at}
		}
		return nil
	}
	for _, m := range v.members {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// without returns an object without one of its members, which is left
// unresolved.
func (v *Value) without(name string) *Value {
	if v == nil || v.members == nil {
		return v
	}
	rest := *v
	rest.members = nil
	for _, m := range v.members {
		if m.name != name {
			rest.members = append(rest.members, m)
		}
	}
	if rest.members == nil {
		return &Value{raw: json.RawMessage("{}"), pointer: v.pointer, at: v.at}
	}
	return &rest
}

// each calls f with every reference in the value. lenient is true where the path
// may lead nowhere.
func (v *Value) each(f func(v *Value, r *Ref, lenient bool)) {
	if v == nil {
		return
	}
	if v.ref != nil {
		f(v, v.ref, v.fallback != nil)
		v.fallback.each(f)
	}
	for _, p := range v.parts {
		if p.ref != nil {
			f(v, p.ref, false)
		}
	}
	for _, m := range v.members {
		m.value.each(f)
	}
	for _, item := range v.items {
		item.each(f)
	}
}

// resolve returns the value with its references replaced by what they lead to, at
// most so many bytes of it.
func (v *Value) resolve(vs values, most int) (json.RawMessage, error) {
	return v.with(&resolution{values: vs, most: most})
}

func (v *Value) with(r *resolution) (json.RawMessage, error) {
	switch {
	case v == nil:
		return nil, nil
	case v.raw != nil:
		return v.raw, nil
	case v.ref != nil:
		return v.resolveRef(r)
	case v.parts != nil:
		return v.resolveText(r)
	}
	b := []byte{}
	if v.members != nil {
		b = append(b, '{')
		for i, m := range v.members {
			value, err := m.value.with(r)
			if err != nil {
				return nil, err
			}
			if i > 0 {
				b = append(b, ',')
			}
			b = append(append(append(b, quote(m.name)...), ':'), value...)
		}
		return append(b, '}'), nil
	}
	b = append(b, '[')
	for i, item := range v.items {
		value, err := item.with(r)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, value...)
	}
	return append(b, ']'), nil
}

func (v *Value) resolveRef(r *resolution) (json.RawMessage, error) {
	raw, err := r.look(v.ref)
	if v.fallback == nil {
		return raw, err
	}
	if isNowhere(err) || err == nil && !v.ref.Singular() && string(raw) == "[]" {
		return v.fallback.with(r)
	}
	return raw, err
}

func (v *Value) resolveText(r *resolution) (json.RawMessage, error) {
	var b strings.Builder
	for _, p := range v.parts {
		if p.ref == nil {
			b.WriteString(p.text)
			continue
		}
		raw, err := r.look(p.ref)
		if err != nil {
			return nil, err
		}
		b.WriteString(asText(raw))
	}
	return quote(b.String()), nil
}

// asText returns what a value looks like within a text: a text as it is, null as
// nothing, all else as JSON.
func asText(raw json.RawMessage) string {
	switch typeName(raw) {
	case "a text":
		return unquote(raw)
	case "null":
		return ""
	}
	return string(raw)
}

// parseValue reads a value of a document. What is wrong goes to report.
func parseValue(n *node, pointer string, report func(pointer, code, message, hint string)) *Value {
	v := &Value{pointer: pointer, at: n.place()}
	switch {
	case n.kind == objectKind && n.get("$ref") != nil:
		v.parseRefObject(n, report)
	case n.kind == objectKind:
		constant := true
		for _, m := range n.members {
			value := parseValue(m.value, join(pointer, m.name), report)
			v.members = append(v.members, valueMember{m.name, value})
			constant = constant && value.raw != nil
		}
		if constant {
			v.raw, v.members = v.compose(n), nil
		}
	case n.kind == arrayKind:
		constant := true
		for i, item := range n.items {
			value := parseValue(item, join(pointer, itoa(i)), report)
			v.items = append(v.items, value)
			constant = constant && value.raw != nil
		}
		if constant {
			v.raw, v.items = v.compose(n), nil
		}
	case n.isText:
		v.parseText(n.text, report)
	default:
		v.raw = n.raw
	}
	return v
}

// compose returns a value whose parts hold no reference.
func (v *Value) compose(n *node) json.RawMessage {
	if n.kind == objectKind {
		b := []byte{'{'}
		for i, m := range v.members {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(append(append(b, quote(m.name)...), ':'), m.value.raw...)
		}
		return append(b, '}')
	}
	b := []byte{'['}
	for i, item := range v.items {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, item.raw...)
	}
	return append(b, ']')
}

func (v *Value) parseRefObject(n *node, report func(pointer, code, message, hint string)) {
	v.raw = json.RawMessage("null") // unless it can be read
	for _, m := range n.members {
		switch at := join(v.pointer, m.name); {
		case m.name == "fallback":
			v.fallback = parseValue(m.value, at, report)
		case m.name != "$ref":
			report(at, "unknown_property", "stands beside $ref, which takes nothing but fallback", "")
		case !m.value.isText:
			report(at, "wrong_type", "must be a reference such as \"$.steps.instagram-1.data\"", "")
		default:
			ref, err := ParseRef(m.value.text)
			if err != nil {
				report(at, "wrong_reference", err.Error(), "")
				continue
			}
			v.ref, v.raw = ref, nil
		}
	}
	if v.ref == nil {
		v.fallback = nil
	}
}

// parseText reads text: one reference, or text with references in it, or text.
func (v *Value) parseText(s string, report func(pointer, code, message, hint string)) {
	if strings.HasPrefix(s, "$.") || strings.HasPrefix(s, "$[") {
		ref, err := ParseRef(s)
		if err != nil {
			report(v.pointer, "wrong_reference", err.Error(), "")
			v.raw = json.RawMessage("null")
			return
		}
		v.ref = ref
		return
	}
	if strings.HasPrefix(s, "$$.") || strings.HasPrefix(s, "$$[") {
		s = s[1:]
	}
	parts, err := split(s)
	if err != nil {
		report(v.pointer, "wrong_reference", err.Error(), "double the $ if it is meant literally")
		v.raw = json.RawMessage("null")
		return
	}
	if len(parts) == 1 && parts[0].ref == nil {
		v.raw = quote(parts[0].text)
		return
	}
	v.parts = parts
}

// split takes text apart at {$. and {$[ ; {$$. and {$$[ stand for these letters.
func split(s string) ([]part, error) {
	var parts []part
	var literal strings.Builder
	for {
		i := strings.Index(s, "{$")
		if i < 0 || i+2 >= len(s) {
			break
		}
		switch c := s[i+2]; {
		case strings.HasPrefix(s[i+2:], "$.") || strings.HasPrefix(s[i+2:], "$["):
			literal.WriteString(s[:i+2])
			s = s[i+3:]
			continue
		case c != '.' && c != '[':
			literal.WriteString(s[:i+2])
			s = s[i+2:]
			continue
		}
		literal.WriteString(s[:i])
		end, err := closing(s, i+1)
		if err != nil {
			return nil, err
		}
		ref, err := ParseRef(s[i+1 : end])
		if err != nil {
			return nil, err
		}
		if literal.Len() > 0 {
			parts = append(parts, part{text: literal.String()})
			literal.Reset()
		}
		parts = append(parts, part{ref: ref})
		s = s[end+1:]
	}
	literal.WriteString(s)
	if literal.Len() > 0 || len(parts) == 0 {
		parts = append(parts, part{text: literal.String()})
	}
	return parts, nil
}

// closing returns where the brace that ends the reference at i stands.
func closing(s string, i int) (int, error) {
	start := i
	for i < len(s) {
		switch s[i] {
		case '[':
			end, err := bracket(s, i)
			if err != nil {
				return 0, err
			}
			i = end
			continue
		case '}':
			return i, nil
		}
		i++
	}
	return 0, fmt.Errorf("the reference %s has no closing brace", s[start:])
}
