package validate_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/schemas/validate"
)

const photo = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"type": "object",
	"additionalProperties": false,
	"required": ["ig_user_id", "c d~e"],
	"properties": {
		"ig_user_id": {"type": "string", "pattern": "^[0-9]+$", "examples": ["17841405726653026"]},
		"c d~e": {"type": "boolean"},
		"limit": {"type": "integer", "minimum": 1, "maximum": 100},
		"kind": {"enum": ["IMAGE", "REELS"]},
		"link": {"type": "string", "format": "uri"},
		"caption": {"type": "string", "maxLength": 5},
		"tags": {"type": "array", "maxItems": 2, "uniqueItems": true, "items": {"$ref": "#/$defs/tag"}},
		"body": {"oneOf": [
			{"type": "object", "additionalProperties": false, "required": ["json"], "properties": {"json": {}}},
			{"type": "object", "additionalProperties": false, "required": ["form"], "properties": {"form": {"type": "object"}}}
		]},
		"when": {"type": ["string", "integer"]}
	},
	"$defs": {"tag": {"type": "object", "required": ["username"], "properties": {"username": {"type": "string"}}}}
}`

func compile(t testing.TB, raw string) *validate.Schema {
	t.Helper()
	s, err := validate.Compile([]byte(raw))
	require.NoError(t, err)
	return s
}

func TestCheck_Problems(t *testing.T) {
	t.Parallel()
	s := compile(t, photo)
	for _, tt := range []struct{ name, text, want string }{
		{"fits", `{"ig_user_id":"1","c d~e":true,"body":{"form":{}}}`, ""},
		{"missing", `{}`, "/c d~0e missing_property is required\n/ig_user_id missing_property is required"},
		{"unknown, near", `{"ig_user_id":"1","c d~e":true,"Limits":1}`, `/Limits unknown_property is no property here Did you mean "limit"?`},
		{"wrong type", `{"ig_user_id":17841405726653026,"c d~e":true}`, `/ig_user_id wrong_type must be a string, not a number For example: "17841405726653026"`},
		{"pattern", `{"ig_user_id":"s3cr3t","c d~e":true}`, `/ig_user_id wrong_form does not match the pattern ^[0-9]+$ For example: "17841405726653026"`},
		{"escaped pointer", `{"ig_user_id":"1","c d~e":"s3cr3t"}`, `/c d~0e wrong_type must be a boolean, not a string`},
		{"enum", `{"ig_user_id":"1","c d~e":true,"kind":"REEL"}`, `/kind not_allowed must be one of "IMAGE", "REELS" Did you mean "REELS"?`},
		{"range", `{"ig_user_id":"1","c d~e":true,"limit":101}`, `/limit too_large must be at most 100`},
		{"format", `{"ig_user_id":"1","c d~e":true,"link":"s3cr3t"}`, `/link wrong_form is not a valid uri`},
		{"length", `{"ig_user_id":"1","c d~e":true,"caption":"s3cr3t"}`, `/caption too_long has 6 characters; at most 5 allowed`},
		{"through a reference", `{"ig_user_id":"1","c d~e":true,"tags":[{}]}`, `/tags/0/username missing_property is required`},
		{"repeated", `{"ig_user_id":"1","c d~e":true,"tags":[{"username":"a"},{"username":"a"}]}`, `/tags repeated_item holds the same item twice`},
		{"nearest alternative", `{"ig_user_id":"1","c d~e":true,"body":{"form":3}}`, `/body/form wrong_type must be an object, not a number`},
		{"no alternative", `{"ig_user_id":"1","c d~e":true,"body":3}`, `/body wrong_type must be an object, not a number`},
		{"several types", `{"ig_user_id":"1","c d~e":true,"when":null}`, `/when wrong_type must be a string or an integer, not null`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			problems, err := s.Check([]byte(tt.text))
			require.NoError(t, err)
			var lines []string
			for _, p := range problems {
				lines = append(lines, strings.TrimSpace(strings.Join([]string{p.Pointer, p.Code, p.Message, p.Detail}, " ")))
			}
			got := strings.Join(lines, "\n")
			assert.Equal(t, tt.want, got)
			assert.NotContains(t, got, "s3cr3t", "a problem must not quote a value")
		})
	}
}

func TestCheck_LongNumbersKeepTheirDigits(t *testing.T) {
	t.Parallel()
	s := compile(t, `{"const": 17841405726653027}`)
	problems, err := s.Check([]byte(`17841405726653027`))
	require.NoError(t, err)
	assert.Empty(t, problems)
	problems, err = s.Check([]byte(`17841405726653028`))
	require.NoError(t, err)
	assert.Len(t, problems, 1)
}

func TestCheckKnown_SaysNothingOfUnknownValues(t *testing.T) {
	t.Parallel()
	s := compile(t, photo)
	text := `{"ig_user_id":"$.steps.a-1.id","c d~e":true,"limit":"$.steps.a-1.n","body":"$.steps.a-1.body","tags":["$.x"],"kind":3}`
	problems, err := s.CheckKnown([]byte(text), []string{"/ig_user_id", "/limit", "/body", "/tags/0"})
	require.NoError(t, err)
	require.Len(t, problems, 1)
	assert.Equal(t, "/kind", problems[0].Pointer)

	problems, err = s.CheckKnown([]byte(`{"ig_user_id":"1","c d~e":true,"body":{"form":"$.x"}}`), []string{"/body/form"})
	require.NoError(t, err)
	assert.Empty(t, problems, "one of the alternatives may yet fit")

	problems, err = s.CheckKnown([]byte(`{"ig_user_id":"1","c d~e":true,"limt":"$.x"}`), []string{"/limt"})
	require.NoError(t, err)
	require.Len(t, problems, 1, "the name is known")
	assert.Equal(t, "/limt", problems[0].Pointer)
	assert.Equal(t, "unknown_property", problems[0].Code)
}

func TestCheck_NotJSON(t *testing.T) {
	t.Parallel()
	s := compile(t, `{}`)
	for _, tt := range []struct {
		name, text   string
		line, column int
	}{
		{"empty", "", 1, 1},
		{"cut off", `{"a":`, 1, 6},
		{"broken", "{\n  \"a\": tru }", 2, 11},
		{"two values", `{} {}`, 1, 5},
		{"no UTF-8", "\"ab\xff\"", 1, 4},
		{"an exponent that would take all memory", `1e999999999`, 1, 1},
		{"the same, nested", `{"a":[1e-999999999]}`, 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := s.Check([]byte(tt.text))
			var syntax *validate.SyntaxError
			require.ErrorAs(t, err, &syntax)
			assert.Equal(t, tt.line, syntax.Line, "line")
			assert.Equal(t, tt.column, syntax.Column, "column")
		})
	}
}

func TestCompile_OpensNothing(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret.json")
	require.NoError(t, os.WriteFile(secret, []byte(`{"const":"s3cr3t"}`), 0o600))
	for _, ref := range []string{"file://" + secret, secret, "http://127.0.0.1:1/x.json", "other.json#/$defs/x"} {
		_, err := validate.Compile([]byte(`{"$ref":"` + ref + `"}`))
		require.Error(t, err, ref)
		assert.NotContains(t, err.Error(), "s3cr3t")
		assert.Contains(t, err.Error(), "$defs", "the error says what to do")
	}
}

func TestCompile_Refuses(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"not JSON":            `{`,
		"not a schema":        `{"type":"strin"}`,
		"a dangling ref":      `{"$ref":"#/$defs/x"}`,
		"an endless ref":      `{"$ref":"#"}`,
		"an unclosed pattern": `{"pattern":"("}`,
	} {
		_, err := validate.Compile([]byte(raw))
		assert.Error(t, err, name)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte(photo), []byte(`{"ig_user_id":"1","limit":1e3}`))
	f.Add([]byte(`{"$defs":{"a":{"type":"string"}},"items":{"$ref":"#/$defs/a"}}`), []byte(`["a",1]`))
	f.Add([]byte(`{"patternProperties":{"^x":{}},"additionalProperties":false}`), []byte(`{"y":1}`))
	f.Fuzz(func(t *testing.T, schema, text []byte) {
		s, err := validate.Compile(schema)
		if err != nil {
			return
		}
		problems, err := s.Inspect(text)
		if s.Fits(text) && (err != nil || len(problems) > 0) {
			t.Errorf("it fits at a glance, and does not: %v, %v", problems, err)
		}
		var syntax *validate.SyntaxError
		if err != nil && !errors.As(err, &syntax) && !strings.Contains(err.Error(), "infinite loop") {
			t.Errorf("unexpected error %v", err)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	s := compile(b, photo)
	text := []byte(`{"ig_user_id":"17841405726653026","c d~e":true,"limit":25,"kind":"IMAGE","tags":[{"username":"a"}]}`)
	for b.Loop() {
		if problems, err := s.Check(text); err != nil || len(problems) > 0 {
			b.Fatal(problems, err)
		}
	}
}
