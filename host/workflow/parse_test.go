package workflow_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/storyloop/storyloop/host/workflow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const everyStory = `name: every-story
title: Get every story
trigger: { connector: manual }
steps:
  - id: instagram-1
    title: List stories
    connector: instagram@1
    operation: list_stories
    credential: bluebottle
    paging: { mode: all, max_items: 500 }
    retry: { max_attempts: 3, max_wait: 1h30m }
    input:
      page_id: "134895793791914"
      ig_user_id: "17841405726653026"
  - id: loop-1
    connector: loop
    operation: loop_list
    input: { list: $.steps.instagram-1.data, collect: $.steps.instagram-2.media_url }
    steps:
      - id: instagram-2
        connector: instagram
        operation: get_story
        credential: bluebottle
        input: { story_id: $.steps.loop-1.value.id }
  - id: boolean-condition-1
    connector: boolean-condition
    operation: boolean_condition
    input: { conditions: [{ value1: $.steps.loop-1.count, comparison: ">", value2: 0 }] }
    branches:
      true:
        - { id: terminate-1, connector: terminate, operation: finish }
      false: []
`

func TestParse_WholeDocument(t *testing.T) {
	t.Parallel()
	doc, err := workflow.Parse("every-story.yaml", []byte(everyStory))
	require.NoError(t, err)

	assert.Equal(t, "every-story", doc.Name)
	assert.Equal(t, "manual", doc.Trigger.Connector)
	assert.Equal(t, []string{"bluebottle"}, doc.Credentials())
	list := doc.Steps[0]
	assert.Equal(t, "instagram", list.Connector)
	assert.Equal(t, "1", list.Major)
	assert.Equal(t, workflow.Paging{All: true, MaxItems: 500}, list.Paging)
	assert.Equal(t, 3, list.Retry.MaxAttempts)
	assert.Equal(t, "1h30m0s", list.Retry.MaxWait.String())
	branches := doc.Steps[2].Branches
	assert.Equal(t, "true", branches[0].Name, "bare keys are names")
	assert.Equal(t, "false", branches[1].Name)
	_, nested := doc.Step("instagram-2")
	assert.True(t, nested)
}

func TestParse_YAMLAndItsJSONAreTheSame(t *testing.T) {
	t.Parallel()
	doc, err := workflow.Parse("a.yaml", []byte(everyStory))
	require.NoError(t, err)
	again, err := workflow.Parse("a.json", doc.JSON())
	require.NoError(t, err)
	assert.Equal(t, string(doc.JSON()), string(again.JSON()))
}

func TestParse_DigitsStay(t *testing.T) {
	t.Parallel()
	src := "name: a\ntrigger: {connector: manual}\nconfig: {id: 178414057266530261234, small: 0.10, text: 017}\nsteps: []\n"
	_, err := workflow.Parse("a.yaml", []byte(src))
	require.ErrorContains(t, err, "a.yaml:3:56: 017 is no plain decimal number (put quotes around it if it is a text)")

	doc, err := workflow.Parse("a.yaml", []byte(strings.Replace(src, ", text: 017", "", 1)))
	require.NoError(t, err)
	assert.Equal(t, `{"id":178414057266530261234,"small":0.10}`, string(doc.Config))
}

func TestParse_AllProblemsAtOnceInOrder(t *testing.T) {
	t.Parallel()
	_, err := workflow.Parse("w.yaml", []byte(`name: Every Story
trigger: { connector: manual }
stepz: []
steps:
  - id: a-1
    conector: instagram
    connector: instagram
    operation: list_stories
    input: [1]
  - id: a-1
    connector: instagram
    operation: get_story
    input: { story_id: $.steps.a-2.id, note: "{$.steps.a-1.x", env: $.env.HOME }
    on_error: { strategy: continue_loop }
`))
	var problems workflow.Problems
	require.ErrorAs(t, err, &problems)
	var lines []string
	for _, p := range problems {
		lines = append(lines, p.String())
	}
	assert.Equal(t, []string{
		`w.yaml:1:1: /name: does not match the pattern ^[a-z0-9]+(-[a-z0-9]+)*$ (for example: "every-story")`,
		`w.yaml:3:1: /stepz: is no property here (did you mean "steps"?)`,
		`w.yaml:6:5: /steps/0/conector: is no property here (did you mean "connector"?)`,
		`w.yaml:9:5: /steps/0/input: must be an object, not an array (for example: {"story_id":"$.steps.loop-1.value.id"})`,
		`w.yaml:10:5: /steps/1/id: the id "a-1" is taken by another step (first in line 5)`,
		`w.yaml:13:14: /steps/1/input/story_id: $.steps.a-2.id: there is no step "a-2" (did you mean "a-1"?)`,
		`w.yaml:13:40: /steps/1/input/note: the reference $.steps.a-1.x has no closing brace (double the $ if it is meant literally)`,
		`w.yaml:13:64: /steps/1/input/env: $.env.HOME: the workflow may not see the variable HOME (add it to the workflow's env list: env: [HOME])`,
		`w.yaml:14:5: /steps/1/on_error/loop: is required for the strategy continue_loop (name the loop that is meant)`,
	}, lines)
}

