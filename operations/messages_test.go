package operations_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

const jane = `"ig_user_id":"17841405726653026","igsid":"7700000000000001"`

func TestMessagingWindow(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	window := func() (w struct {
		Open     bool
		ClosesAt string `json:"closes_at"`
		Human    bool   `json:"human_agent_open"`
	}) {
		require.NoError(t, json.Unmarshal([]byte(r.ok(t, "get_messaging_window", `{`+jane+`}`)), &w))
		return w
	}
	assert.True(t, window().Open)
	assert.Equal(t, "2026-08-04T08:29:00Z", window().ClosesAt)

	text := `{` + jane + `,"text":"Still there?","check_window":true}`
	r.ok(t, "send_text_message", text)

	r.Clock().Advance(24 * time.Hour)
	assert.False(t, window().Open)
	assert.True(t, window().Human)
	before := r.Count("POST /{page}/messages")
	f := r.fails(t, "send_text_message", text)
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, f.GetKind())
	assert.Equal(t, before, r.Count("POST /{page}/messages"), "it is said before anything is sent")
	f = r.fails(t, "send_text_message", `{`+jane+`,"text":"Still there?"}`)
	assert.Equal(t, "10/2534022", f.GetUpstream().GetCode())
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, f.GetKind())
	r.ok(t, "send_text_message", `{`+jane+`,"text":"A human","human_agent":true,"check_window":true}`)
	sent := r.last(t, "POST /{page}/messages")
	assert.Equal(t, "HUMAN_AGENT", sent.Params["tag"])
	assert.Equal(t, "MESSAGE_TAG", sent.Params["messaging_type"])

	r.Clock().Advance(7 * 24 * time.Hour)
	assert.False(t, window().Human)
	r.fails(t, "send_text_message", `{`+jane+`,"text":"A human","human_agent":true,"check_window":true}`)

	_, err := r.Act("7700000000000001", sandbox.Action{Kind: "message", Text: "Hello again"})
	require.NoError(t, err)
	assert.True(t, window().Open)

	assert.JSONEq(t, `{"open":false,"human_agent_open":false}`, r.ok(t, "get_messaging_window", `{"ig_user_id":"17841405726653026","igsid":"7700000000000014"}`), "who never wrote")
}

func TestMessages_ThePageIsFound(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	// By its id, by the account, and, where the credential does not know it, at Meta.
	for _, input := range []string{
		`{"page_id":"134895793791914",` + jane + `,"text":"x"}`,
		`{` + jane + `,"text":"x"}`,
	} {
		r.ok(t, "send_text_message", input)
		assert.Contains(t, r.last(t, "POST /{page}/messages").Path, "134895793791914")
	}
	f := r.fails(t, "send_text_message", `{"ig_user_id":"17841400000000002","igsid":"7700000000000001","text":"x"}`)
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, f.GetKind(), "%v", f)
	assert.Equal(t, "/page_id", f.GetDiagnostics()[0].GetPointer())

	page := r.paste(t, r.info.Accounts[0].PageToken)
	assert.Nil(t, r.invokeAs(t, page, "send_text_message", `{`+jane+`,"text":"x"}`, "").GetFailure(), "a Page's own token will do")
	bare, err := r.auth().CompleteAuthorization(t.Context(), &connectorv1.CompleteAuthorizationRequest{
		Method: "access_token", Reply: fmt.Appendf(nil, `{"access_token":%q}`, r.info.Accounts[0].PageToken),
	})
	require.NoError(t, err)
	assert.Nil(t, r.invokeAs(t, bare.GetCredential(), "send_text_message", `{`+jane+`,"text":"x"}`, "").GetFailure(), "also without an app to ask")
	resp := r.invokeAs(t, r.instagram, "send_text_message", `{`+jane+`,"text":"x"}`, "")
	assert.Nil(t, resp.GetFailure(), "%v", resp.GetFailure())
}

