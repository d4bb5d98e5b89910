package tray

import (
	"slices"
	"strconv"
	"strings"

	"github.com/storyloop/storyloop/host/workflow"
)

// wrapped reports whether a value stands in its {type, value}, as every value of
// a step's properties must. If not, that has been reported.
func (c *converter) wrapped(n *node, at place) bool {
	if n.kind != objectKind || n.get("type") == nil || n.get("value") == nil {
		c.file.report(n, at.pointer, "not_wrapped", "write {\"type\": ..., \"value\": ...}", "is not wrapped: it is %s", n.what())
		return false
	}
	c.file.known(n, at.pointer, "a value", []string{"type", "value", "fallback"})
	return true
}

// value takes a value out of its wrapping, and all values within it.
func (c *converter) value(n *node, at place) *node {
	if n == nil {
		return nil
	}
	if !c.wrapped(n, at) {
		return object()
	}
	v, in := n.get("value"), at.member("value", n.get("value"))
	if fallback := n.get("fallback"); fallback != nil && n.str("type") != "jsonpath" {
		c.note(Warning, at.step, join(at.pointer, "fallback"), "", "a fallback goes only with a reference; it was left out")
	}
	switch n.str("type") {
	case "jsonpath":
		return c.jsonpath(n, at)
	case "string":
		if v.kind == textKind {
			return c.text(v.text, at)
		}
	case "array":
		if v.kind == listKind {
			out := list()
			for i, item := range v.items {
				out.items = append(out.items, c.value(item, in.member(strconv.Itoa(i), item)))
			}
			return out
		}
	case "object":
		if v.kind == objectKind {
			return c.object(v, in)
		}
	case "integer", "number", "boolean", "null":
	default:
		c.file.report(n, join(at.pointer, "type"), "wrong_value", "known are string, integer, number, boolean, array, object, null and jsonpath", "is %.40s", string(n.get("type").json(nil)))
		return object()
	}
	return c.scalar(n.str("type"), v, at)
}

// scalar takes a value as it is, also where it is not of the type that it says:
// Tray sends it on like that.
func (c *converter) scalar(typ string, v *node, at place) *node {
	fits := map[string][]kind{
		"string": {textKind}, "boolean": {boolKind}, "null": {nullKind},
		"integer": {numberKind}, "number": {numberKind}, "array": {listKind}, "object": {objectKind},
	}[typ]
	switch {
	case slices.Contains(fits, v.kind):
	case v.kind == listKind || v.kind == objectKind || typ == "array" || typ == "object":
		c.file.report(v, join(at.pointer, "value"), "wrong_type", "", "is %s, and its type says %s", v.what(), typ)
		return object()
	case v.kind == textKind:
		c.note(Warning, at.step, at.pointer, "", "is a text, and its type says %s; it was kept as a text", typ)
		return c.text(v.text, at)
	default:
		c.note(Warning, at.step, at.pointer, "", "is %s, and its type says %s; it was kept as it is", v.what(), typ)
	}
	return &node{kind: v.kind, text: v.text}
}

func (c *converter) object(v *node, at place) *node {
	out := object()
	for _, m := range v.members {
		out.set(m.name, c.secretless(m.name, c.value(m.value, at.member(m.name, m.value)), at.member(m.name, m.value)))
	}
	// Headers and the like are {key, value}.
	for _, key := range []string{"key", "name"} {
		name, ok := out.get(key).literal()
		for i, m := range out.members {
			if ok && m.name == "value" {
				out.members[i].value = c.secretless(name, m.value, at.member("value", v.get("value")))
			}
		}
	}
	if out.get("$ref") != nil {
		c.lose(at, "", "an object with a member $ref would be taken for a reference here")
		return c.unconverted(at.step, at.pointer)
	}
	return out
}

// secretless refuses to copy what looks like a secret.
func (c *converter) secretless(name string, v *node, at place) *node {
	if s, ok := v.literal(); !ok || s == "" || !secretName.MatchString(name) {
		return v
	}
	c.lose(at, "use a credential, or a variable of the environment: $.env.<NAME>", "%s looks like a secret and was not copied", quoted(name))
	return c.unconverted(at.step, at.pointer)
}

// jsonpath returns a reference as a whole value, its type kept.
func (c *converter) jsonpath(n *node, at place) *node {
	v := n.get("value")
	if v.kind != textKind {
		c.file.report(v, join(at.pointer, "value"), "wrong_type", "", "is %s, and its type says jsonpath", v.what())
		return object()
	}
	if strings.HasPrefix(v.text, "{") { // a formula, or text that holds paths
		return c.text(v.text, at)
	}
	at.node = v
	s, otherwise, has := cutFallback(v.text)
	fallback := n.get("fallback")
	if fallback == nil && has {
		return c.refer(s, at, func() *node { return c.text(otherwise, at) })
	}
	if fallback == nil {
		return c.refer(s, at, nil)
	}
	return c.refer(s, at, func() *node { return c.value(fallback, at.member("fallback", fallback)) })
}

