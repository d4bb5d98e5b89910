package workflow

import (
	"encoding/json"
	"fmt"
	"strings"
)

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
			v.raw, v.members = v.constant(n), nil
		}
	case n.kind == arrayKind:
		constant := true
		for i, item := range n.items {
			value := parseValue(item, join(pointer, itoa(i)), report)
			v.items = append(v.items, value)
			constant = constant && value.raw != nil
		}
		if constant {
			v.raw, v.items = v.constant(n), nil
		}
	case n.isText:
		v.parseText(n.text, report)
	default:
		v.raw = n.raw
	}
	return v
}

// constant returns a value whose parts hold no reference.
func (v *Value) constant(n *node) json.RawMessage {
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
