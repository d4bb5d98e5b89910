package connectortest_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/storyloop/storyloop/connector/connectortest"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

func catalog() *connectorv1.Catalog {
	return &connectorv1.Catalog{
		Name: "shop", Version: "1.2.0", Title: "Shop", SettingsSchema: []byte(`{"properties":{"url":{"type":"string"}}}`),
		AuthMethods: []*connectorv1.AuthMethod{
			{Name: "login", Flow: connectorv1.AuthFlow_AUTH_FLOW_OAUTH2_CODE, Refreshable: true, Scopes: []*connectorv1.Scope{{Name: "sell"}, {Name: "see"}}},
			{Name: "token", Flow: connectorv1.AuthFlow_AUTH_FLOW_FORM, FormSchema: []byte(`{"type":"object","required":["token"]}`)},
		},
		Operations: []*connectorv1.Operation{{
			Name: "list_items", Effect: connectorv1.Effect_EFFECT_READ, Idempotency: connectorv1.Idempotency_IDEMPOTENCY_KEYED,
			ItemsPointer: "/data", Paginated: true, Reconcilable: true, Scopes: []string{"see"},
			InputSchema: []byte(`{"type":"object"}`), OutputSchema: []byte(`{"type":"object"}`),
		}},
		Triggers: []*connectorv1.Trigger{{
			Name: "sold", Webhook: true, Pollable: true, InputSchema: []byte(`{"type":"object"}`), OutputSchema: []byte(`{"type":"object"}`),
		}},
	}
}

