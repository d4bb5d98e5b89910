package workflow

import (
	"encoding/json"
	"slices"
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

// without returns an object without some of its members, which are left
// unresolved.
func (v *Value) without(names ...string) *Value {
	if v == nil || v.members == nil {
		return v
	}
	rest := *v
	rest.members = nil
	for _, m := range v.members {
		if !slices.Contains(names, m.name) {
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
	return v.compose(make([]byte, 0, usualSize), r)
}

const (
	usualSize = 64 // Of an object that refers to an id or two.
	room      = 64 // For what follows a large value.
)

// compose adds an object or a list to b.
func (v *Value) compose(b []byte, r *resolution) (_ []byte, err error) {
	if v.members != nil {
		b = append(b, '{')
		for i, m := range v.members {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendQuoted(b, m.name), ':')
			if b, err = m.value.addTo(b, r); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	}
	b = append(b, '[')
	for i, item := range v.items {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = item.addTo(b, r); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

// addTo adds any value to b. A large one is copied once: there is room left for what
// follows it, or all would move again.
func (v *Value) addTo(b []byte, r *resolution) ([]byte, error) {
	if v != nil && (v.members != nil || v.items != nil) {
		return v.compose(b, r)
	}
	value, err := v.with(r)
	if err != nil {
		return nil, err
	}
	if len(value) > cap(b)-len(b) {
		b = slices.Grow(b, len(value)+room)
	}
	return append(b, value...), nil
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
