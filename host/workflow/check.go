package workflow

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/storyloop/storyloop/schemas/validate"
)

// Surroundings are what a document is checked against: what the host has.
type Surroundings struct {
	// Connectors returns the names of all connectors. Required.
	Connectors []string
	// Catalog returns what a connector offers. Required.
	Catalog func(connector string) (*connectorv1.Catalog, bool)
	// Credentials are those in the vault: of each name the connector that it is
	// for. Nil means that credentials are not checked.
	Credentials map[string]string
	// Validate asks a connector what a schema cannot say. Nil means nobody is asked.
	Validate func(connector string, req *connectorv1.ValidateRequest) (*connectorv1.ValidateResponse, error)
}

// Check returns all that is wrong with a document among its surroundings, in the
// order of its text. Warnings are among them: see [Problems.Err].
func Check(doc *Document, in Surroundings) Problems {
	c := checker{parser: parser{doc: doc, problems: slices.Clone(doc.doubts)}, in: in, schemas: map[string]*validate.Schema{}, outputs: map[string]any{}}
	c.trigger(&doc.Trigger)
	doc.EachStep(c.step)
	c.problems.sort()
	return c.problems.unique()
}

type checker struct {
	parser
	in      Surroundings
	schemas map[string]*validate.Schema // By their text: operations share them.
	outputs map[string]any
}

func (c *checker) warn(pointer, code, message, hint string) {
	c.report(pointer, code, message, hint)
	c.problems[len(c.problems)-1].Warning = true
}

// catalog finds a connector of the major version that is pinned, if one is.
func (c *checker) catalog(name, major, pointer string) *connectorv1.Catalog {
	if name == "" {
		return nil
	}
	cat, ok := c.in.Catalog(name)
	if !ok {
		c.report(pointer, "unknown_connector", fmt.Sprintf("there is no connector %q", name), choices(name, c.in.Connectors))
		return nil
	}
	if have, _, _ := strings.Cut(cat.GetVersion(), "."); major != "" && have != major {
		c.report(pointer, "wrong_version", fmt.Sprintf("major version %s of %s is asked for; the host has %s", major, name, cat.GetVersion()), "install that version, or change the pin")
		return nil
	}
	return cat
}

func (c *checker) trigger(t *Trigger) {
	cat := c.catalog(t.Connector, t.Major, "/trigger/connector")
	if cat == nil {
		return
	}
	for i, name := range t.names() {
		pointer := "/trigger/trigger"
		if len(t.Names) > 1 {
			pointer = join(pointer, itoa(i))
		}
		trigger, ok := FindTrigger(cat, name)
		if !ok {
			c.unknownTrigger(cat, name, pointer)
			continue
		}
		c.deprecated(pointer, trigger.GetDeprecation())
		c.input(cat.GetName(), t.Input, "/trigger/input", trigger.GetInputSchema(), &connectorv1.ValidateRequest{
			Target: &connectorv1.ValidateRequest_Trigger{Trigger: trigger.GetName()},
		})
	}
	remote := slices.ContainsFunc(t.Triggers(cat), func(x *connectorv1.Trigger) bool { return x.GetWebhook() || x.GetPollable() })
	c.credential(cat, t.Credential, "/trigger/credential", len(cat.GetAuthMethods()) > 0 && remote)
	c.polling(cat, t)
	c.paths(t.Input)
}

// polling checks that what is to be polled can be, and that events come at all.
func (c *checker) polling(cat *connectorv1.Catalog, t *Trigger) {
	pollable := false
	for _, x := range t.Triggers(cat) {
		pollable = pollable || x.GetPollable()
		if t.Poll == NeverPoll && x.GetPollable() && !x.GetWebhook() {
			c.report("/trigger/poll", "never_found", fmt.Sprintf("the events of %s are found by polling alone", x.GetName()), "leave it out, or give an interval such as 15m")
		}
	}
	if t.Poll != 0 && !pollable {
		c.report("/trigger/poll", "not_pollable", "no events of this trigger can be found by polling", "leave it out")
	}
}