func TestCompatible_Catalogs(t *testing.T) {
	t.Parallel()
	type change func(*connectorv1.Catalog)
	for name, tt := range map[string]struct {
		change change
		want   string // Empty means compatible.
	}{
		"nothing": {func(c *connectorv1.Catalog) {}, ""},
		"words":   {func(c *connectorv1.Catalog) { c.Title = "The shop"; c.Operations[0].Summary = "Lists." }, ""},
		"another operation": {func(c *connectorv1.Catalog) {
			c.Operations = append(c.Operations, &connectorv1.Operation{Name: "sell", Scopes: []string{"sell"}})
		}, ""},
		"another trigger": {func(c *connectorv1.Catalog) { c.Triggers = append(c.Triggers, &connectorv1.Trigger{Name: "returned"}) }, ""},
		"deprecated":      {func(c *connectorv1.Catalog) { c.Operations[0].Deprecation = "Use list_things." }, ""},
		"less harm": {func(c *connectorv1.Catalog) {
			c.Operations[0].Idempotency = connectorv1.Idempotency_IDEMPOTENCY_INHERENT
		}, ""},
		"a new major version": {func(c *connectorv1.Catalog) { c.Version = "2.0.0"; c.Operations = nil }, ""},
		"operation removed":   {func(c *connectorv1.Catalog) { c.Operations = nil }, "/operations/0: operation list_items is gone"},
		"operation renamed":   {func(c *connectorv1.Catalog) { c.Operations[0].Name = "items" }, "/operations/0: operation list_items is gone"},
		"trigger removed":     {func(c *connectorv1.Catalog) { c.Triggers = nil }, "/triggers/0: trigger sold is gone"},
		"connector renamed":   {func(c *connectorv1.Catalog) { c.Name = "store" }, "/name: the connector is named store"},
		"more harm":           {func(c *connectorv1.Catalog) { c.Operations[0].Effect = connectorv1.Effect_EFFECT_WRITE }, "/operations/0/effect: operation list_items does more than before: write, and was read"},
		"effect unsaid":       {func(c *connectorv1.Catalog) { c.Operations[0].Effect = 0 }, "/operations/0/effect"},
		"less safe":           {func(c *connectorv1.Catalog) { c.Operations[0].Idempotency = connectorv1.Idempotency_IDEMPOTENCY_NONE }, "/operations/0/idempotency"},
		"items moved":         {func(c *connectorv1.Catalog) { c.Operations[0].ItemsPointer = "/items" }, `/operations/0/items_pointer: operation list_items has its items at "/items", and had them at "/data"`},
		"no pages":            {func(c *connectorv1.Catalog) { c.Operations[0].Paginated = false }, "stops to paginate"},
		"same pages":          {func(c *connectorv1.Catalog) { c.Operations[0].Paginated = true }, ""},
		"not reconcilable":    {func(c *connectorv1.Catalog) { c.Operations[0].Reconcilable = false }, "/operations/0/reconcilable"},
		"more scopes":         {func(c *connectorv1.Catalog) { c.Operations[0].Scopes = []string{"see", "sell"} }, "/operations/0/scopes: operation list_items needs the scope sell"},
		"fewer ways":          {func(c *connectorv1.Catalog) { c.Operations[0].AuthMethods = []string{"login"} }, "no longer works with the auth method token"},
		"auth method removed": {func(c *connectorv1.Catalog) { c.AuthMethods = c.AuthMethods[:1] }, "/auth_methods/1: auth method token is gone"},
		"another flow":        {func(c *connectorv1.Catalog) { c.AuthMethods[0].Flow = connectorv1.AuthFlow_AUTH_FLOW_FORM }, "/auth_methods/0/flow"},
		"not refreshable":     {func(c *connectorv1.Catalog) { c.AuthMethods[0].Refreshable = false }, "/auth_methods/0/refreshable"},
		"scope removed":       {func(c *connectorv1.Catalog) { c.AuthMethods[0].Scopes = c.AuthMethods[0].Scopes[1:] }, "/auth_methods/0/scopes/0: auth method login can no longer grant sell"},
		"form asks for more": {func(c *connectorv1.Catalog) {
			c.AuthMethods[1].FormSchema = []byte(`{"type":"object","required":["token","id"]}`)
		}, "/auth_methods/1/form_schema: auth method token: the form at /id becomes required"},
		"settings lost":        {func(c *connectorv1.Catalog) { c.SettingsSchema = []byte(`{"properties":{}}`) }, "/settings_schema/properties/url: the settings at /url is gone"},
		"no schema":            {func(c *connectorv1.Catalog) { c.Operations[0].OutputSchema = nil }, "has no schema any more"},
		"no schema, but words": {func(c *connectorv1.Catalog) { c.Operations[0].OutputSchema = []byte(`nonsense`) }, "cannot be read"},
		"no webhook":           {func(c *connectorv1.Catalog) { c.Triggers[0].Webhook = false }, "/triggers/0/webhook"},
		"no poll":              {func(c *connectorv1.Catalog) { c.Triggers[0].Pollable = false }, "/triggers/0/pollable"},
		"trigger, fewer ways":  {func(c *connectorv1.Catalog) { c.Triggers[0].AuthMethods = []string{"login"} }, "/triggers/0/auth_methods: trigger sold no longer works with the auth method token"},
		"trigger needs scopes": {func(c *connectorv1.Catalog) { c.Triggers[0].Scopes = []string{"see"} }, "/triggers/0/scopes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old, changed := catalog(), catalog()
			tt.change(changed)
			found := connectortest.Compatible(old, changed)
			if tt.want == "" {
				assert.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			assert.Contains(t, found[0].String(), tt.want)
		})
	}
}

