package sandbox_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

// Threads of the seed world: jane's is open and long, uma has none, xavi has none.
const (
	bob      = "7700000000000002" // last wrote 14 hours ago
	ana      = "7700000000000003" // last wrote 28 hours ago
	uma      = "7700000000000009" // never wrote
	stranger = "7799999999999999"
)

// send posts a body to /messages as JSON, with the Page token of @bluebottle.
func (c *client) send(body string) reply {
	c.Helper()
	path := "/v25.0/me/messages?access_token=" + c.info.Accounts[0].PageToken
	return c.do(c.request(http.MethodPost, path, "application/json", body))
}

func (c *client) page(path string) reply {
	c.Helper()
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	return c.get(path + separator + "access_token=" + c.info.Accounts[0].PageToken)
}

func to(igsid, message string) string {
	return `{"recipient":{"id":"` + igsid + `"},"message":` + message + `}`
}

func attachment(kind, payload string) string {
	return to(jane, `{"attachment":{"type":"`+kind+`","payload":`+payload+`}}`)
}

func elements(n int, each string) string {
	return attachment("template", `{"template_type":"generic","elements":[`+strings.TrimSuffix(strings.Repeat(each+",", n), ",")+`]}`)
}

func TestSend_EachKind(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	h := c.hook()
	var up struct {
		AttachmentID string `json:"attachment_id"`
	}
	c.do(c.request(http.MethodPost, "/me/message_attachments?access_token="+c.info.Accounts[0].PageToken, "application/json",
		`{"platform":"instagram","message":{"attachment":{"type":"image","payload":{"url":"https://cdn.example/a.png","is_reusable":true}}}}`)).into(&up)
	for _, kind := range []struct{ body, echo string }{
		{to(jane, `{"text":"Hi"}`), `"text":"Hi","is_echo":true`},
		{to(jane, `{"text":"Which?","quick_replies":[{"content_type":"text","title":"New Arrivals","payload":"BROWSE_NEW"}]}`), `"text":"Which?"`},
		{attachment("image", `{"url":"https://cdn.example/a.png"}`), `"attachments":[{"type":"image"`},
		{attachment("image", `{"attachment_id":"`+up.AttachmentID+`"}`), `"attachments":[{"type":"image"`},
		{attachment("audio", `{"url":"https://cdn.example/a.m4a"}`), `"type":"audio"`},
		{attachment("video", `{"url":"https://cdn.example/a.mp4"}`), `"type":"video"`},
		{attachment("file", `{"url":"https://cdn.example/a.pdf"}`), `"type":"file"`},
		{to(jane, `{"attachments":[{"type":"image","payload":{"url":"https://cdn.example/a.jpg"}},{"type":"image","payload":{"url":"https://cdn.example/b.jpg"}}]}`), `{"type":"image"`},
		{to(jane, `{"attachment":{"type":"like_heart"}}`), `{"type":"like_heart"}`},
		{attachment("MEDIA_SHARE", `{"id":"17900001000000001"}`), `"ig_post_media_id":"17900001000000001"`},
		{elements(10, `{"title":"T","subtitle":"S","buttons":[{"type":"web_url","title":"Go","url":"https://a.example/"},{"type":"postback","title":"More","payload":"P"}]}`), `"type":"template"`},
		{attachment("template", `{"template_type":"button","text":"Choose","buttons":[{"type":"postback","title":"A","payload":"A"}]}`), `"template_type":"button"`},
		{attachment("template", `{"template_type":"product","elements":[{"id":"3231000000000001"}]}`), `"template_type":"product"`},
		{`{"recipient":{"id":"` + jane + `"},"messaging_type":"RESPONSE","message":{"text":"typed"}}`, `"text":"typed"`},
	} {
		var sent struct {
			RecipientID string `json:"recipient_id"`
			MessageID   string `json:"message_id"`
		}
		c.send(kind.body).into(&sent)
		assert.Equal(t, jane, sent.RecipientID)
		got := h.flush(c)
		require.Len(t, got, 1, kind.body)
		assert.Contains(t, got[0].body, `"sender":{"id":"17841405726653026"},"recipient":{"id":"7700000000000001"}`)
		assert.Contains(t, got[0].body, `"mid":"`+sent.MessageID+`"`)
		assert.Contains(t, got[0].body, kind.echo)
		assert.Contains(t, got[0].body, `"is_echo":true`)
	}
}

