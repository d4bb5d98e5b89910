package tray

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/storyloop/storyloop/host/workflow"
)

// converter turns one workflow into a document.
type converter struct {
	file  *file
	flow  *flow
	all   []*flow // Of the export: workflows call each other.
	notes []Note

	scope scope
	lost  map[string]bool  // Names below $.config.unconverted that are taken.
	env   []string         // Variables that steps refer to.
	vault map[string]bool  // Credentials that have been noted.
	nodes map[string]*node // Steps of the document, by id.
	root  string           // Of what could not be converted: "unconverted".
}

// convert returns a workflow's document. What is wrong with the export itself
// goes to the file's problems.
func (f *file) convert(w *flow, all []*flow) Result {
	c := &converter{
		file: f, flow: w, all: all,
		scope: newScope(), lost: map[string]bool{}, vault: map[string]bool{}, nodes: map[string]*node{},
		root: "unconverted",
	}
	for slices.ContainsFunc(w.config, func(s setting) bool { return s.name == c.root }) {
		c.root += "_"
	}
	doc := c.document()
	r := Result{Name: w.name, Title: w.title, Notes: c.notes}
	if len(f.problems) > 0 {
		return r
	}
	c.comments()
	src, err := write(doc, c.head())
	if err != nil {
		c.unwritable(err)
		return r
	}
	r.Document = src
	return r
}

// unwritable reports that what came out is more than a document may hold: its
// limits are the only reason.
func (c *converter) unwritable(err error) {
	var problems workflow.Problems
	if !errors.As(err, &problems) {
		problems = workflow.Problems{{Message: err.Error()}}
	}
	for _, p := range problems[:min(len(problems), 5)] {
		c.file.report(c.flow.raw, c.flow.pointer, "not_convertible", "make the workflow smaller in Tray, such as by calling another", "cannot become a document: %s: %s", p.Pointer, p.Message)
	}
}

