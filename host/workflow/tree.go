package workflow

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Limits on what a document may hold. They are far above what people write and
// far below what hurts.
const (
	maxSource = 1 << 20 // Bytes of a document.
	maxNodes  = 100_000 // Values in it, aliases counted out.
	maxDepth  = 64      // Values within values.
)

type kind byte

const (
	scalarKind kind = iota
	objectKind
	arrayKind
)

// node is a value in a document, with the place where it stands. YAML and JSON
// become the same tree.
type node struct {
	kind         kind
	raw          json.RawMessage // A scalar, as JSON.
	text         string          // A string scalar, decoded.
	isText       bool
	members      []member // Of an object, in order.
	items        []*node  // Of an array.
	line, column int
}

type member struct {
	name  string
	key   place
	value *node
}

// place is where something stands in a document, from 1.
type place struct{ line, column int }

func (n *node) place() place { return place{n.line, n.column} }

// get returns the member of that name, or nil.
func (n *node) get(name string) *node {
	if n == nil {
		return nil
	}
	for _, m := range n.members {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// str returns the text of a string member, or nothing.
func (n *node) str(name string) string {
	if v := n.get(name); v != nil {
		return v.text
	}
	return ""
}

// json appends the value to b, with members in order and all digits.
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
	case arrayKind:
		b = append(b, '[')
		for i, item := range n.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = item.json(b)
		}
		return append(b, ']')
	default:
		return append(b, n.raw...)
	}
}

// find returns the place of the value at a JSON Pointer: of its key where it has
// one, or of the closest value above it that exists.
func (n *node) find(pointer string) place {
	at := n.place()
	for _, token := range strings.Split(pointer, "/")[1:] {
		next, where := n.child(unescapePointer(token))
		if next == nil {
			return at
		}
		n, at = next, where
	}
	return at
}

func (n *node) child(token string) (*node, place) {
	switch n.kind {
	case objectKind:
		for _, m := range n.members {
			if m.name == token {
				return m.value, m.key
			}
		}
	case arrayKind:
		for i, item := range n.items {
			if itoa(i) == token {
				return item, item.place()
			}
		}
	}
	return nil, place{}
}

// quote returns s as JSON, without the HTML escapes of encoding/json.
func quote(s string) []byte { return appendQuoted(make([]byte, 0, len(s)+2), s) }

// appendQuoted adds s to b as JSON.
func appendQuoted(b []byte, s string) []byte {
	if plain(s) { // as nearly all names are
		return append(append(append(b, '"'), s...), '"')
	}
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic("encoding a string: " + err.Error()) // cannot happen
	}
	return append(b, strings.TrimSuffix(text.String(), "\n")...)
}

// plain reports whether JSON has s as it is.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func text(s string, line, column int) *node {
	return &node{raw: quote(s), text: s, isText: true, line: line, column: column}
}

// strs returns a member that is a string, or a list of them.
func (n *node) strs(name string) []string {
	m := n.get(name)
	switch {
	case m == nil:
		return nil
	case m.kind != arrayKind:
		return []string{n.str(name)}
	}
	var all []string
	for _, item := range m.items {
		all = append(all, item.text)
	}
	return all
}

// number returns an integer member, or zero.
func (n *node) number(name string) int {
	v := n.get(name)
	if v == nil {
		return 0
	}
	i, err := strconv.Atoi(string(v.raw))
	if err != nil {
		return 0
	}
	return i
}
