package tray

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// loopStep converts the three loops. Their body is converted elsewhere.
func (c *converter) loopStep(p *properties) converted {
	to := converted{connector: "loop", input: object()}
	if p.s.kind == "loop" {
		p.usual("concurrent", "false")
	}
	switch p.s.operation {
	case "loop_array":
		to.operation = "loop_list"
		to.input.set("list", c.required(p, "array"))
	case "loop_object":
		to.operation = "loop_object"
		to.input.set("object", c.required(p, "object"))
	case "loop_forever":
		to.operation = "loop_forever"
		c.note(Warning, p.s.id, join(p.s.pointer, "operation"), "set max_iterations if more are wanted", "a loop without end ends here after 10,000 iterations")
	default:
		return c.unknownOperation(p, "loop")
	}
	return to
}

// required takes a property that the operation cannot do without.
func (c *converter) required(p *properties, names ...string) *node {
	if v := p.take(names...); v != nil {
		return v
	}
	at := p.at(names[0])
	c.lose(at, "", "the property %s is missing", quoted(names[0]))
	return c.unconverted(at.step, at.pointer)
}

// breakLoop converts a step that leaves a loop.
func (c *converter) breakLoop(s *step) converted {
	if s.operation == "continue" {
		c.note(Error, s.id, join(s.pointer, "operation"), "put the steps that follow into a branch", "going on with the next iteration has no counterpart; the step was kept as it is")
		return converted{connector: "break-loop", operation: "continue", input: (&properties{c: c, s: s}).all()}
	}
	p := &properties{c: c, s: s}
	defer p.rest()
	id, ok := c.loop(s.target)
	if !ok {
		c.note(Error, s.id, s.at, "", "the step does not stand in the loop %s that it is to leave; it was kept as it is", quoted(s.target))
		return converted{connector: "break-loop", operation: s.operationName(), input: p.all()}
	}
	return converted{connector: "loop", operation: "break_loop", input: object(pair("loop", text(id)))}
}

// comparisons are Tray's names of them and ours.
var comparisons = map[string]string{
	"===": "===", "!==": "!==", "==": "===", "!=": "!==", ">": ">", "<": "<", ">=": ">=", "<=": "<=",
	"contains": "contains", "does_not_contain": "not_contains",
	"starts_with": "starts_with", "does_not_start_with": "not_starts_with",
	"ends_with": "ends_with", "does_not_end_with": "not_ends_with",
}

func (c *converter) condition(p *properties) converted {
	to := converted{connector: "boolean-condition", operation: "boolean_condition", input: object()}
	switch p.s.operation {
	case "boolean_condition":
	case "property_exists":
		v := c.required(p, "property")
		if path, literal := v.literal(); literal { // the path may stand there as a text
			v = c.refer(path, p.at("property"), nil)
		}
		to.input.set("conditions", list(object(pair("value1", v), pair("comparison", text("exists")))))
		return to
	default:
		return c.unknownOperation(p, "boolean-condition")
	}
	conditions := c.required(p, "conditions")
	if conditions.kind == listKind {
		for i, condition := range conditions.items {
			conditions.items[i] = c.comparison(condition, p.at("conditions").member("value", nil).member(fmt.Sprint(i), nil))
		}
	}
	to.input.set("conditions", conditions)
	switch strictness, _ := p.take("strictness").literal(); strings.ToLower(strictness) {
	case "", "all":
	case "any":
		to.input.set("match", text("any"))
	default:
		at := p.at("strictness")
		c.lose(at, "match is all or any", "the strictness %s is not known", quoted(strictness))
		to.input.set("match", c.unconverted(at.step, at.pointer))
	}
	return to
}

// comparison converts one condition.
func (c *converter) comparison(in *node, at place) *node {
	if in.kind != objectKind {
		return in
	}
	out := object()
	insensitive := false
	for _, m := range in.members {
		switch m.name {
		case "value1", "value2":
			out.set(m.name, m.value)
		case "comparison_type":
			out.set("comparison", c.comparisonType(m.value, at))
		case "is_case_sensitive":
			insensitive = m.value.text == "false"
		default:
			c.note(Error, at.step, at.pointer, "", "%s of a condition has no counterpart and was left out", quoted(m.name))
		}
	}
	if insensitive && (cased(out.get("value1")) && cased(out.get("value2"))) {
		c.note(Warning, at.step, at.pointer, "use matches with (?i)", "upper and lower case were the same in this condition; here they differ")
	}
	return out
}

