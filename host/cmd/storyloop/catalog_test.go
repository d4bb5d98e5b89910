package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCatalog_SaysWhichValuesThereAre(t *testing.T) {
	t.Parallel()
	out := storyloop(t, "catalog", "storage", "set").stdout
	assert.Regexp(t, `(?m)^scope +run\|workflow\|host +default run +Scope$`, out)
	assert.Regexp(t, `(?m)^Effect: write, can be looked for when its answer was lost$`, out)
	assert.Regexp(t, `(?m)^value +any +required +Value$`, out)
	assert.Regexp(t, `(?m)^media +object +required`, storyloop(t, "catalog", "instagram", "media_published").stdout)
}

func TestCatalog_SaysWhatAnOperationDoes(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"list_stories": "Effect: read, in pages\n", "publish_photo": "Effect: write, may take minutes, ", "delete_comment": "Effect: destructive",
	} {
		assert.Contains(t, storyloop(t, "catalog", "instagram", name).stdout, want)
	}
	assert.NotContains(t, storyloop(t, "catalog", "instagram", "media_published").stdout, "Effect")
}

func TestCatalog_ShowsWhatIsWithinObjectsAndLists(t *testing.T) {
	t.Parallel()
	out := storyloop(t, "catalog", "boolean-condition", "boolean_condition").stdout
	assert.Regexp(t, `(?m)^conditions +array of object +required +Conditions\n  value1 +any +First value\n  comparison +===\|`, out)
	assert.Regexp(t, `(?m)^match +all\|any `, out)
	assert.Regexp(t, `(?m)^data +array of object +required .*\n  id +string +required`, storyloop(t, "catalog", "instagram", "list_stories").stdout)
}

func TestSchemaRows(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, schema, want string }{
		{"reference", `{"properties":{"a":{"$ref":"#/$defs/x","title":"A"}},"$defs":{"x":{"type":"object","properties":{"b":{"type":"string"}},"title":"X"}}}`,
			"a object A\n  b string"},
		{"list of references", `{"properties":{"a":{"type":"array","items":{"$ref":"#/$defs/x"}}},"$defs":{"x":{"type":"object","required":["b"],"properties":{"b":{"type":["string","null"]}}}}}`,
			"a array of object\n  b string|null required"},
		{"any name", `{"properties":{"a":{"type":"object","additionalProperties":{"type":"integer"}},"b":{"type":"object","additionalProperties":false}}}`,
			"a object of integer\nb object"},
		{"one of several", `{"properties":{"a":{"anyOf":[{"type":"string"},{"type":"array","items":{"type":["string","number"]}}]}}}`,
			"a string|array of string|number"},
		{"one of several objects", `{"properties":{"a":{"oneOf":[{"type":"object","properties":{"b":{"const":1}}},{"type":"object","properties":{"c":{"enum":["x y",2]}}}]}}}`,
			"a object\n  b 1\n  c x y|2"},
		{"any items", `{"properties":{"a":{"type":"array","items":true},"b":true}}`, "a array\nb any"},
		{"order", `{"properties":{"z":{"type":"null"},"a":{"type":"null"}}}`, "z null\na null"},
		{"without end", `{"properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}}}}}`,
			"a object\n  a object\n    a object\n      a object ..."},
		{"itself", `{"properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":{"$ref":"#/$defs/x"}}}`, "a any"},
		{"none", `{"type":"object"}`, ""},
		{"empty", ``, ""},
	} {
		rows, err := schemaRows([]byte(tt.schema))
		require.NoError(t, err, tt.name)
		var lines []string
		for _, row := range rows {
			var cells []string
			for _, cell := range row {
				if cell != "" {
					cells = append(cells, cell.(string))
				}
			}
			lines = append(lines, strings.Join(cells, " "))
		}
		assert.Equal(t, tt.want, strings.Join(lines, "\n"), tt.name)
	}
	_, err := schemaRows([]byte(`{"properties":[]}`))
	require.Error(t, err)
}