func TestSend_MessageIDsAreBuiltAsMetaBuildsThem(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	var sent struct {
		MessageID string `json:"message_id"`
	}
	c.send(to(jane, `{"text":"Hi"}`)).into(&sent)
	assert.True(t, strings.HasPrefix(sent.MessageID, "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOj"), sent.MessageID)
	plain, err := base64.StdEncoding.DecodeString(strings.NewReplacer("ZA", "Z", "ZD", "=").Replace(sent.MessageID))
	require.NoError(t, err)
	parts := strings.Split(string(plain), ":")
	require.Len(t, parts, 6)
	assert.Equal(t, []string{"ig_dm_item", "1", "IGMessageID", account}, parts[:4])
	assert.Len(t, parts[4], 39)
	assert.Len(t, parts[5], 35)
}

func TestSend_Refusals(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.sb.SetAsset(sandbox.Asset{URL: "https://x.example/gone.png", Missing: true})
	c.sb.SetAsset(sandbox.Asset{URL: "https://x.example/large.png", Bytes: 9 << 20})
	quick := func(n int, title string) string {
		one := `{"content_type":"text","title":"` + title + `","payload":"P"},`
		return to(jane, `{"text":"x","quick_replies":[`+strings.TrimSuffix(strings.Repeat(one, n), ",")+`]}`)
	}
	for _, bad := range []struct {
		name          string
		code, subcode int
		body          string
	}{
		{"no recipient", 100, 0, `{"message":{"text":"x"}}`},
		{"no message", 100, 0, `{"recipient":{"id":"` + jane + `"}}`},
		{"unknown person", 100, 2534014, to(stranger, `{"text":"x"}`)},
		{"person of another account", 100, 2534014, to(c.sb.Igsid("metricsaurus", "bob"), `{"text":"x"}`)},
		{"message and action", 100, 2018014, `{"recipient":{"id":"` + jane + `"},"message":{"text":"x"},"sender_action":"typing_on"}`},
		{"unknown action", 100, 0, `{"recipient":{"id":"` + jane + `"},"sender_action":"wave"}`},
		{"outside the window", 10, 2534022, to(ana, `{"text":"x"}`)},
		{"never wrote", 10, 2534022, to(uma, `{"text":"x"}`)},
		{"1001 bytes", 100, 2534015, to(jane, `{"text":"`+strings.Repeat("é", 500)+`x"}`)},
		{"empty", 100, 2534015, to(jane, `{}`)},
		{"text and attachment", 100, 2534015, to(jane, `{"text":"x","attachment":{"type":"like_heart"}}`)},
		{"unknown attachment", 100, 2534015, attachment("poll", `{}`)},
		{"14 quick replies", 100, 2534015, quick(14, "a")},
		{"long quick reply", 100, 2534015, quick(1, strings.Repeat("a", 21))},
		{"11 images", 100, 2534015, to(jane, `{"attachments":[`+strings.TrimSuffix(strings.Repeat(`{"type":"image","payload":{"url":"https://cdn.example/a.jpg"}},`, 11), ",")+`]}`)},
		{"11 elements", 100, 2534015, elements(11, `{"title":"T","subtitle":"S"}`)},
		{"title alone", 100, 2534015, elements(1, `{"title":"T"}`)},
		{"long title", 100, 2534015, elements(1, `{"title":"`+strings.Repeat("a", 81)+`","subtitle":"S"}`)},
		{"4 buttons", 100, 2534015, elements(1, `{"title":"T","buttons":[`+strings.TrimSuffix(strings.Repeat(`{"type":"postback","title":"a","payload":"b"},`, 4), ",")+`]}`)},
		{"long button text", 100, 2534015, attachment("template", `{"template_type":"button","text":"`+strings.Repeat("a", 641)+`","buttons":[{"type":"postback","title":"a","payload":"b"}]}`)},
		{"unknown product", 100, 2534015, attachment("template", `{"template_type":"product","elements":[{"id":"1"}]}`)},
		{"not fetchable", 100, 2018008, attachment("image", `{"url":"https://x.example/gone.png"}`)},
		{"wrong type", 100, 2018047, attachment("video", `{"url":"https://x.example/a.png"}`)},
		{"too large", 100, 2018109, attachment("image", `{"url":"https://x.example/large.png"}`)},
		{"unknown upload", 100, 2018074, attachment("image", `{"attachment_id":"1"}`)},
		{"another's post", 100, 2018074, attachment("MEDIA_SHARE", `{"id":"17900002000000001"}`)},
		{"tag", 100, 0, `{"recipient":{"id":"` + jane + `"},"messaging_type":"MESSAGE_TAG","tag":"ACCOUNT_UPDATE","message":{"text":"x"}}`},
		{"type without tag", 100, 0, `{"recipient":{"id":"` + jane + `"},"messaging_type":"MESSAGE_TAG","message":{"text":"x"}}`},
		{"reply to a stranger's message", 100, 0, `{"recipient":{"id":"` + jane + `"},"reply_to":{"mid":"x"},"message":{"text":"x"}}`},
	} {
		t.Run(bad.name, func(t *testing.T) { c.send(bad.body).fails(bad.code, bad.subcode) })
	}
	c.post("/"+sandbox.SeedPageID+"/messages", url.Values{"recipient": {`{"id":"` + jane + `"}`}, "message": {`{"text":"x"}`}}).fails(210, 0)
	c.act(jane, "block", sandbox.Action{})
	c.send(to(jane, `{"text":"x"}`)).fails(551, 1545041)
	c.act(jane, "unblock", sandbox.Action{})
	c.send(to(jane, `{"text":"x"}`)).ok()
}

