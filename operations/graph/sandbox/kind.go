package sandbox

import "slices"

// A kind is a type of node: its name in error messages, the fields that it has, and those
// that come when none are asked for. The id always comes.
type kind[T any] struct {
	name     string
	id       func(T) string
	shown    func(*call, T) string // the id as the caller sees it, where that differs
	own      func(T) *string       // the id where the node keeps it, for nodes that are many
	defaults []field
	fields   map[string]fieldOf[T]
}

// A fieldOf reads one field of a node; nil means that the key is left out.
type fieldOf[T any] struct {
	only hostSet
	get  func(c *call, node T, f *field) (any, error)
}

// plain is a field that is just a value.
func plain[T any](get func(T) any) fieldOf[T] {
	return fieldOf[T]{get: func(_ *call, node T, _ *field) (any, error) { return get(node), nil }}
}

// on limits a field to the hosts that have it.
func (f fieldOf[T]) on(h hostSet) fieldOf[T] {
	f.only = h
	return f
}

func names(list ...string) []field {
	fields := make([]field, len(list))
	for i, name := range list {
		fields[i].name = name
	}
	return fields
}

// A step reads one field that was asked for; without get it is the id.
type step[T any] struct {
	f   *field
	get func(*call, T, *field) (any, error)
}

// plan finds out, once for all nodes of a list, how to read the fields that were asked for.
// A field that the kind does not have is an error for the whole request.
func (k *kind[T]) plan(c *call, fields []field) ([]step[T], error) {
	if len(fields) == 0 {
		fields = k.defaults
	}
	steps := make([]step[T], 0, len(fields)+1)
	for i := range fields {
		f := &fields[i]
		def, ok := k.fields[f.name]
		if f.name != "id" && (!ok || def.only == facebookOnly && c.flavour != flavourFacebook || def.only == instagramOnly && c.flavour != flavourInstagram) {
			return nil, unknownField(f.name, k.name)
		}
		if !slices.ContainsFunc(steps, func(s step[T]) bool { return s.f.name == f.name }) {
			steps = append(steps, step[T]{f, def.get})
		}
	}
	if !slices.ContainsFunc(steps, func(s step[T]) bool { return s.f.name == "id" }) {
		steps = append(steps, step[T]{f: &field{name: "id"}}) // always returned, last when it was not asked for
	}
	return steps, nil
}

// render makes the object of a node with the fields that were asked for.
func render[T any](c *call, k *kind[T], node T, fields []field) (object, error) {
	steps, err := k.plan(c, fields)
	if err != nil {
		return nil, err
	}
	return k.follow(c, node, steps)
}

func (k *kind[T]) follow(c *call, node T, steps []step[T]) (object, error) {
	out := c.s.room(len(steps))
	for i := range steps {
		s := &steps[i]
		if s.get == nil {
			out = append(out, member{"id", k.idFor(c, node)})
			continue
		}
		value, err := s.get(c, node, s.f)
		if err != nil {
			return nil, err
		}
		if value != nil {
			out = append(out, member{s.f.name, value})
		}
	}
	return out, nil
}

// room is an empty object with room for n members. Objects of one answer share memory, since
// a page has many small ones; the next answer uses it again, for each is written as JSON
// before the sandbox is unlocked.
func (s *Sandbox) room(n int) object {
	if cap(s.members)-len(s.members) < n {
		s.members = make([]member, 0, max(n, 2*cap(s.members)))
	}
	at := len(s.members)
	s.members = s.members[:at+n]
	return object(s.members[at : at : at+n])
}

func (k *kind[T]) idFor(c *call, node T) any {
	switch {
	case k.shown != nil:
		return k.shown(c, node)
	case k.own != nil:
		return k.own(node)
	}
	return k.id(node)
}

// subset is a kind with some of another's fields.
func subset[T any](k *kind[T], names ...string) *kind[T] {
	out := &kind[T]{name: k.name, id: k.id, own: k.own, fields: make(map[string]fieldOf[T], len(names))}
	for _, name := range names {
		out.fields[name] = k.fields[name]
	}
	return out
}

// ownText is text that a node keeps; it is left out when empty.
func ownText(s *string) any {
	if s == nil || *s == "" {
		return nil
	}
	return s
}

// text is a value that is left out when empty.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}
