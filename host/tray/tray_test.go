package tray_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/core"
	"github.com/storyloop/storyloop/host/tray"
	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// fixtures are exports that can be imported.
var fixtures = []string{"every-story", "counterparts", "without-counterpart", "project"}

func read(t testing.TB, name string) []byte {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return src
}

func importFixture(t testing.TB, name string) []tray.Result {
	t.Helper()
	results, err := tray.Import(name+".json", read(t, name+".json"))
	require.NoError(t, err)
	return results
}

func TestImport_Golden(t *testing.T) {
	t.Parallel()
	for _, name := range fixtures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			results := importFixture(t, name)
			var got bytes.Buffer
			for _, r := range results {
				got.WriteString("--- " + r.Name + ".yaml\n")
				got.Write(r.Document)
			}
			got.WriteString("--- notes\n")
			require.NoError(t, tray.Report(&got, results))
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				require.NoError(t, os.WriteFile(golden, got.Bytes(), 0o644))
			}
			assert.Equal(t, string(read(t, name+".golden")), got.String(), "rewrite with -update if it is meant")
		})
	}
}

func TestImport_EveryDocumentCanBeRead(t *testing.T) {
	t.Parallel()
	for _, name := range fixtures {
		names := map[string]bool{}
		for _, r := range importFixture(t, name) {
			doc, err := workflow.Parse(r.Name+".yaml", r.Document)
			require.NoError(t, err, name)
			assert.Equal(t, r.Name, doc.Name)
			assert.False(t, names[r.Name], "the name %s is there twice", r.Name)
			names[r.Name] = true
		}
	}
}

// described is a connector that is nothing but its catalog.
type described struct {
	host.Connector
	catalog *connectorv1.Catalog
}

func (d described) Catalog() *connectorv1.Catalog { return d.catalog }

func (d described) Validate(context.Context, *connectorv1.ValidateRequest) (*connectorv1.ValidateResponse, error) {
	return &connectorv1.ValidateResponse{}, nil
}

// instagram is what the connector says of the operations that the fixtures use.
func instagram(t *testing.T) host.Connector {
	t.Helper()
	var in struct {
		Name, Version string
		Operations    []struct {
			Name         string          `json:"name"`
			Paginated    bool            `json:"paginated"`
			InputSchema  json.RawMessage `json:"input_schema"`
			OutputSchema json.RawMessage `json:"output_schema"`
		}
	}
	require.NoError(t, json.Unmarshal(read(t, "instagram.catalog.json"), &in))
	require.NotEmpty(t, in.Operations)
	catalog := &connectorv1.Catalog{Name: in.Name, Version: in.Version, AuthMethods: []*connectorv1.AuthMethod{{Name: "facebook_login"}}}
	for _, op := range in.Operations {
		catalog.Operations = append(catalog.Operations, &connectorv1.Operation{
			Name: op.Name, Paginated: op.Paginated, InputSchema: op.InputSchema, OutputSchema: op.OutputSchema,
		})
	}
	return described{catalog: catalog}
}

func check(t *testing.T, r tray.Result) workflow.Problems {
	t.Helper()
	doc, err := workflow.Parse(r.Name+".yaml", r.Document)
	require.NoError(t, err)
	connectors := host.Joined{host.ConnectorList{instagram(t)}, core.Connectors()}
	return host.Check(context.Background(), doc, connectors, nil)
}

func TestImport_ChecksFindNothingWhereAllHasCounterparts(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"every-story", "counterparts"} {
		for _, r := range importFixture(t, name) {
			assert.Empty(t, check(t, r), name)
			for _, n := range r.Notes {
				assert.NotEqual(t, tray.Error, n.Severity, "%s: %s", name, n.Message)
			}
		}
	}
}

