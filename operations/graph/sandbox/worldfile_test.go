package sandbox_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

func printed(t *testing.T, w *sandbox.World) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, w.Print(&out))
	return out.String()
}

func worldSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat = true
	require.NoError(t, c.AddResource("world.json", bytes.NewReader(sandbox.WorldSchema())))
	s, err := c.Compile("world.json")
	require.NoError(t, err)
	return s
}

// fits says what the schema has against a file.
func fits(t *testing.T, file string) error {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(file))
	d.UseNumber()
	var v any
	require.NoError(t, d.Decode(&v))
	return worldSchema(t).Validate(v)
}

func TestPrint_LoadsAsTheSameWorld(t *testing.T) {
	t.Parallel()
	want := sandbox.SeedWorld()
	file := printed(t, want)
	got, err := sandbox.LoadWorld(strings.NewReader(file))
	require.NoError(t, err)
	assert.Equal(t, want, got)
	assert.Equal(t, file, printed(t, got))
	assert.NoError(t, fits(t, file))
}

func TestSmallestWorld_LoadsAndServes(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("testdata/smallest.world.json")
	require.NoError(t, err)
	require.NoError(t, fits(t, string(file)))
	world, err := sandbox.LoadWorld(bytes.NewReader(file))
	require.NoError(t, err)
	c := newClientOf(t, sandbox.Options{World: world})
	got := c.get("/graph.instagram.com/v25.0/me?fields=username")
	assert.Equal(t, 200, got.status, got.text)
	assert.Contains(t, got.text, "corner_cafe")
	got = c.get("/graph.instagram.com/v25.0/me/media?fields=id,caption,permalink")
	assert.Equal(t, 200, got.status, got.text)
	assert.Contains(t, got.text, "Open at nine")
}

// Whatever is taken out of the smallest world, the error says what is missing, and the
// schema sees it too unless it is a reference.
func TestLoadWorld_SaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("testdata/smallest.world.json")
	require.NoError(t, err)
	for _, tt := range []struct {
		from, to  string
		says      string
		reference bool
	}{
		{from: `"id": "900000000000001",`, says: "app.id: it is missing"},
		{from: `"secret": "app-secret",`, says: "app.secret: it is missing"},
		{from: `{"id": "17841400000000001", "username": "corner_cafe"}`, says: "accounts: there must be at least one"},
		{from: `, "username": "corner_cafe"`, says: "accounts[0].username: it is missing"},
		{from: `{"id": "17841400000000001", "username": "corner_cafe"}`, to: "null", says: "accounts[0]: it is null"},
		{from: `"owner_id": "17841400000000001",`, says: "media[0].owner_id: there is no account or person"},
		{from: `"product": "FEED",`, says: "media[0]: type"},
		{from: `"at": "2026-08-03T08:00:00Z",`, says: "media[0].at: it is missing"},
		{from: `"value": "IGAABcorner",`, says: "tokens[0].value: it is missing"},
		{from: `"kind": "INSTAGRAM",`, says: "tokens[0].kind"},
		{from: `"account_id": "17841400000000001"`, to: `"account_id": "1"`, says: "tokens[0].account_id: there is no account", reference: true},
		{from: `"username": "corner_cafe"}`, to: `"username": "a"}, {"id": "2", "username": "A"}`, says: `"A" is the name of accounts[0] already`, reference: true},
		{from: `"caption"`, to: `"captoin"`, says: "captoin"},
	} {
		require.Contains(t, string(file), tt.from)
		broken := strings.Replace(string(file), tt.from, tt.to, 1)
		_, err := sandbox.LoadWorld(strings.NewReader(broken))
		require.Error(t, err, tt.says)
		assert.Contains(t, err.Error(), tt.says)
		if !tt.reference {
			assert.Error(t, fits(t, broken), tt.says)
		}
	}
	_, err = sandbox.LoadWorld(strings.NewReader(""))
	assert.ErrorContains(t, err, "it is empty")
}

