package clients_test

import (
	"encoding/json"
	"net/http"
	"testing"

	fb "github.com/huandu/facebook/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBatch has a call of every sort in one: good, failing, writing, in another version, and
// one that does not get an answer.
func TestBatch(t *testing.T) {
	s := start(t)
	s.fault(map[string]any{"kind": "hang", "path": "/" + s.shop().ID + "/tags"})
	items := []fb.Params{
		{"method": "GET", "relative_url": "me?fields=id"},
		{"method": "get", "relative_url": "v24.0/" + firstPost + "?fields=caption"},
		{"method": fb.POST, "relative_url": firstPost + "/comments", "body": "message=From+a+batch"},
		{"method": "GET", "relative_url": "12345"},
		{"method": "GET", "relative_url": s.shop().ID + "/tags"},
	}
	results, err := s.user().BatchApi(items...)
	require.NoError(t, err)
	require.Len(t, results, 5)
	assert.Nil(t, results[4], "an item that is not finished in time is null")

	var codes []int
	for _, r := range results[:4] {
		one, err := r.Batch()
		require.NoError(t, err)
		codes = append(codes, one.StatusCode)
		assert.NotEmpty(t, one.Header.Get("Content-Type"))
	}
	assert.Equal(t, []int{200, 200, 200, 400}, codes)
	made, err := results[2].Batch()
	require.NoError(t, err)
	assert.NotEmpty(t, s.id(made.Result))

	item := func(method, version, path string, p params) call {
		c := s.made(method, path, p)
		c.Version, c.Batch = version, true
		delete(c.Params, "format")
		return c
	}
	calls := s.journal()
	require.Len(t, calls, 6)
	assert.ElementsMatch(t, []call{
		s.batch(items...),
		item("GET", version, "/me", params{"fields": "id"}),
		item("GET", "v24.0", "/"+firstPost, params{"fields": "caption"}),
		item("POST", version, "/"+firstPost+"/comments", params{"message": "From a batch"}),
		item("GET", version, "/12345", nil).failed(http.StatusBadRequest, 100, 33),
		item("GET", version, "/"+s.shop().ID+"/tags", nil).struck("hang", 0),
	}, calls)
}

// TestBatch_References has an item take the result of another, and be left out of the answer.
func TestBatch_References(t *testing.T) {
	s := start(t)
	session := s.user()
	require.NoError(t, session.EnableAppsecretProof(true))
	results, err := session.BatchApi(
		fb.Params{"method": "GET", "name": "newest", "relative_url": s.shop().ID + "/media?limit=2"},
		fb.Params{"method": "GET", "relative_url": "?ids={result=newest:$.data.*.id}&fields=media_type"},
	)
	require.NoError(t, err)
	require.Len(t, results, 2)
	assert.Nil(t, results[0])
	second, err := results[1].Batch()
	require.NoError(t, err)
	assert.Len(t, second.Result, 2)
	ids := ""
	for _, c := range s.journal() {
		assert.Equal(t, "<proof>", c.Params["appsecret_proof"], c.Path)
		ids += c.Params["ids"]
	}
	assert.Equal(t, "17900001000000001,17900001000000002", ids)
}

// TestBatch_OfTwoPeople gives an item a token of its own.
func TestBatch_OfTwoPeople(t *testing.T) {
	s := start(t)
	results, err := s.user().BatchApi(
		fb.Params{"method": "GET", "relative_url": "me"},
		fb.Params{"method": "GET", "relative_url": "me?access_token=" + s.shop().PageToken},
	)
	require.NoError(t, err)
	require.Len(t, results, 2)
	var tokens []string
	for _, c := range s.journal() {
		if c.Batch {
			tokens = append(tokens, c.Token)
		}
	}
	assert.Equal(t, []string{"user token " + s.shop().UserID, "page token " + s.shop().PageID}, tokens)
}

func TestBatch_TooLarge(t *testing.T) {
	s := start(t)
	items := make([]fb.Params, 51)
	for i := range items {
		items[i] = fb.Params{"method": "GET", "relative_url": "me"}
	}
	_, err := s.user().BatchApi(items...)
	require.Error(t, err)
	calls := s.journal()
	require.Len(t, calls, 1, "none of them is done")
	assert.Equal(t, http.StatusBadRequest, calls[0].Status)
}

// batch is the call that carries items. The client sends it without format.
func (s *sandbox) batch(items ...fb.Params) call {
	text, err := json.Marshal(items)
	require.NoError(s, err)
	want := string(text)
	c := s.made("POST", "/", params{"batch": want})
	delete(c.Params, "format")
	return c
}
