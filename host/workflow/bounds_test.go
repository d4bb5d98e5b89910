package workflow_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host/workflow"
)

// withOutput runs a step with an input that refers to another's output.
func withOutput(t *testing.T, output, input string) error {
	t.Helper()
	doc, err := workflow.Parse("w.json", []byte(`{"name":"w","trigger":{"connector":"manual"},"steps":[
		{"id":"x-1","connector":"x","operation":"y"},{"id":"use","connector":"x","operation":"y","input":`+input+`}]}`))
	require.NoError(t, err)
	p := &plain{answer: func(workflow.Call) (workflow.Outcome, error) {
		return workflow.Outcome{Output: json.RawMessage(output)}, nil
	}}
	_, err = workflow.Run(p, doc, workflow.Values{RunID: "r1", StartedAt: p.Now()})
	return err
}

// A few lines must not ask for more than there is memory.
func TestReference_Bounded(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	long := `["` + strings.Repeat("x", 1<<20) + `"]`
	again := func(item string, n int) string {
		return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
	}
	for name, c := range map[string]struct{ output, input, want string }{
		"the same items":     {"[" + again("1", 1000) + "]", `{"v":"$.steps.x-1` + again("0", 1100) + `[*]"}`, "selects more than 1000000 values"},
		"descents":           {deep(400), `{"v":"$.steps.x-1..*..*..*"}`, "selects more than 1000000 values"},
		"filters":            {"[" + strings.Repeat("[", 150) + again("1", 100_000) + strings.Repeat("]", 150) + "]", `{"v":"$.steps.x-1..[0]..[0]..[?(@ > 1)]"}`, "looks at more than 5000000 values"},
		"filters' descents":  {"[[[" + again("1", 100_000) + "]]]", `{"v":"$.steps.x-1` + again("0", 60) + `[?(@..x)]"}`, "looks at more than 5000000 values"},
		"many values":        {again("1", 2_000_001), `{"v":"$.steps.x-1[*]"}`, "holds more than 2000000 values; loop over it instead"},
		"slices of the same": {"[" + again("1", 100_000) + "]", `{"v":"$.steps.x-1` + again("0", 1100) + `[200000:]"}`, "looks at more than 5000000 values"},
		"descent again":      {"[" + again("1", 100_000) + "]", `{"v":"$.steps.x-1` + again("0", 1100) + `..[1]"}`, "looks at more than 5000000 values"},
		"large items":        {long, `{"v":"$.steps.x-1` + again("0", 300) + `"}`, "selects more than 256 MiB"},
		"deep":               {deep(600), `{"v":"$.steps.x-1..*"}`, "nested more than 500 deep"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var failure *workflow.Failure
			require.ErrorAs(t, withOutput(t, c.output, c.input), &failure)
			assert.Equal(t, workflow.InvalidInput, failure.Kind)
			assert.Contains(t, failure.Message, c.want)
		})
	}
}

// Of a long list each item is looked at once.
func TestReference_SelectsOfLongLists(t *testing.T) {
	t.Parallel()
	var list strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&list, `,{"id":%d,"caption":"%0100d"}`, i, i)
	}
	assert.NoError(t, withOutput(t, `{"data":[`+list.String()[1:]+`]}`, `{"v":"$.steps.x-1.data[?(@.id > 10)].id"}`))
}

func TestEvaluate_Bounded(t *testing.T) {
	t.Parallel()
	_, err := workflow.Evaluate([]byte(`{"conditions":[{"value1":"a","comparison":"matches","value2":"` + strings.Repeat("a{1000}", 1000) + `"}]}`))
	assert.ErrorContains(t, err, "is too long: a regular expression may have 1000 bytes")
	digits := strings.Repeat("7", 1_000_000)
	_, err = workflow.Evaluate([]byte(`{"conditions":[{"value1":` + digits + `,"comparison":">","value2":1}]}`))
	assert.ErrorContains(t, err, "beyond all bounds")
	var members strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&members, `,"name-%d":1`, i)
	}
	object := "{" + members.String()[1:] + "}"
	same, err := workflow.Evaluate([]byte(`{"conditions":[{"value1":` + object + `,"comparison":"===","value2":` + object + `}]}`))
	require.NoError(t, err)
	assert.True(t, same)
}

func TestParse_AliasesOfKeys(t *testing.T) {
	t.Parallel()
	src := "config:\n  - ? &k " + strings.Repeat("x", 10_000) + "\n    : 1\n" + strings.Repeat("  - {*k : 1}\n", 500)
	_, err := workflow.Parse("w.yaml", []byte(src))
	assert.ErrorContains(t, err, "too many or too large values, aliases written out")
}

// What is wrong with a document is said in a moment, however much it is.
func TestParse_ManyProblems(t *testing.T) {
	t.Parallel()
	var src strings.Builder
	src.WriteString("name: w\ntrigger: {connector: manual}\nsteps:\n")
	for i := range 900 {
		fmt.Fprintf(&src, "- {id: aaaaaaaa-%d, connector: x, operation: y, input: {v: $.steps.aaaaaaab-%d.q}}\n", i, i)
	}
	_, err := workflow.Parse("w.yaml", []byte(src.String()))
	var problems workflow.Problems
	require.ErrorAs(t, err, &problems)
	assert.Len(t, problems, 900)
	assert.Contains(t, problems[2].Hint, "did you mean \"aaaaaaaa-0\"?")
	long := strings.Repeat("x", 200_000)
	_, err = workflow.Parse("w.yaml", []byte("name: w\ntrigger: {connector: manual}\nconfig: {"+long+": 1}\nsteps: [{id: a, connector: x, operation: y, input: {v: $.steps."+long+".q}}]\n"))
	assert.ErrorAs(t, err, &problems)
}