func TestSend_Windows(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	human := func(igsid string) reply {
		return c.send(`{"recipient":{"id":"` + igsid + `"},"messaging_type":"MESSAGE_TAG","tag":"HUMAN_AGENT","message":{"text":"x"}}`)
	}
	c.act(uma, "message", sandbox.Action{Text: "Hello"})
	c.sb.Clock().Advance(24*time.Hour - time.Second)
	c.send(to(uma, `{"text":"x"}`)).ok()
	c.sb.Clock().Advance(time.Second)
	c.send(to(uma, `{"text":"x"}`)).fails(10, 2534022)
	human(uma).ok()
	c.sb.Clock().Advance(6 * 24 * time.Hour)
	human(uma).fails(10, 2534022)
	c.act(uma, "postback", sandbox.Action{Title: "Start", Payload: "GO"})
	c.send(to(uma, `{"text":"x"}`)).ok()

	world := sandbox.SeedWorld()
	world.App.Without = []string{"human_agent"}
	without := newClientOf(t, sandbox.Options{World: world})
	without.send(`{"recipient":{"id":"`+jane+`"},"tag":"HUMAN_AGENT","message":{"text":"x"}}`).fails(10, 0)
}

func TestSend_PrivateReplyOnceWithinAWeek(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	const comment = "17800000000060007"
	reply := func(id, message string) reply {
		return c.send(`{"recipient":{"comment_id":"` + id + `"},"message":` + message + `}`)
	}
	reply("1", `{"text":"x"}`).fails(100, 2534025)
	reply(sandbox.SeedMentionID, `{"text":"x"}`).fails(100, 2534025)
	reply(comment, `{"attachment":{"type":"like_heart"}}`).fails(100, 2534015)
	var sent struct {
		RecipientID string `json:"recipient_id"`
	}
	reply(comment, `{"text":"We will write to you"}`).into(&sent)
	reply(comment, `{"text":"again"}`).fails(100, 2534025)
	fresh := c.act(uma, "comment", sandbox.Action{MediaID: "17900001000000001", Text: "How much?"})
	reply(fresh.CommentID, `{"text":"It is 5"}`).into(&sent)
	assert.Equal(t, uma, sent.RecipientID)
	c.send(to(uma, `{"text":"x"}`)).fails(10, 2534022)
	c.act(uma, "message", sandbox.Action{Text: "Thanks"})
	c.send(to(uma, `{"text":"x"}`)).ok()

	late := c.act(uma, "comment", sandbox.Action{MediaID: "17900001000000001", Text: "And this?"})
	c.sb.Clock().Advance(7 * 24 * time.Hour)
	reply(late.CommentID, `{"text":"x"}`).fails(100, 2534025)
}

