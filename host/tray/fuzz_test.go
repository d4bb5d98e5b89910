package tray_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/storyloop/storyloop/host/tray"
	"github.com/storyloop/storyloop/host/workflow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func FuzzImport(f *testing.F) {
	f.Add(read(f, "every-story.json"))
	f.Add([]byte(tiny(`{"a": {"type": "string", "value": "{$.steps.trigger} {=x} $$. {{$."}}`)))
	f.Add([]byte(structured(`{"name": "loop-1", "type": "loop", "content": {"_loop": []}}`, loop)))
	f.Fuzz(func(t *testing.T, export []byte) {
		importable(t, export)
	})
}

// importable requires that an export is refused with its problems, or becomes
// documents that can be read.
func importable(t *testing.T, export []byte) []*workflow.Document {
	t.Helper()
	results, err := tray.Import("x.json", export)
	if err != nil {
		var problems workflow.Problems
		require.ErrorAs(t, err, &problems)
		require.NotEmpty(t, problems)
		for _, p := range problems {
			require.NotEqual(t, "not_convertible", p.Code, "%s\n%s", p, export)
		}
		return nil
	}
	var docs []*workflow.Document
	for _, r := range results {
		doc, err := workflow.Parse("x.yaml", r.Document)
		require.NoError(t, err, "%s\n%s", export, r.Document)
		docs = append(docs, doc)
	}
	require.NoError(t, tray.Report(&strings.Builder{}, results))
	return docs
}

// FuzzImport_Texts puts a text wherever an export may have one.
func FuzzImport_Texts(f *testing.F) {
	for _, s := range []string{"", "a b", "{$.steps.trigger.a}", "$.config.x", "$$.x", "{=f('}')}", "{{$.x}}", "a\n b \n", "<<", "null", "\u2028", "$.steps['x-1']", "loop-1", "1e9", "{$.env.X or:'y'}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 1000 {
			return
		}
		q := string(quote(t, s))
		docs := importable(t, fmt.Appendf(nil, `{"tray_export_version": 4, "workflows": [{
			"id": %[1]s, "title": %[1]s, "description": %[1]s, "settings": {"config": {%[1]s: %[1]s}},
			"steps_structure": [{"name": "trigger", "type": "normal"}, {"name": "x-1", "type": "branch", "content": {%[1]s: []}}, {"name": "b", "type": "branch", "content": {%[1]s: []}}],
			"steps": {`+noop+`,
				"x-1": {"title": %[1]s, "connector": {"name": "x", "version": %[1]s}, "operation": "do", "properties": {
					"text": {"type": "string", "value": %[1]s}, "member": {"type": "object", "value": {%[1]s: {"type": "string", "value": %[1]s}}}}},
				"b": {"connector": {"name": "branch"}, "operation": "simple", "properties": {"value": {"type": "string", "value": %[1]s},
					"branches": {"type": "array", "value": [{"type": "object", "value": {"label": {"type": "string", "value": %[1]s}, "value": {"type": "string", "value": %[1]s}}}]}}}}
		}]}`, q))
		importable(t, []byte(tiny(`{"a": {"type": "jsonpath", "value": `+q+`, "fallback": {"type": "jsonpath", "value": `+q+`}}}`)))
		if len(docs) == 1 && !strings.ContainsAny(s, "{$") {
			var want string
			require.NoError(t, json.Unmarshal([]byte(q), &want))
			got, ok := docs[0].Steps[0].Input.Member("text").Constant()
			require.True(t, ok)
			assert.Equal(t, string(quote(t, want)), string(quote(t, unquote(t, got))))
		}
	})
}

func unquote(t *testing.T, raw json.RawMessage) (s string) {
	t.Helper()
	require.NoError(t, json.Unmarshal(raw, &s))
	return s
}

// FuzzImport_Structure nests steps at random, each of which refers to another:
// what a document may refer to, and what not, is for the importer to know.
func FuzzImport_Structure(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0, 5, 0})
	f.Add([]byte{1, 2, 3, 0, 4, 0, 5, 5, 0, 5, 0, 16, 32, 200})
	f.Add([]byte{2, 16, 5, 32, 5, 48, 3, 17, 4, 5, 33, 5, 49, 65, 81})
	seeds := rand.New(rand.NewPCG(7, 7))
	for range 60 {
		plan := make([]byte, 3+seeds.IntN(40))
		for i := range plan {
			plan[i] = byte(seeds.IntN(256))
		}
		f.Add(plan)
	}
	f.Fuzz(func(t *testing.T, plan []byte) {
		if len(plan) > 60 {
			return
		}
		b := builder{plan: plan}
		structure := b.list(0)
		importable(t, []byte(exportOf(`"steps_structure": [{"name": "trigger", "type": "normal"}`+structure+`], "steps": {`+noop+b.steps.String()+`}`)))
	})
}

type builder struct {
	plan  []byte
	made  int
	steps strings.Builder
}

func (b *builder) next() (byte, bool) {
	if len(b.plan) == 0 {
		return 0, false
	}
	c := b.plan[0]
	b.plan = b.plan[1:]
	return c, true
}

// list returns steps of the structure, each with a comma before it, until the
// plan says to leave or ends.
func (b *builder) list(depth int) string {
	var out strings.Builder
	for {
		c, ok := b.next()
		if !ok || c%8 == 5 || depth > 8 {
			return out.String()
		}
		b.made++
		name, to := fmt.Sprintf("s-%d", b.made), fmt.Sprintf("s-%d", int(c/8)%(b.made+1))
		ref := []string{"$.steps." + to + ".value", "$.steps." + to, "$.errors." + to + ".message", "$.steps.trigger"}[int(c)/2%4]
		properties := fmt.Sprintf(`{"array": {"type": "jsonpath", "value": %q}, "text": {"type": "string", "value": "a {%s}"}, "workflow_id": {"type": "jsonpath", "value": %q}}`, ref, ref, ref)
		connector, operation, strategy, kind, content := "x", "do", "", "normal", ""
		switch c % 8 {
		case 1:
			connector, operation, kind = "loop", "loop_array", "loop"
			content = `"_loop": [` + strings.TrimPrefix(b.list(depth+1), ",") + `]`
		case 2, 6:
			kind, strategy = "branch", "manual"
			if c%8 == 6 {
				connector, operation = "call-workflow", "fire_and_forget"
			}
			content = `"error": [` + strings.TrimPrefix(b.list(depth+1), ",") + `], "success": [` + strings.TrimPrefix(b.list(depth+1), ",") + `]`
		case 3:
			connector, operation, kind = "boolean-condition", "boolean_condition", "branch"
			content = `"true": [` + strings.TrimPrefix(b.list(depth+1), ",") + `], "false": [` + strings.TrimPrefix(b.list(depth+1), ",") + `]`
		case 4:
			connector, operation, kind = "break-loop", "break", "break"
		case 7:
			kind, strategy = "branch", "continueLoop"
			content = `"a": [` + strings.TrimPrefix(b.list(depth+1), ",") + `], "b": [` + strings.TrimPrefix(b.list(depth+1), ",") + `]`
		}
		fmt.Fprintf(&out, `,{"name": %q, "type": %q, "content": {%s}}`, name, kind, content)
		fmt.Fprintf(&b.steps, `,%q: {"connector": {"name": %q}, "operation": %q, "error_handling": {"strategy": %q}, "properties": %s}`, name, connector, operation, strategy, properties)
	}
}
