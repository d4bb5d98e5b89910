package tray_test

import (
	"strings"
	"testing"

	"github.com/storyloop/storyloop/host/tray"
	"github.com/storyloop/storyloop/host/workflow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tiny returns an export of one step of the connector x, with what is inserted.
func tiny(properties string) string {
	return exportOf(`"steps_structure": [{"name": "trigger", "type": "normal", "content": {}}, {"name": "x-1", "type": "normal", "content": {}}],
		"steps": {` + noop + `, "x-1": {"connector": {"name": "x", "version": "1.0"}, "operation": "do", "properties": ` + properties + `}}`)
}

const noop = `"trigger": {"connector": {"name": "noop", "version": "1.1"}, "operation": "trigger"}`

func exportOf(workflow string) string {
	return `{"tray_export_version": 4, "export_type": "workflow", "workflows": [{"id": "w", "title": "T", ` + workflow + `}]}`
}

func structured(structure, steps string) string {
	return exportOf(`"steps_structure": [{"name": "trigger", "type": "normal"}, ` + structure + `], "steps": {` + noop + `, ` + steps + `}`)
}

const loop = `"loop-1": {"connector": {"name": "loop", "version": "1.3"}, "operation": "loop_forever"}`

func TestImport_Malformed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ export, want string }{
		"empty":              {``, `x.json:1:1: ends too early: the file is empty or cut off`},
		"cut off":            {tiny(`{}`)[:100], `ends too early`},
		"not JSON":           {`tray`, `is not JSON`},
		"two values":         {`{} {}`, `something follows after the end`},
		"member twice":       {`{"a": 1, "a": 2}`, `has "a" twice in one object`},
		"a list":             {`[]`, `is not a Tray export: it has no tray_export_version`},
		"of the API":         {`{"projectId": "p", "exportData": {}}`, `use Export in Tray's builder`},
		"version 3":          {`{"tray_export_version": 3, "workflows": []}`, `/tray_export_version: is version 3; only version 4 is read`},
		"version as text":    {`{"tray_export_version": "4", "workflows": []}`, `/tray_export_version: is version "4"`},
		"type":               {`{"tray_export_version": 4, "export_type": "solution", "workflows": []}`, `/export_type: is "solution"`},
		"no workflows":       {`{"tray_export_version": 4}`, `/workflows: is required`},
		"nothing in it":      {`{"tray_export_version": 4, "workflows": []}`, `/workflows: is empty`},
		"workflow":           {`{"tray_export_version": 4, "workflows": [1]}`, `/workflows/0: must be a workflow, an object, not a number`},
		"no steps":           {exportOf(`"steps_structure": []`), `/workflows/0/steps: is required`},
		"no structure":       {exportOf(`"steps": {}`), `/workflows/0/steps_structure: is required`},
		"no trigger":         {exportOf(`"steps": {}, "steps_structure": []`), `must begin with the normal step "trigger"`},
		"step":               {structured(`{"name": "a-1", "type": "normal"}`, `"a-1": []`), `/workflows/0/steps/a-1: must be a step, an object, not a list`},
		"no connector":       {structured(`{"name": "a-1", "type": "normal"}`, `"a-1": {"operation": "x"}`), `/workflows/0/steps/a-1/connector: is required`},
		"next pointer":       {structured(`{"name": "a-1", "type": "normal"}`, `"a-1": {"connector": {"name": "a"}, "operation": "x", "next": "b-1"}`), `/workflows/0/steps/a-1/next: is nothing that a step has`},
		"mistyped":           {structured(`{"name": "a-1", "type": "normal"}`, `"a-1": {"connector": {"name": "a"}, "operation": "x", "propertis": {}}`), `did you mean "properties"?`},
		"unknown step":       {structured(`{"name": "a-1", "type": "normal"}`, loop), `there is no step "a-1"`},
		"step twice":         {structured(`{"name": "loop-1", "type": "loop", "content": {"_loop": [{"name": "loop-1", "type": "normal"}]}}`, loop), `has a place already`},
		"structure's type":   {structured(`{"name": "loop-1", "type": "parallel"}`, loop), `/workflows/0/steps_structure/1/type: is "parallel"`},
		"structure's member": {structured(`{"name": "loop-1", "type": "normal", "next": 1}`, loop), `/workflows/0/steps_structure/1/next: is nothing that the structure has`},
		"loop without body":  {structured(`{"name": "loop-1", "type": "loop", "content": {}}`, loop), `/content/_loop: is required`},
		"loop with branches": {structured(`{"name": "loop-1", "type": "loop", "content": {"_loop": [], "true": []}}`, loop), `/content/true: is nothing that a loop has`},
		"normal with body":   {structured(`{"name": "loop-1", "type": "normal", "content": {"_loop": [1]}}`, loop), `must be empty for the type "normal"`},
		"body":               {structured(`{"name": "loop-1", "type": "loop", "content": {"_loop": {}}}`, loop), `/content/_loop: must be a list of steps`},
		"branches":           {structured(`{"name": "c-1", "type": "branch", "content": {"yes": []}}`, `"c-1": {"connector": {"name": "boolean-condition"}, "operation": "boolean_condition"}`), `/content/yes: a boolean condition has the branches`},
		"not wrapped":        {tiny(`{"a": "sesame"}`), `/workflows/0/steps/x-1/properties/a: is not wrapped: it is a text (write {"type": ..., "value": ...})`},
		"not wrapped within": {tiny(`{"a": {"type": "array", "value": [1]}}`), `/properties/a/value/0: is not wrapped: it is a number`},
		"member of wrapping": {tiny(`{"a": {"type": "string", "value": "x", "fallbak": 1}}`), `/properties/a/fallbak: is nothing that a value has in version 4 (did you mean "fallback"?)`},
		"type of value":      {tiny(`{"a": {"type": "text", "value": "x"}}`), `/properties/a/type: is "text"`},
		"value of type":      {tiny(`{"a": {"type": "array", "value": "x"}}`), `/properties/a/value: is a text, and its type says array`},
		"object as text":     {tiny(`{"a": {"type": "string", "value": {}}}`), `/properties/a/value: is an object, and its type says string`},
		"path":               {tiny(`{"a": {"type": "jsonpath", "value": "steps.x"}}`), `/properties/a: "steps.x" is no reference`},
		"path's type":        {tiny(`{"a": {"type": "jsonpath", "value": 1}}`), `/properties/a/value: is a number, and its type says jsonpath`},
		"unknown root":       {tiny(`{"a": {"type": "jsonpath", "value": "$.trigger.body"}}`), `"$.trigger.body" has an unknown root (Tray writes $.steps.trigger.body)`},
		"properties":         {tiny(`[]`), `/workflows/0/steps/x-1/properties: must be an object, not a list`},
		"settings":           {exportOf(`"settings": 1, "steps": {}, "steps_structure": []`), `/workflows/0/settings: must be an object`},
		"config":             {exportOf(`"settings": {"config": []}, "steps": {}, "steps_structure": []`), `/workflows/0/settings/config: must be an object`},
		"too deep":           {strings.Repeat(`[`, 300) + strings.Repeat(`]`, 300), `more than 200 deep`},
		"too large":          {strings.Repeat(`x`, 16<<20+1), `at most 16777216 are read`},
		"document too large": {tiny(`{"a": {"type": "string", "value": "` + strings.Repeat("x", 1<<20) + `"}}`), `cannot become a document`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			results, err := tray.Import("x.json", []byte(c.export))
			require.Error(t, err)
			assert.Empty(t, results)
			assert.Contains(t, err.Error(), c.want)
			var problems workflow.Problems
			require.ErrorAs(t, err, &problems)
			for _, p := range problems {
				assert.Positive(t, p.Line, "%s", p)
			}
			assert.NotContains(t, err.Error(), "sesame")
		})
	}
}

