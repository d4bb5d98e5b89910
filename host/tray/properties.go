package tray

// properties hands out those of a step, and notes what nobody has asked for.
type properties struct {
	c    *converter
	s    *step
	used map[string]bool
}

// at returns the place of a property.
func (p *properties) at(name string) place {
	return place{p.s.id, join(join(p.s.pointer, "properties"), name), p.s.properties.get(name)}
}

// take converts a property; nil if the step has none of the name.
func (p *properties) take(names ...string) *node {
	for _, name := range names {
		if n := p.s.properties.get(name); n != nil {
			p.mark(name)
			return p.c.secretless(name, p.c.value(n, p.at(name)), p.at(name))
		}
	}
	return nil
}

func (p *properties) mark(name string) {
	if p.used == nil {
		p.used = map[string]bool{}
	}
	p.used[name] = true
}

// all converts all properties that nobody has taken.
func (p *properties) all() *node {
	out := object()
	if p.s.properties == nil {
		return out
	}
	for _, m := range p.s.properties.members {
		if !p.used[m.name] {
			out.set(m.name, p.take(m.name))
		}
	}
	if out.get("$ref") != nil {
		p.c.lose(place{p.s.id, join(p.s.pointer, "properties"), nil}, "", "a property $ref would be taken for a reference here; the input was left out")
		return object()
	}
	return out
}

// usual takes a property that has only one meaning here, and notes any other.
func (p *properties) usual(name string, values ...string) {
	n := p.take(name)
	if n == nil {
		return
	}
	for _, v := range values {
		if n.text == v && n.kind != objectKind && n.kind != listKind {
			return
		}
	}
	p.c.note(Warning, p.s.id, p.at(name).pointer, "", "%s has no counterpart; here it is always %s", quoted(name), values[0])
}

// rest notes the properties that nobody has taken.
func (p *properties) rest() {
	if p.s.properties == nil {
		return
	}
	for _, m := range p.s.properties.members {
		if p.used[m.name] {
			continue
		}
		if p.take(m.name).empty() {
			continue
		}
		p.c.note(Error, p.s.id, p.at(m.name).pointer, "see what the operation takes here", "the property %s has no counterpart and was left out", quoted(m.name))
	}
}