func TestMessages_Bodies(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	for _, tt := range []struct{ op, input, message string }{
		{"send_text_message", `{` + jane + `,"text":"<3 & more","quick_replies":[{"title":"New","payload":"NEW"}]}`, `{"text":"<3 & more","quick_replies":[{"content_type":"text","title":"New","payload":"NEW"}]}`},
		{"send_sticker", `{` + jane + `}`, `{"attachment":{"type":"like_heart"}}`},
		{"send_sticker", `{` + jane + `,"sticker":"like"}`, `{"attachment":{"type":"like_heart"}}`},
		{"share_media", `{` + jane + `,"media_id":"17900001000000001"}`, `{"attachment":{"type":"MEDIA_SHARE","payload":{"id":"17900001000000001"}}}`},
		{"send_media_message", `{` + jane + `,"type":"image","images":[{"url":"https://x.example/1.jpg"},{"url":"https://x.example/2.png"}]}`, `{"attachments":[{"type":"image","payload":{"url":"https://x.example/1.jpg"}},{"type":"image","payload":{"url":"https://x.example/2.png"}}]}`},
		{"send_button_template", `{` + jane + `,"text":"?","buttons":[{"type":"web_url","title":"Go","url":"https://x.example/"}]}`, `{"attachment":{"type":"template","payload":{"template_type":"button","text":"?","buttons":[{"type":"web_url","title":"Go","url":"https://x.example/"}]}}}`},
		{"send_product_template", `{` + jane + `,"product_ids":["3231000000000001"]}`, `{"attachment":{"type":"template","payload":{"template_type":"product","elements":[{"id":"3231000000000001"}]}}}`},
		{"send_generic_template", `{` + jane + `,"elements":[{"title":"T","subtitle":"S","url":"https://x.example/"}]}`, `{"attachment":{"type":"template","payload":{"template_type":"generic","elements":[{"title":"T","subtitle":"S","default_action":{"type":"web_url","url":"https://x.example/"}}]}}}`},
	} {
		r.ok(t, tt.op, tt.input)
		assert.JSONEq(t, tt.message, r.last(t, "POST /{page}/messages").Params["message"])
	}
}

func TestMessages_Reactions(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	said, err := r.Act("7700000000000001", sandbox.Action{Kind: "message", Text: "Lovely"})
	require.NoError(t, err)
	message := fmt.Sprintf(`{"ig_user_id":"17841405726653026","message_id":%q}`, said.MessageID)
	react := fmt.Sprintf(`{%s,"message_id":%q`, jane, said.MessageID)
	r.ok(t, "set_message_reaction", react+`,"reaction":"😍"}`)
	assert.Contains(t, r.ok(t, "get_message", message), "reactions")
	r.ok(t, "set_message_reaction", react+`,"action":"unreact"}`)
	assert.NotContains(t, r.ok(t, "get_message", message), "reactions")
	for _, action := range []string{"typing_on", "typing_off", "mark_seen"} {
		r.ok(t, "set_sender_action", fmt.Sprintf(`{%s,"action":%q}`, jane, action))
	}
}

func TestMessages_AttachmentIsReused(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	var uploaded struct {
		ID string `json:"attachment_id"`
	}
	require.NoError(t, json.Unmarshal([]byte(r.ok(t, "upload_attachment", `{"ig_user_id":"17841405726653026","type":"image","url":"https://x.example/1.jpg"}`)), &uploaded))
	r.ok(t, "send_media_message", fmt.Sprintf(`{%s,"type":"image","attachment_id":%q}`, jane, uploaded.ID))
	f := r.fails(t, "send_media_message", `{`+jane+`,"type":"image","attachment_id":"1"}`)
	assert.Equal(t, "100/2018074", f.GetUpstream().GetCode())
}