func TestImport_PlaceOfProblem(t *testing.T) {
	t.Parallel()
	_, err := tray.Import("x.json", []byte("{\n  \"tray_export_version\":\n    5\n}"))
	var problems workflow.Problems
	require.ErrorAs(t, err, &problems)
	assert.Equal(t, []int{3, 5}, []int{problems[0].Line, problems[0].Column})
}

func TestImport_Texts(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`plain`:                     `"plain"`,
		`$.steps.literal`:           `"$.steps.literal"`,
		`$[0]`:                      `"$[0]"`,
		`{literal} {0}`:             `"{literal} {0}"`,
		`{{$.steps.trigger}}`:       `"{{$.steps.trigger}}"`,
		`{$.other.x} and {$[0]}`:    `"{$.other.x} and {$[0]}"`,
		`function(){$.ajax("{")}`:   `"function(){$.ajax(\"{\")}"`,
		`open {$.steps.trigger`:     `"open {$.steps.trigger"`,
		"two\nlines":                `"two\nlines"`,
		"\n  odd \n\ttabs\r\n \x01": `"\n  odd \n\ttabs\r\n \u0001"`,
		`yes`:                       `"yes"`,
		`0123`:                      `"0123"`,
		`1e3`:                       `"1e3"`,
		`2026-11-22`:                `"2026-11-22"`,
		`~`:                         `"~"`,
		`# no comment`:              `"# no comment"`,
		`日本 <b>`:                    `"日本 <b>"`,
	} {
		doc := parsed(t, tiny(`{"a": {"type": "string", "value": `+string(quote(t, in))+`}}`))
		got, ok := doc.Steps[0].Input.Member("a").Constant()
		assert.True(t, ok, "%q became a reference", in)
		assert.Equal(t, want, string(got), "%q", in)
	}
}

