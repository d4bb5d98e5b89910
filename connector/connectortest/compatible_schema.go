package connectortest

import (
	"math/big"
	"slices"
	"strings"

	"github.com/storyloop/storyloop/connector/internal/schemadoc"
)

// direction says who makes the values that a schema is about. What is given to a
// connector may be narrowed no more; what it returns may be promised no less.
type direction int

const (
	input direction = iota
	output
)

const (
	// maxSteps bounds a comparison: schemas may refer to themselves.
	maxSteps = 20_000
	maxDepth = 40
)

// schemaComparison compares two documents.
type schemaComparison struct {
	*comparison
	direction direction
	what      string
	base      string // Pointer of the old document in its catalog.
	steps     int
	refs      map[string]bool // Pairs of references that have been compared.
}

func (c *comparison) schemas(d direction, at, what string, old, new []byte) {
	if len(old) == 0 {
		if len(new) == 0 || d == output {
			return
		}
		old = []byte(`{}`)
	}
	if len(new) == 0 {
		c.addf(at, "%s has no schema any more", what)
		return
	}
	o, err := schemadoc.Parse(old)
	if err != nil {
		c.addf(at, "%s had a schema that cannot be read: %v", what, err)
		return
	}
	n, err := schemadoc.Parse(new)
	if err != nil {
		c.addf(at, "%s has a schema that cannot be read: %v", what, err)
		return
	}
	s := &schemaComparison{comparison: c, direction: d, what: what, base: at, refs: map[string]bool{}}
	s.node(o, n, "", 0)
}

// say adds an incompatibility at a place in the old schema; where names the value
// for people.
func (s *schemaComparison) say(old schemadoc.Node, where, format string, args ...any) {
	subject := s.what
	if where != "" {
		subject += " at " + where
	}
	s.addf(s.base+old.Pointer, "%s "+format, append([]any{subject}, args...)...)
}

func (s *schemaComparison) node(old, new schemadoc.Node, where string, depth int) {
	if s.steps++; s.steps > maxSteps || depth > maxDepth {
		return
	}
	if o, n := old.Text("$ref"), new.Text("$ref"); o != "" && n != "" {
		pair := o + " " + n
		if s.refs[pair] {
			return
		}
		s.refs[pair] = true
	}
	old, new = old.Resolve(), new.Resolve()
	if old.Refuses() != new.Refuses() && (s.direction == input) == new.Refuses() {
		s.say(old, where, "is not what it was: the schema was or becomes false")
		return
	}
	s.types(old, new, where)
	s.choices(old, new, where)
	s.properties(old, new, where, depth)
	if s.direction == input {
		s.limits(old, new, where)
	}
	s.below(old, new, where, depth)
}

func (s *schemaComparison) types(old, new schemadoc.Node, where string) {
	before, after := old.Strings("type"), new.Strings("type")
	from, to := before, after // Everything in from must be allowed by to.
	if s.direction == output {
		from, to = after, before
	}
	if len(to) == 0 {
		return
	}
	if len(from) == 0 {
		from = []string{"any type"}
	}
	for _, t := range from {
		if slices.Contains(to, t) || t == "integer" && slices.Contains(to, "number") {
			continue
		}
		s.say(old, where, "is of type %s, and was of %s", orAny(after), orAny(before))
		return
	}
}

func orAny(types []string) string {
	if len(types) == 0 {
		return "any type"
	}
	return strings.Join(types, " or ")
}

// choices compares what an input may choose from. Outputs may have new ones.
func (s *schemaComparison) choices(old, new schemadoc.Node, where string) {
	after, limited := enum(new)
	if s.direction == output || !limited {
		return
	}
	before, wasLimited := enum(old)
	if !wasLimited {
		s.say(old, where, "is limited to choices")
		return
	}
	for _, v := range before {
		if !slices.Contains(after, v) {
			s.say(old, where, "no longer takes %s", v)
		}
	}
}

func enum(n schemadoc.Node) (values []string, limited bool) {
	if v, ok := n.Get("const"); ok {
		return []string{schemadoc.Encode(v)}, true
	}
	for _, v := range n.List("enum") {
		values = append(values, schemadoc.Encode(v))
	}
	return values, n.Has("enum")
}