func (c *checker) unknownTrigger(cat *connectorv1.Catalog, name, pointer string) {
	var names []string
	for _, x := range cat.GetTriggers() {
		names = append(names, x.GetName())
	}
	switch {
	case len(names) == 0:
		c.report("/trigger/connector", "unknown_trigger", fmt.Sprintf("the connector %s has no triggers", cat.GetName()), "")
	case name == "":
		c.report(pointer, "missing_property", fmt.Sprintf("is required: the connector %s has several triggers", cat.GetName()), "one of "+strings.Join(names, ", "))
	default:
		c.report(pointer, "unknown_trigger", fmt.Sprintf("the connector %s has no trigger %q", cat.GetName(), name), choices(name, names))
	}
}

func (c *checker) step(s *Step) {
	cat := c.catalog(s.Connector, s.Major, join(s.pointer, "connector"))
	if cat == nil {
		return
	}
	op, ok := FindOperation(cat, s.Operation)
	if !ok {
		var names []string
		for _, x := range cat.GetOperations() {
			names = append(names, x.GetName())
		}
		c.report(join(s.pointer, "operation"), "unknown_operation", fmt.Sprintf("the connector %s has no operation %q", s.Connector, s.Operation), choices(s.Operation, names))
		return
	}
	c.deprecated(join(s.pointer, "operation"), op.GetDeprecation())
	c.credential(cat, s.Credential, join(s.pointer, "credential"), len(cat.GetAuthMethods()) > 0)
	if (s.Paging.All || s.Paging.MaxItems > 0) && !op.GetPaginated() {
		c.report(join(s.pointer, "paging"), "not_paginated", fmt.Sprintf("the output of %s does not come in pages", s.Operation), "leave it out")
	}
	c.input(cat.GetName(), s.Input, join(s.pointer, "input"), op.GetInputSchema(), &connectorv1.ValidateRequest{
		Target: &connectorv1.ValidateRequest_Operation{Operation: op.GetName()},
	})
	c.branches(s)
	c.paths(s.Input)
}

// branches checks that the branches that a branch step names are there.
func (c *checker) branches(s *Step) {
	if s.Connector != BranchConnector {
		return
	}
	raw, ok := s.Input.Member("branches").Constant()
	if !ok {
		return
	}
	names := []string{"default"}
	eachItem(raw, func(item json.RawMessage) {
		if name, ok := rawMember(item, "name"); ok {
			names = append(names, unquote(name))
		}
	})
	for _, b := range s.Branches {
		if !slices.Contains(names, b.Name) {
			c.report(join(join(s.pointer, "branches"), b.Name), "unknown_branch", "the input names no such branch", choices(b.Name, names))
		}
	}
}

func (c *checker) deprecated(pointer, text string) {
	if text != "" {
		c.warn(pointer, "deprecated", "is on its way out: "+text, "")
	}
}

func (c *checker) credential(cat *connectorv1.Catalog, name, pointer string, needed bool) {
	owner, found := c.in.Credentials[name]
	switch {
	case name == "" && needed:
		c.report(pointer, "missing_credential", fmt.Sprintf("is required: which account %s is to act for", cat.GetName()), choices("", c.credentialsOf(cat)))
	case name == "":
	case len(cat.GetAuthMethods()) == 0:
		c.report(pointer, "needless_credential", fmt.Sprintf("the connector %s takes no credential", cat.GetName()), "leave it out")
	case c.in.Credentials != nil && !found:
		c.report(pointer, "unknown_credential", fmt.Sprintf("there is no credential %q", name), choices(name, c.credentialsOf(cat)))
	case found && owner != cat.GetName():
		c.report(pointer, "wrong_credential", fmt.Sprintf("the credential %q is for the connector %s, not for %s", name, owner, cat.GetName()), choices(name, c.credentialsOf(cat)))
	}
}

