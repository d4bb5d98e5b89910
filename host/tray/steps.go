package tray

import (
	"strings"
)

// converted is what an operation of Tray's is in a document.
type converted struct {
	connector string
	operation string
	input     *node
	account   bool // The connector acts for somebody: the step needs a credential.
}

// steps converts steps in their order.
func (c *converter) steps(all []*step) *node {
	out := list()
	for _, s := range all {
		out.items = append(out.items, c.step(s)...)
	}
	return out
}

// step converts a step. It is more than one in the document only where a
// connector without counterpart has branches.
func (c *converter) step(s *step) []*node {
	n := object(pair("id", text(s.id)))
	c.nodes[s.id] = n
	if title := c.limited(s.raw.str("title"), 200, s.id, join(s.pointer, "title")); title != "" {
		n.set("title", text(title))
	}
	if d := c.limited(s.raw.str("description"), 10_000, s.id, join(s.pointer, "description")); d != "" {
		n.set("description", text(d))
	}
	c.aside(s)
	to := c.operation(s)
	n.set("connector", text(to.connector))
	n.set("operation", text(to.operation))
	if to.account {
		if name := c.credential(s, to.connector == instagram); name != "" {
			n.set("credential", text(name))
		}
	} else if a := s.raw.get("authentication"); !a.empty() {
		c.note(Error, s.id, join(s.pointer, "authentication"), "sign in through a header whose value comes from $.env", "the connector %s takes no credential here", to.connector)
	}
	if !to.input.empty() {
		n.set("input", to.input)
	}
	return c.around(s, n, to)
}

// around converts what stands in a step, and what happens when it fails.
func (c *converter) around(s *step, n *node, to converted) []*node {
	nodes := []*node{n}
	switch {
	case to.connector == "loop" && to.operation != "break_loop":
		body, _ := c.within(c.scope.inner(s.name), s.branch("_loop"))
		n.set("steps", body)
	case to.connector == "boolean-condition" || to.connector == "branch":
		n.set("branches", c.branches(s))
	case s.kind == "branch" && !s.handlesErrors():
		nodes = append(nodes, c.detached(s))
	case s.kind == "loop":
		c.note(Error, s.id, s.at, "", "only the connector loop repeats steps here; those in it stand in a loop of their own")
		nodes = append(nodes, c.detachedLoop(s))
	}
	c.onError(s, n)
	c.scope.steps[s.name] = certain
	return nodes
}

// handlesErrors reports whether a step's branches are what happens when it fails
// and when it does not.
func (s *step) handlesErrors() bool {
	for _, b := range s.branches {
		if b.name != "error" && b.name != "success" {
			return false
		}
	}
	return s.kind == "branch" && (s.strategy == "manual" || len(s.branches) > 0 && s.connector != "boolean-condition" && s.connector != "branch")
}

// loops reports whether a step is a loop in the document.
func (s *step) loops() bool { return s.connector == "loop" || s.kind == "loop" }

// branches converts the branches of a condition or of the connector branch.
func (c *converter) branches(s *step) *node {
	out := object()
	if s.handlesErrors() {
		return out
	}
	var ends []scope
	for _, b := range s.branches {
		name := b.name
		if s.connector == "branch" {
			name = c.branchName(s, b.name)
		}
		if s.connector == "boolean-condition" && name != "true" && name != "false" {
			c.file.report(s.structure, join(join(s.at, "content"), b.name), "unknown_branch", "", "a boolean condition has the branches \"true\" and \"false\"")
			continue
		}
		steps, end := c.within(c.scope.inner(""), b.steps)
		ends = append(ends, end)
		if out.get(name) == nil {
			out.set(name, steps)
		}
	}
	for _, end := range ends {
		c.scope.absorb(end)
	}
	return out
}

// detached converts the branches of a step that can have none here: a branch step
// of their own keeps them.
func (c *converter) detached(s *step) *node {
	at := join(s.at, "content")
	c.note(Error, s.id, at, "decide in the branch step's input which one is taken", "only the connectors boolean-condition and branch have branches here; those of %s stand in a step of their own", quoted(s.connector))
	n := object(pair("id", text(c.fresh(s.id+"-branches"))), pair("connector", text("branch")), pair("operation", text("branch")))
	n.set("input", object(pair("value", c.unconverted(s.id, at))))
	n.set("branches", c.branches(s))
	return n
}

func (c *converter) detachedLoop(s *step) *node {
	n := object(pair("id", text(c.fresh(s.id+"-loop"))), pair("connector", text("loop")), pair("operation", text("loop_list")))
	n.set("input", object(pair("list", c.unconverted(s.id, s.at))))
	body, _ := c.within(c.scope.inner(""), s.branch("_loop"))
	n.set("steps", body)
	return n
}

// fresh returns an id that no step has.
func (c *converter) fresh(id string) string {
	taken := map[string]bool{}
	for _, s := range c.flow.steps {
		taken[s.id] = true
	}
	return unique(id, taken)
}

// aside notes what a step has beside its operation.
func (c *converter) aside(s *step) {
	if schema := s.raw.get("output_schema"); !schema.empty() {
		c.note(Info, s.id, join(s.pointer, "output_schema"), "", "what a step puts out is known from the connector; the schema was left out")
	}
}