func TestSend_ReactionsAndSenderActions(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	h := c.hook()
	said := c.act(jane, "message", sandbox.Action{Text: "Hi"})
	for _, action := range []string{"typing_on", "typing_off", "mark_seen", "TYPING_ON"} {
		assert.JSONEq(t, `{"recipient_id":"`+jane+`"}`, c.send(`{"recipient":{"id":"`+jane+`"},"sender_action":"`+action+`"}`).ok())
	}
	react := func(action, payload string) reply {
		return c.send(`{"recipient":{"id":"` + jane + `"},"sender_action":"` + action + `","payload":` + payload + `}`)
	}
	react("react", `{"message_id":"`+said.MessageID+`","reaction":"love"}`).ok()
	assert.Contains(t, c.page("/"+said.MessageID+"?fields=reactions").ok(), `"users":[{"username":"bluebottle","id":"17841405726653026"}]`)
	react("react", `{"message_id":"`+said.MessageID+`","reaction":"🎉"}`).ok()
	assert.Equal(t, 1, strings.Count(c.page("/"+said.MessageID+"?fields=reactions").ok(), `"reaction":`))
	react("unreact", `{"message_id":"`+said.MessageID+`"}`).ok()
	assert.NotContains(t, c.page("/"+said.MessageID+"?fields=reactions").ok(), "reactions")
	react("react", `{"message_id":"x","reaction":"love"}`).fails(9000001, 0)
	react("react", `{}`).fails(100, 0)
	assert.Len(t, h.flush(c), 1, "own reactions have no echo")
}

func TestSend_RateLimits(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.sb.SetLimits(sandbox.Limits{MessagesPerSecond: 2, HeavyMessagesPerSecond: 1, PrivateRepliesPerHour: 1, ConversationsPerSecond: 1})
	c.send(to(jane, `{"text":"1"}`)).ok()
	c.send(to(jane, `{"text":"2"}`)).ok()
	c.send(to(jane, `{"text":"3"}`)).fails(613, 2534040)
	c.send(attachment("video", `{"url":"https://cdn.example/a.mp4"}`)).ok()
	c.send(attachment("video", `{"url":"https://cdn.example/a.mp4"}`)).fails(613, 2534040)
	c.sb.Clock().Advance(2 * time.Second)
	c.send(to(jane, `{"text":"4"}`)).ok()
	c.send(`{"recipient":{"comment_id":"17800000000060007"},"message":{"text":"x"}}`).ok()
	c.send(`{"recipient":{"comment_id":"17800000000059007"},"message":{"text":"x"}}`).fails(613, 2534040)
	c.page("/me/conversations?platform=instagram").ok()
	c.page("/me/conversations?platform=instagram").fails(613, 2534040)
}

func TestSend_InstagramLogin(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	ig := "/graph.instagram.com/v25.0/me/messages?access_token=" + c.info.Accounts[0].InstagramToken
	assert.Contains(t, c.do(c.request(http.MethodPost, ig, "application/json", to(jane, `{"text":"Hi"}`))).ok(), jane)
	product := attachment("template", `{"template_type":"product","elements":[{"id":"3231000000000001"}]}`)
	c.do(c.request(http.MethodPost, ig, "application/json", product)).fails(100, 2534015)
	assert.Contains(t, c.get("/graph.instagram.com/me/conversations?user_id="+jane).ok(), "updated_time")
}

func TestConversations_ListAndRead(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	var list page
	c.page("/me/conversations?platform=instagram&limit=5").into(&list)
	require.Len(t, list.Data, 5)
	assert.JSONEq(t, `{"data":[]}`, c.page("/me/conversations").ok(), "without a platform it is Messenger's")
	c.page("/me/conversations?platform=threads").fails(100, 0)

	var one struct {
		Messages struct {
			Data   []map[string]json.RawMessage
			Paging struct{ Next string }
		}
	}
	c.page("/" + list.Data[0].ID + "?fields=participants,is_owner,messages.limit(25){id,created_time,from,to,message}").into(&one)
	require.Len(t, one.Messages.Data, 25)
	assert.Contains(t, one.Messages.Data[19], "message")
	assert.NotContains(t, one.Messages.Data[20], "message", "only the newest 20 can be read")
	var id string
	require.NoError(t, json.Unmarshal(one.Messages.Data[20]["id"], &id))
	c.page("/"+id+"?fields=message").fails(9000001, 0)
	require.NoError(t, json.Unmarshal(one.Messages.Data[1]["id"], &id))
	assert.Contains(t, c.page("/"+id+"?fields=message,from,to,created_time").ok(), `"to":{"data":[{"username":`)
	var rest page
	c.get(one.Messages.Paging.Next).into(&rest)
	assert.Len(t, rest.Data, 2)

	assert.Contains(t, c.page("/me/conversations?platform=instagram&user_id="+bob+"&fields=participants").ok(), `{"username":"bob","id":"`+bob+`"}`)
	c.get("/"+list.Data[0].ID).fails(210, 0)
	requests := c.act(uma, "message", sandbox.Action{Text: "Hello?"})
	require.NotEmpty(t, requests.MessageID)
	c.sb.Clock().Advance(29 * 24 * time.Hour)
	assert.Contains(t, c.page("/me/conversations?platform=instagram&fields=folder,name&user_id="+uma).ok(), `"folder":"requests"`)
	c.sb.Clock().Advance(2 * 24 * time.Hour)
	assert.JSONEq(t, `{"data":[]}`, c.page("/me/conversations?platform=instagram&user_id="+uma).ok())
}