// credentialsOf returns the names of the credentials that are for a connector.
func (c *checker) credentialsOf(cat *connectorv1.Catalog) []string {
	var names []string
	for name, owner := range c.in.Credentials {
		if owner == cat.GetName() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// input checks a value against a schema, then lets the connector have its say.
// What references lead to is not known yet, and nothing is said about it.
func (c *checker) input(connector string, v *Value, pointer string, schema []byte, req *connectorv1.ValidateRequest) {
	known, unknown := []byte("{}"), []string(nil)
	if v != nil {
		known = v.known(nil, "", &unknown)
	}
	if len(schema) > 0 {
		compiled, err := c.compile(schema)
		if err != nil {
			c.report(pointer, "broken_schema", fmt.Sprintf("the connector %s publishes a schema that cannot be used: %v", connector, err), "tell its makers")
			return
		}
		problems, err := compiled.CheckKnown(known, unknown)
		var syntax *validate.SyntaxError
		if errors.As(err, &syntax) {
			c.report(pointer, "wrong_number", syntax.Message, "")
			return
		}
		for _, p := range problems {
			c.report(pointer+p.Pointer, p.Code, p.Message, sentence(p.Detail))
		}
		if len(problems) > 0 {
			return
		}
	}
	if c.in.Validate == nil {
		return
	}
	req.Input, req.Unknown = known, unknown
	resp, err := c.in.Validate(connector, req)
	if err != nil {
		c.warn(pointer, "not_validated", fmt.Sprintf("the connector %s could not be asked: %v", connector, err), "")
		return
	}
	for _, d := range resp.GetDiagnostics() {
		if d.GetSeverity() == connectorv1.Severity_SEVERITY_WARNING {
			c.warn(pointer+d.GetPointer(), d.GetCode(), d.GetSummary(), sentence(d.GetDetail()))
		} else {
			c.report(pointer+d.GetPointer(), d.GetCode(), d.GetSummary(), sentence(d.GetDetail()))
		}
	}
}

func (c *checker) compile(schema []byte) (*validate.Schema, error) {
	if s, ok := c.schemas[string(schema)]; ok {
		return s, nil
	}
	s, err := validate.Compile(schema)
	if err == nil {
		c.schemas[string(schema)] = s
	}
	return s, err
}

// known appends the value with null in place of all that only a run can know, and
// adds the pointers of these.
func (v *Value) known(b []byte, pointer string, unknown *[]string) []byte {
	switch {
	case v.raw != nil:
		return append(b, v.raw...)
	case v.members != nil:
		b = append(b, '{')
		for i, m := range v.members {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(append(b, quote(m.name)...), ':')
			b = m.value.known(b, join(pointer, m.name), unknown)
		}
		return append(b, '}')
	case v.items != nil:
		b = append(b, '[')
		for i, item := range v.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = item.known(b, join(pointer, itoa(i)), unknown)
		}
		return append(b, ']')
	}
	*unknown = append(*unknown, pointer)
	return append(b, "null"...)
}

// FindOperation finds an operation in a catalog.
func FindOperation(cat *connectorv1.Catalog, name string) (*connectorv1.Operation, bool) {
	for _, op := range cat.GetOperations() {
		if op.GetName() == name {
			return op, true
		}
	}
	return nil, false
}

// names returns the triggers' names; an empty one means the only one there is.
func (t *Trigger) names() []string {
	if len(t.Names) == 0 {
		return []string{""}
	}
	return t.Names
}

// Triggers returns a document's triggers as a catalog describes them. Those that
// the catalog does not have are left out.
func (t *Trigger) Triggers(cat *connectorv1.Catalog) []*connectorv1.Trigger {
	var found []*connectorv1.Trigger
	for _, name := range t.names() {
		if x, ok := FindTrigger(cat, name); ok {
			found = append(found, x)
		}
	}
	return found
}

// FindTrigger finds a trigger in a catalog; an empty name means the only one.
func FindTrigger(cat *connectorv1.Catalog, name string) (*connectorv1.Trigger, bool) {
	if ts := cat.GetTriggers(); name == "" && len(ts) == 1 {
		return ts[0], true
	}
	for _, t := range cat.GetTriggers() {
		if t.GetName() == name {
			return t, true
		}
	}
	return nil, false
}

// choices offers the name that was probably meant, or all there are.
func choices(given string, names []string) string {
	const most = 20
	if near := validate.Nearest(given, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	switch {
	case len(names) == 0:
		return ""
	case len(names) > most:
		return fmt.Sprintf("there are %s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return "there are " + strings.Join(names, ", ")
}
