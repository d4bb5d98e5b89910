package conformance

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/storyloop/storyloop/connector/internal/schemadoc"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/storyloop/storyloop/schemas/validate"
)

var (
	snakeCase = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	semver    = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
	template  = regexp.MustCompile(`\{\{\{(\w+)\}\}\}`)
)

// soundCatalog checks what a host and a builder rely on in a catalog.
func (k *kit) soundCatalog(r Reporter) {
	s := &sound{r: r, catalog: k.catalog, seen: map[string]bool{}}
	c := k.catalog
	s.name("connector", c.GetName())
	s.require(semver.MatchString(c.GetVersion()), "the version %q is not a semantic version, such as 1.0.0", c.GetVersion())
	s.require(c.GetTitle() != "", "the connector has no title")
	s.require(c.GetSummary() != "", "the connector has no summary")
	if len(c.GetSettingsSchema()) > 0 {
		s.inputSchema("the settings", c.GetSettingsSchema())
	}
	for _, m := range c.GetAuthMethods() {
		s.method(m)
	}
	for _, q := range c.GetQuotas() {
		s.require(q.GetName() != "" && q.GetCalls() > 0 && q.GetWindow().AsDuration() > 0, "quota %q needs a name, a number of calls and a window", q.GetName())
	}
	s.require(len(c.GetOperations())+len(c.GetTriggers()) > 0, "there is neither an operation nor a trigger")
	for _, op := range c.GetOperations() {
		s.operation(op)
	}
	for _, t := range c.GetTriggers() {
		s.trigger(t)
	}
}

type sound struct {
	r       Reporter
	catalog *connectorv1.Catalog
	seen    map[string]bool
}

func (s *sound) require(ok bool, format string, args ...any) {
	if !ok {
		s.r.Errorf(format, args...)
	}
}

func (s *sound) name(kind, name string) string {
	what := kind + " " + name
	s.require(snakeCase.MatchString(name) && len(name) <= 64, "%s: the name is not in snake_case, or longer than 64", what)
	s.require(!s.seen[what], "%s is there twice", what)
	s.seen[what] = true
	return what
}

func (s *sound) method(m *connectorv1.AuthMethod) {
	what := s.name("auth method", m.GetName())
	s.require(m.GetTitle() != "", "%s has no title", what)
	s.require(m.GetFlow() != connectorv1.AuthFlow_AUTH_FLOW_UNSPECIFIED, "%s does not say its flow", what)
	s.require(m.GetFlow() != connectorv1.AuthFlow_AUTH_FLOW_FORM || len(m.GetFormSchema()) > 0, "%s has a form, and no schema for it", what)
	for field, schema := range map[string][]byte{"app": m.GetAppSchema(), "form": m.GetFormSchema()} {
		if len(schema) > 0 {
			s.compiles(what+": the "+field+" schema", schema)
		}
	}
	for _, scope := range m.GetScopes() {
		s.require(scope.GetName() != "" && scope.GetSummary() != "", "%s: the scope %q needs a name and a summary", what, scope.GetName())
	}
}

func (s *sound) operation(op *connectorv1.Operation) {
	what := s.name("operation", op.GetName())
	s.require(op.GetTitle() != "", "%s has no title", what)
	s.require(op.GetSummary() != "", "%s has no summary", what)
	s.require(op.GetEffect() != connectorv1.Effect_EFFECT_UNSPECIFIED, "%s does not say its effect: hosts take it as destructive", what)
	s.require(op.GetEffect() == connectorv1.Effect_EFFECT_READ || op.GetIdempotency() != connectorv1.Idempotency_IDEMPOTENCY_UNSPECIFIED,
		"%s writes and does not say its idempotency", what)
	s.require(!op.GetReconcilable() || op.GetEffect() != connectorv1.Effect_EFFECT_READ, "%s reads only: there is nothing to reconcile", what)
	s.scopes(what, op.GetScopes())
	s.methods(what, op.GetAuthMethods())
	for _, name := range op.GetQuotas() {
		s.require(slices.ContainsFunc(s.catalog.GetQuotas(), func(q *connectorv1.QuotaHint) bool { return q.GetName() == name }),
			"%s names the quota %q, which does not exist", what, name)
	}
	if in, ok := s.inputSchema(what+": the input", op.GetInputSchema()); ok {
		s.require(len(in.List("examples")) > 0, "%s: the input schema has no whole example: add \"examples\" at its root", what)
	}
	out, ok := s.outputSchema(what+": the output", op.GetOutputSchema())
	if !ok {
		return
	}
	if p := op.GetItemsPointer(); p != "" {
		s.require(strings.HasPrefix(p, "/") && slices.Contains(out.At(p).Strings("type"), "array"),
			"%s: the output schema has no array at the items pointer %q", what, p)
	}
}