func TestPerson_ProfileNeedsConsent(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	fields := "?fields=name,username,profile_pic,follower_count,is_user_follow_business,is_business_follow_user,is_verified_user"
	got := c.page("/" + jane + fields).ok()
	assert.Contains(t, got, `"name":"Jane_doe","username":"jane_doe"`)
	assert.Contains(t, got, `"is_user_follow_business":true,"is_business_follow_user":false,"is_verified_user":false,"id":"`+jane+`"`)
	assert.Contains(t, c.page("/"+uma+fields).fails(230, 0), "User consent is required")
	c.act(uma, "message", sandbox.Action{Text: "Hi"})
	c.page("/" + uma + fields).ok()
	c.act(jane, "block", sandbox.Action{})
	c.page("/"+jane+fields).fails(100, 33)
}

func TestModerate_BlocksAndMovesToSpam(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	moderate := func(actions string) reply {
		return c.do(c.request(http.MethodPost, "/me/moderate_conversations?access_token="+c.info.Accounts[0].PageToken, "application/json",
			`{"user_ids":[{"id":"`+jane+`"}],"actions":`+actions+`}`))
	}
	moderate(`["WINK"]`).fails(100, 0)
	moderate(`["BLOCK_USER","MOVE_TO_SPAM"]`).ok()
	c.send(to(jane, `{"text":"x"}`)).fails(551, 1545041)
	_, err := c.sb.Act(jane, sandbox.Action{Kind: "message", Text: "Hello?"})
	require.Error(t, err)
	assert.NotContains(t, c.page("/me/conversations?platform=instagram&fields=name").ok(), "jane_doe")
	assert.Contains(t, c.page("/me/conversations?platform=instagram&folder=spam&fields=name").ok(), "jane_doe")
	moderate(`["UNBLOCK_USER"]`).ok()
	c.send(to(jane, `{"text":"x"}`)).ok()
}

func TestHandover_BetweenTheAppAndTheInbox(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	h := c.hook()
	do := func(what, more string) reply {
		return c.do(c.request(http.MethodPost, "/me/"+what+"_thread_control?access_token="+c.info.Accounts[0].PageToken, "application/json",
			`{"recipient":{"id":"`+jane+`"}`+more+`}`))
	}
	owner := func() string { return c.page("/me/thread_owner?recipient=" + jane).ok() }
	assert.JSONEq(t, `{"data":[]}`, owner())
	do("pass", "").fails(100, 0)
	do("pass", `,"target_app_id":"5"`).fails(100, 2018164)
	do("pass", `,"target_app_id":"263902037430900","metadata":"to a person"`).ok()
	assert.JSONEq(t, `{"data":[{"thread_owner":{"app_id":"263902037430900"}}]}`, owner())
	c.send(to(jane, `{"text":"x"}`)).fails(100, 2534037)
	do("release", "").fails(100, 2534037)

	c.act(jane, "message", sandbox.Action{Text: "anyone there?"})
	c.act(jane, "pass_thread_control", sandbox.Action{Text: "back to you"})
	got := h.flush(c)
	require.Len(t, got, 2)
	assert.Contains(t, got[0].body, `"standby":[{"sender":{"id":"`+jane+`"}`)
	assert.Contains(t, got[1].body, `"pass_thread_control":{"previous_owner_app_id":"263902037430900","new_owner_app_id":"900000000000001","metadata":"back to you"}`)
	c.send(to(jane, `{"text":"x"}`)).ok()
	c.act(jane, "take_thread_control", sandbox.Action{})
	do("take", "").ok()
	do("extend", `,"duration":3600`).ok()
	do("release", "").ok()
	assert.Contains(t, c.page("/me/secondary_receivers?platform=instagram").ok(), "263902037430900")
}