func (c *converter) comparisonType(v *node, at place) *node {
	name, ok := v.literal()
	ours, known := comparisons[name]
	if !ok || !known {
		c.lose(at, "see the comparisons of boolean-condition", "the comparison %s has no counterpart", quoted(v.text))
		return c.unconverted(at.step, join(at.pointer, "comparison"))
	}
	if name == "==" || name == "!=" {
		c.note(Warning, at.step, at.pointer, "", "%s compared loosely; %s minds the types", name, ours)
	}
	return text(ours)
}

// cased reports whether upper and lower case may matter to a value.
func cased(n *node) bool {
	if n == nil {
		return false
	}
	return n.dynamic || n.kind == objectKind || n.kind == textKind && strings.ToUpper(n.text) != strings.ToLower(n.text)
}

// branch converts the choice among several branches by a value.
func (c *converter) branch(p *properties) converted {
	if p.s.operation != "simple" && p.s.operation != "branch" {
		return c.unknownOperation(p, "branch")
	}
	to := converted{connector: "branch", operation: "branch", input: object(pair("value", c.required(p, "value")))}
	choices := p.take("branches")
	if choices == nil {
		return to
	}
	if choices.kind != listKind {
		at := p.at("branches")
		c.lose(at, "", "branches that are known only at run time have no counterpart")
		to.input.set("branches", c.unconverted(at.step, at.pointer))
		return to
	}
	out := list()
	for i, choice := range choices.items {
		at := p.at("branches").member("value", nil).member(fmt.Sprint(i), nil)
		v := choice.get("value")
		if v == nil {
			c.lose(at, "", "the branch has no value to compare with")
			v = c.unconverted(at.step, at.pointer)
		}
		out.items = append(out.items, object(pair("name", text(c.branchName(p.s, fmt.Sprintf("branch%d", i+1)))), pair("value", v)))
	}
	to.input.set("branches", out)
	return to
}

var (
	branchKey  = regexp.MustCompile(`^branch[0-9]+$`)
	plainLabel = regexp.MustCompile(`^[\pL\pN][\pL\pN _.,:!?'&/()+-]{0,99}$`)
)

// branchName returns the name of a branch here: its label, if that is there and
// nobody else's.
func (c *converter) branchName(s *step, key string) string {
	if key == "__default__" {
		return "default"
	}
	choices := s.properties.get("branches").get("value")
	if choices == nil || choices.kind != listKind {
		return key
	}
	labels := make([]string, len(choices.items))
	for i, choice := range choices.items {
		labels[i] = choice.get("value").get("label").str("value")
	}
	for i, label := range labels {
		if key != fmt.Sprintf("branch%d", i+1) || !plainLabel.MatchString(label) || label == "default" || branchKey.MatchString(label) {
			continue
		}
		if slices.Index(labels, label) == i && !slices.Contains(labels[i+1:], label) {
			return label
		}
	}
	return key
}

// delayUnits are Tray's units and ours.
var delayUnits = map[string]string{
	"milliseconds": "ms", "second": "s", "seconds": "s", "minute": "m", "minutes": "m", "hour": "h", "hours": "h", "day": "d", "days": "d",
}

func (c *converter) delay(p *properties) converted {
	if p.s.operation != "delay" {
		return c.unknownOperation(p, "delay")
	}
	unit, value := p.take("time_unit"), c.required(p, "delay_value")
	name, ok := unit.literal()
	letter, known := delayUnits[name]
	if unit == nil {
		letter, known, ok = "s", true, true
	}
	var duration *node
	switch {
	case !ok || !known:
		at := p.at("time_unit")
		c.lose(at, "write a duration such as 90s or 1h30m", "the unit of the delay is not known")
		duration = c.unconverted(at.step, at.pointer)
	case value.kind == numberKind || value.kind == textKind && !value.dynamic:
		duration = text(value.text + letter)
	case isReference(value):
		duration = &node{kind: textKind, text: "{" + value.text + "}" + letter, dynamic: true}
	default:
		at := p.at("delay_value")
		c.lose(at, "take the value in a step of its own", "a delay with a fallback has no counterpart")
		duration = c.unconverted(at.step, at.pointer)
	}
	return converted{connector: "delay", operation: "delay", input: object(pair("duration", duration))}
}

func (c *converter) terminate(p *properties) converted {
	to := converted{connector: "terminate", input: object()}
	switch p.s.operation {
	case "terminate_run":
		to.operation = "finish"
	case "fail_run":
		to.operation = "fail"
		if message := p.take("message"); message != nil {
			to.input.set("message", message)
		}
	default:
		return c.unknownOperation(p, "terminate")
	}
	return to
}