func (s *sound) trigger(t *connectorv1.Trigger) {
	what := s.name("trigger", t.GetName())
	s.require(t.GetTitle() != "", "%s has no title", what)
	s.require(t.GetSummary() != "", "%s has no summary", what)
	s.require(t.GetWebhook() || t.GetPollable(), "%s comes neither by webhook nor by poll", what)
	s.scopes(what, t.GetScopes())
	s.methods(what, t.GetAuthMethods())
	s.inputSchema(what+": the input", t.GetInputSchema())
	s.outputSchema(what+": the payload", t.GetOutputSchema())
}

func (s *sound) scopes(what string, scopes []string) {
	for _, name := range scopes {
		known := slices.ContainsFunc(s.catalog.GetAuthMethods(), func(m *connectorv1.AuthMethod) bool {
			return slices.ContainsFunc(m.GetScopes(), func(sc *connectorv1.Scope) bool { return sc.GetName() == name })
		})
		s.require(known, "%s needs the scope %q, which no auth method can grant", what, name)
	}
}

func (s *sound) methods(what string, names []string) {
	for _, name := range names {
		s.require(slices.ContainsFunc(s.catalog.GetAuthMethods(), func(m *connectorv1.AuthMethod) bool { return m.GetName() == name }),
			"%s names the auth method %q, which does not exist", what, name)
	}
}

func (s *sound) compiles(what string, schema []byte) (schemadoc.Node, *validate.Schema, bool) {
	compiled, err := validate.Compile(schema)
	if err != nil {
		s.r.Errorf("%s: %v", what, err)
		return schemadoc.Node{}, nil, false
	}
	doc, err := schemadoc.Parse(schema)
	if err != nil {
		s.r.Errorf("%s: %v", what, err)
		return schemadoc.Node{}, nil, false
	}
	return doc, compiled, true
}

// inputSchema checks a schema that a form is made from: closed, and with words
// and an example for each property.
func (s *sound) inputSchema(what string, raw []byte) (schemadoc.Node, bool) {
	doc, ok := s.outputSchema(what, raw)
	if !ok {
		return doc, false
	}
	s.require(doc.Resolve().Closed(), "%s schema is not closed: set additionalProperties to false", what)
	walk(doc, 0, func(p schemadoc.Property, object schemadoc.Node) {
		n := p.Resolve()
		if len(n.Properties()) > 0 && slices.Equal(n.Strings("type"), []string{"object"}) && !n.Has("allOf") {
			s.require(n.Closed(), "%s schema: %s is not closed: set additionalProperties to false", what, p.Pointer)
		}
		s.lookup(what, p, doc)
	})
	return doc, true
}

// lookup checks that a dropdown depends on properties that exist.
func (s *sound) lookup(what string, p schemadoc.Property, root schemadoc.Node) {
	l := lookupOf(p.Node)
	if !l.Exists() {
		return
	}
	s.require(l.Text("operation") != "", "%s schema: the lookup of %s names no option list in \"operation\"", what, p.Pointer)
	in, _ := l.Get("input")
	for _, m := range template.FindAllStringSubmatch(schemadoc.Encode(in), -1) {
		s.require(root.Resolve().Property(m[1]).Exists(), "%s schema: the lookup of %s depends on the property %q, which does not exist", what, p.Pointer, m[1])
	}
}

