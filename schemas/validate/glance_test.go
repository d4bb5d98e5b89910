package validate_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/schemas/validate"
)

// odd are values that are put in place of others.
var odd = []string{
	`null`, `true`, `0`, `-0`, `01`, `-1`, `1.0`, `1.5`, `1e2`, `1E400`, `1e999999999`, `1.`, `-`, `100`, `101`, `9223372036854775808`, `-17841405726653027`,
	`""`, `"x"`, `"17841405726653026"`, `"IMAGE"`, `"https://cdn.example/a.jpg"`, `"https://[::1"`, `"2026-08-03T08:00:00Z"`, `"a\nb"`, `"\u00e9"`, `"\ud800"`, `"\u00g0"`, `"\x"`, "\"\t\"", `"é"`,
	`"` + strings.Repeat("long ", 1000) + `"`,
	`[]`, `[1]`, `["id","id"]`, `["id","media_type"]`, `[null,]`, `{}`, `{"id":"1"}`, `{"id":1}`, `{"id":"1","id":1}`, `{"\u0069d":"1"}`, `{"extra":{}}`, `{"a" "b"}`, `tru`, ` `,
}

// catalogSchemas returns all schemas of a catalog.
func catalogSchemas(t testing.TB) []string {
	raw, err := os.ReadFile("../../connector/cmd/connector-instagram/testdata/catalog.golden.json")
	require.NoError(t, err)
	catalog, err := validate.Decode(raw)
	require.NoError(t, err)
	var all []string
	var look func(any)
	look = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			if v["$schema"] != nil {
				all = append(all, text(t, v))
				return
			}
			for _, name := range slices.Sorted(maps.Keys(v)) {
				look(v[name])
			}
		case []any:
			for _, item := range v {
				look(item)
			}
		}
	}
	look(catalog)
	return all
}

func text(t testing.TB, value any) string {
	raw, err := json.Marshal(value)
	require.NoError(t, err)
	return string(raw)
}

// changed calls do with a text for each way to change one value within another.
func changed(t testing.TB, value any, do func(text string)) {
	const place = "\u2702"
	at := text(t, place)
	for change := range places(&value, place) {
		before, after, _ := strings.Cut(text(t, change), at)
		for _, o := range odd {
			do(before + o + after)
		}
	}
}

// places yields a value once for each value within, with that one replaced, once
// with each member left out, and once with a member too many.
func places(root *any, place any) func(func(any) bool) {
	return func(yield func(any) bool) {
		var look func(value any, put func(any))
		look = func(value any, put func(any)) {
			put(place)
			yield(*root)
			put(value)
			switch v := value.(type) {
			case map[string]any:
				for _, name := range slices.Sorted(maps.Keys(v)) {
					member := v[name]
					delete(v, name)
					yield(*root)
					look(member, func(other any) { v[name] = other })
				}
				v["one more"] = place
				yield(*root)
				delete(v, "one more")
			case []any:
				for i := range v {
					look(v[i], func(other any) { v[i] = other })
				}
			}
		}
		look(*root, func(other any) { *root = other })
	}
}

func TestCheck_AGlanceSeesWhatTheLibrarySees(t *testing.T) {
	t.Parallel()
	examples, seen := 0, 0
	for _, raw := range append(catalogSchemas(t), photo) {
		s := compile(t, raw)
		same := func(text string) {
			if !s.Fits([]byte(text)) {
				return // Then the library is asked, as ever.
			}
			problems, err := s.Inspect([]byte(text))
			require.NoError(t, err, text)
			require.Empty(t, problems, "%s\n%s", raw, text)
		}
		var has struct {
			Examples []json.RawMessage `json:"examples"`
		}
		require.NoError(t, json.Unmarshal([]byte(raw), &has))
		for _, example := range append(has.Examples, json.RawMessage(`{}`)) {
			same(string(example))
			value, err := validate.Decode(example)
			require.NoError(t, err)
			changed(t, value, same)
		}
		for _, example := range has.Examples {
			if examples++; s.Fits(example) {
				seen++
			}
		}
	}
	assert.Greater(t, examples, 150)
	assert.Greater(t, seen, examples*9/10, "of %d examples", examples)
}

