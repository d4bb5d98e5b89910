package connectortest

import (
	"fmt"
	"slices"
	"strings"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// Incompatibility is one change that breaks workflows which a catalog has served
// until now.
type Incompatibility struct {
	Pointer string // RFC 6901 JSON Pointer into the old catalog, as in its golden file.
	Message string // What has changed, in one sentence that begins with its bearer.
}

// String returns the pointer and the message.
func (i Incompatibility) String() string { return i.Pointer + ": " + i.Message }

// Compatible returns what in a new catalog breaks workflows that were made for an
// old one. A catalog may break them with a new major version, so two catalogs of
// different major versions have no incompatibilities.
//
// Within a major version a catalog may add operations, triggers, auth methods,
// optional inputs, choices in inputs and outputs, and fields in outputs. It may
// not remove or rename anything, retype or narrow an input or make it required,
// drop or retype a field of an output or promise it less, add scopes to what
// exists, raise an effect, lower an idempotency, move an items pointer, begin or
// stop to paginate, or take a way away (an auth method, polling, reconciling).
func Compatible(old, new *connectorv1.Catalog) []Incompatibility {
	if major(old) != major(new) && old.GetName() == new.GetName() {
		return nil
	}
	c := &comparison{old: old, new: new}
	if old.GetName() != new.GetName() {
		c.addf("/name", "the connector is named %s, and was %s", new.GetName(), old.GetName())
	}
	c.schemas(input, "/settings_schema", "the settings", old.GetSettingsSchema(), new.GetSettingsSchema())
	for i, o := range old.GetAuthMethods() {
		at, what := fmt.Sprintf("/auth_methods/%d", i), "auth method "+o.GetName()
		if n := named(new.GetAuthMethods(), o.GetName()); n != nil {
			c.method(at, what, o, n)
		} else {
			c.addf(at, "%s is gone", what)
		}
	}
	for i, o := range old.GetOperations() {
		at, what := fmt.Sprintf("/operations/%d", i), "operation "+o.GetName()
		if n := named(new.GetOperations(), o.GetName()); n != nil {
			c.operation(at, what, o, n)
		} else {
			c.addf(at, "%s is gone: keep it, with a deprecation", what)
		}
	}
	for i, o := range old.GetTriggers() {
		at, what := fmt.Sprintf("/triggers/%d", i), "trigger "+o.GetName()
		if n := named(new.GetTriggers(), o.GetName()); n != nil {
			c.trigger(at, what, o, n)
		} else {
			c.addf(at, "%s is gone: keep it, with a deprecation", what)
		}
	}
	return c.found
}

// comparison collects what is found between two catalogs.
type comparison struct {
	old, new *connectorv1.Catalog
	found    []Incompatibility
}

func (c *comparison) addf(pointer, format string, args ...any) {
	c.found = append(c.found, Incompatibility{pointer, fmt.Sprintf(format, args...)})
}

func (c *comparison) method(at, what string, old, new *connectorv1.AuthMethod) {
	if old.GetFlow() != new.GetFlow() {
		c.addf(at+"/flow", "%s goes another way than before", what)
	}
	if old.GetRefreshable() && !new.GetRefreshable() {
		c.addf(at+"/refreshable", "%s can no longer be refreshed without a person", what)
	}
	for i, s := range old.GetScopes() {
		if named(new.GetScopes(), s.GetName()) == nil {
			c.addf(fmt.Sprintf("%s/scopes/%d", at, i), "%s can no longer grant %s", what, s.GetName())
		}
	}
	c.schemas(input, at+"/app_schema", what+": the registration", old.GetAppSchema(), new.GetAppSchema())
	c.schemas(input, at+"/form_schema", what+": the form", old.GetFormSchema(), new.GetFormSchema())
}

func (c *comparison) operation(at, what string, old, new *connectorv1.Operation) {
	if harm(new.GetEffect()) > harm(old.GetEffect()) {
		c.addf(at+"/effect", "%s does more than before: %s, and was %s", what, word(new.GetEffect().String(), "EFFECT_"), word(old.GetEffect().String(), "EFFECT_"))
	}
	if safety(new.GetIdempotency()) < safety(old.GetIdempotency()) {
		c.addf(at+"/idempotency", "%s is less safe to repeat than before", what)
	}
	if p := old.GetItemsPointer(); p != "" && p != new.GetItemsPointer() {
		c.addf(at+"/items_pointer", "%s has its items at %q, and had them at %q", what, new.GetItemsPointer(), p)
	}
	if old.GetPaginated() != new.GetPaginated() {
		if new.GetPaginated() {
			c.addf(at+"/paginated", "%s begins to paginate: what was all of it becomes its first page", what)
		} else {
			c.addf(at+"/paginated", "%s stops to paginate", what)
		}
	}
	if old.GetReconcilable() && !new.GetReconcilable() {
		c.addf(at+"/reconcilable", "%s can no longer tell whether a lost call has happened", what)
	}
	c.moreScopes(at, what, old.GetScopes(), new.GetScopes())
	c.fewerWays(at, what, old.GetAuthMethods(), new.GetAuthMethods())
	c.schemas(input, at+"/input_schema", what+": the input", old.GetInputSchema(), new.GetInputSchema())
	c.schemas(output, at+"/output_schema", what+": the output", old.GetOutputSchema(), new.GetOutputSchema())
}

func (c *comparison) trigger(at, what string, old, new *connectorv1.Trigger) {
	if old.GetWebhook() && !new.GetWebhook() {
		c.addf(at+"/webhook", "%s no longer comes by webhook", what)
	}
	if old.GetPollable() && !new.GetPollable() {
		c.addf(at+"/pollable", "%s can no longer be polled", what)
	}
	c.moreScopes(at, what, old.GetScopes(), new.GetScopes())
	c.fewerWays(at, what, old.GetAuthMethods(), new.GetAuthMethods())
	c.schemas(input, at+"/input_schema", what+": the input", old.GetInputSchema(), new.GetInputSchema())
	c.schemas(output, at+"/output_schema", what+": the payload", old.GetOutputSchema(), new.GetOutputSchema())
}

func (c *comparison) moreScopes(at, what string, old, new []string) {
	for _, s := range new {
		if !slices.Contains(old, s) {
			c.addf(at+"/scopes", "%s needs the scope %s, which credentials given until now may not have", what, s)
		}
	}
}

// fewerWays finds auth methods that something no longer works with. One that is
// gone altogether is told of once, by itself.
func (c *comparison) fewerWays(at, what string, old, new []string) {
	after := ways(new, c.new)
	for _, m := range ways(old, c.old) {
		if !slices.Contains(after, m) && named(c.new.GetAuthMethods(), m) != nil {
			c.addf(at+"/auth_methods", "%s no longer works with the auth method %s", what, m)
		}
	}
}

// ways returns the auth methods that an operation or a trigger works with.
func ways(names []string, c *connectorv1.Catalog) []string {
	if len(names) > 0 {
		return names
	}
	var all []string
	for _, m := range c.GetAuthMethods() {
		all = append(all, m.GetName())
	}
	return all
}

func named[T interface {
	comparable
	GetName() string
}](all []T, name string) T {
	for _, v := range all {
		if v.GetName() == name {
			return v
		}
	}
	var none T
	return none
}

func major(c *connectorv1.Catalog) string {
	m, _, _ := strings.Cut(c.GetVersion(), ".")
	return m
}

// harm orders effects; who does not say is taken as destructive.
func harm(e connectorv1.Effect) connectorv1.Effect {
	if e == connectorv1.Effect_EFFECT_UNSPECIFIED {
		return connectorv1.Effect_EFFECT_DESTRUCTIVE
	}
	return e
}

// safety orders idempotencies.
func safety(i connectorv1.Idempotency) int {
	switch i {
	case connectorv1.Idempotency_IDEMPOTENCY_INHERENT:
		return 2
	case connectorv1.Idempotency_IDEMPOTENCY_KEYED:
		return 1
	}
	return 0
}

func word(name, prefix string) string { return strings.ToLower(strings.TrimPrefix(name, prefix)) }
