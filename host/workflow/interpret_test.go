package workflow_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/storyloop/storyloop/host/workflow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// interpret runs steps on an engine where operations named "bad" fail, and returns
// the paths of all calls, and the run's output.
func interpret(t *testing.T, src string) (paths []string, output string, p *plain, err error) {
	t.Helper()
	doc, err := workflow.Parse("w.yaml", steps(src))
	require.NoError(t, err)
	p = &plain{answer: func(c workflow.Call) (workflow.Outcome, error) {
		paths = append(paths, c.Path)
		if c.Step.Operation == "bad" {
			return workflow.Outcome{}, &workflow.Failure{Kind: "not_found", Code: "100", Subcode: "33", Applied: "no", Message: "It is gone."}
		}
		return workflow.Outcome{Output: c.Input}, nil
	}}
	raw, err := workflow.Run(p, doc, workflow.Values{})
	return paths, string(raw), p, err
}

const finish = "- {id: end, connector: terminate, operation: finish, input: {output: $.steps.%s}}\n"

func TestRun_ErrorStrategies(t *testing.T) {
	t.Parallel()
	loop := func(strategy string) string {
		return `
- id: outer
  connector: loop
  operation: loop_list
  input: {list: [1, 2]}
  steps:
    - id: inner
      connector: loop
      operation: loop_list
      input: {list: [1, 2]}
      steps:
        - {id: b, connector: x, operation: bad, on_error: ` + strategy + `}
        - {id: after, connector: x, operation: ok}
    - {id: next, connector: x, operation: ok}
` + fmt.Sprintf(finish, "outer")
	}
	branch := func(operation string) string {
		return `
- id: b
  connector: x
  operation: ` + operation + `
  on_error:
    strategy: branch
    error: [{id: e, connector: x, operation: ok, input: {k: $.errors.b.kind, s: $.errors.b.subcode, p: $.errors.b.pointer}}]
    success: [{id: s, connector: x, operation: ok}]
`
	}
	for name, c := range map[string]struct {
		src   string
		paths []string
		out   string
	}{
		"continue":             {"- {id: b, connector: x, operation: bad, on_error: {strategy: continue}}\n- {id: n, connector: x, operation: ok, input: {k: {$ref: $.errors.b.kind, fallback: 0}, v: {$ref: $.steps.b.x, fallback: 0}}}\n" + fmt.Sprintf(finish, "n"), []string{"b", "n"}, `{"k":"not_found","v":0}`},
		"branch":               {branch("bad") + "- {id: end, connector: terminate, operation: finish, input: {output: {$ref: $.steps.e, fallback: 0}}}\n", []string{"b", "e"}, `{"k":"not_found","s":"33","p":null}`},
		"success":              {branch("ok"), []string{"b", "s"}, ""},
		"continue inner loop":  {loop("{strategy: continue_loop, loop: inner}"), []string{"outer[0]/inner[0]/b", "outer[0]/inner[1]/b", "outer[0]/next", "outer[1]/inner[0]/b", "outer[1]/inner[1]/b", "outer[1]/next"}, `{"count":2,"succeeded":2,"failed":0,"results":[],"failures":[]}`},
		"continue outer loop":  {loop("{strategy: continue_loop, loop: outer}"), []string{"outer[0]/inner[0]/b", "outer[1]/inner[0]/b"}, `{"count":2,"succeeded":0,"failed":2,"results":[],"failures":[{"index":0,"step":"b","kind":"not_found","message":"It is gone."},{"index":1,"step":"b","kind":"not_found","message":"It is gone."}]}`},
		"break inner loop":     {loop("{strategy: break_loop, loop: inner}"), []string{"outer[0]/inner[0]/b", "outer[0]/next", "outer[1]/inner[0]/b", "outer[1]/next"}, `{"count":2,"succeeded":2,"failed":0,"results":[],"failures":[]}`},
		"break outer loop":     {loop("{strategy: break_loop, loop: outer}"), []string{"outer[0]/inner[0]/b"}, `{"count":1,"succeeded":0,"failed":1,"results":[],"failures":[{"index":0,"step":"b","kind":"not_found","message":"It is gone."}]}`},
		"bad reference caught": {"- {id: b, connector: x, operation: ok, input: {v: $.steps.trigger.x}, on_error: {strategy: continue}}\n" + `- {id: end, connector: terminate, operation: finish, input: {output: {$ref: $.errors.b.code, fallback: 0}}}`, nil, `"leads_nowhere"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			paths, out, _, err := interpret(t, c.src)
			require.NoError(t, err)
			assert.Equal(t, c.paths, paths)
			assert.Equal(t, c.out, out)
		})
	}
}

func TestRun_StopSaysWhere(t *testing.T) {
	t.Parallel()
	_, _, _, err := interpret(t, `
- id: l
  connector: loop
  operation: loop_list
  input: {list: [1, 2]}
  steps: [{id: b, connector: x, operation: bad}]
`)
	require.EqualError(t, err, "a: step l[0]/b (x bad): It is gone.")
}

func TestRun_LoopInside(t *testing.T) {
	t.Parallel()
	paths, _, p, err := interpret(t, `
- id: l
  connector: loop
  operation: loop_object
  input: {object: {b: 10, a: 20}}
  steps: [{id: c, connector: x, operation: ok, input: {v: $.steps.l}}]
`)
	require.NoError(t, err)
	assert.Equal(t, []string{"l[0]/c", "l[1]/c"}, paths)
	assert.Equal(t, `{"v":{"index":1,"is_first":false,"value":20,"count":2,"is_last":true,"key":"a"}}`, string(p.calls[1].Input))
}

func TestRun_LoopsThatEnd(t *testing.T) {
	t.Parallel()
	loop := func(operation, input, body string) string {
		return "- id: l\n  connector: loop\n  operation: " + operation + "\n  input: {" + input + "}\n  steps: [" + body + "]\n"
	}
	const bad, ok, stop = "{id: b, connector: x, operation: bad}", "{id: o, connector: x, operation: ok}", ", {id: s, connector: loop, operation: break_loop, input: {loop: l}}"
	for name, c := range map[string]struct {
		src   string
		calls int
		want  string // In the error.
	}{
		"forever until the guard": {loop("loop_forever", "max_iterations: 5", ok), 5, "the loop has run 5 times without a break_loop"},
		"forever with a break":    {loop("loop_forever", "", ok+stop), 1, ""},
		"list with a break":       {loop("loop_list", "list: [1,2,3]", ok+stop), 1, ""},
		"failures allowed":        {loop("loop_list", "list: [1,2,3], on_error: continue", bad), 3, ""},
		"too many failures":       {loop("loop_list", "list: [1,2,3,4], on_error: continue, max_failures: 2", bad), 3, "more than 2 iterations of l failed, the last with: It is gone."},
		"empty list":              {loop("loop_list", "list: []", bad), 0, ""},
		"no list":                 {loop("loop_list", "list: $.config.shop", ok), 0, "/list: must be a list, not a text"},
		"too many at once":        {loop("loop_list", "list: [1], concurrency: 65", ok), 0, "must be a whole number from 1 to 64"},
		"collect nowhere":         {loop("loop_list", "list: [1], collect: $.steps.o.x", ok), 1, "step l[0] (loop loop_list): /collect: $.steps.o.x leads nowhere"},
		"fail ends all":           {loop("loop_list", "list: [1,2], on_error: continue", ok+", {id: f, connector: terminate, operation: fail, input: {message: Enough.}}"), 1, "step l[0]/f (terminate fail): Enough."},
		"finish ends all":         {loop("loop_list", "list: [1,2]", ok+", {id: f, connector: terminate, operation: finish}"), 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			paths, _, _, err := interpret(t, c.src)
			assert.Len(t, paths, c.calls)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestRun_Branches(t *testing.T) {
	t.Parallel()
	branch := func(input string) string {
		return "- id: b\n  connector: branch\n  operation: branch\n  input: {" + input + "}\n  branches:\n    default: [{id: d, connector: x, operation: ok}]\n    photo: [{id: p, connector: x, operation: ok}]\n" + fmt.Sprintf(finish, "b")
	}
	for input, want := range map[string]string{
		`value: photo`:   "p",
		`value: [photo]`: "d",
		`value: 1, branches: [{name: photo, value: "1"}]`:                            "d",
		`value: 1, branches: [{name: photo, value: 1.0}, {name: default, value: 1}]`: "p",
	} {
		paths, out, _, err := interpret(t, branch(input))
		require.NoError(t, err)
		assert.Equal(t, []string{want}, paths, input)
		assert.Equal(t, map[string]string{"p": `{"branch":"photo"}`, "d": `{"branch":"default"}`}[want], out)
	}
	paths, _, _, err := interpret(t, `
- id: c
  connector: boolean-condition
  operation: boolean_condition
  input: {conditions: [{value1: $.steps.trigger.nowhere, comparison: not_exists}]}
  branches: {true: [{id: y, connector: x, operation: ok}], false: [{id: n, connector: x, operation: ok}]}
`)
	require.NoError(t, err)
	assert.Equal(t, []string{"y"}, paths, "exists may be asked of what is not there")
}

func TestRun_LoopWhoseInputIsOneReference(t *testing.T) {
	t.Parallel()
	paths, out, _, err := interpret(t, `
- {id: in, connector: x, operation: ok, input: {list: [1, 2, 3], on_error: continue}}
- id: l
  connector: loop
  operation: loop_list
  input: {$ref: $.steps.in}
  steps: [{id: c, connector: x, operation: bad}]
`+fmt.Sprintf(finish, "l.failed"))
	require.NoError(t, err)
	assert.Equal(t, []string{"in", "l[0]/c", "l[1]/c", "l[2]/c"}, paths)
	assert.Equal(t, `3`, out)
}

func TestRun_Delay(t *testing.T) {
	t.Parallel()
	_, _, p, err := interpret(t, "- {id: a, connector: delay, operation: delay, input: {duration: 1d2h}}\n- {id: b, connector: delay, operation: delay_until, input: {time: \"2026-11-22T15:00:00+01:00\"}}\n- {id: c, connector: delay, operation: delay_until, input: {time: \"2026-11-22T14:05:00Z\"}}\n")
	require.NoError(t, err)
	assert.Equal(t, 26*time.Hour+5*time.Minute, p.slept)

	_, _, p, err = interpret(t, "- {id: a, connector: delay, operation: delay_until, input: {time: \"2099-11-22T15:00:00Z\"}}\n")
	var failure *workflow.Failure
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, "/time", failure.Pointer)
	assert.Equal(t, "lies more than 400 days ahead", failure.Message)
	assert.Zero(t, p.slept)
}

func TestRun_Paging(t *testing.T) {
	t.Parallel()
	run := func(paging string, endless bool) (string, int, error) {
		doc, err := workflow.Parse("w.yaml", steps("- {id: l, connector: x, operation: y, paging: {"+paging+"}}\n"+fmt.Sprintf(finish, "l")))
		require.NoError(t, err)
		n := 0
		p := &plain{answer: func(c workflow.Call) (workflow.Outcome, error) {
			n++
			out := workflow.Outcome{Items: "/a/data", Output: json.RawMessage(fmt.Sprintf(`{"first":%d,"a":{"data":[%d1,%d2],"z":0}}`, n, n, n))}
			if n < 3 || endless {
				out.Next = fmt.Sprint(min(n, 3))
			}
			if n > 1 {
				assert.Equal(t, fmt.Sprintf("l#%d", n), c.Path)
			}
			return out, nil
		}}
		raw, err := workflow.Run(p, doc, workflow.Values{})
		return string(raw), n, err
	}
	for paging, want := range map[string]string{
		"mode: first":               `{"first":1,"a":{"data":[11,12],"z":0}}`,
		"mode: all":                 `{"first":1,"a":{"data":[11,12,21,22,31,32],"z":0}}`,
		"mode: all, max_items: 3":   `{"first":1,"a":{"data":[11,12,21],"z":0}}`,
		"mode: first, max_items: 1": `{"first":1,"a":{"data":[11],"z":0}}`,
	} {
		out, calls, err := run(paging, false)
		require.NoError(t, err)
		assert.Equal(t, want, out, paging)
		assert.LessOrEqual(t, calls, map[string]int{"mode: all": 3, "mode: all, max_items: 3": 2}[paging]+1)
	}
	_, calls, err := run("mode: all", true)
	require.ErrorContains(t, err, "the same page again and again")
	assert.LessOrEqual(t, calls, 5)
}

func TestRun_AnEngineErrorEndsItAtOnce(t *testing.T) {
	t.Parallel()
	doc, err := workflow.Parse("w.yaml", steps("- {id: a, connector: x, operation: y, on_error: {strategy: continue}}\n- {id: b, connector: x, operation: y}\n"))
	require.NoError(t, err)
	gone := errors.New("the run was cancelled")
	p := &plain{answer: func(workflow.Call) (workflow.Outcome, error) { return workflow.Outcome{}, gone }}
	_, err = workflow.Run(p, doc, workflow.Values{})
	require.ErrorIs(t, err, gone)
	assert.Len(t, p.calls, 1, "no strategy catches it")
}
