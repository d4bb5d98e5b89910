package jq_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/core/jq"
)

type runner interface {
	Check(ctx context.Context, program string) error
	Run(ctx context.Context, program string, inputs []byte) ([]byte, error)
}

// Programs do the same wherever they run.
func TestRun(t *testing.T) {
	t.Parallel()
	for where, r := range map[string]runner{"worker": newPool(t, jq.Options{}), "local": jq.Local{}} {
		for name, c := range map[string]struct{ program, inputs, want, wrong string }{
			"inputs by name":        {`[.stories[] | select(.likes > 1) | .id]`, `{"stories":[{"id":"a","likes":1},{"id":"b","likes":2}]}`, `["b"]`, ""},
			"digits":                {`.id`, `{"id":17841405726653027}`, `17841405726653027`, ""},
			"more digits":           {`[.id, .id + 1, (.id | tostring)]`, `{"id":1234567890123456789012345}`, `[1234567890123456789012345,1234567890123456789012346,"1234567890123456789012345"]`, ""},
			"no value":              {`empty`, `{}`, `null`, ""},
			"tail recursion":        {`def f: if . > 10000 then . else . + 1 | f end; 0 | f`, `{}`, `10001`, ""},
			"recursion":             {`def f: if . > 10000 then 0 else 1 + (. + 1 | f) end; 0 | f`, `{}`, `10001`, ""},
			"no environment":        {`[env, $ENV, env.PATH]`, `{}`, `[{},{},null]`, ""},
			"no files":              {`import "a" as a; 1`, `{}`, "", "cannot load module"},
			"other input":           {`input`, `{}`, "", "not allowed"},
			"other inputs":          {`[inputs]`, `{}`, "", "not allowed"},
			"name of the input":     {`input_filename`, `{}`, "", "not defined: input_filename/0"},
			"debug":                 {`debug`, `{}`, "", "not defined: debug/0"},
			"standard error":        {`stderr`, `{}`, "", "not defined: stderr/0"},
			"its own error":         {`error("no stories")`, `{}`, "", "the program failed: error: no stories"},
			"halt":                  {`halt`, `{}`, "", "the program halts"},
			"halt with an error":    {`halt_error`, `{}`, "", "the program halts"},
			"wrong type":            {`.a.b`, `{"a":"text"}`, "", "the program failed"},
			"two values":            {`1, 2`, `{}`, "", "put it into [ ]"},
			"values without end":    {`repeat(.)`, `{}`, "", "put it into [ ]"},
			"too deep":              {`reduce range(20000) as $i (0; [.])`, `{}`, "", "nested too deep"},
			"too large":             {`"x" * 9000000`, `{}`, "", "larger than 8 MiB"},
			"too large when quoted": {`"\u0000" * 1500000`, `{}`, "", "larger than 8 MiB"},
			"syntax":                {"[.a |\n  .b }", `{}`, "", "is not a jq program: line 2, column 6: unexpected token \"}\""},
			"text without end":      {`"abc`, `{}`, "", "is not a jq program: line 1, column 5: unterminated string literal"},
		} {
			t.Run(where+"/"+name, func(t *testing.T) {
				t.Parallel()
				got, err := r.Run(t.Context(), c.program, []byte(c.inputs))
				if c.wrong == "" {
					require.NoError(t, err)
					assert.Equal(t, c.want, string(got))
					assert.NoError(t, r.Check(t.Context(), c.program))
					return
				}
				message := inputError(t, err)
				assert.Contains(t, message, c.wrong)
				if checked := r.Check(t.Context(), c.program); checked != nil {
					assert.Equal(t, message, inputError(t, checked))
				}
			})
		}
	}
}

func TestRun_ErrorsOfProgramsAreShort(t *testing.T) {
	t.Parallel()
	_, err := newPool(t, jq.Options{}).Run(t.Context(), `error("ä" * 1000000)`, []byte("{}"))
	assert.Less(t, len(inputError(t, err)), 5000)
}

func TestRun_InputsThatAreTooLarge(t *testing.T) {
	t.Parallel()
	for _, r := range []runner{newPool(t, jq.Options{}), jq.Local{}} {
		_, err := r.Run(t.Context(), `1`, []byte(`"`+strings.Repeat("x", jq.MaxInput)+`"`))
		var wrong *host.InputError
		require.ErrorAs(t, err, &wrong)
		assert.Equal(t, "/inputs", wrong.Pointer)
		assert.Contains(t, wrong.Message, "at most 33554432 are allowed")
	}
}
