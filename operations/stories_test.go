package operations_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations"
	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

func TestSpec(t *testing.T) {
	t.Parallel()
	require.NoError(t, connector.Check(operations.Instagram("1.0.0")))
}

func TestListStories(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{seed: sandbox.Seed{Stories: 25}})
	pages := r.all(t, "list_stories", `{"page_id":"134895793791914","ig_user_id":"17841405726653026","limit":10}`)
	require.Len(t, pages, 3)
	assert.Len(t, pages[0], 10)
	assert.Len(t, pages[2], 5)
	assert.Equal(t, "18023000000000001", pages[0][0])

	out := r.ok(t, "get_story", `{"story_id":"18023000000000001"}`)
	assert.Contains(t, out, `"media_product_type":"STORY"`)
}