func TestCompatible_Schemas(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ old, new, in, out string }{
		// What inputs and outputs may become; an empty want means compatible.
		{`{"properties":{"a":{}}}`, `{"properties":{"a":{},"b":{}}}`, "", ""},
		{`{"properties":{"a":{}}}`, `{"properties":{"b":{}}}`, "at /a is gone", "at /a is gone"},
		{`{"properties":{"a":{}}}`, `{"properties":{"a":{}},"required":["a"]}`, "at /a becomes required", ""},
		{`{"properties":{"a":{}},"required":["a"]}`, `{"properties":{"a":{}}}`, "", "at /a is no longer sure to be there"},
		{`{"type":"string"}`, `{"type":["string","integer"]}`, "", "is of type string or integer, and was of string"},
		{`{"type":["string","integer"]}`, `{"type":"string"}`, "is of type string, and was of string or integer", ""},
		{`{"type":"string"}`, `{"type":"integer"}`, "is of type integer, and was of string", "is of type integer"},
		{`{"type":"integer"}`, `{"type":"number"}`, "", "is of type number"},
		{`{"type":"number"}`, `{"type":"integer"}`, "is of type integer", ""},
		{`{}`, `{"type":"string"}`, "and was of any type", ""},
		{`{"enum":["a","b"]}`, `{"enum":["a","b","c"]}`, "", ""},
		{`{"enum":["a","b"]}`, `{"enum":["a"]}`, `no longer takes "b"`, ""},
		{`{"type":"string"}`, `{"type":"string","enum":["a"]}`, "is limited to choices", ""},
		{`{"const":"a"}`, `{"enum":["a","b"]}`, "", ""},
		{`{"maxLength":10}`, `{"maxLength":20}`, "", ""},
		{`{"maxLength":10}`, `{"maxLength":9}`, "has a lower limit: maxLength is 9", ""},
		{`{}`, `{"maxItems":5}`, "has a lower limit", ""},
		{`{"minimum":1.5}`, `{"minimum":1}`, "", ""},
		{`{"minimum":1}`, `{"minimum":1.5}`, "has a higher limit", ""},
		{`{}`, `{"minLength":0}`, "", ""},
		{`{}`, `{"minLength":1}`, "has a higher limit", ""},
		{`{}`, `{"minimum":0}`, "has a higher limit", ""},
		{`{"pattern":"^a"}`, `{"pattern":"^b"}`, `another "pattern"`, ""},
		{`{"pattern":"^a"}`, `{}`, "", ""},
		{`{}`, `{"additionalProperties":false}`, "takes no other properties", ""},
		{`{"additionalProperties":false}`, `{}`, "", ""},
		{`{"items":{"type":"string"}}`, `{"items":{"type":"integer"}}`, "at /- is of type integer", "at /- is of type integer"},
		{`{"additionalProperties":{"type":"string"}}`, `{"additionalProperties":{"type":"integer"}}`, "at /* is", "at /* is"},
		{`{"$ref":"#/$defs/a","$defs":{"a":{"type":"string"}}}`, `{"type":"string"}`, "", ""},
		{`{"$ref":"#/$defs/a","$defs":{"a":{"type":"string"}}}`, `{"$ref":"#/$defs/b","$defs":{"b":{"type":"null"}}}`, "is of type null", "is of type null"},
		{`{"properties":{"next":{"$ref":"#"},"id":{"type":"string"}}}`, `{"properties":{"next":{"$ref":"#"},"id":{"type":"null"}}}`, "/id is of type null", "/id is of type null"},
		{`{"oneOf":[{"type":"string"},{"type":"null"}]}`, `{"oneOf":[{"type":"string"},{"type":"null"},{"type":"array"}]}`, "", ""},
		{`{"oneOf":[{"type":"string"},{"type":"null"}]}`, `{"oneOf":[{"type":"string"}]}`, `another "oneOf"`, "promises less"},
		{`{}`, `{"allOf":[{"required":["a"]}]}`, `another "allOf"`, ""},
		{`{"if":{}}`, `{"if":{"required":["a"]}}`, `another "if"`, ""},
		{`true`, `false`, "false", ""},
	} {
		for _, d := range []struct {
			name, want string
			set        func(*connectorv1.Catalog, string)
		}{
			{"input", tt.in, func(c *connectorv1.Catalog, s string) { c.Operations[0].InputSchema = []byte(s) }},
			{"output", tt.out, func(c *connectorv1.Catalog, s string) { c.Operations[0].OutputSchema = []byte(s) }},
		} {
			t.Run(fmt.Sprintf("%s %s to %s", d.name, tt.old, tt.new), func(t *testing.T) {
				t.Parallel()
				old, changed := catalog(), catalog()
				d.set(old, tt.old)
				d.set(changed, tt.new)
				found := connectortest.Compatible(old, changed)
				if d.want == "" {
					assert.Empty(t, found)
					return
				}
				require.NotEmpty(t, found)
				assert.Contains(t, found[0].Message, d.want)
				assert.True(t, strings.HasPrefix(found[0].Pointer, "/operations/0/"+d.name+"_schema"), found[0].Pointer)
			})
		}
	}
}

