package workflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/storyloop/storyloop/schemas/validate"
)

// parseJSON reads a text that is one JSON value.
func parseJSON(src []byte) (*node, error) {
	if _, err := validate.Decode(src); err != nil {
		var syntax *validate.SyntaxError
		if errors.As(err, &syntax) {
			return nil, &syntaxError{place{syntax.Line, syntax.Column}, "syntax", "not JSON: " + syntax.Message, ""}
		}
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(src))
	d.UseNumber()
	b := jsonBuilder{src: src, d: d}
	return b.build(0)
}

// jsonBuilder turns JSON's tokens into nodes.
type jsonBuilder struct {
	src    []byte
	d      *json.Decoder
	nodes  int
	line   int // Of offset, from 0.
	start  int // Where that line begins.
	offset int
}

// next returns the next token and where it stands.
func (b *jsonBuilder) next() (json.Token, place, error) {
	from := int(b.d.InputOffset())
	for from < len(b.src) && strings.IndexByte(" \t\r\n,:", b.src[from]) >= 0 {
		from++
	}
	for ; b.offset < from; b.offset++ {
		if b.src[b.offset] == '\n' {
			b.line, b.start = b.line+1, b.offset+1
		}
	}
	token, err := b.d.Token()
	return token, place{b.line + 1, utf8.RuneCount(b.src[b.start:from]) + 1}, err
}

func (b *jsonBuilder) build(depth int) (*node, error) {
	token, at, err := b.next()
	if err != nil {
		return nil, err
	}
	if b.nodes++; b.nodes > maxNodes {
		return nil, tooMany(at)
	}
	if depth > maxDepth {
		return nil, tooDeep(at)
	}
	n := &node{line: at.line, column: at.column}
	switch t := token.(type) {
	case json.Delim:
		if t == '[' {
			n.kind = arrayKind
			for b.d.More() {
				item, err := b.build(depth + 1)
				if err != nil {
					return nil, err
				}
				n.items = append(n.items, item)
			}
		} else {
			n.kind = objectKind
			if err := b.object(n, depth); err != nil {
				return nil, err
			}
		}
		_, _, err = b.next() // the closing bracket
		return n, err
	case string:
		return text(t, at.line, at.column), nil
	case json.Number:
		n.raw = json.RawMessage(t)
	case bool:
		n.raw = json.RawMessage("false")
		if t {
			n.raw = json.RawMessage("true")
		}
	default:
		n.raw = json.RawMessage("null")
	}
	return n, nil
}

func (b *jsonBuilder) object(n *node, depth int) error {
	seen := map[string]place{}
	for b.d.More() {
		token, at, err := b.next()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		if first, ok := seen[name]; ok {
			return duplicate(name, at, first)
		}
		seen[name] = at
		value, err := b.build(depth + 1)
		if err != nil {
			return err
		}
		n.members = append(n.members, member{name, at, value})
	}
	return nil
}
