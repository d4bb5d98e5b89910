package workflow

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/storyloop/storyloop/schemas/validate"
)

// datum is a value that references lead into: JSON, or an object whose members
// are kept apart so that nobody has to put them together.
type datum struct {
	raw    json.RawMessage
	object object
}

// object makes a member when it is asked for.
type object interface {
	names() []string
	member(name string) json.RawMessage // Nil if there is none.
}

// members is an object of which all is known.
type members []datumMember

type datumMember struct {
	name  string
	value json.RawMessage
}

func (ms members) names() []string {
	var names []string
	for _, m := range ms {
		names = append(names, m.name)
	}
	return names
}

func (ms members) member(name string) json.RawMessage {
	for _, m := range ms {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// json returns the whole value.
func (d datum) json() json.RawMessage {
	if d.object == nil {
		return d.raw
	}
	b := []byte{'{'}
	for i, name := range d.object.names() {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(appendQuoted(b, name), ':'), d.object.member(name)...)
	}
	return append(b, '}')
}

// values is where references look. It returns the value below a root, or says
// why there is none.
type values interface {
	lookup(r *Ref) (datum, error)
}

// resolve returns the value that r leads to, byte for byte; for a path that
// selects several, a list of them.
func (r *Ref) resolve(vs values) (json.RawMessage, error) {
	d, err := vs.lookup(r)
	if err != nil {
		return nil, err
	}
	if r.Singular() {
		return r.walk(d)
	}
	return r.selection(d.json())
}

func (r *Ref) walk(d datum) (json.RawMessage, error) {
	path, value := r.path, d.raw
	if d.object != nil {
		if len(path) == 0 {
			return d.json(), nil
		}
		if !path[0].isIndex {
			value = d.object.member(path[0].name)
		}
		if value == nil {
			return nil, r.nowhere(0, "an object", d.object.names())
		}
		path = path[1:]
	}
	skipped := len(r.path) - len(path)
	for i, s := range path {
		next, ok := step(value, s)
		if !ok {
			return nil, r.astray(i+skipped, value)
		}
		value = next
	}
	return value, nil
}

func step(value json.RawMessage, s segment) (json.RawMessage, bool) {
	if s.isIndex {
		item, _ := rawItem(value, s.index)
		return item, item != nil
	}
	return rawMember(value, s.name)
}

// astray says why value, reached after i segments, has no next one.
func (r *Ref) astray(i int, value json.RawMessage) error {
	s := r.path[i]
	what := typeName(value)
	switch {
	case what == "an object":
		return r.nowhere(i, what, rawNames(value))
	case what == "a list" && s.isIndex:
		_, n := rawItem(value, s.index)
		return &NowhereError{r, fmt.Sprintf("%s is a list of %d and has no item %s", r.subject(i), n, s), ""}
	case what == "a list":
		e := &NowhereError{r, fmt.Sprintf("%s is a list and has no %q", r.subject(i), s.name), "name an item, as in [0], or loop over the list"}
		if _, err := strconv.Atoi(s.name); err == nil {
			e.Hint = fmt.Sprintf("write [%s]", s.name)
		}
		return e
	default:
		return r.nowhere(i, what, nil)
	}
}

func (r *Ref) nowhere(i int, what string, names []string) error {
	s := r.path[i]
	e := &NowhereError{Ref: r}
	switch {
	case what != "an object":
		e.Message = fmt.Sprintf("%s is %s and has nothing below it", r.subject(i), what)
	case s.isIndex:
		e.Message = fmt.Sprintf("%s is an object and has no item %s", r.subject(i), s)
		e.Hint = listed(names)
	default:
		e.Message = fmt.Sprintf("%s has no %q", r.subject(i), s.name)
		e.Hint = hint(s.name, names)
	}
	return e
}

// subject names the value that the first i segments lead to.
func (r *Ref) subject(i int) string {
	var b strings.Builder
	switch {
	case r.Root == "steps" && r.Name == "trigger":
		b.WriteString("the trigger's output")
	case r.Root == "steps":
		b.WriteString("the output of step " + r.Name)
	case r.Name != "":
		b.WriteString("$." + r.Root + "." + r.Name)
	default:
		b.WriteString("$." + r.Root)
	}
	if i > 0 {
		b.WriteString(" at ")
		for _, s := range r.path[:i] {
			b.WriteString(s.String())
		}
	}
	return b.String()
}

// hint offers the name that was probably meant, or all there are.
func hint(given string, names []string) string {
	if near := validate.Nearest(given, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return listed(names)
}

func listed(names []string) string {
	const most = 12
	switch n := len(names); {
	case n == 0:
		return "it is empty"
	case n > most:
		return fmt.Sprintf("it has %s and %d more", strings.Join(names[:most], ", "), n-most)
	default:
		return "it has " + strings.Join(names, ", ")
	}
}
