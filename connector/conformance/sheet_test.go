package conformance_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/storyloop/storyloop/connector/conformance"
)

func TestSheet_KeepsHowEachCheckWent(t *testing.T) {
	t.Parallel()
	s := conformance.NewSheet(t.Context())
	assert.True(t, s.Run("holds", func(r conformance.Reporter) { r.Logf("looked at %d", 3) }))
	assert.True(t, s.Run("does not apply", func(r conformance.Reporter) { r.Skipf("no reason"); r.Errorf("never reached") }))
	assert.False(t, s.Failed())
	assert.False(t, s.Run("outer", func(r conformance.Reporter) {
		assert.False(t, r.Run("inner", func(r conformance.Reporter) { r.Fatalf("found %s", "it"); r.Errorf("never reached") }))
		assert.True(t, r.Run("other", func(conformance.Reporter) {}))
	}))
	assert.False(t, s.Run("broken", func(conformance.Reporter) { panic("a bug of the check") }))
	s.Errorf("outside")

	assert.True(t, s.Failed())
	got := s.Results()
	assert.Contains(t, got[5].Findings[0], "a bug of the check")
	got[5].Findings = nil
	assert.Equal(t, []conformance.Result{
		{Check: "holds", Status: conformance.Held, Findings: []string{"looked at 3"}},
		{Check: "does not apply", Status: conformance.NotApplicable, Findings: []string{"no reason"}},
		{Check: "outer", Status: conformance.Failed},
		{Check: "outer/inner", Status: conformance.Failed, Findings: []string{"found it"}},
		{Check: "outer/other", Status: conformance.Held},
		{Check: "broken", Status: conformance.Failed},
		{Check: "the checks can be run", Status: conformance.Failed, Findings: []string{"outside"}},
	}, got)
}