func FuzzCompatible_AnySchemas(f *testing.F) {
	f.Add(`{"$ref":"#"}`, `{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}}`)
	f.Add(`{"properties":{"a":{"$ref":"#"}}}`, `{"properties":{"a":{"items":{"$ref":"#"}}},"required":["a",1]}`)
	f.Add(`{"oneOf":[{"$ref":"#"},{"$ref":"#"}],"maximum":1e999999}`, `{"oneOf":[{"anyOf":[{"$ref":"#/oneOf/0"}]}],"maximum":"x"}`)
	f.Add(`{"properties":[],"items":3,"enum":{},"type":{}}`, `{"properties":{"":true},"$ref":"#/properties//"}`)
	f.Add("{\"properties\":{\"\xff\xff\":{}}}", `{}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		one, other := catalog(), catalog()
		one.Operations[0].InputSchema, one.Operations[0].OutputSchema = []byte(a), []byte(a)
		other.Operations[0].InputSchema, other.Operations[0].OutputSchema = []byte(b), []byte(b)
		connectortest.Compatible(one, other)
		for _, i := range connectortest.Compatible(one, one) {
			if !strings.Contains(i.Message, "cannot be read") && !strings.Contains(i.Message, "no schema") {
				t.Errorf("a schema does not fit itself: %v: %s", i, a)
			}
		}
	})
}

// noted is a test that keeps what it is told.
type noted struct {
	testing.TB
	said []string
}

func (n *noted) Helper() {}

func (n *noted) Errorf(format string, args ...any) {
	n.said = append(n.said, fmt.Sprintf(format, args...))
}

func (n *noted) Fatalf(format string, args ...any) {
	n.Errorf(format, args...)
	panic(n)
}

func golden(t *testing.T, path string, c *connectorv1.Catalog, update bool) string {
	t.Helper()
	require.NoError(t, flag.Set("update", fmt.Sprint(update)))
	defer func() { require.NoError(t, flag.Set("update", "false")) }()
	n := &noted{TB: t}
	func() {
		defer func() {
			if p := recover(); p != nil && p != any(n) {
				panic(p)
			}
		}()
		connectortest.Golden(n, path, c)
	}()
	return strings.Join(n.said, "\n")
}

// It sets the flag of all tests, so it runs by itself.
func TestGolden_AChangeIsSeen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "testdata", "catalog.golden.json")
	assert.Contains(t, golden(t, path, catalog(), false), "run the test with -update")
	assert.Empty(t, golden(t, path, catalog(), true))
	assert.Empty(t, golden(t, path, catalog(), false))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Contains(t, string(text), "\"input_schema\": {\n        \"type\": \"object\"", "schemas are values, to be reviewed")

	grown := catalog()
	grown.Operations = append(grown.Operations, &connectorv1.Operation{Name: "sell_item"})
	assert.Contains(t, golden(t, path, grown, false), "has changed, compatibly")
	assert.Empty(t, golden(t, path, grown, true))
	assert.Empty(t, golden(t, path, grown, false))

	for _, update := range []bool{false, true} {
		assert.Contains(t, golden(t, path, catalog(), update), "operation sell_item is gone", "-update is no way around it")
	}
	next := proto.CloneOf(catalog())
	next.Version = "2.0.0"
	assert.Contains(t, golden(t, path, next, false), "has changed")
	assert.Empty(t, golden(t, path, next, true), "a new major version may break")
	require.NoError(t, os.WriteFile(path, []byte("{"), 0o644))
	assert.Contains(t, golden(t, path, next, true), "catalog.golden.json")
}