// TestImport_Requests writes requests to other services as http-client takes them.
func TestImport_Requests(t *testing.T) {
	t.Parallel()
	const export = `{"tray_export_version": 4, "workflows": [{"id": "w", "title": "Requests", "settings": {"config": {"n": 17841405726653027}},
		"steps_structure": [{"name": "trigger", "type": "normal"}, {"name": "http-client-1", "type": "normal"}, {"name": "http-client-2", "type": "normal"},
			{"name": "http-client-3", "type": "normal"}, {"name": "send-email-1", "type": "normal"}],
		"steps": {
			"trigger": {"connector": {"name": "noop"}, "operation": "trigger", "properties": {}},
			"http-client-1": {"connector": {"name": "http-client"}, "operation": "get_request", "properties": {
				"url": {"type": "string", "value": "https://example.com/a"},
				"follow_redirect": {"type": "boolean", "value": false},
				"queries": {"type": "array", "value": [%s, %s]},
				"headers": {"type": "array", "value": [%s]}}},
			"http-client-2": {"connector": {"name": "http-client"}, "operation": "post_request", "properties": {
				"url": {"type": "string", "value": "https://example.com/b"},
				"headers": {"type": "array", "value": [{"type": "object", "value": {"key": {"type": "string", "value": "content-type"}, "value": {"type": "string", "value": "application/json"}}}]},
				"body": {"type": "object", "value": {"raw": {"type": "string", "value": "{\"id\": \"{$.config.n}\"}"}}}}},
			"http-client-3": {"connector": {"name": "http-client"}, "operation": "put_request", "properties": {
				"url": {"type": "string", "value": "https://example.com/c"},
				"body": {"type": "object", "value": {"form_urlencoded": {"type": "object", "value": {"id": {"type": "jsonpath", "value": "$.config.n"}}}}}}},
			"send-email-1": {"connector": {"name": "send-email"}, "operation": "send_email", "properties": {
				"to": {"type": "string", "value": "a@example.com, b@example.com"}, "subject": {"type": "string", "value": "Done"},
				"content": {"type": "string", "value": "All of it."}}}}}]}`
	entry := func(value string) string {
		return `{"type": "object", "value": {"key": {"type": "string", "value": "X-Tag"}, "value": ` + value + `}}`
	}
	results, err := tray.Import("w.json", fmt.Appendf(nil, export,
		entry(`{"type": "integer", "value": 1}`), entry(`{"type": "jsonpath", "value": "$.config.n"}`), entry(`{"type": "jsonpath", "value": "$.config.n"}`)))
	require.NoError(t, err)
	for _, n := range results[0].Notes {
		assert.Equal(t, tray.Info, n.Severity, n.Message)
	}
	assert.Empty(t, check(t, results[0]))
	doc, err := workflow.Parse("w.yaml", results[0].Document)
	require.NoError(t, err)
	var steps struct {
		Steps []struct {
			Operation string
			Input     json.RawMessage
		}
	}
	require.NoError(t, json.Unmarshal(doc.JSON(), &steps))
	require.Len(t, steps.Steps, 4)
	assert.Equal(t, "get", steps.Steps[0].Operation, "what only reads is tried again like a read")
	for i, want := range []string{
		`{"url": "https://example.com/a", "query": {"X-Tag": ["1", "{$.config.n}"]}, "headers": {"X-Tag": "{$.config.n}"}, "max_redirects": 0}`,
		`{"method": "POST", "url": "https://example.com/b", "headers": {"content-type": "application/json"}, "body": "{\"id\": \"{$.config.n}\"}", "body_type": "text"}`,
		`{"method": "PUT", "url": "https://example.com/c", "body": {"id": "{$.config.n}"}, "body_type": "form"}`,
		`{"to": ["a@example.com", "b@example.com"], "subject": "Done", "text": "All of it."}`,
	} {
		assert.JSONEq(t, want, string(steps.Steps[i].Input))
	}
}

func TestImport_ChecksNameWhatHasNoCounterpart(t *testing.T) {
	t.Parallel()
	found := check(t, importFixture(t, "without-counterpart")[0]).Error()
	for _, want := range []string{
		`there is no connector "script"`,
		`there is no connector "approval"`,
		`$.config.unconverted.approval_1_content leads nowhere`,
		`$.config.unconverted.boolean_condition_1_strictness leads nowhere`,
	} {
		assert.Contains(t, found, want)
	}
}

