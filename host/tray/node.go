package tray

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Limits on what an export may hold. They are far above what people build and far
// below what hurts.
const (
	maxExport = 16 << 20 // Bytes.
	maxNodes  = 500_000  // Values.
	maxDepth  = 200      // Values within values.
)

type kind byte

const (
	nullKind kind = iota
	boolKind
	numberKind
	textKind
	listKind
	objectKind
)

// node is a JSON value whose members keep their order and whose numbers keep
// their digits. Both the export and the documents are made of them.
type node struct {
	kind    kind
	text    string // A text, decoded; a number or a boolean as it is written.
	members []member
	items   []*node
	offset  int // Of the byte in the export after which it begins.

	dynamic bool     // A text that holds a reference, in a document.
	comment []string // What to write above it, in a document.
}

type member struct {
	name  string
	value *node
}

func text(s string) *node                { return &node{kind: textKind, text: s} }
func list(items ...*node) *node          { return &node{kind: listKind, items: items} }
func object(members ...member) *node     { return &node{kind: objectKind, members: members} }
func pair(name string, v *node) member   { return member{name, v} }
func (n *node) set(name string, v *node) { n.members = append(n.members, member{name, v}) }

// get returns the member of that name, or nil.
func (n *node) get(name string) *node {
	if n == nil || n.kind != objectKind {
		return nil
	}
	for _, m := range n.members {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// str returns the text of a member, or nothing.
func (n *node) str(name string) string {
	if m := n.get(name); m != nil && m.kind == textKind {
		return m.text
	}
	return ""
}

// isTrue reports whether a member is true.
func (n *node) isTrue(name string) bool {
	m := n.get(name)
	return m != nil && m.kind == boolKind && m.text == "true"
}

// empty reports whether there is nothing in it: no node, null, "", {} or [].
func (n *node) empty() bool {
	if n == nil {
		return true
	}
	switch n.kind {
	case boolKind, numberKind:
		return false
	}
	return n.text == "" && len(n.members) == 0 && len(n.items) == 0
}

// literal returns the text of a node that is one and holds no reference.
func (n *node) literal() (string, bool) {
	if n == nil || n.kind != textKind || n.dynamic {
		return "", false
	}
	return unescape(n.text), true
}

// json appends the value to b.
func (n *node) json(b []byte) []byte {
	switch n.kind {
	case objectKind:
		b = append(b, '{')
		for i, m := range n.members {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(append(b, quote(m.name)...), ':')
			b = m.value.json(b)
		}
		return append(b, '}')
	case listKind:
		b = append(b, '[')
		for i, item := range n.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = item.json(b)
		}
		return append(b, ']')
	case textKind:
		return append(b, quote(n.text)...)
	case nullKind:
		return append(b, "null"...)
	default:
		return append(b, n.text...)
	}
}

// quote returns s as JSON, without the HTML escapes of encoding/json.
func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic("encoding a text: " + err.Error()) // cannot happen
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// what names the type of a value for people.
func (n *node) what() string {
	switch {
	case n == nil:
		return "nothing"
	case n.kind == boolKind:
		return "a boolean"
	case n.kind == numberKind:
		return "a number"
	case n.kind == textKind:
		return "a text"
	case n.kind == listKind:
		return "a list"
	case n.kind == objectKind:
		return "an object"
	}
	return "null"
}

// syntaxError says where a text is not JSON, or not what we take of it.
type syntaxError struct {
	offset  int
	message string
}

func (e *syntaxError) Error() string { return e.message }

// parse reads one JSON value.
func parse(src []byte) (*node, error) {
	if len(src) > maxExport {
		return nil, &syntaxError{0, fmt.Sprintf("the file has %d bytes; at most %d are read", len(src), maxExport)}
	}
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	p := reader{d: json.NewDecoder(bytes.NewReader(src))}
	p.d.UseNumber()
	n, err := p.value(0)
	if err == nil {
		_, err = p.d.Token()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err == nil {
			err = &syntaxError{int(p.d.InputOffset()), "something follows after the end"}
		}
	}
	var own *syntaxError
	var theirs *json.SyntaxError
	switch {
	case errors.As(err, &own):
		return nil, own
	case errors.As(err, &theirs):
		return nil, &syntaxError{int(theirs.Offset), "is not JSON: " + theirs.Error()}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, &syntaxError{len(src), "ends too early: the file is empty or cut off"}
	}
	return nil, &syntaxError{int(p.d.InputOffset()), "is not JSON: " + err.Error()}
}

type reader struct {
	d     *json.Decoder
	nodes int
}

func (p *reader) value(depth int) (*node, error) {
	n := &node{offset: int(p.d.InputOffset())}
	token, err := p.d.Token()
	if err != nil {
		return nil, err
	}
	if p.nodes++; p.nodes > maxNodes {
		return nil, &syntaxError{n.offset, fmt.Sprintf("holds more than %d values", maxNodes)}
	}
	if depth > maxDepth {
		return nil, &syntaxError{n.offset, fmt.Sprintf("has values more than %d deep in each other", maxDepth)}
	}
	switch t := token.(type) {
	case string:
		n.kind, n.text = textKind, t
	case json.Number:
		n.kind, n.text = numberKind, t.String()
	case bool:
		n.kind, n.text = boolKind, fmt.Sprint(t)
	case json.Delim:
		if t == '{' {
			return n, p.object(n, depth)
		}
		return n, p.list(n, depth)
	}
	return n, nil
}

func (p *reader) object(n *node, depth int) error {
	n.kind = objectKind
	seen := map[string]bool{}
	for p.d.More() {
		key, err := p.d.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string)
		if seen[name] {
			return &syntaxError{int(p.d.InputOffset()), fmt.Sprintf("has %q twice in one object", name)}
		}
		seen[name] = true
		v, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		n.set(name, v)
	}
	_, err := p.d.Token()
	return err
}

func (p *reader) list(n *node, depth int) error {
	n.kind = listKind
	for p.d.More() {
		item, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	_, err := p.d.Token()
	return err
}
