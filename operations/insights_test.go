package operations_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

func TestInsights_WhatAVersionHasNotIsSkipped(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	out := r.ok(t, "get_media_insights", `{"media_id":"17900001000000001","metrics":["reach","impressions","plays","navigation","nonsense"]}`)
	assert.Contains(t, out, `"values":{"reach":`)
	assert.Contains(t, out, `"skipped_metrics":[{"metric":"impressions","reason":"gone","successor":"views"},{"metric":"plays","reason":"gone","successor":"views"},{"metric":"navigation","reason":"other_product"},{"metric":"nonsense","reason":"unknown"}]`)

	f := r.fails(t, "get_media_insights", `{"media_id":"17900001000000001","metrics":["reach","impressions"],"strict":true}`)
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, f.GetKind())
	assert.Equal(t, "/metrics/1", f.GetDiagnostics()[0].GetPointer())
	assert.Contains(t, f.GetDiagnostics()[0].GetDetail(), "views")
	r.fails(t, "get_media_insights", `{"media_id":"17900001000000001","metrics":["impressions"]}`)

	// An older version still has one of them, for media of long ago.
	old := newRig(t, rigOptions{settings: map[string]any{"graph_version": "v21.0"}, world: func(w *sandbox.World) {
		for _, m := range w.Media {
			if m.ID == "17900001000000001" {
				m.At = time.Date(2024, time.May, 1, 0, 0, 0, 0, time.UTC)
			}
		}
	}})
	out = old.ok(t, "get_media_insights", `{"media_id":"17900001000000001","metrics":["impressions"]}`)
	assert.Contains(t, out, `"values":{"impressions":`)
	out = old.ok(t, "get_media_insights", `{"media_id":"17900001000000004","metrics":["impressions","reach"]}`)
	assert.Contains(t, out, `"skipped_metrics":[{"metric":"impressions"`)
	out = old.ok(t, "get_account_insights", `{"ig_user_id":"17841405726653026","metrics":["reach","impressions"]}`)
	assert.Contains(t, out, `"skipped_metrics":[{"metric":"impressions"`)
}

func TestInsights_UsualMetricsOfEachKind(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	for op, input := range map[string]string{
		"get_media_insights":   `{"media_id":"17900001000000001"}`,
		"get_story_insights":   `{"story_id":"18023000000000001"}`,
		"get_account_insights": `{"ig_user_id":"17841405726653026"}`,
	} {
		assert.Contains(t, r.ok(t, op, input), `"reach":`)
	}
	assert.Contains(t, r.ok(t, "get_media_insights", `{"media_id":"17900001000000002"}`), `"ig_reels_avg_watch_time":7300`)
	assert.Contains(t, r.ok(t, "get_story_insights", `{"story_id":"18023000000000001","metrics":["navigation"],"breakdown":"story_navigation_action_type"}`), "breakdowns")
}

func TestInsights_StoryThatHardlyAnybodyHasSeen(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	f := r.fails(t, "get_story_insights", `{"story_id":"18023000100000001"}`)
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, f.GetKind(), "%v", f)
	assert.Contains(t, f.GetMessage(), "five")
}

func TestDemographics(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	f := r.fails(t, "get_audience_demographics", `{"ig_user_id":"17841405726653026","audience":"follower_demographics","breakdown":"age","timeframe":"last_90_days"}`)
	assert.Equal(t, "/timeframe", f.GetDiagnostics()[0].GetPointer())
}

func TestVersion_ThatHasEnded(t *testing.T) {
	t.Parallel()
	// v3.2 may be set, and Meta refuses it: signing in shows it first.
	r := newRig(t, rigOptions{})
	_, err := connectorv1.NewConnectorServiceClient(r.conn).Configure(t.Context(), &connectorv1.ConfigureRequest{Settings: []byte(`{"sandbox_url":"` + r.url + `","graph_version":"v3.2"}`)})
	assert.NoError(t, err)
	f := r.fails(t, "list_media", `{"ig_user_id":"17841405726653026"}`)
	assert.Equal(t, connectorv1.Applied_APPLIED_NO, f.GetApplied())
	assert.Contains(t, f.GetUpstream().String(), "version", "%v", f)

	resp, err := connectorv1.NewConnectorServiceClient(r.conn).Configure(t.Context(), &connectorv1.ConfigureRequest{Settings: []byte(`{"graph_version":"25"}`)})
	assert.NoError(t, err)
	assert.NotEmpty(t, resp.GetDiagnostics())
}

func TestUnansweredComments(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	unanswered := func(input string) int {
		n := 0
		for _, page := range r.all(t, "list_unanswered_comments", input) {
			n += len(page)
		}
		return n
	}
	const post = `"media_id":"17900001000000001"`
	before := unanswered(`{` + post + `}`)
	assert.Equal(t, 59, before, "one of sixty is answered")
	r.ok(t, "reply_to_comment", `{"comment_id":"17800000000001007","message":"Thanks!"}`)
	assert.Equal(t, before-1, unanswered(`{`+post+`}`))
	assert.Zero(t, unanswered(`{`+post+`,"min_age_minutes":100000}`))
	_, err := r.Act("7700000000000001", actionComment)
	assert.NoError(t, err)
	r.Clock().Advance(10 * time.Minute)
	assert.Contains(t, r.ok(t, "list_unanswered_comments", `{`+post+`}`), `"age_seconds":600`)
}