func TestImport_NoSecretGetsOut(t *testing.T) {
	t.Parallel()
	results := importFixture(t, "without-counterpart")
	all, err := json.Marshal(results)
	require.NoError(t, err)
	all = append(all, results[0].Document...)
	for _, secret := range []string{"s3cr3t", "1234567890abcdef", "hunter2"} {
		require.Contains(t, string(read(t, "without-counterpart.json")), secret)
		assert.NotContains(t, string(all), secret)
	}
}

func TestImport_LongNumbersKeepTheirDigits(t *testing.T) {
	t.Parallel()
	doc, err := workflow.Parse("w.yaml", importFixture(t, "counterparts")[0].Document)
	require.NoError(t, err)
	assert.Contains(t, string(doc.Config), "17841405726653026123")
	id, ok := doc.Steps[0].Input.Member("ig_user_id").Constant()
	require.True(t, ok)
	assert.Equal(t, `"17841405726653026"`, string(id), "ids are texts, also where Tray had a number")
}

// leaf is a value of a step's properties that holds no other.
type leaf struct{ pointer, value string }

func leaves(raw any, pointer string, into *[]leaf) {
	switch v := raw.(type) {
	case map[string]any:
		for name, m := range v {
			leaves(m, pointer+"/"+name, into)
		}
	case []any:
		for i, item := range v {
			leaves(item, pointer+"/"+strconv.Itoa(i), into)
		}
	case string:
		if strings.HasSuffix(pointer, "/value") {
			*into = append(*into, leaf{pointer, v})
		}
	}
}

// translated are properties whose values have other words here, which the golden
// files show.
var translated = []string{"comparison_type", "strictness", "time_unit", "delay_value", "scope", "label", "hour", "minute", "parse_response", "method", "workflow_id", "interval", "unit", "raw"}

func TestImport_NothingIsDroppedSilently(t *testing.T) {
	t.Parallel()
	for _, name := range fixtures {
		results := importFixture(t, name)
		var documents strings.Builder
		var noted []string
		for _, r := range results {
			doc, err := workflow.Parse("w.yaml", r.Document)
			require.NoError(t, err)
			documents.Write(doc.JSON())
			for _, n := range r.Notes {
				noted = append(noted, n.Pointer)
			}
		}
		var export struct {
			Workflows []struct {
				Steps map[string]struct{ Properties any }
			}
		}
		require.NoError(t, json.Unmarshal(read(t, name+".json"), &export))
		count := 0
		for i, w := range export.Workflows {
			for id, s := range w.Steps {
				var all []leaf
				leaves(s.Properties, "/workflows/"+strconv.Itoa(i)+"/steps/"+id+"/properties", &all)
				for _, l := range all {
					count++
					assert.True(t, kept(l, documents.String(), noted), "%s: %s = %q is neither in a document nor noted", name, l.pointer, l.value)
				}
			}
		}
		assert.Positive(t, count, name)
	}
}

func kept(l leaf, documents string, noted []string) bool {
	for _, n := range noted {
		if l.pointer == n || strings.HasPrefix(l.pointer, n+"/") {
			return true
		}
	}
	for _, p := range translated {
		if strings.HasSuffix(l.pointer, "/"+p+"/value") {
			return true
		}
	}
	quoted, err := json.Marshal(strings.Replace(l.value, ".response", ".output", 1)) // of a called workflow
	return err == nil && strings.Contains(documents, strings.Trim(string(quoted), `"`))
}

func TestReport_Empty(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	require.NoError(t, tray.Report(&b, []tray.Result{{Name: "a", Title: "A"}}))
	assert.Equal(t, "a  (A)\n  nothing to note\n1 workflow: 0 errors, 0 warnings, 0 remarks\n", b.String())
}

func quote(t *testing.T, s string) []byte {
	t.Helper()
	b, err := json.Marshal(s)
	require.NoError(t, err)
	return b
}