// credential returns the name under which a step's account is to stand in the
// vault.
func (c *converter) credential(s *step, needed bool) string {
	a, at := s.raw.get("authentication"), join(s.pointer, "authentication")
	name := ""
	if title := a.str("title"); title != "" {
		name = slug(title, "account")
	} else if needed || !a.empty() {
		name = slug(s.connector, "account")
	}
	if name != "" && !c.vault[name] {
		c.vault[name] = true
		c.note(Warning, s.id, at, "sign in under this name, or write the name that the account has in the vault", "exports hold no tokens: the step acts for the credential %q", name)
	}
	return name
}

// onError converts what happens when a step has failed for good.
func (c *converter) onError(s *step, n *node) {
	at := join(s.pointer, "error_handling")
	handling := s.raw.get("error_handling")
	if handling != nil {
		c.handlingKeys(s, handling, at)
	}
	if s.handlesErrors() {
		c.onErrorBranch(s, n)
		return
	}
	loop := func(strategy string) {
		target, ok := c.loop(handling.str("target"))
		if !ok {
			c.note(Error, s.id, at, "", "the step does not stand in the loop %s that it names; a failure stops the run", quoted(handling.str("target")))
			return
		}
		n.set("on_error", object(pair("strategy", text(strategy)), pair("loop", text(target))))
	}
	switch s.strategy {
	case "", "automatic":
	case "continue":
		n.set("on_error", object(pair("strategy", text("continue"))))
	case "continueLoop":
		loop("continue_loop")
	case "breakLoop":
		loop("break_loop")
	case "manual":
		c.note(Error, s.id, at, "", "errors are handled by hand, but the structure has no branches for that; a failure stops the run")
	default:
		c.note(Error, s.id, at, "", "the strategy %s is not known; a failure stops the run", quoted(s.strategy))
	}
}

func (c *converter) handlingKeys(s *step, handling *node, at string) {
	for _, m := range handling.members {
		if m.name != "strategy" && m.name != "target" {
			c.note(Error, s.id, join(at, m.name), "see retry and on_error of steps", "%s has no counterpart in how errors are handled", quoted(m.name))
		}
	}
}

func (c *converter) onErrorBranch(s *step, n *node) {
	failed, worked := c.scope.inner(""), c.scope.inner("")
	failed.steps[s.name], worked.steps[s.name] = failedIn, certain
	e := object(pair("strategy", text("branch")))
	steps, failed := c.within(failed, s.branch("error"))
	e.set("error", steps)
	steps, worked = c.within(worked, s.branch("success"))
	e.set("success", steps)
	n.set("on_error", e)
	c.scope.absorb(failed)
	c.scope.absorb(worked)
}

// loop returns the id of a loop around the place: that of the name, or without a
// name the innermost.
func (c *converter) loop(name string) (id string, ok bool) {
	loops := c.scope.loops
	if name == "" && len(loops) > 0 {
		name = loops[len(loops)-1]
	}
	for _, l := range loops {
		if l == name {
			return c.flow.steps[l].id, true
		}
	}
	return "", false
}

// operation finds what a step does here.
func (c *converter) operation(s *step) converted {
	if s.kind == "break" || s.connector == "break-loop" {
		return c.breakLoop(s)
	}
	p := &properties{c: c, s: s}
	defer p.rest()
	switch s.connector {
	case "loop":
		return c.loopStep(p)
	case "boolean-condition":
		return c.condition(p)
	case "branch":
		return c.branch(p)
	case "delay":
		return c.delay(p)
	case "terminate":
		return c.terminate(p)
	case "storage":
		return c.storage(p)
	case "call-workflow":
		return c.call(p)
	case "callable-workflow-response":
		return c.respond(p)
	case "http-client":
		return c.request(p)
	case "send-email":
		return c.email(p)
	case instagram:
		return c.instagram(p)
	}
	return c.foreign(p)
}

// foreign keeps a step as it is. Checks name it: there is no such connector, or
// there is one of the same name, and checks see whether it fits.
func (c *converter) foreign(p *properties) converted {
	s := p.s
	name := s.connector
	if !connectorForm.MatchString(name) || len(name) > 90 {
		name = slug(name, "unknown")
	}
	hint := "replace the step by another connector, such as http-client"
	switch {
	case s.connector == "script" || s.connector == "python-script":
		hint = "write it anew as a jq program, in a step of the connector transform"
	case strings.HasSuffix(s.connector, "-helpers") || s.connector == "json-transformer" || s.connector == "data-mapper":
		hint = "use a step of the connector transform, with a jq program"
	case s.connector == "trigger-reply":
		hint = "a webhook is answered at once here; call back the sender with http-client"
	}
	c.note(Error, s.id, join(s.pointer, "connector"), hint, "the connector %s (%s) of Tray, operation %s, has no counterpart; the step was kept as it is", quoted(s.connector), cut(s.version, 20), quoted(s.operation))
	return converted{connector: name, operation: s.operationName(), input: p.all(), account: true}
}

// operationName returns the name in Tray, as far as a document takes it.
func (s *step) operationName() string {
	return string([]rune(s.operation)[:min(len([]rune(s.operation)), 100)])
}

// unknownOperation keeps an operation that a connector has not got here.
func (c *converter) unknownOperation(p *properties, connector string) converted {
	c.note(Error, p.s.id, join(p.s.pointer, "operation"), "", "the operation %s of Tray's %s has no counterpart; the step was kept as it is", quoted(p.s.operation), connector)
	return converted{connector: connector, operation: p.s.operationName(), input: p.all()}
}

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
