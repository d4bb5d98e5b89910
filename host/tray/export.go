package tray

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/storyloop/storyloop/host/workflow"
	"github.com/storyloop/storyloop/schemas/validate"
)

// file is an export that is being read.
type file struct {
	name     string
	src      []byte
	root     *node
	problems workflow.Problems
}

// maxProblems is how many problems are reported; more help nobody.
const maxProblems = 100

// report says what is wrong with the export at a value.
func (f *file) report(n *node, pointer, code, hint, format string, args ...any) {
	if len(f.problems) >= maxProblems {
		return
	}
	p := workflow.Problem{File: f.name, Pointer: pointer, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint}
	if n != nil {
		p.Line, p.Column = f.place(n.offset)
	}
	f.problems = append(f.problems, p)
}

func (f *file) syntax(err error) {
	var syntax *syntaxError
	if !errors.As(err, &syntax) {
		syntax = &syntaxError{0, err.Error()}
	}
	f.report(&node{offset: syntax.offset}, "", "syntax", "export the workflow from Tray again", "%s", syntax.message)
}

// place returns the line and column, from 1, of what begins after an offset.
func (f *file) place(offset int) (line, column int) {
	offset = min(offset, len(f.src))
	for offset < len(f.src) && strings.IndexByte(" \t\r\n,:", f.src[offset]) >= 0 {
		offset++
	}
	before := f.src[:offset]
	start := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[start:]) + 1
}

// flow is one workflow of an export.
type flow struct {
	pointer string
	raw     *node
	id      string
	title   string
	name    string           // Of the document.
	config  []setting        // The workflow's, then the project's.
	steps   map[string]*step // By their names in Tray.
	trigger *step
	body    []*step
}

// setting is a bare value of the configuration.
type setting struct {
	member
	pointer string
}

// step is one step of a workflow, with those that stand in it.
type step struct {
	name       string // In Tray.
	id         string // In the document.
	pointer    string // Into the export's steps.
	raw        *node
	connector  string
	version    string
	operation  string
	properties *node
	strategy   string // Of error_handling.

	kind      string // normal, branch, loop or break.
	at        string // Pointer into the export's structure.
	target    string // Of a break: the loop that is meant.
	branches  []branch
	placed    bool
	structure *node
}

type branch struct {
	name  string
	steps []*step
}

// read reads what is around the steps, and the steps' structure.
func (f *file) read() []*flow {
	if f.root.kind != objectKind || f.root.get("tray_export_version") == nil {
		hint := ""
		if f.root.get("exportData") != nil || f.root.get("projectId") != nil {
			hint = "this is what Tray's API hands out; use Export in Tray's builder"
		}
		f.report(f.root, "", "not_an_export", hint, "is not a Tray export: it has no tray_export_version")
		return nil
	}
	if v := f.root.get("tray_export_version"); v.kind != numberKind || v.text != "4" {
		f.report(v, "/tray_export_version", "wrong_version", "export the workflow from Tray again", "is version %.20s; only version 4 is read", string(v.json(nil)))
		return nil
	}
	if t := f.root.get("export_type"); t != nil && t.kind != nullKind && (t.kind != textKind || t.text != "workflow" && t.text != "project") {
		f.report(t, "/export_type", "wrong_value", "", "is %.40s; known are \"workflow\" and \"project\"", string(t.json(nil)))
	}
	all := f.root.get("workflows")
	if all == nil || all.kind != listKind {
		f.report(f.root, "/workflows", "missing_property", "", "is required: a list of workflows")
		return nil
	}
	if len(all.items) == 0 {
		f.report(all, "/workflows", "empty", "", "is empty: there is nothing to import")
	}
	taken := map[string]bool{}
	var flows []*flow
	for i, raw := range all.items {
		if w := f.flow(raw, join("/workflows", strconv.Itoa(i)), taken); w != nil {
			flows = append(flows, w)
		}
	}
	return flows
}

func (f *file) flow(raw *node, pointer string, taken map[string]bool) *flow {
	if raw.kind != objectKind {
		f.report(raw, pointer, "wrong_type", "", "must be a workflow, an object, not %s", raw.what())
		return nil
	}
	w := &flow{pointer: pointer, raw: raw, id: raw.str("id"), title: raw.str("title"), steps: map[string]*step{}}
	w.name = unique(slug(w.title, "workflow"), taken)
	f.config(w)
	f.steps(w)
	structure := raw.get("steps_structure")
	at := join(pointer, "steps_structure")
	if structure == nil || structure.kind != listKind {
		f.report(raw, at, "missing_property", "", "is required: a list of the steps in their order")
		return nil
	}
	w.body = f.structure(w, structure, at)
	if len(w.body) == 0 || w.body[0].name != "trigger" || w.body[0].kind != "normal" {
		f.report(structure, at, "missing_trigger", "", "must begin with the normal step \"trigger\"")
		return nil
	}
	w.trigger, w.body = w.body[0], w.body[1:]
	return w
}

// config joins the settings of a workflow and of the project that it is in.
func (f *file) config(w *flow) {
	at := join(w.pointer, "settings")
	settings := w.raw.get("settings")
	if settings != nil && settings.kind != objectKind && settings.kind != nullKind {
		f.report(settings, at, "wrong_type", "", "must be an object, not %s", settings.what())
		return
	}
	add := func(c *node, at string) {
		if c == nil || c.kind == nullKind {
			return
		}
		if c.kind != objectKind {
			f.report(c, at, "wrong_type", "", "must be an object, not %s", c.what())
			return
		}
		for _, m := range c.members {
			if !slices.ContainsFunc(w.config, func(o setting) bool { return o.name == m.name }) {
				w.config = append(w.config, setting{m, join(at, m.name)})
			}
		}
	}
	add(settings.get("config"), join(at, "config"))
	projects := f.root.get("projects")
	if projects == nil || projects.kind != listKind {
		return
	}
	for i, p := range projects.items {
		if id := p.str("id"); id != "" && id == w.raw.str("project_id") {
			add(p.get("config"), join(join("/projects", strconv.Itoa(i)), "config"))
		}
	}
}