func (c *converter) note(severity Severity, step, pointer, hint, format string, args ...any) {
	c.notes = append(c.notes, Note{Severity: severity, Pointer: pointer, Step: step, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (c *converter) document() *node {
	w := c.flow
	doc := object(pair("name", text(w.name)))
	if t := c.limited(w.title, 200, "", join(w.pointer, "title")); t != "" {
		doc.set("title", text(t))
	}
	if d := c.limited(w.raw.str("description"), 10_000, "", join(w.pointer, "description")); d != "" {
		doc.set("description", text(d))
	}
	trigger := c.trigger(w.trigger)
	steps := c.steps(w.body)
	c.surroundings()
	doc.set("trigger", trigger)
	if config := c.config(); !config.empty() {
		doc.set("config", config)
	}
	if len(c.env) > 0 {
		env := list()
		for _, name := range c.env {
			env.items = append(env.items, text(name))
		}
		doc.set("env", env)
	}
	doc.set("steps", steps)
	return doc
}

// limited cuts a text for people to what a document takes.
func (c *converter) limited(s string, most int, step, pointer string) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	c.note(Warning, step, pointer, "", "is longer than %d letters and was cut", most)
	return string([]rune(s)[:most])
}

// config returns the settings, without those that look like secrets: a document
// is no place for them.
func (c *converter) config() *node {
	out := object()
	for _, s := range c.flow.config {
		if v := c.bare(s.name, s.value, s.pointer); v != nil {
			out.set(s.name, v)
		}
	}
	return out
}

func (c *converter) bare(name string, n *node, at string) *node {
	switch {
	case n.kind == textKind && n.text != "" && secretName.MatchString(name):
		c.note(Error, "", at, "put it into the environment and refer to it as $.env.<NAME>, or into the credentials file", "the setting %s looks like a secret and was not copied", quoted(name))
		return nil
	case n.kind == objectKind:
		out := object()
		for _, m := range n.members {
			if v := c.bare(m.name, m.value, join(at, m.name)); v != nil {
				out.set(m.name, v)
			}
		}
		return out
	case n.kind == listKind:
		out := list()
		for i, item := range n.items {
			if v := c.bare(name, item, join(at, strconv.Itoa(i))); v != nil {
				out.items = append(out.items, v)
			}
		}
		return out
	}
	return n
}

// unconverted returns a reference that leads nowhere: it stands for what has no
// counterpart. The document can be read, checks name the place, and no run gets
// past it with a made-up value.
func (c *converter) unconverted(step, pointer string) *node {
	_, within, ok := strings.Cut(pointer, "/properties/")
	if !ok {
		within = pointer[strings.LastIndexByte(pointer, '/')+1:]
	}
	within = strings.ReplaceAll(strings.TrimSuffix(within, "/value"), "/value/", "/")
	name := unique(strings.ReplaceAll(slug(step+"-"+within, "value"), "-", "_"), c.lost)
	return &node{kind: textKind, text: "$.config." + c.root + "." + name, dynamic: true}
}

// comments writes above each step what needs a person.
func (c *converter) comments() {
	for _, n := range c.notes {
		if s := c.nodes[n.Step]; s != nil && n.Severity != Info {
			line := "Import, " + string(n.Severity) + ": " + n.Message
			if n.Hint != "" {
				line += " (" + n.Hint + ")"
			}
			s.comment = append(s.comment, line)
		}
	}
}

// head returns the comment at the head of the document.
func (c *converter) head() []string {
	lines := []string{"Imported from Tray: " + quoted(c.flow.title)}
	if c.flow.id != "" {
		lines[0] += ", workflow " + cut(c.flow.id, 100)
	}
	for _, n := range c.notes {
		if n.Severity == Error {
			return append(lines, "Whatever refers to $.config."+c.root+" could not be converted and must be replaced before it can run.")
		}
	}
	return lines
}

// surroundings notes what stands around the steps and is not in the document.
func (c *converter) surroundings() {
	w := c.flow
	for name, s := range ordered(w) {
		if !s.placed {
			c.note(Error, "", s.pointer, "", "the step %s has no place in the structure: it never ran in Tray and was left out", quoted(name))
		}
	}
	c.workflowKeys()
	at := join(w.pointer, "settings")
	settings := w.raw.get("settings")
	if settings == nil {
		return
	}
	for _, m := range settings.members {
		pointer := join(at, m.name)
		switch {
		case m.name == "config" || m.value.empty():
		case m.name == "alerting_workflow_id":
			c.alerting(m.value, pointer)
		case m.name == "input_schema" || m.name == "output_schema":
			c.note(Info, "", pointer, "", "documents declare no %s of their own; it was left out", strings.ReplaceAll(m.name, "_", " "))
		default:
			c.note(Warning, "", pointer, "", "the setting %s has no counterpart and was left out", quoted(m.name))
		}
	}
}

func (c *converter) alerting(v *node, pointer string) {
	for _, other := range c.all {
		if v.kind == textKind && other.id == v.text {
			c.note(Warning, "", pointer, "see which failures its trigger \"alert\" receives", "the workflow %s was told of this one's failures alone; with the trigger alert it chooses for itself", other.name)
			return
		}
	}
	c.note(Error, "", pointer, "import it too; its trigger \"alert\" receives failures", "failures went to a workflow that is not in this export")
}

// identity are members that say who and when something was in Tray. The head of
// the document keeps the id; the rest means nothing elsewhere.
var identity = []string{"id", "created", "workspace_id", "project_id", "group", "creator", "version"}

func (c *converter) workflowKeys() {
	w := c.flow
	for _, m := range w.raw.members {
		pointer := join(w.pointer, m.name)
		switch {
		case m.name == "enabled":
			if m.value.kind == boolKind && m.value.text == "false" {
				c.note(Info, "", pointer, "", "the workflow was switched off in Tray")
			}
		case m.value.empty(), slices.Contains(identity, m.name):
		case m.name == "title", m.name == "description", m.name == "settings", m.name == "steps", m.name == "steps_structure":
		case m.name == "legacy_error_handling":
			if m.value.text == "true" {
				c.note(Warning, "", pointer, "look through the steps' on_error", "the workflow used Tray's old error handling, which is not known here")
			}
		case m.name == "dependencies":
			c.note(Warning, "", pointer, "see that what it depends on is there", "what the workflow depends on in Tray is not listed in documents")
		default:
			c.note(Info, "", pointer, "", "%s has no counterpart and was left out", quoted(m.name))
		}
	}
	if len(c.all) == 0 || c.all[0] != w {
		return
	}
	for _, m := range c.file.root.members {
		pointer := join("", m.name)
		switch {
		case m.name == "tray_export_version", m.name == "export_type", m.name == "workflows", m.value.empty():
		case m.name == "projects":
			c.projects(m.value, pointer)
		default:
			c.note(Warning, "", pointer, "", "%s of the export has no counterpart and was left out", quoted(m.name))
		}
	}
}

func (c *converter) projects(all *node, pointer string) {
	for i, p := range all.items {
		at := join(pointer, strconv.Itoa(i))
		for _, m := range p.members {
			switch {
			case m.value.empty(), slices.Contains(identity, m.name), m.name == "workflows":
			case m.name == "name":
				c.note(Info, "", join(at, m.name), "", "the project %s: here workflows stand side by side, without projects", quoted(m.value.text))
			case m.name == "config":
				c.note(Info, "", join(at, m.name), "", "the project's settings were copied into each of its workflows")
			default:
				c.note(Warning, "", join(at, m.name), "", "%s of the project has no counterpart and was left out", quoted(m.name))
			}
		}
	}
}

// ordered yields the steps in the order of the export.
func ordered(w *flow) func(yield func(string, *step) bool) {
	return func(yield func(string, *step) bool) {
		for _, m := range w.raw.get("steps").members {
			if !yield(m.name, w.steps[m.name]) {
				return
			}
		}
	}
}