func TestImport_References(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"type": "jsonpath", "value": "$.steps.trigger.body['a b'][0]"}`:                                           `"a":"$.steps.trigger.body['a b'][0]"`,
		`{"type": "jsonpath", "value": "$.config.x", "fallback": {"type": "integer", "value": 17841405726653026}}`:  `"a":{"$ref":"$.config.x","fallback":17841405726653026}`,
		`{"type": "jsonpath", "value": "$.config.x", "fallback": {"type": "jsonpath", "value": "$.steps.trigger"}}`: `"a":{"$ref":"$.config.x","fallback":"$.steps.trigger"}`,
		`{"type": "string", "value": "{$.config.x or:'none'}"}`:                                                     `"a":{"$ref":"$.config.x","fallback":"none"}`,
		`{"type": "string", "value": "$5 for {$.config.x}"}`:                                                        `"a":"$5 for {$.config.x}"`,
		`{"type": "string", "value": "a {$.config.x} b {$.env.HOME}"}`:                                              `"a":"a {$.config.x} b {$.env.HOME}"`,
		`{"type": "string", "value": "{=add($.config.x, 1)}"}`:                                                      `"a":"$.config.unconverted.x_1_a"`,
		`{"type": "string", "value": "sum: {=add($.config.x, '}')}!"}`:                                              `"a":"sum: {$.config.unconverted.x_1_a}!"`,
		`{"type": "jsonpath", "value": "$.auth.access_token"}`:                                                      `"a":"$.config.unconverted.x_1_a"`,
		`{"type": "jsonpath", "value": "$.steps.x-1.id"}`:                                                           `"a":"$.config.unconverted.x_1_a"`,
		`{"type": "integer", "value": "5"}`:                                                                         `"a":"5"`,
		`{"type": "object", "value": {"$ref": {"type": "string", "value": "x"}}}`:                                   `"a":"$.config.unconverted.x_1_a"`,
	} {
		doc := parsed(t, tiny(`{"a": `+in+`}`))
		assert.Contains(t, string(doc.JSON()), want, in)
	}
}

func parsed(t *testing.T, export string) *workflow.Document {
	t.Helper()
	results, err := tray.Import("x.json", []byte(export))
	require.NoError(t, err, export)
	require.Len(t, results, 1)
	doc, err := workflow.Parse("x.yaml", results[0].Document)
	require.NoError(t, err, "%s", results[0].Document)
	return doc
}
