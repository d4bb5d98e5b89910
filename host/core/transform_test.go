package core_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/storyloop/storyloop/host/core"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
)

func TestTransform(t *testing.T) {
	t.Parallel()
	b := newBench(t, core.Config{})
	for name, c := range map[string]struct{ program, inputs, want, wrong string }{
		"inputs by name":  {`[.stories[] | select(.likes > 1) | .id]`, `{"stories":[{"id":"a","likes":1},{"id":"b","likes":2}]}`, `{"result":["b"]}`, ""},
		"digits":          {`.id`, `{"id":17841405726653027}`, `{"result":17841405726653027}`, ""},
		"more digits":     {`[.id, .id + 1, (.id | tostring)]`, `{"id":1234567890123456789012345}`, `{"result":[1234567890123456789012345,1234567890123456789012346,"1234567890123456789012345"]}`, ""},
		"digits of texts": {`.id | tonumber`, `{"id":"17841405726653027"}`, `{"result":17841405726653027}`, ""},
		"sorted digits":   {`[.a, .b] | sort`, `{"a":17841405726653027,"b":17841405726653026}`, `{"result":[17841405726653026,17841405726653027]}`, ""},
		"no value":        {`empty`, `{}`, `{"result":null}`, ""},
		"no environment":  {`[env, $ENV]`, `{}`, `{"result":[{},{}]}`, ""},
		"two values":      {`1, 2`, `{}`, "", "put it into [ ]"},
		"no files":        {`import "a" as a; 1`, `{}`, "", "cannot load module"},
		"other inputs":    {`input`, `{}`, "", "not allowed"},
		"its own error":   {`error("no stories")`, `{}`, "", "no stories"},
		"halt":            {`halt`, `{}`, "", "the program halts"},
		"wrong type":      {`.a.b`, `{"a":"text"}`, "", "the program failed"},
		"too deep":        {`reduce range(20000) as $i (0; [.])`, `{}`, "", "nested too deep"},
		"too large":       {`"x" * 9000000`, `{}`, "", "larger than 8 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program, _ := json.Marshal(c.program)
			output, failure := b.invoke(context.Background(), "transform", "jq", `{"program":`+string(program)+`,"inputs":`+c.inputs+`}`)
			if c.wrong == "" {
				assert.Nil(t, failure)
				assert.Equal(t, c.want, output)
				return
			}
			assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, failure.GetKind())
			assert.Contains(t, failure.GetMessage(), c.wrong)
			assert.Equal(t, "/program", failure.GetDiagnostics()[0].GetPointer())
		})
	}
}

func TestTransform_EndsWithTheDeadline(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, failure := newBench(t, core.Config{}).invoke(ctx, "transform", "jq", `{"program":"last(repeat(1))"}`)
	assert.Contains(t, failure.GetMessage(), "the program took longer than")
}

// Not parallel to others: what they take counts as well.
func TestTransform_EndsWhereMemoryDoes(t *testing.T) {
	b := newBench(t, core.Config{})
	_, failure := b.invoke(t.Context(), "transform", "jq", `{"program":"reduce range(60) as $i (\"x\"; . + .)"}`)
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, failure.GetKind())
	assert.Contains(t, failure.GetMessage(), "too much memory")
}

func FuzzTransform(f *testing.F) {
	b := newBench(f, core.Config{})
	for _, program := range []string{`.a`, `[.[] | . + 1]`, `)`, `.. | tojson`, `"\(.a)"`, `reduce range(9) as $i (1; . * 1000000007)`, `try error("x") catch .`} {
		f.Add(program, `{"a":17841405726653027}`)
	}
	f.Fuzz(func(t *testing.T, program, inputs string) {
		if len(program) > 200 || !json.Valid([]byte(inputs)) {
			return
		}
		quoted, _ := json.Marshal(program)
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		conn, _ := b.list.Connector("transform")
		resp := conn.Invoke(ctx, &connectorv1.InvokeRequest{Operation: "jq", Input: []byte(`{"program":` + string(quoted) + `,"inputs":` + inputs + `}`)})
		if resp.GetFailure() == nil {
			assert.True(t, json.Valid(resp.GetResult().GetOutput()))
			return
		}
		assert.NotEqual(t, connectorv1.FailureKind_FAILURE_KIND_INTERNAL, resp.GetFailure().GetKind(), resp.GetFailure().GetMessage())
	})
}
