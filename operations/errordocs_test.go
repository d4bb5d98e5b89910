package operations_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations"
	"github.com/storyloop/storyloop/operations/graph"
)

func TestInstagram_DocumentsEachErrorOfMeta(t *testing.T) {
	t.Parallel()
	docs := map[string]connector.ErrorDoc{}
	for _, d := range operations.Instagram("1.0.0").Errors {
		assert.NotContains(t, docs, d.Code, "documented twice")
		assert.NotZero(t, d.Kind, d.Code)
		assert.NotZero(t, d.Applied, d.Code)
		assert.True(t, strings.HasSuffix(d.Sentence, "."), "%s: %s", d.Code, d.Sentence)
		assert.NotEmpty(t, d.Action, d.Code)
		docs[d.Code] = d
	}
	assert.Len(t, docs, len(graph.Rows()))
	for _, want := range []connector.ErrorDoc{
		{Code: "190/463", Kind: connector.Unauthenticated, Applied: connector.AppliedNo, Sentence: "The access token has expired.", Action: "Sign in again."},
		{Code: "2", Kind: connector.Unavailable, Applied: connector.AppliedUnknown, Sentence: "Instagram's service is down for the moment.", Action: "Try again later."},
		{Code: "200 to 299", Kind: connector.PermissionDenied, Applied: connector.AppliedNo, Sentence: "A permission is missing, or the account has no role for this.", Action: "Consent again, with the missing permission."},
	} {
		assert.Equal(t, want, docs[want.Code])
	}
}
