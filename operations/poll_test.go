package operations_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

func (r *rig) poll(t testing.TB, c *connectorv1.Credential, trigger, input, cursor string) *connectorv1.EventPage {
	t.Helper()
	resp, err := connectorv1.NewTriggerServiceClient(r.conn).Poll(t.Context(), &connectorv1.PollRequest{
		Call: &connectorv1.Call{Id: "c1", Credential: c}, Trigger: trigger, Input: []byte(input), Cursor: cursor,
	})
	require.NoError(t, err)
	require.Nil(t, resp.GetFailure(), "%v", resp.GetFailure())
	require.NotContains(t, r.log.String(), "does not fit its schema")
	return resp.GetPage()
}

func ids(events []*connectorv1.Event) []string {
	out := []string{}
	for _, e := range events {
		out = append(out, e.GetId())
	}
	return out
}

const onAccount = `{"ig_user_id":"17841405726653026"}`

func TestPoll_FromNowOn(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	for _, trigger := range []string{"comment_added", "message_received", "media_published", "tagged_in_media", "story_published"} {
		first := r.poll(t, r.facebook, trigger, onAccount, "")
		assert.Empty(t, first.GetEvents(), trigger)
		assert.NotEmpty(t, first.GetCursor(), trigger)
		next := r.poll(t, r.facebook, trigger, onAccount, first.GetCursor())
		assert.Empty(t, next.GetEvents(), trigger)
	}
}

// A comment has the same id whether it comes by webhook or by poll.
func TestPoll_CommentsAreThoseOfTheWebhook(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	e := r.endpoint(t)
	r.subscribe(t, r.facebook, "comment_added", e.URL)
	cursor := r.poll(t, r.facebook, "comment_added", onAccount, "").GetCursor()

	var want []string
	for i, text := range []string{"first", "@bluebottle second", "third"} {
		r.Clock().Advance(time.Duration(i) * time.Second) // the first two in one second
		made, err := r.Act("7700000000000001", sandbox.Action{Kind: "comment", MediaID: "17900001000000001", Text: text})
		require.NoError(t, err)
		want = append(want, "comment/"+made.CommentID)
	}
	require.NoError(t, r.Flush(t.Context()))
	assert.ElementsMatch(t, want, ids(e.of("comment_added")))

	page := r.poll(t, r.facebook, "comment_added", onAccount, cursor)
	assert.ElementsMatch(t, want, ids(page.GetEvents()))
	assert.Equal(t, want[2], ids(page.GetEvents())[2], "oldest first")
	assert.Empty(t, r.poll(t, r.facebook, "comment_added", onAccount, page.GetCursor()).GetEvents())

	// One more within the second that is known in part.
	made, err := r.Act("7700000000000002", actionComment)
	require.NoError(t, err)
	page = r.poll(t, r.facebook, "comment_added", onAccount, page.GetCursor())
	assert.Equal(t, []string{"comment/" + made.CommentID}, ids(page.GetEvents()))
	page = r.poll(t, r.facebook, "comment_added", `{"ig_user_id":"17841405726653026","media_id":"17900001000000002"}`, page.GetCursor())
	assert.Empty(t, page.GetEvents(), "another medium")
}

func TestPoll_MessagesAreThoseOfTheWebhook(t *testing.T) {
	t.Parallel()
	for _, flavour := range []string{"facebook", "instagram"} {
		r := newRig(t, rigOptions{})
		c := r.facebook
		if flavour == "instagram" {
			c = r.instagram
		}
		e := r.endpoint(t)
		r.subscribe(t, c, "message_received", e.URL)
		cursor := r.poll(t, c, "message_received", onAccount, "").GetCursor()
		r.Clock().Advance(time.Second)
		made, err := r.Act("7700000000000001", sandbox.Action{Kind: "message", Text: "Hello?"})
		require.NoError(t, err)
		r.Clock().Advance(time.Second)
		require.Nil(t, r.invokeAs(t, c, "send_text_message", `{"ig_user_id":"17841405726653026","igsid":"7700000000000001","text":"Hello!"}`, "").GetFailure())
		require.NoError(t, r.Flush(t.Context()))

		// An account that is connected both ways gets two deliveries of one event.
		assert.Equal(t, []string{"message/" + made.MessageID}, slices.Compact(ids(e.of("message_received"))), flavour)
		assert.NotEmpty(t, e.of("message_echo"), "a bot must not answer itself")
		page := r.poll(t, c, "message_received", onAccount, cursor)
		assert.Equal(t, []string{"message/" + made.MessageID}, ids(page.GetEvents()), flavour)
		assert.Contains(t, string(page.GetEvents()[0].GetPayload()), `"text":"Hello?"`)
	}
}