func (s *schemaComparison) properties(old, new schemadoc.Node, where string, depth int) {
	for _, p := range old.Properties() {
		at := where + "/" + schemadoc.Escape(p.Name)
		after := new.Property(p.Name)
		if !after.Exists() {
			s.say(p.Node, at, "is gone")
			continue
		}
		s.node(p.Node, after, at, depth+1)
	}
	names, than := new.Strings("required"), old
	if s.direction == output {
		names, than = old.Strings("required"), new
	}
	for _, name := range names {
		switch at := where + "/" + schemadoc.Escape(name); {
		case than.Required(name):
		case s.direction == input:
			s.say(old, at, "becomes required")
		default:
			s.say(old, at, "is no longer sure to be there")
		}
	}
	if s.direction == input && new.Closed() && !old.Closed() {
		s.say(old, where, "takes no other properties any more")
	}
}

// limits compares the constraints of an input.
func (s *schemaComparison) limits(old, new schemadoc.Node, where string) {
	for _, keyword := range []string{"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"} {
		if v, ok := new.Get(keyword); ok && !atMost(old, keyword, v) {
			s.say(old, where, "has a lower limit: %s is %s", keyword, schemadoc.Encode(v))
		}
	}
	for _, keyword := range []string{"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"} {
		if v, ok := new.Get(keyword); ok && !atLeast(old, keyword, v) {
			s.say(old, where, "has a higher limit: %s is %s", keyword, schemadoc.Encode(v))
		}
	}
	// Whether one pattern takes all that another takes cannot be told.
	for _, keyword := range []string{"pattern", "format", "multipleOf", "uniqueItems", "not", "if", "then", "else", "contains", "propertyNames", "dependentRequired", "dependentSchemas", "patternProperties"} {
		after, ok := new.Get(keyword)
		if !ok || after == false {
			continue
		}
		if before, _ := old.Get(keyword); schemadoc.Encode(before) != schemadoc.Encode(after) {
			s.say(old, where, "has another %q, which may refuse what was taken", keyword)
		}
	}
}

func atMost(old schemadoc.Node, keyword string, limit any) bool {
	before, ok := old.Get(keyword)
	return ok && compare(before, limit) <= 0
}

func atLeast(old schemadoc.Node, keyword string, limit any) bool {
	before, ok := old.Get(keyword)
	if !ok {
		// Nothing has fewer than no characters, items or properties.
		return !strings.HasSuffix(strings.ToLower(keyword), "minimum") && compare(limit, nil) <= 0
	}
	return compare(before, limit) >= 0
}

// compare compares two numbers; what is none counts as 0.
func compare(a, b any) int { return rational(a).Cmp(rational(b)) }

func rational(v any) *big.Rat {
	text := schemadoc.Encode(v)
	const longest = 40 // An exponent could ask for all memory.
	r := new(big.Rat)
	if len(text) > longest || strings.ContainsAny(text, "eE/") {
		return r
	}
	if _, ok := r.SetString(text); !ok {
		return new(big.Rat)
	}
	return r
}

// below compares the schemas in a schema that are no properties.
func (s *schemaComparison) below(old, new schemadoc.Node, where string, depth int) {
	if old.Has("items") || new.Has("items") {
		s.node(old.Child("items"), new.Child("items"), where+"/-", depth+1)
	}
	if o, n := old.Child("additionalProperties"), new.Child("additionalProperties"); o.Exists() && n.Exists() && !o.Refuses() && !n.Refuses() {
		s.node(o, n, where+"/*", depth+1)
	}
	for _, keyword := range []string{"oneOf", "anyOf", "allOf", "prefixItems"} {
		before, after := old.Children(keyword), new.Children(keyword)
		// Fewer alternatives narrow, and so do more conditions.
		narrower := len(after) < len(before) && len(after) > 0 || len(before) == 0 && len(after) > 0
		if keyword == "allOf" || keyword == "prefixItems" {
			narrower = len(after) > len(before)
		}
		lost := len(after) < len(before)
		switch {
		case s.direction == input && narrower:
			s.say(old, where, "has another %q, which may refuse what was taken", keyword)
		case s.direction == output && lost:
			s.say(old, where, "has another %q, which promises less", keyword)
		}
		for i := range min(len(before), len(after)) {
			s.node(before[i], after[i], where, depth+1)
		}
	}
}
