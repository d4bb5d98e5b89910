package workflow

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ohler55/ojg/jp"
	"github.com/storyloop/storyloop/schemas/validate"
)

// paths checks each reference in v against the output schema of the step that it
// names.
func (c *checker) paths(v *Value) {
	v.each(func(v *Value, r *Ref, lenient bool) {
		switch r.Root {
		case "config":
			c.walk(v, r, datum{raw: c.doc.Config}, lenient)
		case "run":
			c.walk(v, r, aboutRun("a", time.Time{}, c.doc.Name), lenient)
		case "errors":
			text := "a"
			c.walk(v, r, (&Failure{Kind: text, Message: text, Code: text, Subcode: text, TraceID: text, Applied: text, Pointer: text}).datum(), lenient)
		case "steps":
			c.follow(v, r, c.output(r.Name, v.pointer, 0), lenient)
		}
	})
}

// walk checks a path into what is known before a run: the value itself, or one that
// has the same members.
func (c *checker) walk(v *Value, r *Ref, in datum, lenient bool) {
	if lenient || !r.Singular() {
		return
	}
	if _, err := r.walk(in); err != nil {
		c.report(v.pointer, "leads_nowhere", err.Error(), "")
	}
}

// output returns the shape of what a reference to a step leads to, seen from the
// pointer where it stands. Depth bounds loops over loops.
func (c *checker) output(id, from string, depth int) shape {
	if id == "trigger" {
		cat, ok := c.in.Catalog(c.doc.Trigger.Connector)
		if !ok {
			return nil
		}
		var either shape
		for _, t := range c.doc.Trigger.Triggers(cat) {
			either = append(either, c.document(t.GetOutputSchema())...)
		}
		return either
	}
	s, ok := c.doc.Step(id)
	if !ok {
		return nil
	}
	if s.isLoop() && (strings.HasPrefix(from, s.pointer+"/steps/") || strings.HasPrefix(from, s.pointer+"/input/collect")) {
		return c.iteration(s, depth)
	}
	cat, ok := c.in.Catalog(s.Connector)
	if !ok {
		return nil
	}
	op, ok := FindOperation(cat, s.Operation)
	if !ok {
		return nil
	}
	return c.document(op.GetOutputSchema())
}

// iteration returns the shape of a loop as its body sees it.
func (c *checker) iteration(s *Step, depth int) shape {
	properties := map[string]any{
		"index": map[string]any{"type": "integer"}, "is_first": map[string]any{"type": "boolean"},
	}
	if s.Operation != LoopForever {
		properties["count"] = map[string]any{"type": "integer"}
		properties["is_last"] = map[string]any{"type": "boolean"}
		properties["value"] = true
	}
	if s.Operation == LoopObject {
		properties["key"] = map[string]any{"type": "string"}
	}
	sh := shape{{true, map[string]any{"type": "object", "properties": properties, "additionalProperties": false}}}
	list := s.Input.Member("list")
	if s.Operation != LoopList || list == nil || list.ref == nil || list.ref.Root != "steps" || !list.ref.Singular() || depth > maxDepth {
		return sh
	}
	value := c.output(list.ref.Name, list.pointer, depth+1)
	for _, segment := range append(slices.Clone(list.ref.path), segment{isIndex: true}) {
		value = value.below(segment).shape
	}
	if len(value) > 0 {
		properties["value"] = value
	}
	return sh
}

// follow walks a reference through a shape as far as it is known.
func (c *checker) follow(v *Value, r *Ref, sh shape, lenient bool) {
	if !r.Singular() {
		c.followSelection(v, r, sh, lenient)
		return
	}
	for i, s := range r.path {
		next, ok := c.followSegment(v, r, i, s, sh, lenient)
		if !ok {
			return
		}
		sh = next
	}
}

func (c *checker) followSelection(v *Value, r *Ref, sh shape, lenient bool) {
	for _, f := range r.expr[1:] {
		var next shape
		switch f := f.(type) {
		case jp.Child:
			ok := false
			if next, ok = c.followSegment(v, r, -1, segment{name: string(f)}, sh, lenient); !ok {
				return
			}
		case jp.Nth, jp.Slice, *jp.Filter:
			next = sh.below(segment{isIndex: true}).shape
		case jp.Wildcard:
			next = sh.all()
		default:
			return
		}
		if sh = next; len(sh) == 0 {
			return
		}
	}
}

func (c *checker) followSegment(v *Value, r *Ref, i int, s segment, sh shape, lenient bool) (shape, bool) {
	if len(sh) == 0 {
		return nil, false
	}
	b := sh.below(s)
	if len(b.shape) > 0 {
		return b.shape, true
	}
	where := r.Text
	if i >= 0 {
		where = r.subject(i)
	}
	near := validate.Nearest(s.name, b.names)
	switch {
	case b.open && near != "" && !s.isIndex:
		c.warn(v.pointer, "unlikely_name", fmt.Sprintf("%s: %s is not known to have %q", r.Text, where, s.name), fmt.Sprintf("did you mean %q?", near))
	case b.open || lenient:
	case b.isList && !s.isIndex:
		c.report(v.pointer, "leads_nowhere", fmt.Sprintf("%s leads nowhere: %s is a list and has no %q", r.Text, where, s.name), "name an item, as in [0], or loop over the list")
	case s.isIndex:
		c.report(v.pointer, "leads_nowhere", fmt.Sprintf("%s leads nowhere: %s is no list", r.Text, where), "")
	case len(b.names) == 0:
		c.report(v.pointer, "leads_nowhere", fmt.Sprintf("%s leads nowhere: %s has nothing below it", r.Text, where), "")
	default:
		c.report(v.pointer, "leads_nowhere", fmt.Sprintf("%s leads nowhere: %s has no %q", r.Text, where, s.name), hint(s.name, b.names))
	}
	return nil, false
}