// stepKeys are all that a step of version 4 has.
var stepKeys = []string{"title", "description", "connector", "operation", "properties", "output_schema", "error_handling", "authentication"}

func (f *file) steps(w *flow) {
	at := join(w.pointer, "steps")
	all := w.raw.get("steps")
	if all == nil || all.kind != objectKind {
		f.report(w.raw, at, "missing_property", "", "is required: the steps by their names")
		return
	}
	taken := map[string]bool{"trigger": true}
	for _, m := range all.members {
		s := &step{name: m.name, pointer: join(at, m.name), raw: m.value, id: "trigger"}
		if m.name != "trigger" {
			s.id = unique(identifier(m.name), taken)
		}
		w.steps[m.name] = s
		f.step(s)
	}
}

func (f *file) step(s *step) {
	if s.raw.kind != objectKind {
		f.report(s.raw, s.pointer, "wrong_type", "", "must be a step, an object, not %s", s.raw.what())
		return
	}
	f.known(s.raw, s.pointer, "a step", stepKeys)
	connector := s.raw.get("connector")
	s.connector, s.version, s.operation = connector.str("name"), connector.str("version"), s.raw.str("operation")
	if s.connector == "" {
		f.report(s.raw, join(s.pointer, "connector"), "missing_property", "", "is required: {\"name\", \"version\"} of a connector")
	}
	if s.operation == "" {
		f.report(s.raw, join(s.pointer, "operation"), "missing_property", "", "is required: the name of an operation")
	}
	s.properties = s.raw.get("properties")
	if s.properties != nil && s.properties.kind != objectKind && s.properties.kind != nullKind {
		f.report(s.properties, join(s.pointer, "properties"), "wrong_type", "", "must be an object, not %s", s.properties.what())
	}
	s.strategy = s.raw.get("error_handling").str("strategy")
}

// known reports members that the format does not have.
func (f *file) known(n *node, pointer, what string, keys []string) {
	for _, m := range n.members {
		if slices.Contains(keys, m.name) {
			continue
		}
		hint := "remove it from the file if it does not matter"
		if near := validate.Nearest(m.name, keys); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		f.report(m.value, join(pointer, m.name), "unknown_property", hint, "is nothing that %s has in version 4", what)
	}
}

// structure reads a list of steps of the structure, and those within them.
func (f *file) structure(w *flow, all *node, pointer string) []*step {
	var steps []*step
	for i, raw := range all.items {
		if s := f.placed(w, raw, join(pointer, strconv.Itoa(i))); s != nil {
			steps = append(steps, s)
		}
	}
	return steps
}

func (f *file) placed(w *flow, raw *node, pointer string) *step {
	if raw.kind != objectKind {
		f.report(raw, pointer, "wrong_type", "", "must be a step of the structure, an object, not %s", raw.what())
		return nil
	}
	f.known(raw, pointer, "the structure", []string{"name", "type", "content", "target"})
	name := raw.str("name")
	s, ok := w.steps[name]
	switch {
	case !ok:
		f.report(raw, join(pointer, "name"), "unknown_step", "", "there is no step %.100q among the workflow's steps", name)
		return nil
	case s.placed:
		f.report(raw, join(pointer, "name"), "duplicate_step", "", "the step %.100q has a place already", name)
		return nil
	}
	s.placed, s.kind, s.target, s.at, s.structure = true, raw.str("type"), raw.str("target"), pointer, raw
	content := raw.get("content")
	if content != nil && content.kind != objectKind && content.kind != nullKind {
		f.report(content, join(pointer, "content"), "wrong_type", "", "must be an object, not %s", content.what())
		return s
	}
	f.content(w, s, content)
	return s
}

func (f *file) content(w *flow, s *step, content *node) {
	at := join(s.at, "content")
	switch s.kind {
	case "normal", "break":
		if !content.empty() {
			f.report(content, at, "wrong_value", "", "must be empty for the type %q", s.kind)
		}
		return
	case "loop":
		if content != nil {
			f.known(content, at, "a loop", []string{"_loop"})
		}
		if content.get("_loop") == nil {
			f.report(s.structure, join(at, "_loop"), "missing_property", "", "is required: the steps in the loop")
		}
	case "branch":
	default:
		f.report(s.structure, join(s.at, "type"), "wrong_value", "", "is %.40q; known are \"normal\", \"branch\", \"loop\" and \"break\"", s.kind)
		return
	}
	if content == nil {
		return
	}
	for _, m := range content.members {
		if m.value.kind != listKind {
			f.report(m.value, join(at, m.name), "wrong_type", "", "must be a list of steps, not %s", m.value.what())
			continue
		}
		s.branches = append(s.branches, branch{m.name, f.structure(w, m.value, join(at, m.name))})
	}
}

// branch returns the steps of a branch.
func (s *step) branch(name string) []*step {
	for _, b := range s.branches {
		if b.name == name {
			return b.steps
		}
	}
	return nil
}

// join appends a token to a JSON Pointer.
func join(pointer, token string) string {
	return pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(token)
}
