package workflow

import (
	"fmt"
	"slices"

	"github.com/storyloop/storyloop/schemas/validate"
)

// presence says whether a step has run where a reference to it stands.
type presence byte

const (
	absent   presence = iota
	maybe             // It is in a branch that may not have been taken.
	certain           // It has run.
	inside            // It is a loop, and the reference stands in its body.
	failedIn          // It has failed: the reference stands in its error branch.
)

// scope is what references at one place in a document may lead to.
type scope struct {
	steps map[string]presence
	loops []string // Around this place, outermost first.
}

func (s scope) inner(id string) scope {
	in := scope{steps: map[string]presence{}, loops: s.loops}
	for k, v := range s.steps {
		in.steps[k] = v
	}
	if id != "" {
		in.steps[id] = inside
		in.loops = append(slices.Clone(s.loops), id)
	}
	return in
}

// scopes checks that each reference leads to a step that has run by then, and
// that who ends a loop stands in it.
func (p *parser) scopes() {
	p.refs(p.doc.Trigger.Input, scope{}, true)
	p.walk(p.doc.Steps, scope{steps: map[string]presence{"trigger": certain}})
}

// walk checks steps in order and adds them to s as they run.
func (p *parser) walk(steps []*Step, s scope) {
	for _, step := range steps {
		p.stepScope(step, s)
	}
}

func (p *parser) stepScope(step *Step, s scope) {
	if step.isBreak() {
		p.breakScope(step, s)
	}
	if l := step.OnError.Loop; l != "" {
		p.loopAround(l, s, join(step.pointer, "on_error")+"/loop")
	}
	if step.isLoop() {
		p.refs(step.Input.without("collect"), s, false)
		in := s.inner(step.ID)
		p.walk(step.Steps, in)
		p.refs(step.Input.Member("collect"), in, false)
	} else {
		p.refs(step.Input, s, false)
	}

	var forks [][]*Step
	for _, b := range step.Branches {
		forks = append(forks, b.Steps)
	}
	p.fork(forks, s)
	if step.OnError.Strategy == BranchOff {
		failed, worked := s.inner(""), s.inner("")
		failed.steps[step.ID], worked.steps[step.ID] = failedIn, certain
		p.walk(step.OnError.Error, failed)
		p.walk(step.OnError.Success, worked)
		absorb(s, failed)
		absorb(s, worked)
	}
	if step.ID != "" {
		s.steps[step.ID] = certain
	}
}

// fork checks branches of which one at most is run.
func (p *parser) fork(branches [][]*Step, s scope) {
	var ends []scope
	for _, steps := range branches {
		in := s.inner("")
		p.walk(steps, in)
		ends = append(ends, in)
	}
	for _, in := range ends {
		absorb(s, in)
	}
}

// absorb adds what a branch has run to what may have run after it.
func absorb(s, branch scope) {
	for id := range branch.steps {
		if s.steps[id] == absent {
			s.steps[id] = maybe
		}
	}
}

// breakScope checks that a step ends a loop around it, which must be plain to see
// before a run: a run could not leave any other.
func (p *parser) breakScope(step *Step, s scope) {
	pointer := join(step.pointer, "input") + "/loop"
	loop := step.Input.Member("loop")
	if raw, ok := loop.Constant(); ok {
		p.loopAround(unquote(raw), s, pointer)
		return
	}
	if loop != nil || step.Input != nil && step.Input.ref != nil {
		p.doubt(pointer, "wrong_form", "must be the id of a loop, not a reference", "")
	}
}

func (p *parser) loopAround(loop string, s scope, pointer string) {
	if slices.Contains(s.loops, loop) || loop == "" {
		return
	}
	hint := ""
	if near := validate.Nearest(loop, s.loops); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	p.report(pointer, "not_in_loop", fmt.Sprintf("the step does not stand in a loop %q", loop), hint)
}

func (p *parser) refs(v *Value, s scope, trigger bool) {
	v.each(func(v *Value, r *Ref, lenient bool) {
		switch r.Root {
		case "steps":
			if trigger {
				p.report(v.pointer, "out_of_scope", fmt.Sprintf("%s: a trigger comes before all steps", r.Text), "only $.config and $.env can be used here")
				return
			}
			p.stepRef(v, r, s, lenient)
		case "errors":
			p.errorRef(v, r, s, lenient)
		case "env":
			p.envRef(v, r)
		case "run":
			if trigger {
				p.report(v.pointer, "out_of_scope", fmt.Sprintf("%s: a trigger comes before all runs", r.Text), "only $.config and $.env can be used here")
			}
		}
	})
}

func (p *parser) stepRef(v *Value, r *Ref, s scope, lenient bool) {
	_, exists := p.doc.ids[r.Name]
	switch state := s.steps[r.Name]; {
	case state == certain, state == inside, lenient && (state == maybe || state == failedIn):
	case state == maybe:
		p.report(v.pointer, "may_not_have_run", fmt.Sprintf("%s: the step %s may not have run by then", r.Text, r.Name), "give it a fallback: { $ref: ..., fallback: ... }")
	case state == failedIn:
		p.report(v.pointer, "out_of_scope", fmt.Sprintf("%s: the step %s has failed here and has no output", r.Text, r.Name), "$.errors."+r.Name+" says what went wrong")
	case exists:
		p.report(v.pointer, "out_of_scope", fmt.Sprintf("%s: the step %s has not run by then, or is not visible from here", r.Text, r.Name), "a loop's steps are visible in the loop only; after it, use collect")
	default:
		p.report(v.pointer, "unknown_step", fmt.Sprintf("%s: there is no step %q", r.Text, r.Name), p.nearStep(r.Name, s))
	}
}

func (p *parser) errorRef(v *Value, r *Ref, s scope, lenient bool) {
	_, exists := p.doc.ids[r.Name]
	switch {
	case !exists:
		p.report(v.pointer, "unknown_step", fmt.Sprintf("%s: there is no step %q", r.Text, r.Name), p.nearStep(r.Name, s))
	case lenient || s.steps[r.Name] == failedIn:
	case s.steps[r.Name] == absent || s.steps[r.Name] == inside:
		p.report(v.pointer, "out_of_scope", fmt.Sprintf("%s: the step %s cannot have failed by then", r.Text, r.Name), "")
	default:
		p.report(v.pointer, "may_not_have_run", fmt.Sprintf("%s: the step %s may not have failed by then", r.Text, r.Name), "give it a fallback, or use it in the step's error branch")
	}
}

func (p *parser) envRef(v *Value, r *Ref) {
	if !slices.Contains(p.doc.Env, r.Name) {
		hint := fmt.Sprintf("add it to the workflow's env list: env: [%s]", r.Name)
		if near := validate.Nearest(r.Name, p.doc.Env); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		p.report(v.pointer, "unknown_variable", fmt.Sprintf("%s: the workflow may not see the variable %s", r.Text, r.Name), hint)
	}
}

// nearStep offers the step that was probably meant. It sorts all there are, so it
// does that for the first problems only.
func (p *parser) nearStep(name string, s scope) string {
	const most = 100
	if len(p.problems) > most {
		return ""
	}
	var ids []string
	for id, state := range s.steps {
		if state != absent {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return hint(name, ids)
}
