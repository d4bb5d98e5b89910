package sandbox_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

const account = sandbox.SeedAccountID

func TestStories_PagesByCursorAndURL(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	next, seen, pages := "/v25.0/"+account+"/stories?limit=10&fields=id,timestamp", map[string]bool{}, 0
	var last page
	for next != "" {
		last = page{}
		c.get(next).into(&last)
		pages++
		for _, one := range last.Data {
			assert.False(t, seen[one.ID], "story %s came twice", one.ID)
			seen[one.ID] = true
		}
		require.NotNil(t, last.Paging)
		if pages == 1 {
			assert.Empty(t, last.Paging.Previous)
			assert.Contains(t, last.Paging.Next, "access_token=")
			assert.Contains(t, last.Paging.Next, "pretty=0")
		}
		next = last.Paging.Next
	}
	assert.Equal(t, 3, pages)
	assert.Len(t, seen, 30)

	var back page
	c.get(last.Paging.Previous).into(&back)
	assert.Len(t, back.Data, 10)
}

func TestStories_OfTheDefaultPageSize(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	var first, second page
	c.get("/" + account + "/stories").into(&first)
	require.Len(t, first.Data, 25)
	c.get(first.Paging.Next).into(&second)
	assert.Len(t, second.Data, 5)
	assert.Empty(t, second.Paging.Next)
}

func TestListing_WithoutPagingWhereAllFits(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	var all page
	c.get("/" + account + "/stories?limit=100").into(&all)
	assert.Len(t, all.Data, 30)
	assert.Nil(t, all.Paging)
}

func TestMentions_OfTheDocuments(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	assert.JSONEq(t, `{"mentioned_comment":{"timestamp":"2018-03-20T00:05:29+0000","text":"@bluebottle challenge?","id":"17894227972186120"},"id":"17841405726653026"}`,
		c.get("/17841405726653026?fields=mentioned_comment.comment_id(17894227972186120)").ok())
	assert.JSONEq(t, `{"mentioned_media":{"caption":"@bluebottle There can be only one!","media_type":"IMAGE","id":"17918195224117851"},"id":"17841405726653026"}`,
		c.get("/17841405726653026?fields=mentioned_media.media_id(17918195224117851){caption,media_type}").ok())

	var made struct{ ID string }
	c.post("/17841405726653026/mentions", url.Values{"media_id": {"17918195224117851"}, "message": {"Challenge accepted!"}}).into(&made)
	assert.Len(t, made.ID, 17)
	c.post("/17841405726653026/mentions", url.Values{"media_id": {"17918195224117851"}, "comment_id": {"17894227972186120"}, "message": {"MacLeod agrees!"}}).into(&made)
	requests := c.sb.Requests()
	require.Len(t, requests, 4)
	assert.Equal(t, "POST /{ig-user}/mentions", requests[3].Route)
	assert.Equal(t, "17894227972186120", requests[3].Params["comment_id"])
	assert.Equal(t, "<user token 10100000000000001>", requests[3].Params["access_token"])
	assert.Equal(t, 2, c.sb.Count("POST /{ig-user}/mentions"))
}
