package workflow

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLoop_CollectsNoMoreThanFits(t *testing.T) {
	t.Parallel()
	l := &Loop{Step: &Step{ID: "loop-1"}, collect: &Value{raw: json.RawMessage("1")}, maxFailures: -1, goesOn: true, collected: maxOutput - 10}
	var sum Summary
	assert.False(t, l.Add(&sum, Iteration{Index: 0, Collected: json.RawMessage(`"123456"`)}))
	assert.Len(t, sum.Results, 1)
	assert.True(t, l.Add(&sum, Iteration{Index: 1, Collected: json.RawMessage(`"123456"`)}))
	assert.Empty(t, sum.Results)
	assert.Equal(t, "/collect", l.failure(sum).Pointer)
	assert.Contains(t, l.failure(sum).Message, "what the loop collects is larger than 256 MiB")
}

type always struct{ raw json.RawMessage }

func (a always) lookup(*Ref) (datum, error) { return datum{raw: a.raw}, nil }

func TestResolve_NoMoreThanFits(t *testing.T) {
	t.Parallel()
	for _, input := range []string{
		`"{$.steps.a}{$.steps.a}"`,
		`["$.steps.a", "$.steps.a"]`,
		`{"x":{"$ref":"$.steps.a","fallback":1},"y":["{$.steps.a}"]}`,
	} {
		n, err := parseJSON([]byte(input))
		require.NoError(t, err)
		v := parseValue(n, "", func(_, _, message, _ string) { t.Error(message) })
		_, err = v.resolve(always{json.RawMessage(`"123456"`)}, 16)
		require.NoError(t, err)
		_, err = v.resolve(always{json.RawMessage(`"123456"`)}, 15)
		assert.ErrorContains(t, err, "what the references lead to is larger than")
	}
}
