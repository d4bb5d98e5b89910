package tray

import "slices"

// presence says whether a step has run where a reference to it stands. It is what
// documents are checked for: Tray itself finds out when it runs.
type presence byte

const (
	absent   presence = iota
	maybe             // It is in a branch that may not have been taken.
	certain           // It has run.
	inside            // It is a loop, and the reference stands in its body.
	failedIn          // It has failed: the reference stands in its error branch.
)

// scope is what references at one place may lead to.
type scope struct {
	trigger bool // The place is the trigger: nothing has run.
	steps   map[string]presence
	loops   []string // Around this place, outermost first.
}

func newScope() scope { return scope{steps: map[string]presence{}} }

func (s scope) inner(loop string) scope {
	in := scope{steps: map[string]presence{}, loops: s.loops}
	for name, p := range s.steps {
		in.steps[name] = p
	}
	if loop != "" {
		in.steps[loop] = inside
		in.loops = append(slices.Clone(s.loops), loop)
	}
	return in
}

// absorb adds what a branch has run to what may have run after it.
func (s scope) absorb(branch scope) {
	for name := range branch.steps {
		if s.steps[name] == absent {
			s.steps[name] = maybe
		}
	}
}

// within converts steps in a scope of their own, and returns it as they left it.
func (c *converter) within(in scope, steps []*step) (*node, scope) {
	out := c.scope
	c.scope = in
	converted := c.steps(steps)
	in, c.scope = c.scope, out
	return converted, in
}