// refer returns a reference, with what stands in for it where it leads nowhere.
func (c *converter) refer(s string, at place, fallback func() *node) *node {
	ref, optional := c.reference(s, at)
	switch {
	case ref == "":
		return c.unconverted(at.step, at.pointer)
	case fallback != nil:
		return object(pair("$ref", &node{kind: textKind, text: ref, dynamic: true}), pair("fallback", fallback()))
	case optional:
		c.note(Warning, at.step, at.pointer, "choose another fallback, or move the step into the branch", "%s: the step may not have run by then; Tray fails then, here the value is null", quoted(s))
		return object(pair("$ref", &node{kind: textKind, text: ref, dynamic: true}), pair("fallback", &node{kind: nullKind}))
	}
	return &node{kind: textKind, text: ref, dynamic: true}
}

// cutFallback splits "$.env.x or:'y'", a form that stands within texts.
func cutFallback(s string) (path, fallback string, ok bool) {
	path, rest, ok := strings.Cut(s, " or:")
	if !ok {
		return s, "", false
	}
	rest = strings.TrimSpace(rest)
	for _, q := range []string{"'", `"`} {
		if len(rest) >= 2 && strings.HasPrefix(rest, q) && strings.HasSuffix(rest, q) {
			rest = rest[1 : len(rest)-1]
			break
		}
	}
	return strings.TrimSpace(path), rest, true
}

// text converts text with references in it. What only looks like one of ours is
// escaped.
func (c *converter) text(s string, at place) *node {
	if strings.HasPrefix(s, "{=") && closing(s, 1) == len(s)-1 {
		return c.formula(s, at)
	}
	if strings.HasPrefix(s, "{$.") && closing(s, 1) == len(s)-1 {
		if ref, otherwise, ok := cutFallback(s[1 : len(s)-1]); ok {
			return c.refer(ref, at, func() *node { return c.text(otherwise, at) })
		}
	}
	out := &node{kind: textKind}
	var b strings.Builder
	for rest := s; rest != ""; {
		i := strings.IndexByte(rest, '{')
		if i < 0 {
			b.WriteString(rest)
			break
		}
		b.WriteString(rest[:i])
		rest = rest[i:]
		if n := c.brace(rest, &b, at); n > 0 {
			out.dynamic = true
			rest = rest[n:]
			continue
		}
		// What is not Tray's is literal, and must not look like ours.
		for strings.HasPrefix(rest, "{{") {
			b.WriteByte('{')
			rest = rest[1:]
		}
		b.WriteByte('{')
		if rest = rest[1:]; strings.HasPrefix(rest, "$.") || strings.HasPrefix(rest, "$[") {
			b.WriteByte('$')
			c.note(Warning, at.step, at.pointer, "", "%s was taken literally", quoted(cut("{"+rest, 40)))
		}
	}
	out.text = b.String()
	if strings.HasPrefix(s, "$.") || strings.HasPrefix(s, "$[") {
		out.text = "$" + out.text
	}
	if strings.HasPrefix(s, "$$.") || strings.HasPrefix(s, "$$[") || strings.Contains(s, "{$$.") || strings.Contains(s, "{$$[") {
		c.lose(at, "build the text with the connector transform", "the text %s cannot be written in a document", quoted(s))
		return c.unconverted(at.step, at.pointer)
	}
	return out
}

// brace converts the reference or formula in braces that s begins with, and
// returns its length. It is 0 if there is none: two braces are another template's.
func (c *converter) brace(s string, b *strings.Builder, at place) int {
	end := closing(s, 1)
	if end < 0 {
		return 0
	}
	if strings.HasPrefix(s, "{=") {
		b.WriteString("{" + c.formula(s[:end+1], at).text + "}")
		return end + 1
	}
	if p, ok := splitPath(s[1:end]); !ok || !slices.Contains(roots, p.root) {
		return 0
	}
	b.WriteString("{" + c.inText(s[1:end], at) + "}")
	return end + 1
}

// inText returns a reference within a text.
func (c *converter) inText(s string, at place) string {
	s, _, has := cutFallback(s)
	ref, optional := c.reference(s, at)
	if optional {
		c.lose(at, "take the value in a step of its own, with a fallback", "%s: the step may not have run by then, and within a text nothing can stand in for it", quoted(s))
		ref = ""
	}
	if ref == "" {
		return c.unconverted(at.step, at.pointer).text
	}
	if has {
		c.note(Warning, at.step, at.pointer, "take the value in a step of its own, as {$ref, fallback}", "%s had a fallback; within a text there is none, and the step fails instead", quoted(s))
	}
	return ref
}

func (c *converter) formula(s string, at place) *node {
	c.lose(at, "compute it in a step of the connector transform and refer to that", "the formula %s has no counterpart", quoted(s))
	return c.unconverted(at.step, at.pointer)
}

// closing returns where the brace that opens just before i closes, or -1. Braces
// within quotes and brackets do not count.
func closing(s string, i int) int {
	depth := 1
	var quote byte
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// unescape returns the text that a text of a document without references stands
// for.
func unescape(s string) string {
	if strings.HasPrefix(s, "$$.") || strings.HasPrefix(s, "$$[") {
		s = s[1:]
	}
	return strings.NewReplacer("{$$.", "{$.", "{$$[", "{$[").Replace(s)
}

// isReference reports whether a node is one whole reference that can be read.
func isReference(n *node) bool {
	if n == nil || n.kind != textKind || !n.dynamic {
		return false
	}
	_, err := workflow.ParseRef(n.text)
	return err == nil
}
