package workflow_test

import (
	"testing"

	"github.com/storyloop/storyloop/host/workflow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEvaluate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, comparison, b string
		want             bool
	}{
		{`1`, "===", `1.0`, true},
		{`17841405726653027`, "===", `17841405726653028`, false},
		{`17841405726653028`, ">", `17841405726653027`, true},
		{`178414057266530271784140572665302`, ">", `178414057266530271784140572665301`, true},
		{`0.1`, "===", `0.10000000000000000000001`, false},
		{`1e3`, "===", `1000`, true},
		{`1`, "===", `"1"`, false},
		{`1`, "!==", `"1"`, true},
		{`null`, "===", `null`, true},
		{`{"a":1,"b":[1,2]}`, "===", `{"b":[1.0,2],"a":1}`, true},
		{`{"a":1}`, "===", `{"a":1,"b":2}`, false},
		{`[1,2]`, "===", `[2,1]`, false},
		{`"b"`, ">", `"a"`, true},
		{`2`, ">=", `2`, true},
		{`2`, "<", `2`, false},
		{`2`, "<=", `2`, true},
		{`"abc"`, "contains", `"b"`, true},
		{`["a",1]`, "contains", `1.0`, true},
		{`{"a":null}`, "contains", `"a"`, true},
		{`"abc"`, "not_contains", `"x"`, true},
		{`"abc"`, "starts_with", `"ab"`, true},
		{`"abc"`, "not_ends_with", `"bc"`, false},
		{`"abc"`, "matches", `"^a.c$"`, true},
		{`"abc"`, "not_matches", `"^a.c$"`, false},
		{`null`, "exists", ``, false},
		{``, "exists", ``, false},
		{`0`, "exists", ``, true},
		{``, "not_exists", ``, true},
		{`""`, "empty", ``, true},
		{`[ ]`, "empty", ``, true},
		{`{}`, "empty", ``, true},
		{``, "empty", ``, true},
		{`0`, "empty", ``, false},
		{`[0]`, "not_empty", ``, true},
	} {
		in := `{"conditions":[{"comparison":"` + c.comparison + `"`
		if c.a != "" {
			in += `,"value1":` + c.a
		}
		if c.b != "" {
			in += `,"value2":` + c.b
		}
		got, err := workflow.Evaluate([]byte(in + "}]}"))
		require.NoError(t, err, in)
		assert.Equal(t, c.want, got, in)
	}
}

func TestEvaluate_AllAndAny(t *testing.T) {
	t.Parallel()
	const mixed = `"conditions":[{"value1":1,"comparison":"===","value2":1},{"value1":1,"comparison":"===","value2":2}]`
	all, err := workflow.Evaluate([]byte(`{` + mixed + `}`))
	require.NoError(t, err)
	assert.False(t, all)
	one, err := workflow.Evaluate([]byte(`{` + mixed + `,"match":"any"}`))
	require.NoError(t, err)
	assert.True(t, one)
}

func TestEvaluate_CannotTell(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"conditions":[{"value1":1,"comparison":">","value2":"2"}]}`:         "cannot order a number and a text",
		`{"conditions":[{"value1":1,"comparison":"matches","value2":"2"}]}`:   "must be a text, not a number",
		`{"conditions":[{"value1":"a","comparison":"matches","value2":"("}]}`: "is not a regular expression",
		`{"conditions":[{"value1":"a","comparison":"like","value2":"("}]}`:    `"like" is no comparison`,
		`{"conditions":[]}`: "must be a list of conditions",
		`{"conditions":[{"value1":1e999999999,"comparison":">","value2":1}]}`: "beyond all bounds",
		`{"conditions":[{"comparison":"exists"}],"match":"some"}`:             `must be "all" or "any"`,
	} {
		_, err := workflow.Evaluate([]byte(in))
		var failure *workflow.Failure
		require.ErrorAs(t, err, &failure, in)
		assert.ErrorContains(t, err, want)
	}
}