func TestControl_WorldIsTheCurrentOne(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	who := c.do(c.request("POST", "/__sandbox/people/7700000000000001/comment", "application/json", `{"media_id":"17900001000000002","text":"Brand new"}`))
	require.Equal(t, 200, who.status, who.text)
	who = c.do(c.request("POST", "/__sandbox/people/7700000000000016/message", "application/json", `{"text":"First words"}`))
	require.Equal(t, 200, who.status, who.text)

	got := c.do(c.request("GET", "/__sandbox/world", "", ""))
	require.Equal(t, 200, got.status, got.text)
	world, err := sandbox.LoadWorld(strings.NewReader(got.text))
	require.NoError(t, err)
	assert.NoError(t, fits(t, got.text))
	assert.Contains(t, got.text, "Brand new")
	assert.Contains(t, got.text, "First words")
	assert.Len(t, world.Comments, len(sandbox.SeedWorld().Comments)+1)

	again := newClientOf(t, sandbox.Options{World: world})
	comments := again.get("/v25.0/17900001000000002/comments?fields=text")
	assert.Contains(t, comments.text, "Brand new")
	now, err := again.sb.World()
	require.NoError(t, err)
	assert.Equal(t, printed(t, world), printed(t, now))
}

func TestControl_WorldSchema(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	got := c.do(c.request("GET", "/__sandbox/world-schema", "", ""))
	require.Equal(t, 200, got.status)
	assert.JSONEq(t, string(sandbox.WorldSchema()), got.text)
}

// schemaNode is what the tests look at in a schema.
type schemaNode struct {
	Title, Description   string
	Type, Format         string
	Ref                  string `json:"$ref"`
	Properties           map[string]*schemaNode
	Items                *schemaNode
	AdditionalProperties json.RawMessage
	Required             []string
	Defs                 map[string]*schemaNode `json:"$defs"`
}

// The schema has each field of the types, of the same type, and explains it.
func TestWorldSchema_IsThatOfTheTypes(t *testing.T) {
	t.Parallel()
	var root schemaNode
	require.NoError(t, json.Unmarshal(sandbox.WorldSchema(), &root))
	checkStruct(t, &root, &root, reflect.TypeFor[sandbox.World]())
}

func checkStruct(t *testing.T, root, n *schemaNode, typ reflect.Type) {
	assert.NotEmpty(t, n.Title, typ)
	assert.NotEmpty(t, n.Description, typ)
	assert.JSONEq(t, "false", string(n.AdditionalProperties), typ)
	known := 0
	for i := range typ.NumField() {
		f := typ.Field(i)
		if !f.IsExported() {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		p := n.Properties[name]
		if !assert.NotNil(t, p, "%s.%s", typ, name) {
			continue
		}
		known++
		assert.NotEmpty(t, p.Title, "%s.%s", typ, name)
		assert.NotEmpty(t, p.Description, "%s.%s", typ, name)
		checkType(t, root, p, f.Type, typ.Name()+"."+name)
	}
	assert.Len(t, n.Properties, known, typ)
}

func checkType(t *testing.T, root, n *schemaNode, typ reflect.Type, at string) {
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch {
	case typ == reflect.TypeFor[json.RawMessage]():
		assert.Empty(t, n.Type, at)
	case typ == reflect.TypeFor[time.Time]():
		assert.Equal(t, "date-time", n.Format, at)
	case typ == reflect.TypeFor[json.Number](), typ.Kind() == reflect.Int:
		assert.Equal(t, "integer", n.Type, at)
	case typ.Kind() == reflect.String:
		assert.Equal(t, "string", n.Type, at)
	case typ.Kind() == reflect.Bool:
		assert.Equal(t, "boolean", n.Type, at)
	case typ.Kind() == reflect.Float64:
		assert.Equal(t, "number", n.Type, at)
	case typ.Kind() == reflect.Map:
		assert.Equal(t, "object", n.Type, at)
	case typ.Kind() == reflect.Slice:
		require.Equal(t, "array", n.Type, at)
		checkType(t, root, n.Items, typ.Elem(), at+"[]")
	case typ.Kind() == reflect.Struct:
		def := root.Defs[strings.TrimPrefix(n.Ref, "#/$defs/")]
		require.NotNil(t, def, at)
		checkStruct(t, root, def, typ)
	default:
		t.Errorf("%s: no schema is known for %s", at, typ)
	}
}