func TestMessages_Validation(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	for _, tt := range []struct{ op, input, pointer string }{
		{"send_text_message", `{` + jane + `,"text":""}`, "/text"},
		{"send_text_message", `{` + jane + `,"text":"` + strings.Repeat("ä", 501) + `"}`, "/text"},
		{"send_private_reply", `{"ig_user_id":"1","comment_id":"2","text":"` + strings.Repeat("❤", 334) + `"}`, "/text"},
		{"send_text_message", `{` + jane + `,"text":"x","quick_replies":[` + strings.Repeat(`{"title":"a","payload":"b"},`, 13) + `{"title":"a","payload":"b"}]}`, "/quick_replies"},
		{"send_text_message", `{` + jane + `,"text":"x","quick_replies":[{"title":"` + strings.Repeat("a", 21) + `","payload":"b"}]}`, "/quick_replies/0/title"},
		{"send_text_message", `{"igsid":"1","text":"x"}`, "/ig_user_id"},
		{"send_text_message", `{` + jane + `,"text":"x","colour":"red"}`, "/colour"},
		{"send_media_message", `{` + jane + `,"type":"image"}`, ""},
		{"send_media_message", `{` + jane + `,"type":"image","url":"https://x.example/","attachment_id":"1"}`, ""},
		{"send_media_message", `{` + jane + `,"type":"video","images":[{"url":"https://x.example/"}]}`, "/type"},
		{"send_media_message", `{` + jane + `,"type":"image","images":[{}]}`, "/images/0"},
		{"send_generic_template", `{` + jane + `,"elements":[{"title":"alone"}]}`, "/elements/0"},
		{"send_generic_template", `{` + jane + `,"elements":[]}`, "/elements"},
		{"send_generic_template", `{` + jane + `,"elements":[{"title":"T","buttons":[{"type":"web_url","title":"x"}]}]}`, "/elements/0/buttons/0/url"},
		{"send_button_template", `{` + jane + `,"text":"x","buttons":[{"type":"postback","title":"x"}]}`, "/buttons/0/payload"},
		{"send_button_template", `{` + jane + `,"text":"x","buttons":[{"type":"postback","title":"x","payload":"y","url":"https://x.example/"}]}`, "/buttons/0"},
		{"send_sticker", `{` + jane + `,"sticker":"skull"}`, "/sticker"},
		{"set_ice_breakers", `{"ig_user_id":"1","ice_breakers":[` + strings.Repeat(`{"question":"q","payload":"p"},`, 4) + `{"question":"q","payload":"p"}]}`, "/ice_breakers"},
		{"set_persistent_menu", `{"ig_user_id":"1","items":[{"type":"web_url","title":"x"}]}`, "/items/0/url"},
	} {
		f := r.fails(t, tt.op, tt.input)
		assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, f.GetKind(), tt.input)
		assert.Equal(t, connectorv1.Applied_APPLIED_NO, f.GetApplied())
		assert.True(t, slices.ContainsFunc(f.GetDiagnostics(), func(d *connectorv1.Diagnostic) bool { return d.GetPointer() == tt.pointer }), "%s: %v", tt.input, f.GetDiagnostics())
	}
	assert.Zero(t, r.Count("POST /{page}/messages"), "nothing was sent")
}

func TestMessages_Errors(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	f := r.fails(t, "send_text_message", `{"ig_user_id":"17841405726653026","igsid":"999","text":"x"}`)
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_NOT_FOUND, f.GetKind(), "%v", f)

	reply := `{"ig_user_id":"17841405726653026","comment_id":"17800000000001007","text":"Thanks!"}`
	r.ok(t, "send_private_reply", reply)
	f = r.fails(t, "send_private_reply", reply)
	assert.Equal(t, "100/2534025", f.GetUpstream().GetCode(), "one for each comment")
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, f.GetKind())

	old := r.all(t, "list_messages", `{"ig_user_id":"17841405726653026","conversation_id":"aWdfdGhyZAWFkOjE6MTc4NDE0MDU3MjY2NTMwMjY6MzQwMjgyMzY2ODQxNzEwMzAxMDEyMDg2Mjg4MjE1MTA4MzI2NDYx","limit":100}`)
	require.Len(t, old, 2)
	require.Len(t, old[0], 20)
	f = r.fails(t, "get_message", fmt.Sprintf(`{"ig_user_id":"17841405726653026","message_id":%q}`, old[1][0]))
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_NOT_FOUND, f.GetKind(), "older than the newest 20")
}