// outputSchema checks a schema that people read.
func (s *sound) outputSchema(what string, raw []byte) (schemadoc.Node, bool) {
	if len(raw) == 0 {
		s.r.Errorf("%s schema is missing", what)
		return schemadoc.Node{}, false
	}
	doc, compiled, ok := s.compiles(what+" schema", raw)
	if !ok {
		return doc, false
	}
	s.require(slices.Equal(doc.Resolve().Strings("type"), []string{"object"}), "%s schema does not describe an object", what)
	for i, e := range doc.Resolve().List("examples") {
		problems, err := compiled.Check([]byte(schemadoc.Encode(e)))
		s.require(err == nil && len(problems) == 0, "%s schema: its example %d does not fit it: %s", what, i+1, first(problems))
	}
	said := map[string]bool{}
	var given []example
	walk(doc, 0, func(p schemadoc.Property, object schemadoc.Node) {
		if said[p.Pointer] {
			return
		}
		said[p.Pointer] = true
		s.property(what, p, object)
		for _, e := range p.Resolve().List("examples") {
			given = append(given, example{p.Resolve(), e})
		}
	})
	s.examplesFit(what, doc, given)
	return doc, true
}

// example is what a property gives as one.
type example struct {
	property schemadoc.Node
	value    any
}

// examplesFit checks all examples at once, as the properties of one object: to
// compile a schema for each would take seconds.
func (s *sound) examplesFit(what string, doc schemadoc.Node, given []example) {
	properties, values := schemadoc.NewObject(), schemadoc.NewObject()
	for i, e := range given {
		name := strconv.Itoa(i)
		properties.Set(name, json.RawMessage(e.property.JSON()))
		values.Set(name, e.value)
	}
	document := schemadoc.NewObject()
	if defs, ok := doc.Get("$defs"); ok {
		document.Set("$defs", defs)
	}
	document.Set("properties", properties)
	compiled, err := validate.Compile([]byte(schemadoc.Encode(document)))
	if err != nil {
		return // A reference leads elsewhere than to $defs; the whole has compiled.
	}
	problems, err := compiled.Check([]byte(schemadoc.Encode(values)))
	s.require(err == nil, "%s schema: an example is no JSON: %v", what, err)
	for _, p := range problems {
		index, _, _ := strings.Cut(strings.TrimPrefix(p.Pointer, "/"), "/")
		if i, err := strconv.Atoi(index); err == nil && i < len(given) {
			s.r.Errorf("%s schema: %s: its example does not fit it: %s", what, given[i].property.Pointer, p.Message)
		}
	}
}

func (s *sound) property(what string, p schemadoc.Property, object schemadoc.Node) {
	n := p.Resolve()
	if p.Refuses() || !object.Has("type") {
		// A property that must not be, or a condition on one described elsewhere.
		return
	}
	where := fmt.Sprintf("%s schema: %s", what, p.Pointer)
	s.require(n.Text("title") != "", "%s has no title", where)
	s.require(n.Text("description") != "", "%s has no description", where)
	s.require(len(n.List("examples")) > 0 || explainsItself(n), "%s has no example", where)
	if labels, ok := n.Get("enumLabels"); ok {
		list, _ := labels.([]any)
		s.require(len(list) == len(n.List("enum")), "%s: enumLabels and enum are not equally long", where)
	}
	for _, name := range n.Strings("advanced") {
		s.require(n.Property(name).Exists(), "%s: \"advanced\" names %q, which is no property", where, name)
	}
}

// explainsItself reports whether a value needs no example: its choices are
// listed, or its parts have examples of their own.
func explainsItself(n schemadoc.Node) bool {
	if n.Has("enum") || n.Has("const") || n.Has("oneOf") || n.Has("anyOf") || len(n.Properties()) > 0 {
		return true
	}
	types := n.Strings("type")
	if slices.Equal(types, []string{"boolean"}) {
		return true
	}
	items := n.Child("items").Resolve()
	return slices.Contains(types, "array") && items.Exists() && (explainsItself(items) || len(items.List("examples")) > 0)
}

func first(problems []validate.Problem) string {
	if len(problems) == 0 {
		return ""
	}
	return pointerOr(problems[0].Pointer) + " " + problems[0].Message
}