func TestCheck_AtAGlance(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ schema, fits, not string }{
		{`{"type":"object","required":["a","b"]}`, `{"b":1,"c":[],"a":null}`, `{"b":1,"b":2}`},
		{`{"properties":{"a":{"type":"string"}},"additionalProperties":false}`, ` {"a" : "x\"\u00e9\/" } `, `{"b":1}`},
		{`{"required":["b"],"properties":{"a":{}},"additionalProperties":false}`, ``, `{"b":1}`},
		{`{"properties":{"a":{}},"additionalProperties":{"type":"integer"}}`, `{"a":"x","b":2}`, `{"a":"x","b":"x"}`},
		{`{"type":["string","null"]}`, `null`, `true`},
		{`{"type":"integer","minimum":1,"maximum":100}`, `100`, `101`},
		{`{"minimum":1}`, `1`, `0`},
		{`{"maximum":9223372036854775807}`, `100000000000000000`, `9223372036854775808`},
		{`{"type":"number"}`, `-0.25`, `"x"`},
		{`{"type":"integer"}`, `-7`, `1.5`},
		{`{"items":{"type":"boolean"},"minItems":1,"maxItems":2}`, `[true, false]`, `[true,false,true]`},
		{`{"uniqueItems":true}`, `["a"]`, `[1,1]`},
		{`{"minItems":1}`, `[{}]`, `[ ]`},
		{`{"minLength":2,"maxLength":2}`, `"éé"`, `"é"`},
		{`{"enum":["a","b"]}`, `"b"`, `"c"`},
		{`{"pattern":"^[0-9]+$"}`, `"17841405726653026"`, `"x"`},
		{`{"format":"uri"}`, `"https://cdn.example/a.jpg"`, `"a b"`},
		{`{"$defs":{"n":{"type":"object","properties":{"next":{"$ref":"#/$defs/n"}}}},"type":"object","$ref":"#/$defs/n"}`, `{"next":{"next":{}}}`, `{"next":{"next":1}}`},
		{`{"allOf":[{"required":["a"]},{"required":["b"]}]}`, `{"a":1,"b":2}`, `{"a":1}`},
		{`{"$defs":{"a":{"required":["x"]}},"type":"object","$ref":"#/$defs/a"}`, `{"x":1}`, `3`},
		{`true`, `[1,{"a":[]}]`, `[1,]`},
		{`{}`, "\t1.5\r\n", "1\x00"},
		// What a glance cannot see.
		{`{"oneOf":[{"type":"string"},{"type":"integer"}]}`, ``, `true`},
		{`{"properties":{"a":{"not":{}}}}`, `{"b":1}`, `{"a":1}`},
		{`{"patternProperties":{"^a":{"type":"string"}}}`, ``, `{"ab":1}`},
		{`{"unevaluatedProperties":false}`, ``, `{"ab":1}`},
		{`{"minProperties":2}`, ``, `{"a":1,"a":1}`},
		{`{"maxProperties":0}`, ``, `{"a":1}`},
		{`{"maxItems":0,"maxLength":0}`, `[]`, `[1]`},
		{`{"const":1}`, ``, `2`},
		{`{"enum":["a",1]}`, ``, `2`},
		{`{"multipleOf":2}`, ``, `3`},
		{`{"exclusiveMinimum":2}`, ``, `2`},
		{`{"minimum":0.5}`, ``, `0`},
		{`{"contains":{"type":"string"}}`, ``, `[1]`},
		{`{"dependentRequired":{"a":["b"]}}`, ``, `{"a":1}`},
		{`{"if":{"required":["a"]},"then":{"required":["b"]}}`, ``, `{"a":1}`},
		{`{"propertyNames":{"pattern":"^a"}}`, ``, `{"b":1}`},
		{`{"prefixItems":[{"type":"string"}]}`, ``, `[1]`},
		{`false`, ``, `1`},
		{`{"$schema":"http://json-schema.org/draft-07/schema#","items":[{"type":"string"}]}`, ``, `[1]`},
	} {
		s := compile(t, tt.schema)
		assert.Equal(t, tt.fits != "", s.Fits([]byte(tt.fits)), "%s: %s", tt.schema, tt.fits)
		problems, err := s.Check([]byte(tt.not))
		assert.True(t, err != nil || len(problems) > 0, "%s: %s", tt.schema, tt.not)
	}
}

// A schema may ask for a value in more ways than there is time for.
func TestCheck_AGlanceIsShort(t *testing.T) {
	t.Parallel()
	var defs []string
	for i := range 60 {
		defs = append(defs, fmt.Sprintf(`"%d":{"required":["a"],"allOf":[{"$ref":"#/$defs/%d"},{"$ref":"#/$defs/%d"}]}`, i, i+1, i+1))
	}
	s := compile(t, `{"$ref":"#/$defs/0","$defs":{`+strings.Join(defs, ",")+`,"60":{"required":["a"]}}}`)
	assert.False(t, s.Fits([]byte(`{"a":1}`)))

	s = compile(t, `{"allOf":[`+strings.Repeat(`{"required":["a"]},`, 30)+`{"required":["b"]}]}`)
	assert.True(t, s.Fits([]byte(`{"a":1,"b":[]}`)))
}

func FuzzCheck_AGlanceSeesWhatTheLibrarySees(f *testing.F) {
	for _, o := range odd {
		f.Add(photo, o)
		f.Add(`{"properties":{"id":{"type":"integer","maximum":0}},"maxProperties":0,"maxLength":1}`, o)
	}
	f.Fuzz(func(t *testing.T, schema, text string) {
		s, err := validate.Compile([]byte(schema))
		if err != nil || !s.Fits([]byte(text)) {
			return
		}
		problems, err := s.Inspect([]byte(text))
		require.NoError(t, err)
		require.Empty(t, problems)
	})
}

func TestCheck_ADeepTextIsNotTakenAtAGlance(t *testing.T) {
	t.Parallel()
	s := compile(t, `{}`)
	deep := bytes.Repeat([]byte("["), 5000)
	assert.False(t, s.Fits(append(deep, bytes.Repeat([]byte("]"), 5000)...)))
}

func TestSyntax_SaysWhatDecodeSays(t *testing.T) {
	t.Parallel()
	same := func(text string) {
		_, err := validate.Decode([]byte(text))
		assert.Equal(t, err, validate.Syntax([]byte(text)), text)
	}
	value, err := validate.Decode([]byte(photo))
	require.NoError(t, err)
	changed(t, value, same)
	for _, o := range append(odd, "", " [1] ", "[1]2", "\xff", `"`+"\xff"+`"`, `12345678901234567890`, strings.Repeat("[", 200)+strings.Repeat("]", 200)) {
		same(o)
	}
}

func TestSyntax_BuildsNothingOfAList(t *testing.T) {
	list := []byte(`{"list":["18023000000000000"` + strings.Repeat(`,"18023000000000001"`, 1000) + `]}`)
	assert.Less(t, testing.AllocsPerRun(10, func() { _ = validate.Syntax(list) }), 10.)
}
