package tray

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
		c.note(Warning, s.id, at, "sign in under this name, or write the name that the account has in the credentials file", "exports hold no tokens: the step acts for the credential %q", name)
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
