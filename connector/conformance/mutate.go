package conformance

import (
	"slices"
	"strings"

	"github.com/storyloop/storyloop/connector/internal/schemadoc"
	"github.com/storyloop/storyloop/schemas/validate"
)

// mutation is a good input with one thing wrong.
type mutation struct {
	what    string // "without /id".
	input   []byte
	pointer string // Where it is wrong.
}

const (
	strayName   = "no_such_property"
	strayChoice = "no_such_choice"
	// maxMutations bounds what is tried with one input.
	maxMutations = 200
	// maxLength bounds a text that is made to be too long.
	longestText = 100_000
)

// mutations derives wrong inputs from a schema and an input that fits it.
func mutations(schema, good []byte) ([]mutation, error) {
	doc, err := schemadoc.Parse(schema)
	if err != nil {
		return nil, err
	}
	compiled, err := validate.Compile(schema)
	if err != nil {
		return nil, err
	}
	root, err := schemadoc.Decode(good)
	if err != nil {
		return nil, err
	}
	m := &mutator{compiled: compiled, root: root}
	m.object(doc, root, "", 0)
	return m.all, nil
}

type mutator struct {
	compiled *validate.Schema
	root     any
	all      []mutation
}

// object breaks an object and what is in it.
func (m *mutator) object(n schemadoc.Node, value any, pointer string, depth int) {
	n = n.Resolve()
	object, ok := value.(*schemadoc.Object)
	if !ok || depth > maxWalk {
		return
	}
	if n.Closed() {
		m.with(object, strayName, 1, pointer, "with the unknown property ")
	}
	for _, p := range n.Properties() {
		at := pointer + "/" + schemadoc.Escape(p.Name)
		current, there := object.Get(p.Name)
		if there && n.Required(p.Name) {
			m.without(object, p.Name, at)
		}
		schema := p.Resolve()
		for _, wrong := range wrongValues(schema) {
			m.with(object, p.Name, wrong.value, pointer, wrong.what+" ")
		}
		if !there {
			continue
		}
		switch v := current.(type) {
		case *schemadoc.Object:
			m.object(schema, v, at, depth+1)
		case []any:
			if len(v) > 0 {
				m.object(schema.Child("items"), v[0], at+"/0", depth+1)
			}
		}
	}
}

// with tries one member of an object, and puts back what was there.
func (m *mutator) with(object *schemadoc.Object, name string, value any, pointer, what string) {
	before, there := object.Get(name)
	object.Set(name, value)
	at := pointer + "/" + schemadoc.Escape(name)
	m.add(what+at, at)
	if there {
		object.Set(name, before)
	} else {
		object.Delete(name)
	}
}

func (m *mutator) without(object *schemadoc.Object, name, at string) {
	before, _ := object.Get(name)
	object.Delete(name)
	m.add("without "+at, at)
	object.Set(name, before)
}

// add keeps a mutation if the schema alone says that it is wrong, and where:
// alternatives and conditions may let pass what looks wrong.
func (m *mutator) add(what, pointer string) {
	if len(m.all) >= maxMutations {
		return
	}
	text := []byte(schemadoc.Encode(m.root))
	problems, err := m.compiled.Check(text)
	if err != nil || !slices.ContainsFunc(problems, func(p validate.Problem) bool { return p.Pointer == pointer }) {
		return
	}
	m.all = append(m.all, mutation{what, text, pointer})
}

type wrongValue struct {
	what  string
	value any
}

// wrongValues returns values that do not fit a property: of another type, none of
// the choices, too long, out of bounds.
func wrongValues(n schemadoc.Node) []wrongValue {
	var all []wrongValue
	types := n.Strings("type")
	if len(types) > 0 {
		for _, c := range []struct {
			name  string
			value any
		}{{"object", schemadoc.NewObject()}, {"string", "text"}, {"boolean", true}} {
			if !slices.Contains(types, c.name) {
				all = append(all, wrongValue{"with another type at", c.value})
				break
			}
		}
	}
	if len(n.List("enum")) > 0 && slices.Contains(types, "string") {
		all = append(all, wrongValue{"with none of the choices at", strayChoice})
	}
	if v, ok := n.Get("maxLength"); ok {
		if most := number(v); most >= 0 && most < longestText {
			all = append(all, wrongValue{"with a text that is too long at", strings.Repeat("x", most+1)})
		}
	}
	if v, ok := n.Get("maximum"); ok {
		if most := number(v); most >= 0 {
			all = append(all, wrongValue{"with a number that is too large at", most + 1})
		}
	}
	if v, ok := n.Get("minimum"); ok {
		if least := number(v); least >= 0 {
			all = append(all, wrongValue{"with a number that is too small at", least - 1})
		}
	}
	return all
}

// number reads a whole number of moderate size, or returns -1.
func number(v any) int {
	text, n := schemadoc.Encode(v), 0
	if len(text) > 9 {
		return -1
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}
