package tray

import (
	"fmt"
	"slices"
	"strings"

	"github.com/storyloop/storyloop/host/workflow"
)

// place is where a value stands.
type place struct {
	step    string // Its id.
	pointer string // Into the export.
	node    *node
}

func (p place) member(name string, n *node) place {
	return place{p.step, join(p.pointer, name), n}
}

// path is a reference in Tray's form, taken apart.
type path struct {
	root string
	name string // The step or variable, for steps, env and errors.
	rest string // What follows.
}

// roots are what a reference of Tray's may begin with.
var roots = []string{"steps", "env", "config", "auth", "errors"}

// splitPath takes apart "$.steps.instagram-1.data[0]".
func splitPath(s string) (path, bool) {
	rest, ok := strings.CutPrefix(s, "$.")
	if !ok {
		return path{}, false
	}
	p := path{root: rest[:nameEnd(rest)]}
	rest = rest[len(p.root):]
	switch p.root {
	case "steps", "env", "errors":
		p.name, p.rest = firstName(rest)
		return p, true
	}
	p.rest = rest
	return p, p.root != ""
}

// firstName splits ".name.more" or "['name'].more".
func firstName(s string) (name, rest string) {
	if after, ok := strings.CutPrefix(s, "."); ok {
		end := nameEnd(after)
		return after[:end], after[end:]
	}
	for _, q := range []string{"'", `"`} {
		if after, ok := strings.CutPrefix(s, "["+q); ok {
			if name, rest, ok := strings.Cut(after, q+"]"); ok {
				return name, rest
			}
		}
	}
	return "", s
}

func nameEnd(s string) int {
	for i := range len(s) {
		c := s[i]
		if c != '_' && c != '-' && c < 0x80 && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return i
		}
	}
	return len(s)
}

// reference returns what a reference of Tray's is in a document. optional is true
// where the step may not have run: a document must say what is then. It returns
// nothing where there is no counterpart, which has been noted.
func (c *converter) reference(s string, at place) (ref string, optional bool) {
	p, ok := splitPath(s)
	if !ok {
		c.file.report(at.node, at.pointer, "wrong_reference", "a reference looks like $.steps.instagram-1.data", "%s is no reference", quoted(s))
		return "", false
	}
	switch p.root {
	case "steps":
		ref, optional = c.stepRef(s, p, at)
	case "errors":
		ref, optional = c.errorRef(s, p, at)
	case "env":
		ref = c.envRef(s, p, at)
	case "config":
		ref = s
	case "auth":
		c.lose(at, "name a credential in the step; the connector gets the token from there", "%s: tokens are never values of a step here", quoted(s))
	default:
		hint := "Tray has $.steps, $.env, $.config, $.auth and $.errors"
		if p.root == "trigger" {
			hint = "Tray writes $.steps.trigger" + cut(p.rest, 100)
		}
		c.file.report(at.node, at.pointer, "wrong_reference", hint, "%s has an unknown root", quoted(s))
	}
	if ref == "" {
		return "", false
	}
	if _, err := workflow.ParseRef(ref); err != nil {
		c.lose(at, "write it as an RFC 9535 JSONPath", "%s cannot be read as a path: %v", quoted(s), err)
		return "", false
	}
	return ref, optional
}

// lose notes that a value has no counterpart.
func (c *converter) lose(at place, hint, format string, args ...any) {
	c.note(Error, at.step, at.pointer, hint, "%s", fmt.Sprintf(format, args...))
}

func (c *converter) stepRef(s string, p path, at place) (ref string, optional bool) {
	target, ok := c.flow.steps[p.name]
	switch {
	case p.name == "":
		c.lose(at, "name a step", "%s names no step", quoted(s))
		return "", false
	case !ok:
		c.lose(at, "", "%s: the workflow has no step %s; in Tray this could not work either", quoted(s), quoted(p.name))
		return "", false
	case c.scope.trigger:
		c.lose(at, "only $.config and $.env can be used in a trigger", "%s: a trigger comes before all steps", quoted(s))
		return "", false
	case p.name == "trigger":
		return c.outputRef(s, "trigger", p.rest, c.triggerOutputs(), at), false
	}
	state := c.scope.steps[p.name]
	switch state {
	case absent:
		c.lose(at, "after a loop, give the loop the input collect and refer to its results", "%s: the step has not run by then, or stands in a loop and is not visible from here; Tray takes what the last iteration left", quoted(s))
		return "", false
	case failedIn:
		c.lose(at, "$.errors."+target.id+" says what went wrong", "%s: the step has failed here and has no output", quoted(s))
		return "", false
	}
	if first, _ := firstName(p.rest); target.loops() && state != inside && first != "count" && first != "" {
		c.lose(at, "give the loop the input collect and refer to $.steps."+target.id+".results", "%s: after the loop there is no %s any more; Tray keeps the last iteration's", quoted(s), quoted(first))
		return "", false
	}
	return c.outputRef(s, target.id, p.rest, c.outputs(target), at), state == maybe
}

// outputRef applies the differences between what a step puts out there and here.
func (c *converter) outputRef(s, id, rest string, renames []rename, at place) string {
	if renames == nil {
		return "$.steps." + id + rest
	}
	for _, r := range renames {
		if after, ok := strings.CutPrefix(rest, r.from); ok && (after == "" || after[0] == '.' || after[0] == '[') {
			return "$.steps." + id + r.to + after
		}
	}
	c.note(Warning, at.step, at.pointer, "look up what the step puts out", "%s: what the step puts out has another form here", quoted(s))
	return "$.steps." + id + rest
}

// rename says where a part of an output stands here.
type rename struct{ from, to string }

func (c *converter) errorRef(s string, p path, at place) (ref string, optional bool) {
	target, ok := c.flow.steps[p.name]
	field, rest := firstName(p.rest)
	switch {
	case !ok || p.name == "trigger":
		c.lose(at, "write $.errors.<step>.message", "%s names no step whose error is meant", quoted(s))
		return "", false
	case c.scope.steps[p.name] == absent || c.scope.steps[p.name] == inside:
		c.lose(at, "", "%s: the step cannot have failed by then", quoted(s))
		return "", false
	case p.rest != "" && (field != "message" || rest != ""):
		c.lose(at, "there are kind, message, code, subcode, fbtrace_id, applied and pointer", "%s: an error has no %s here", quoted(s), quoted(strings.TrimPrefix(p.rest, ".")))
		return "", false
	}
	return "$.errors." + target.id + p.rest, c.scope.steps[p.name] != failedIn
}

// envRef keeps a variable's name. Tray's own variables must be set by hand: what
// they meant there is nothing that a host knows.
func (c *converter) envRef(s string, p path, at place) string {
	if !variableForm.MatchString(p.name) {
		c.lose(at, "", "%s is no name of a variable", quoted(s))
		return ""
	}
	if len(c.env) >= 100 && !slices.Contains(c.env, p.name) {
		c.lose(at, "", "%s: a document takes 100 variables at most", quoted(s))
		return ""
	}
	if !slices.Contains(c.env, p.name) {
		c.env = append(c.env, p.name)
		c.note(Warning, at.step, at.pointer, "set the environment variable "+p.name+" for the host", "%s was given by Tray; here it is a variable of the host's environment", quoted(s))
	}
	return "$.env." + p.name + p.rest
}
