package connector

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/storyloop/storyloop/schemas/validate"
)

// Check reports all that is wrong with a spec. Every author's test calls it.
func Check(spec Spec) error {
	_, err := newServer(spec, slog.New(slog.DiscardHandler))
	return err
}

var (
	snakeCase = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	semver    = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
)

// builder makes a server of a spec, and collects what is wrong on the way.
type builder struct {
	*server
	files map[string][]byte
	errs  []error
}

func newServer(spec Spec, log *slog.Logger) (*server, error) {
	b := &builder{server: &server{
		spec: spec, log: log, around: recoverer{log: log}.unary,
		operations: map[string]*boundOperation{}, lists: map[string]OptionList{},
		triggers: map[string]*boundTrigger{}, methods: map[string]*boundMethod{},
	}}
	b.catalog = &connectorv1.Catalog{
		Name: spec.Name, Version: spec.Version, Title: spec.Title, Summary: spec.Summary, DocumentationUrl: spec.DocumentationURL,
	}
	b.require(snakeCase.MatchString(spec.Name), "the connector's name %q is not in snake_case", spec.Name)
	b.require(semver.MatchString(spec.Version), "the version %q is not a semantic version", spec.Version)
	b.require(spec.Title != "", "the connector has no title")
	if spec.Schemas == nil {
		return nil, errors.New("the connector has no schemas")
	}
	var err error
	if b.files, err = schemaFiles(spec.Schemas); err != nil {
		return nil, err
	}

	b.addSettings()
	for _, m := range spec.AuthMethods {
		b.addMethod(m)
	}
	for _, q := range spec.Quotas {
		b.catalog.Quotas = append(b.catalog.Quotas, &connectorv1.QuotaHint{Name: q.Name, Calls: int32(q.Calls), Window: durationpb.New(q.Window)})
	}
	for _, l := range spec.OptionLists {
		b.require(b.lists[l.Name].List == nil, "option list %s is declared twice", l.Name)
		b.require(l.List != nil, "option list %s has no function", l.Name)
		b.lists[l.Name] = l
	}
	for _, op := range spec.Operations {
		b.addOperation(op)
	}
	for _, t := range spec.Triggers {
		b.addTrigger(t)
	}
	for name := range b.files {
		b.require(false, "schema %s belongs to nothing", name)
	}
	if err := errors.Join(b.errs...); err != nil {
		return nil, fmt.Errorf("the connector's spec is unsound:\n%w", err)
	}
	return b.server, nil
}

func (b *builder) require(ok bool, format string, args ...any) {
	if !ok {
		b.errs = append(b.errs, fmt.Errorf(format, args...))
	}
}

// take compiles a schema file, and remembers that it is used.
func (b *builder) take(name string) *validate.Schema {
	raw, ok := b.files[name]
	if !ok {
		return nil
	}
	delete(b.files, name)
	s, err := validate.Compile(raw)
	if err != nil {
		b.errs = append(b.errs, fmt.Errorf("%s: %w", name, err))
	}
	return s
}

// need is take for a file that must be there.
func (b *builder) need(name string) *validate.Schema {
	_, ok := b.files[name]
	b.require(ok, "there is no schema %s", name)
	return b.take(name)
}

func (b *builder) addSettings() {
	b.settings = b.take("settings.json")
	if b.settings != nil {
		b.catalog.SettingsSchema = b.settings.JSON()
	}
}

func (b *builder) addMethod(m AuthMethod) {
	bound := &boundMethod{AuthMethod: m, app: b.take(m.Name + ".app.json")}
	if m.Flow == Form {
		bound.form = b.need(m.Name + ".form.json")
	}
	b.require(snakeCase.MatchString(m.Name), "the auth method's name %q is not in snake_case", m.Name)
	b.require(b.methods[m.Name] == nil, "auth method %s is declared twice", m.Name)
	b.require(m.Title != "", "auth method %s has no title", m.Name)
	b.require(m.Complete != nil && m.Inspect != nil, "auth method %s needs Complete and Inspect", m.Name)
	b.require(m.Flow != OAuth2Code || m.Begin != nil, "auth method %s needs Begin", m.Name)
	b.methods[m.Name] = bound

	method := &connectorv1.AuthMethod{Name: m.Name, Title: m.Title, Flow: m.Flow, Refreshable: m.Refresh != nil, AppSchema: jsonOf(bound.app), FormSchema: jsonOf(bound.form)}
	for _, s := range m.Scopes {
		method.Scopes = append(method.Scopes, &connectorv1.Scope{Name: s.Name, Summary: s.Summary, Default: s.Default})
	}
	b.catalog.AuthMethods = append(b.catalog.AuthMethods, method)
}

func (b *builder) addOperation(op Operation) {
	bound := &boundOperation{Operation: op, in: b.need(op.Name + ".input.json"), out: b.need(op.Name + ".output.json")}
	where := "operation " + op.Name
	b.require(b.operations[op.Name] == nil, "%s is declared twice", where)
	b.require(op.handler != nil, "%s has no handler: bind one with Handle", where)
	b.describe(where, op.Name, op.Title, op.Summary)
	b.checkScopes(where, op.Scopes)
	b.checkMethods(where, op.AuthMethods)
	for _, name := range op.Quotas {
		known := slices.ContainsFunc(b.spec.Quotas, func(q QuotaHint) bool { return q.Name == name })
		b.require(known, "%s names the quota %s, which does not exist", where, name)
	}
	b.checkInput(where, bound.in)
	b.checkFields(where, op.input, bound.in)
	if op.Items != "" && bound.out != nil {
		b.require(describesList(bound.out.JSON(), op.Items), "%s: the output schema has no array at %s", where, op.Items)
	}
	b.operations[op.Name] = bound

	o := &connectorv1.Operation{
		Name: op.Name, Title: op.Title, Summary: op.Summary, Description: op.Description,
		InputSchema: jsonOf(bound.in), OutputSchema: jsonOf(bound.out),
		Effect: op.Effect, Idempotency: op.Idempotency, ItemsPointer: op.Items, Paginated: op.Paginated,
		Scopes: op.Scopes, AuthMethods: op.AuthMethods, Quotas: op.Quotas, Deprecation: op.Deprecation,
		LongRunning: op.LongRunning, Reconcilable: op.reconcile != nil,
	}
	if op.Timeout > 0 {
		o.Timeout = durationpb.New(op.Timeout)
	}
	b.catalog.Operations = append(b.catalog.Operations, o)
}