func TestPoll_Media(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	cursors := map[string]string{}
	for _, trigger := range []string{"media_published", "story_published"} {
		cursors[trigger] = r.poll(t, r.facebook, trigger, onAccount, "").GetCursor()
	}
	r.run(t, "publish_photo", publications["publish_photo"], "")
	r.run(t, "publish_story", publications["publish_story"], "")
	for trigger, cursor := range cursors {
		page := r.poll(t, r.facebook, trigger, onAccount, cursor)
		require.Len(t, page.GetEvents(), 1, trigger)
		var payload struct {
			MediaID string `json:"media_id"`
			Media   struct{ ID string }
		}
		require.NoError(t, json.Unmarshal(page.GetEvents()[0].GetPayload(), &payload))
		assert.Equal(t, payload.MediaID, payload.Media.ID)
		assert.True(t, strings.HasSuffix(page.GetEvents()[0].GetId(), payload.MediaID))
	}
}

// Whatever has come up in the meantime is found, over as many pages as it takes.
func TestPoll_ManyAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{seed: sandbox.Seed{Media: 600}})
	page := r.poll(t, r.facebook, "media_published", onAccount, `{"since":"2020-01-01T00:00:00Z"}`)
	require.Len(t, page.GetEvents(), 600)
	seen := map[string]bool{}
	for i, e := range page.GetEvents() {
		seen[e.GetId()] = true
		if i > 0 {
			assert.False(t, e.GetOccurredAt().AsTime().Before(page.GetEvents()[i-1].GetOccurredAt().AsTime()), "oldest first")
		}
	}
	assert.Len(t, seen, 600)
	assert.Empty(t, r.poll(t, r.facebook, "media_published", onAccount, page.GetCursor()).GetEvents())
}

// Meta's time of an event may be before the time at which the first poll was answered,
// as far as that is known.
func TestPoll_TheFirstLosesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	comment := func(at time.Time) string {
		r.Clock().Set(at)
		made, err := r.Act("7700000000000001", actionComment)
		require.NoError(t, err)
		return "comment/" + made.CommentID
	}
	start := r.Clock().Now()
	comment(start)
	comment(start.Add(8 * time.Second))
	r.Clock().Set(start.Add(10 * time.Second))
	cursor := r.poll(t, r.facebook, "comment_added", onAccount, "").GetCursor()
	late := comment(start.Add(5 * time.Second))
	next := func() []string {
		page := r.poll(t, r.facebook, "comment_added", onAccount, cursor)
		cursor = page.GetCursor()
		return ids(page.GetEvents())
	}
	assert.Equal(t, []string{late}, next(), "what was there is known, also where it is later")
	assert.Empty(t, next())
	later := comment(start.Add(20 * time.Second))
	assert.Equal(t, []string{later}, next())
	assert.Empty(t, next())
}

func TestPoll_BadCursor(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	for _, cursor := range []string{"nonsense", "{}", `{"since":"yesterday"}`} {
		resp, err := connectorv1.NewTriggerServiceClient(r.conn).Poll(t.Context(), &connectorv1.PollRequest{
			Call: &connectorv1.Call{Id: "c1", Credential: r.facebook}, Trigger: "media_published", Input: []byte(onAccount), Cursor: cursor,
		})
		require.NoError(t, err)
		assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, resp.GetFailure().GetKind())
	}
}
