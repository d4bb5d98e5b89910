package schemadoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxDepth bounds nesting: documents may come from strangers.
const maxDepth = 200

// Object is a JSON object that remembers the order of its members. A nil Object
// has none.
type Object struct {
	names   []string
	members map[string]any
}

// NewObject returns an object without members.
func NewObject() *Object { return &Object{members: map[string]any{}} }

// Names returns the names of the members in order.
func (o *Object) Names() []string {
	if o == nil {
		return nil
	}
	return o.names
}

// Get returns a member, and whether it is there.
func (o *Object) Get(name string) (any, bool) {
	if o == nil {
		return nil, false
	}
	v, ok := o.members[name]
	return v, ok
}

// Set adds a member at the end, or replaces one where it is.
func (o *Object) Set(name string, value any) {
	if _, there := o.members[name]; !there {
		o.names = append(o.names, name)
	}
	o.members[name] = value
}

// Delete removes a member.
func (o *Object) Delete(name string) {
	if _, there := o.members[name]; !there {
		return
	}
	delete(o.members, name)
	kept := o.names[:0:0]
	for _, n := range o.names {
		if n != name {
			kept = append(kept, n)
		}
	}
	o.names = kept
}

// MarshalJSON writes the members in order.
func (o *Object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range o.Names() {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(Encode(name) + ":" + Encode(o.members[name]))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Decode reads one JSON value: *Object, []any, string, json.Number, bool or nil.
func Decode(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := read(d, 0)
	if err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("reading JSON: something follows the value")
	}
	return v, nil
}

func read(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it is nested more than %d deep", maxDepth)
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		o := NewObject()
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := read(d, depth+1)
			if err != nil {
				return nil, err
			}
			o.Set(name.(string), v)
		}
		_, err = d.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := read(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	}
	return token, nil
}

// Encode writes a value on one line, and "<" and "&" as they are.
func Encode(value any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return "null" // only a number that is none could do it
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Indent writes a value on as many lines as it needs.
func Indent(value any) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(Encode(value)), "", "  "); err != nil {
		return Encode(value)
	}
	return b.String()
}

func itoa(i int) string { return strconv.Itoa(i) }

// atoi reads an array index, or returns -1.
func atoi(token string) int {
	i, err := strconv.Atoi(token)
	if err != nil {
		return -1
	}
	return i
}