func (b *builder) addTrigger(t Trigger) {
	bound := &boundTrigger{Trigger: t, in: b.need(t.Name + ".input.json"), out: b.need(t.Name + ".output.json")}
	where := "trigger " + t.Name
	b.require(b.triggers[t.Name] == nil, "%s is declared twice", where)
	b.require(t.Webhook || t.Poll != nil, "%s comes neither by webhook nor by poll", where)
	b.require(!t.Webhook || (t.Subscribe != nil && b.spec.Receive != nil), "%s comes by webhook and needs Subscribe and Receive", where)
	b.describe(where, t.Name, t.Title, t.Summary)
	b.checkScopes(where, t.Scopes)
	b.checkMethods(where, t.AuthMethods)
	b.checkInput(where, bound.in)
	b.triggers[t.Name] = bound

	b.catalog.Triggers = append(b.catalog.Triggers, &connectorv1.Trigger{
		Name: t.Name, Title: t.Title, Summary: t.Summary, Description: t.Description,
		InputSchema: jsonOf(bound.in), OutputSchema: jsonOf(bound.out),
		Scopes: t.Scopes, AuthMethods: t.AuthMethods, Deprecation: t.Deprecation, Webhook: t.Webhook, Pollable: t.Poll != nil,
	})
}

func (b *builder) describe(where, name, title, summary string) {
	b.require(snakeCase.MatchString(name), "%s: the name is not in snake_case", where)
	b.require(title != "" && summary != "", "%s needs a title and a summary", where)
}

func (b *builder) checkScopes(where string, scopes []string) {
	for _, name := range scopes {
		known := slices.ContainsFunc(b.spec.AuthMethods, func(m AuthMethod) bool {
			return slices.ContainsFunc(m.Scopes, func(s Scope) bool { return s.Name == name })
		})
		b.require(known, "%s names the scope %s, which no auth method can grant", where, name)
	}
}

func (b *builder) checkMethods(where string, methods []string) {
	for _, name := range methods {
		b.require(b.methods[name] != nil, "%s names the auth method %s, which does not exist", where, name)
	}
}

// inputSchema is what a check looks at in an input's schema.
type inputSchema struct {
	Type                 string                     `json:"type"`
	AdditionalProperties json.RawMessage            `json:"additionalProperties"`
	Properties           map[string]json.RawMessage `json:"properties"`
}

// checkInput requires that an input's schema is closed, and that each dropdown
// has a list behind it.
func (b *builder) checkInput(where string, schema *validate.Schema) {
	if schema == nil {
		return
	}
	var in inputSchema
	_ = json.Unmarshal(schema.JSON(), &in)
	b.require(in.Type == "object" && string(in.AdditionalProperties) == "false", "%s: the input schema is not a closed object", where)
	for name, raw := range in.Properties {
		var property struct {
			Lookup *struct {
				Operation string `json:"operation"`
			} `json:"lookup"`
		}
		_ = json.Unmarshal(raw, &property)
		if l := property.Lookup; l != nil {
			_, ok := b.lists[l.Operation]
			b.require(ok, "%s: /%s looks up %s, which is no option list", where, name, l.Operation)
		}
	}
}

// checkFields requires that the handler's input struct and the schema name the
// same properties.
func (b *builder) checkFields(where string, t reflect.Type, schema *validate.Schema) {
	if schema == nil || t == nil || t.Kind() != reflect.Struct {
		return
	}
	var in inputSchema
	_ = json.Unmarshal(schema.JSON(), &in)
	fields := jsonFields(t)
	for _, name := range fields {
		b.require(in.Properties[name] != nil, "%s: the handler reads %q, which the input schema does not have", where, name)
	}
	for name := range in.Properties {
		b.require(slices.Contains(fields, name), "%s: the input schema has %q, which the handler does not read", where, name)
	}
}

func jsonFields(t reflect.Type) []string {
	var names []string
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-":
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			names = append(names, jsonFields(f.Type)...)
		case name == "":
			names = append(names, f.Name)
		default:
			names = append(names, name)
		}
	}
	return names
}

// describesList reports whether a schema describes an array at an instance's
// JSON Pointer, as far as plain properties and references within lead.
func describesList(schema []byte, pointer string) bool {
	document, err := validate.Decode(schema)
	if err != nil {
		return false
	}
	node := deref(document, document)
	for _, token := range strings.Split(pointer, "/")[1:] {
		properties, _ := node["properties"].(map[string]any)
		node = deref(document, properties[token])
	}
	return node["type"] == "array"
}

func deref(document, node any) map[string]any {
	for range 16 {
		m, _ := node.(map[string]any)
		ref, ok := m["$ref"].(string)
		if !ok {
			return m
		}
		root, _ := document.(map[string]any)
		defs, _ := root["$defs"].(map[string]any)
		node = defs[strings.TrimPrefix(ref, "#/$defs/")]
	}
	return nil
}

func jsonOf(s *validate.Schema) []byte {
	if s == nil {
		return nil
	}
	return s.JSON()
}