func TestOutsiders_EachActionSendsItsWebhook(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	h := c.hook()
	c.send(to(jane, `{"text":"Which?","quick_replies":[{"content_type":"text","title":"New Arrivals","payload":"BROWSE_NEW"}]}`)).ok()
	c.send(attachment("template", `{"template_type":"button","text":"Choose","buttons":[{"type":"postback","title":"Talk to an agent","payload":"CARE_HELP"}]}`)).ok()
	h.flush(c)
	said := c.act(jane, "message", sandbox.Action{Text: "Do you have size M?"})
	got := h.flush(c)
	assert.JSONEq(t, fmt.Sprintf(`{"object":"instagram","entry":[{"id":"17841405726653026","time":1785747600000,"messaging":[{"sender":{"id":"7700000000000001"},
		"recipient":{"id":"17841405726653026"},"timestamp":1785747600000,"message":{"mid":%q,"text":"Do you have size M?"}}]}]}`, said.MessageID), got[0].body)

	for _, action := range []struct {
		kind string
		a    sandbox.Action
		want string
	}{
		{"message", sandbox.Action{URL: "https://cdn.example/a.jpg"}, `"attachments":[{"type":"image","payload":{"url":"https:\/\/lookaside.fbsbx.com\/ig_messaging_cdn\/?asset_id=`},
		{"message", sandbox.Action{URL: "https://cdn.example/a.mp4", Type: "video"}, `{"type":"video"`},
		{"message", sandbox.Action{Text: "this one", MessageID: said.MessageID}, `"reply_to":{"mid":"` + said.MessageID + `","is_self_reply":true}`},
		{"quick_reply", sandbox.Action{Payload: "BROWSE_NEW"}, `"text":"New Arrivals","quick_reply":{"payload":"BROWSE_NEW"}`},
		{"quick_reply", sandbox.Action{Title: "Made up", Payload: "X"}, `"text":"Made up","quick_reply":{"payload":"X"}`},
		{"postback", sandbox.Action{Title: "Talk to an agent"}, `"title":"Talk to an agent","payload":"CARE_HELP"}`},
		{"react", sandbox.Action{MessageID: said.MessageID}, `"reaction":{"mid":"` + said.MessageID + `","action":"react","reaction":"love","emoji":"\u2764\ufe0f"}`},
		{"unreact", sandbox.Action{MessageID: said.MessageID}, `"reaction":{"mid":"` + said.MessageID + `","action":"unreact"}`},
		{"story_mention", sandbox.Action{}, `"attachments":[{"type":"story_mention","payload":{"url":"https:\/\/lookaside`},
		{"story_reply", sandbox.Action{MediaID: "18023000000000001", Text: "Nice shot!"}, `"text":"Nice shot!","reply_to":{"story":{"id":"18023000000000001","url":"https:`},
		{"share", sandbox.Action{MediaID: "17900002000000001"}, `"attachments":[{"type":"ig_post","payload":{"ig_post_media_id":"17900002000000001","title":"Chart 1","url":`},
		{"share", sandbox.Action{MediaID: "17900001000000002"}, `"attachments":[{"type":"ig_reel","payload":{"reel_video_id":"17900001000000002"`},
		{"share_product", sandbox.Action{ProductID: "3231000000000001"}, `{"type":"template","payload":{"product":{"elements":[{"id":"3231000000000001","retailer_id":"SKU-1"`},
		{"product_inquiry", sandbox.Action{ProductID: "3231000000000001"}, `"text":"Is it in stock?","referral":{"product":{"id":"3231000000000001"}}`},
		{"ad_message", sandbox.Action{AdID: "120200000000000001", Ref: "summer"}, `"referral":{"ref":"summer","ad_id":"120200000000000001","source":"ADS","type":"OPEN_THREAD","ads_context_data":`},
		{"referral", sandbox.Action{Ref: "flyer42"}, `"referral":{"ref":"flyer42","source":"SHORTLINK","type":"OPEN_THREAD"}`},
		{"optin", sandbox.Action{Payload: "NEWSLETTER", Title: "Weekly news"}, `"optin":{"type":"notification_messages","payload":"NEWSLETTER"`},
		{"seen", sandbox.Action{}, `"read":{"mid":"`},
		{"edit", sandbox.Action{MessageID: said.MessageID, Text: "Do you have size L?"}, `"message_edit":{"mid":"` + said.MessageID + `","text":"Do you have size L?","num_edit":1}`},
		{"unsend", sandbox.Action{MessageID: said.MessageID}, `"message":{"mid":"` + said.MessageID + `","is_deleted":true}`},
		{"unsupported", sandbox.Action{}, `"is_unsupported":true`},
		{"unsupported", sandbox.Action{Type: "attachment"}, `"type":"unsupported_type"`},
		{"owner_message", sandbox.Action{Text: "From my phone"}, `"text":"From my phone","is_echo":true`},
		{"self_message", sandbox.Action{Text: "ping"}, `"text":"ping","is_echo":true,"is_self":true`},
		{"policy_enforcement", sandbox.Action{}, `"policy-enforcement":{"action":"block","reason":"Policy text"}`},
		{"request_thread_control", sandbox.Action{}, `"request_thread_control":{"requested_owner_app_id":"263902037430900"}`},
		{"take_thread_control", sandbox.Action{}, `"take_thread_control":{"previous_owner_app_id":"900000000000001","new_owner_app_id":"263902037430900"}`},
		{"comment", sandbox.Action{MediaID: "17900001000000001", AdID: "120200000000000001", Text: "price?"}, `"ad_id":"120200000000000001","ad_title":"Winter sale","original_media_id":"17900001000000001","media_product_type":"AD"}`},
		{"comment", sandbox.Action{MediaID: "17900005000000001", Text: "hello from live"}, `"field":"live_comments"`},
		{"comment", sandbox.Action{CommentID: "17800000000001007", Text: "me too"}, `"parent_id":"17800000000001007","text":"me too"`},
	} {
		t.Run(action.kind, func(t *testing.T) {
			c.act(jane, action.kind, action.a)
			got := h.flush(c)
			require.Len(t, got, 1)
			assert.Contains(t, got[0].body, action.want)
		})
	}
	c.page("/"+said.MessageID).fails(9000001, 0)
	c.act(jane, "tag", sandbox.Action{Text: "With friends"})
	assert.Contains(t, c.get("/"+account+"/tags?fields=caption,username&limit=1").ok(), "With friends")
	assert.NotContains(t, c.get("/17900001000000001/comments?limit=50&fields=text").ok(), "price?", "comments on ads are not listed")
}

