package workflow

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/storyloop/storyloop/schemas"
	"github.com/storyloop/storyloop/schemas/validate"
)

// schema is compiled on first use and constant from then on.
var schema = sync.OnceValues(func() (*validate.Schema, error) { return validate.Compile(schemas.Workflow) })

// Parse reads a document, YAML or JSON, and checks all that can be checked
// without a catalog. The name is that of its file, for messages. The error is
// [Problems] with all that is wrong; the document is nil then.
func Parse(name string, src []byte) (*Document, error) {
	tree, err := parseTree(name, src)
	if err != nil {
		var syntax *syntaxError
		if !errors.As(err, &syntax) {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		return nil, Problems{{File: name, Line: syntax.line, Column: syntax.column, Code: syntax.code, Message: syntax.message, Hint: syntax.hint}}
	}
	s, err := schema()
	if err != nil {
		return nil, fmt.Errorf("compiling the schema of workflows: %w", err)
	}
	found, err := s.Check(tree.json(nil))
	if err != nil {
		return nil, fmt.Errorf("checking %s: %w", name, err)
	}
	p := parser{doc: &Document{file: name, tree: tree, ids: map[string]*Step{}}}
	for _, f := range found {
		p.report(f.Pointer, f.Code, f.Message, remedy(f))
	}
	if tree.kind == objectKind {
		p.document(tree)
	}
	p.problems.sort()
	if len(p.problems) > 0 {
		return nil, p.problems.unique()
	}
	return p.doc, nil
}

// remedy returns what to do about a problem. The documents that people write first put
// an operation's settings beside its name.
func remedy(f validate.Problem) string {
	if f.Code == "unknown_property" && ofStep.MatchString(f.Pointer) && strings.HasPrefix(f.Detail, "Known") {
		return "the operation's own settings belong under input; " + sentence(f.Detail)
	}
	return sentence(f.Detail)
}

// ofStep matches pointers to a step's property: outside of input, what stands in a
// list is a step.
var ofStep = regexp.MustCompile(`/[0-9]+/[^/]+$`)

// sentence turns a sentence into what stands well in brackets.
func sentence(s string) string {
	s = strings.TrimSuffix(s, ".")
	for i, r := range s {
		return string(unicode.ToLower(r)) + s[i+len(string(r)):]
	}
	return s
}

func parseTree(name string, src []byte) (*node, error) {
	if len(src) > maxSource {
		return nil, &syntaxError{place{1, 1}, "too_large", fmt.Sprintf("the file has %d bytes; at most %d allowed", len(src), maxSource), ""}
	}
	if path.Ext(name) == ".json" || json.Valid(src) {
		return parseJSON(src)
	}
	return parseYAML(src)
}

// parser builds a document from its tree and reports what is wrong on the way.
// It expects nothing of the tree: what does not fit the schema has been reported
// and is passed over.
type parser struct {
	doc      *Document
	problems Problems
}

func (p *parser) report(pointer, code, message, hint string) {
	at := p.doc.tree.find(pointer)
	p.problems = append(p.problems, Problem{
		File: p.doc.file, Line: at.line, Column: at.column, Pointer: pointer, Code: code, Message: message, Hint: hint,
	})
}

// doubt reports what no new document may hold, and those that are kept may: runs of
// them go on.
func (p *parser) doubt(pointer, code, message, hint string) {
	known := len(p.problems)
	p.report(pointer, code, message, hint)
	p.doc.doubts, p.problems = append(p.doc.doubts, p.problems[known:]...), p.problems[:known]
}

func (p *parser) document(n *node) {
	d := p.doc
	d.Name, d.Title, d.Description = n.str("name"), n.str("title"), n.str("description")
	d.Config = json.RawMessage("{}")
	if c := n.get("config"); c != nil {
		d.Config = c.json(nil)
	}
	if env := n.get("env"); env != nil {
		for _, item := range env.items {
			d.Env = append(d.Env, item.text)
		}
	}
	if t := n.get("trigger"); t != nil {
		d.Trigger = p.trigger(t)
	}
	d.Steps = p.steps(n.get("steps"), "/steps")
	p.scopes()
}

func (p *parser) trigger(n *node) Trigger {
	t := Trigger{Names: n.strs("trigger"), Title: n.str("title"), Credential: n.str("credential"), pointer: "/trigger"}
	t.Connector, t.Major, _ = strings.Cut(n.str("connector"), "@")
	if input := n.get("input"); input != nil {
		t.Input = parseValue(input, "/trigger/input", p.report)
	}
	t.Poll = p.poll(n)
	return t
}

// poll reads how often to look for events.
func (p *parser) poll(n *node) time.Duration {
	const shortest = time.Second
	if n.str("poll") == "never" {
		return NeverPoll
	}
	every := p.duration(n, "poll", "/trigger")
	if n.get("poll") != nil && every < shortest {
		p.report("/trigger/poll", "too_small", fmt.Sprintf("must be %s at least", shortest), "such as 5m, or never")
	}
	return every
}

func (p *parser) steps(n *node, pointer string) []*Step {
	if n == nil {
		return nil
	}
	var steps []*Step
	for i, item := range n.items {
		if item.kind == objectKind {
			steps = append(steps, p.step(item, join(pointer, itoa(i))))
		}
	}
	return steps
}

func (p *parser) step(n *node, pointer string) *Step {
	s := &Step{
		ID: n.str("id"), Title: n.str("title"), Description: n.str("description"),
		Operation: n.str("operation"), Credential: n.str("credential"),
		pointer: pointer, at: n.place(),
	}
	s.Connector, s.Major, _ = strings.Cut(n.str("connector"), "@")
	p.id(s)
	if input := n.get("input"); input != nil {
		s.Input = parseValue(input, join(pointer, "input"), p.report)
	}
	s.Steps = p.steps(n.get("steps"), join(pointer, "steps"))
	if b := n.get("branches"); b != nil {
		at := join(pointer, "branches")
		for _, m := range b.members {
			s.Branches = append(s.Branches, Branch{m.name, p.steps(m.value, join(at, m.name))})
		}
	}
	if e := n.get("on_error"); e != nil {
		s.OnError = p.onError(e, join(pointer, "on_error"))
	}
	if r := n.get("retry"); r != nil {
		s.Retry.MaxAttempts = r.number("max_attempts")
		s.Retry.MaxWait = p.limit(r, "max_wait", join(pointer, "retry"))
	}
	s.Timeout = p.limit(n, "timeout", pointer)
	if g := n.get("paging"); g != nil {
		s.Paging = Paging{All: g.str("mode") == "all", MaxItems: g.number("max_items")}
	}
	p.shape(s, n)
	return s
}

func (p *parser) id(s *Step) {
	at := join(s.pointer, "id")
	switch first, taken := p.doc.ids[s.ID]; {
	case s.ID == "":
	case s.ID == "trigger":
		p.report(at, "reserved_id", "trigger is the id of what started the run", "choose another")
	case taken:
		p.report(at, "duplicate_id", fmt.Sprintf("the id %q is taken by another step", s.ID), fmt.Sprintf("first in line %d", first.at.line))
	default:
		p.doc.ids[s.ID] = s
	}
}

func (p *parser) onError(n *node, pointer string) OnError {
	e := OnError{
		Strategy: Strategy(n.str("strategy")), Loop: n.str("loop"),
		Error:   p.steps(n.get("error"), join(pointer, "error")),
		Success: p.steps(n.get("success"), join(pointer, "success")),
	}
	if e.Strategy == "stop" {
		e.Strategy = Stop
	}
	loops := e.Strategy == ContinueLoop || e.Strategy == BreakLoop
	if loops && e.Loop == "" {
		p.report(join(pointer, "loop"), "missing_property", fmt.Sprintf("is required for the strategy %s", e.Strategy), "name the loop that is meant")
	}
	if !loops && n.get("loop") != nil {
		p.report(join(pointer, "loop"), "unknown_property", "goes only with the strategies continue_loop and break_loop", "")
	}
	for _, name := range []string{"error", "success"} {
		if e.Strategy != BranchOff && n.get(name) != nil {
			p.report(join(pointer, name), "unknown_property", "goes only with the strategy branch", "")
		}
	}
	return e
}

// shape checks what a step may hold beside its input, by its connector.
func (p *parser) shape(s *Step, n *node) {
	if n.get("steps") != nil && !s.isLoop() {
		p.report(join(s.pointer, "steps"), "unknown_property", "only a loop has steps", "")
	}
	if n.get("steps") == nil && s.isLoop() {
		p.report(join(s.pointer, "steps"), "missing_property", "is required: what the loop does in each iteration", "")
	}
	branches := n.get("branches")
	forks := s.Connector == ConditionConnector || s.Connector == BranchConnector
	if branches != nil && !forks {
		p.report(join(s.pointer, "branches"), "unknown_property", "only the connectors boolean-condition and branch have branches", "")
	}
	if branches == nil && forks {
		p.report(join(s.pointer, "branches"), "missing_property", "is required: the steps of each branch", "")
	}
	if s.Connector == ConditionConnector {
		for _, b := range s.Branches {
			if b.Name != "true" && b.Name != "false" {
				p.report(join(join(s.pointer, "branches"), b.Name), "unknown_property", "a boolean condition has the branches true and false", "")
			}
		}
	}
	if !s.Control() {
		return
	}
	for _, name := range []string{"credential", "retry", "timeout", "paging"} {
		if n.get(name) != nil {
			p.report(join(s.pointer, name), "unknown_property", fmt.Sprintf("has no meaning for the connector %s", s.Connector), "leave it out")
		}
	}
}

func (p *parser) duration(n *node, name, pointer string) (d time.Duration) {
	v := n.get(name)
	if v == nil || !v.isText {
		return 0
	}
	d, err := ParseDuration(v.text)
	if err != nil {
		p.report(join(pointer, name), "wrong_form", err.Error(), "")
	}
	return d
}

// limit reads a duration that bounds something.
func (p *parser) limit(n *node, name, pointer string) time.Duration {
	d := p.duration(n, name, pointer)
	if d == 0 && n.get(name) != nil {
		p.doubt(join(pointer, name), "too_small", "must be longer than nothing", "leave it out for what is usual")
	}
	return d
}