func TestIceBreakersAndMenu(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	const account = `"ig_user_id":"17841405726653026"`
	for _, c := range []*connectorv1.Credential{r.facebook, r.instagram} {
		ok := func(op, input string) string {
			resp := r.invokeAs(t, c, op, input, "")
			require.Nil(t, resp.GetFailure(), "%v", resp.GetFailure())
			return string(resp.GetResult().GetOutput())
		}
		ok("set_ice_breakers", `{`+account+`,"ice_breakers":[{"question":"Open?","payload":"OPEN"}],"translations":[{"locale":"de_DE","ice_breakers":[{"question":"Offen?","payload":"OPEN"}]}]}`)
		ok("set_persistent_menu", `{`+account+`,"items":[{"type":"postback","title":"Track","payload":"TRACK"}]}`)
		got := ok("get_messenger_profile", `{`+account+`}`)
		assert.Contains(t, got, `{"locale":"de_DE","call_to_actions":[{"question":"Offen?","payload":"OPEN"}]}`)
		assert.Contains(t, got, `"title":"Track"`)
		ok("delete_ice_breakers", `{`+account+`}`)
		ok("delete_persistent_menu", `{`+account+`}`)
		assert.JSONEq(t, `{"ice_breakers":[],"persistent_menu":[]}`, ok("get_messenger_profile", `{`+account+`}`))
	}
}

// Whatever a person does comes as one event of its own kind.
func TestEvents_OfPeople(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	e := r.endpoint(t)
	r.subscribe(t, r.facebook, "any_event", e.URL)
	require.NoError(t, r.SetCallback(e.URL, r.info.VerifyToken)) // all fields
	var said struct {
		ID string `json:"message_id"`
	}
	require.NoError(t, json.Unmarshal([]byte(r.ok(t, "send_text_message", `{`+jane+`,"text":"Hello","quick_replies":[{"title":"New","payload":"NEW"}]}`)), &said))
	written, err := r.Act("7700000000000001", sandbox.Action{Kind: "message", Text: "Hi"})
	require.NoError(t, err)
	for kind, want := range map[string]struct {
		action  sandbox.Action
		trigger string
	}{
		"comment":            {sandbox.Action{MediaID: "17900001000000001", Text: "x"}, "comment_added"},
		"mention_in_comment": {sandbox.Action{Text: "@bluebottle x"}, "mentioned_in_comment"},
		"mention_in_caption": {sandbox.Action{Text: "@bluebottle x"}, "mentioned_in_caption"},
		"story_mention":      {sandbox.Action{}, "story_mentioned"},
		"story_reply":        {sandbox.Action{MediaID: "18023000000000001", Text: "x"}, "story_replied"},
		"react":              {sandbox.Action{MessageID: said.ID}, "message_reaction"},
		"seen":               {sandbox.Action{MessageID: said.ID}, "message_seen"},
		"edit":               {sandbox.Action{MessageID: written.MessageID, Text: "y"}, "message_edited"},
		"share":              {sandbox.Action{MediaID: "17900001000000001"}, "media_shared"},
		"share_product":      {sandbox.Action{ProductID: "3231000000000001"}, "product_shared"},
		"referral":           {sandbox.Action{}, "referral_received"},
	} {
		t.Run(kind, func(t *testing.T) {
			before := len(e.of(want.trigger))
			want.action.Kind = kind
			_, err := r.Act("7700000000000001", want.action)
			require.NoError(t, err)
			require.NoError(t, r.Flush(t.Context()))
			assert.Greater(t, len(e.of(want.trigger)), before, "%s", want.trigger)
		})
	}
	assert.NotEmpty(t, e.of("message_echo"))
	assert.Len(t, e.of("message_received"), 1, "the others are events of their own")
}