func TestOutsiders_MustMakeSense(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, bad := range []struct {
		igsid, kind, says string
		a                 sandbox.Action
	}{
		{stranger, "message", "no person", sandbox.Action{Text: "x"}},
		{jane, "wave", "none of", sandbox.Action{}},
		{jane, "message", "text, url", sandbox.Action{}},
		{jane, "comment", "media_id", sandbox.Action{Text: "x"}},
		{jane, "comment", "text", sandbox.Action{MediaID: "17900001000000001"}},
		{jane, "comment", "switched off", sandbox.Action{MediaID: "17900001000000008", Text: "x"}},
		{jane, "mention_in_comment", "own", sandbox.Action{MediaID: "17900001000000001"}},
		{jane, "story_reply", "no live story", sandbox.Action{MediaID: "17900001000000001", Text: "x"}},
		{jane, "react", "message_id", sandbox.Action{}},
		{jane, "unreact", "message_id", sandbox.Action{MessageID: "x"}},
		{jane, "share_product", "product_id", sandbox.Action{}},
		{jane, "quick_reply", "payload, title", sandbox.Action{}},
		{jane, "postback", "nothing to tap on", sandbox.Action{Payload: "X"}},
		{jane, "ad_message", "ad_id", sandbox.Action{}},
		{uma, "seen", "no conversation", sandbox.Action{}},
		{uma, "referral", "new conversation", sandbox.Action{}},
	} {
		bad.a.Kind = bad.kind
		_, err := c.sb.Act(bad.igsid, bad.a)
		assert.ErrorContains(t, err, bad.says, bad.kind)
	}
}