func TestParse_SettingBesideTheOperation(t *testing.T) {
	t.Parallel()
	_, err := workflow.Parse("w.yaml", []byte("name: w\ntrigger: { connector: manual }\nsteps: [{ id: l, connector: loop, operation: loop_list, list: [1] }]\n"))
	require.ErrorContains(t, err, "/steps/0/list: is no property here (the operation's own settings belong under input; known properties: branches,")
}

func TestParse_Refused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, src, want string }{
		"empty":             {"w.yaml", "", "w.yaml:1:1: the file is empty"},
		"no yaml":           {"w.yaml", "name: [", "not YAML"},
		"step set back":     {"w.yaml", "name: a\nsteps:\n  - id: a\n    connector: loop\n   operation: x\n  - id: b\n", "w.yaml:5:4: not YAML: the line does not fit what is above it (indent the items"},
		"step set forward":  {"w.yaml", "name: a\nsteps:\n  - id: a\n    connector: loop\n - id: b\n", "w.yaml:5:2: not YAML: the line does not fit"},
		"name set forward":  {"w.yaml", "# a\n  name: a\ntrigger: {}\n", "w.yaml:3:1: not YAML: the line does not fit"},
		"behind quotes":     {"w.yaml", "name: a\ntitle: \"a\" b\nsteps: []\n", "w.yaml:2:1: not YAML: the line does not fit"},
		"second is broken":  {"w.yaml", "a: 1\n---\nb: 1\nc: [\n  1]\n - d\n", "w.yaml:6:2: not YAML: the line does not fit"},
		"not closed":        {"w.yaml", "name: a\nx: 1\nb: [1\nc: 2\n", "w.yaml:3:1: not YAML: did not find expected ',' or ']'"},
		"colon in a text":   {"w.yaml", "name: a\nx: 1\nb: c: d\n", "w.yaml:3:1: not YAML: mapping values"},
		"tab":               {"w.yaml", "name: a\nx:\n\ty: 1\n", "w.yaml:3:1: not YAML: found character that cannot start any token (indent with spaces, not with tabs"},
		"no json":           {"w.json", "{\n  \"name\": x}", "w.json:2:11: not JSON"},
		"a list":            {"w.yaml", "- a", "must be an object, not an array"},
		"two documents":     {"w.yaml", "a: 1\n---\nb: 1", "a second document begins here"},
		"key twice":         {"w.yaml", "name: a\nname: b", `w.yaml:2:1: "name" is given twice (first in line 1)`},
		"key twice in json": {"w.json", `{"name":"a","name":"b"}`, `w.json:1:13: "name" is given twice`},
		"merge key":         {"w.yaml", "x: &x {a: 1}\ny: {<<: *x}", "merge keys (<<) are not taken"},
		"own anchor":        {"w.yaml", "x: &x [*x]", "holds itself"},
		"tag":               {"w.yaml", "x: !secret abc", "the tag !secret is not taken"},
		"infinity":          {"w.yaml", "x: .inf", ".inf is no plain decimal number"},
		"null key":          {"w.yaml", "~: 1", "a key must be a text"},
		"too large":         {"w.yaml", strings.Repeat("# much\n", 200_000), "at most 1048576 allowed"},
		"too deep":          {"w.yaml", "x: " + strings.Repeat("[", 80) + strings.Repeat("]", 80), "more than 64 deep"},
		"laughs":            {"w.yaml", laughs(), "too many or too large values"},
		"large laughs":      {"w.yaml", "a: &a " + strings.Repeat("x", 90_000) + "\nb: [" + strings.Repeat("*a,", 1000) + "]", "too many or too large values"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := workflow.Parse(c.file, []byte(c.src))
			var problems workflow.Problems
			require.ErrorAs(t, err, &problems)
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func laughs() string {
	b := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'i'; c++ {
		b += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+",", 9) + "]\n"
	}
	return b
}

// steps returns a document that holds them.
func steps(s string) []byte {
	return []byte("name: a\ntrigger: {connector: manual}\nenv: [SHOP]\nconfig: {shop: x}\nsteps:\n" + s)
}

func TestParse_Scopes(t *testing.T) {
	t.Parallel()
	const loop = `
- id: l
  connector: loop
  operation: loop_list
  input: {list: [1]}
  steps:
    - {id: in, connector: x, operation: y, input: {v: $.steps.l.value}}
`
	const fork = `
- id: c
  connector: boolean-condition
  operation: boolean_condition
  input: {conditions: []}
  branches:
    true: [{id: yes-1, connector: x, operation: y}]
`
	const branch = `
- id: a
  connector: x
  operation: y
  on_error:
    strategy: branch
    error: [{id: e, connector: x, operation: y, input: {v: %E}}]
    success: [{id: s, connector: x, operation: y, input: {v: %S}}]
`
	fill := func(e, s string) string { return strings.NewReplacer("%E", e, "%S", s).Replace(branch) }
	for name, c := range map[string]struct{ src, want string }{
		"own output":           {"- {id: a, connector: x, operation: y, input: {v: $.steps.a.b}}", "the step a has not run by then"},
		"later step":           {"- {id: a, connector: x, operation: y, input: {v: $.steps.b.c}}\n- {id: b, connector: x, operation: y}", "the step b has not run by then"},
		"out of the loop":      {loop + "- {id: z, connector: x, operation: y, input: {v: $.steps.in.b}}", "not visible from here (a loop's steps are visible in the loop only; after it, use collect)"},
		"loop after itself":    {loop + "- {id: z, connector: x, operation: y, input: {v: $.steps.l.count}}", ""},
		"branch after it":      {fork + "- {id: z, connector: x, operation: y, input: {v: $.steps.yes-1.b}}", "may not have run by then (give it a fallback"},
		"branch with fallback": {fork + "- {id: z, connector: x, operation: y, input: {v: {$ref: $.steps.yes-1.b, fallback: 0}}}", ""},
		"error branch":         {fill("$.errors.a.kind", "$.steps.a.b"), ""},
		"output in error":      {fill("$.steps.a.b", "1"), "the step a has failed here and has no output"},
		"error in success":     {fill("1", "$.errors.a.kind"), "may not have failed by then"},
		"break outside":        {"- {id: a, connector: loop, operation: break_loop, input: {loop: l}}", `/steps/0/input/loop: the step does not stand in a loop "l"`},
		"strategy outside":     {loop + "- {id: a, connector: x, operation: y, on_error: {strategy: break_loop, loop: l}}", `does not stand in a loop "l"`},
		"env":                  {"- {id: a, connector: x, operation: y, input: {v: $.env.SHOPP}}", `did you mean "SHOP"?`},
		"steps on a step":      {"- {id: a, connector: x, operation: y, steps: []}", "only a loop has steps"},
		"loop without steps":   {"- {id: a, connector: loop, operation: loop_list, input: {list: []}}", "what the loop does"},
		"branches on a step":   {"- {id: a, connector: x, operation: y, branches: {b: []}}", "only the connectors boolean-condition and branch have branches"},
		"odd condition branch": {"- {id: a, connector: boolean-condition, operation: boolean_condition, branches: {yes: []}}", "has the branches true and false"},
		"retry on a loop":      {strings.Replace(loop, "  steps:", "  retry: {max_attempts: 2}\n  steps:", 1), "has no meaning for the connector loop"},
		"trigger's id":         {"- {id: trigger, connector: x, operation: y}", "the id of what started the run"},
		"bad timeout":          {"- {id: a, connector: x, operation: y, timeout: 5 minutes}", "/steps/0/timeout"},
		"success elsewhere":    {"- {id: a, connector: x, operation: y, on_error: {strategy: continue, success: []}}", "goes only with the strategy branch"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := workflow.Parse("w.yaml", steps(c.src))
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(everyStory)
	f.Add(string(steps("- {id: a, connector: x, operation: y, input: {v: \"a {$.steps.trigger['x-y'][0]} b\"}}")))
	f.Add(`{"name":"a","trigger":{"connector":"manual"},"steps":[{"id":"a"}]}`)
	f.Add("x: &x [*x]")
	f.Fuzz(func(t *testing.T, src string) {
		doc, err := workflow.Parse("w.yaml", []byte(src))
		if err != nil {
			var problems workflow.Problems
			require.ErrorAs(t, err, &problems)
			require.NotEmpty(t, problems)
			return
		}
		require.True(t, json.Valid(doc.JSON()))
		again, err := workflow.Parse("w.json", doc.JSON())
		require.NoError(t, err)
		require.Equal(t, string(doc.JSON()), string(again.JSON()))
	})
}
