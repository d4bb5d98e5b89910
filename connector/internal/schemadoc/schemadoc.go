// Package schemadoc reads a JSON Schema as a document: to show it, to compare it
// with another, to make inputs that break it. It keeps the order of the members,
// which is the order in which an author wants them shown. Whether a value fits a
// schema is for package validate to say.
package schemadoc

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxHops bounds a chain of references, which may be a circle.
const maxHops = 32

// Node is one schema in a document. The zero Node is no schema at all; a boolean
// schema has no members.
type Node struct {
	Pointer string // RFC 6901 JSON Pointer of the schema in its document.

	root   *Object
	object *Object
	always *bool // Set for the schemas true and false.
}

// Parse reads a document. It does not check that it is a valid schema.
func Parse(raw []byte) (Node, error) {
	if !utf8.Valid(raw) {
		return Node{}, errors.New("it is not UTF-8")
	}
	value, err := Decode(raw)
	if err != nil {
		return Node{}, err
	}
	root, _ := value.(*Object)
	return node(root, value, ""), nil
}

func node(root *Object, value any, pointer string) Node {
	switch v := value.(type) {
	case *Object:
		return Node{Pointer: pointer, root: root, object: v}
	case bool:
		return Node{Pointer: pointer, root: root, always: &v}
	}
	return Node{Pointer: pointer, root: root}
}

// Exists reports whether there is a schema.
func (n Node) Exists() bool { return n.object != nil || n.always != nil }

// Refuses reports whether n is the schema false, which nothing fits.
func (n Node) Refuses() bool { return n.always != nil && !*n.always }

// Get returns the value of a keyword, and whether it is there.
func (n Node) Get(keyword string) (any, bool) { return n.object.Get(keyword) }

// Has reports whether a keyword is there.
func (n Node) Has(keyword string) bool {
	_, ok := n.object.Get(keyword)
	return ok
}

// Text returns a keyword that is a string.
func (n Node) Text(keyword string) string {
	v, _ := n.object.Get(keyword)
	s, _ := v.(string)
	return s
}

// List returns a keyword that is an array.
func (n Node) List(keyword string) []any {
	v, _ := n.object.Get(keyword)
	list, _ := v.([]any)
	return list
}

// Strings returns a keyword that is a string or an array of strings.
func (n Node) Strings(keyword string) []string {
	if s := n.Text(keyword); s != "" {
		return []string{s}
	}
	var all []string
	for _, v := range n.List(keyword) {
		if s, ok := v.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

// Child returns the schema that a keyword holds, such as "items".
func (n Node) Child(keyword string) Node {
	v, _ := n.object.Get(keyword)
	return node(n.root, v, n.Pointer+"/"+Escape(keyword))
}

// Children returns the schemas in a keyword that holds an array of them, such as
// "oneOf".
func (n Node) Children(keyword string) []Node {
	var all []Node
	for i, v := range n.List(keyword) {
		all = append(all, node(n.root, v, n.Pointer+"/"+keyword+"/"+itoa(i)))
	}
	return all
}

// Property is a named schema.
type Property struct {
	Name string
	Node
}

// Properties returns the properties in the author's order.
func (n Node) Properties() []Property { return n.members("properties") }

func (n Node) members(keyword string) []Property {
	v, _ := n.object.Get(keyword)
	object, _ := v.(*Object)
	var all []Property
	for _, name := range object.Names() {
		member, _ := object.Get(name)
		all = append(all, Property{name, node(n.root, member, n.Pointer+"/"+keyword+"/"+Escape(name))})
	}
	return all
}

// Property returns a property by name, or the zero Node.
func (n Node) Property(name string) Node {
	for _, p := range n.Properties() {
		if p.Name == name {
			return p.Node
		}
	}
	return Node{}
}

// Required reports whether an object must have the property.
func (n Node) Required(name string) bool { return slices.Contains(n.Strings("required"), name) }

// Closed reports whether an object may have no properties but those named.
func (n Node) Closed() bool {
	return n.Child("additionalProperties").Refuses() || n.Child("unevaluatedProperties").Refuses()
}

// Resolve follows a reference within the document. What stands beside the
// reference counts before what it leads to, so that a use of a shared shape can
// have a title of its own. The pointer stays that of the use. A reference that
// leads nowhere, or in a circle, leaves what stands beside it.
func (n Node) Resolve() Node {
	for range maxHops {
		ref := n.Text("$ref")
		if ref == "" {
			return n
		}
		target, _ := n.at(ref)
		merged := NewObject()
		for _, from := range []*Object{target, n.object} {
			for _, name := range from.Names() {
				if from == n.object && name == "$ref" {
					continue
				}
				v, _ := from.Get(name)
				merged.Set(name, v)
			}
		}
		n.object = merged
	}
	return Node{Pointer: n.Pointer, root: n.root, object: NewObject()}
}

// at returns what a reference leads to, if it is an object of this document.
func (n Node) at(ref string) (*Object, bool) {
	path, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil, false
	}
	var value any = n.root
	if path != "" {
		for _, token := range strings.Split(path, "/")[1:] {
			token = unescape(token)
			switch v := value.(type) {
			case *Object:
				value, _ = v.Get(token)
			case []any:
				i := atoi(token)
				if i < 0 || i >= len(v) {
					return nil, false
				}
				value = v[i]
			default:
				return nil, false
			}
		}
	}
	object, ok := value.(*Object)
	return object, ok
}

// At follows a JSON Pointer of an instance, as far as properties, items and
// references lead.
func (n Node) At(pointer string) Node {
	n = n.Resolve()
	if pointer == "" {
		return n
	}
	for _, token := range strings.Split(pointer, "/")[1:] {
		token = unescape(token)
		if atoi(token) >= 0 && n.Has("items") {
			n = n.Child("items").Resolve()
			continue
		}
		n = n.Property(token).Resolve()
	}
	return n
}

// JSON returns the schema as a text.
func (n Node) JSON() string {
	if n.always != nil {
		return Encode(*n.always)
	}
	return Encode(n.object)
}

// Escape makes a name a token of a JSON Pointer.
func Escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

func unescape(token string) string {
	return strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
}
