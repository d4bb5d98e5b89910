package sandbox

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"
)

// inboxApp is Meta's own Page Inbox, the usual partner of handover.
const inboxApp = "263902037430900"

// digits makes up n digits from a seed.
func digits(seed string, n int) string {
	h := fnv.New64a()
	h.Write([]byte(seed))
	text := fmt.Sprintf("%020d", h.Sum64())
	return text[len(text)-n:]
}

// shareEnds is when a shared post stopped coming as share beside ig_post.
var shareEnds = time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)

// between two ends of a conversation: who sends and who gets.
func (s *Sandbox) ends(t *Thread, from string) object {
	person := s.st.igsids[scopedKey{t.AccountID, t.PersonID}]
	sender, recipient := person, t.AccountID
	if from == t.AccountID {
		sender, recipient = t.AccountID, person
	}
	return object{
		{"sender", object{{"id", sender}}}, {"recipient", object{{"id", recipient}}}, {"timestamp", s.clock.Now().UnixMilli()},
	}
}

// tell queues a messaging event. While another app has the thread, it comes as standby.
func (s *Sandbox) tell(t *Thread, field, from, key string, value any) {
	a := s.st.accounts[t.AccountID]
	if a == nil {
		return
	}
	u := update{messaging: true, value: append(s.ends(t, from), member{key, value})}
	if t.OwnerApp != "" && t.OwnerApp != s.app.ID && field != "messaging_handover" {
		u.messaging, u.standby = false, true
		s.notify(a, "standby", u)
		return
	}
	s.notify(a, field, u)
}

// tellMessage tells of a new message. Own messages come back as echoes: with Facebook Login
// in the field messages, with Instagram Login in message_echoes where that is subscribed.
func (s *Sandbox) tellMessage(t *Thread, m *Message) {
	value := s.messageValue(t, m)
	if m.FromID != t.AccountID {
		s.tell(t, "messages", m.FromID, "message", value)
		return
	}
	a := s.st.accounts[t.AccountID]
	u := update{messaging: true, value: append(s.ends(t, m.FromID), member{"message", append(value, member{"is_echo", true})})}
	s.queue(flavourFacebook, a, "messages", u)
	field := "messages"
	if sub := s.st.subscription; sub != nil && slices.Contains(sub.fields, "message_echoes") {
		field = "message_echoes"
	}
	s.queue(flavourInstagram, a, field, u)
}

func (s *Sandbox) messageValue(t *Thread, m *Message) object {
	v := object{{"mid", m.ID}}
	if m.Unsupported && len(m.Attachments) == 0 {
		return append(v, member{"is_unsupported", true})
	}
	v = v.with("text", text(m.Text))
	var list []object
	for i, a := range m.Attachments {
		list = append(list, s.attachmentValue(m, i, a)...)
	}
	if list != nil {
		v = append(v, member{"attachments", list})
	}
	if m.Tapped != nil {
		v = append(v, member{"quick_reply", object{{"payload", m.Tapped.Payload}}})
	}
	if m.Story != nil && m.Story.Kind == "reply" {
		v = append(v, member{"reply_to", object{{"story", object{{"id", m.Story.MediaID}, {"url", assetURL(m.Story.MediaID)}}}}})
	}
	if m.ReplyTo != "" {
		ref := object{{"mid", m.ReplyTo}}
		i := slices.IndexFunc(t.Messages, func(x *Message) bool { return x.ID == m.ReplyTo })
		if i >= 0 && t.Messages[i].FromID == m.FromID {
			ref = append(ref, member{"is_self_reply", true})
		}
		v = append(v, member{"reply_to", ref})
	}
	if len(m.Referral) > 0 {
		v = append(v, member{"referral", compact(m.Referral)})
	}
	return v
}

// compact takes white space out of JSON that came from a file.
func compact(raw json.RawMessage) json.RawMessage {
	return json.RawMessage(encode(nil, decodeAny(raw)))
}

func assetURL(id string) string { return "https://" + hostMessageCDN + assetPath(id) }

func (s *Sandbox) attachmentValue(m *Message, i int, a Attachment) []object {
	one := func(kind string, payload object) object { return object{{"type", kind}, {"payload", payload}} }
	url := member{"url", assetURL(assetID(m.ID, i))}
	media := s.st.media[a.MediaID]
	switch {
	case a.Type == "share" && media != nil && media.Product == "REELS":
		return []object{one("ig_reel", object{{"reel_video_id", media.ID}}.with("title", text(media.Caption)).with("url", assetURL(media.ID)))}
	case a.Type == "share" && media != nil:
		payload := object{{"ig_post_media_id", media.ID}}.with("title", text(media.Caption)).with("url", assetURL(media.ID))
		if m.At.Before(shareEnds) {
			return []object{one("share", payload), one("ig_post", payload)}
		}
		return []object{one("ig_post", payload)}
	case a.Type == "template" && len(a.ProductIDs) > 0:
		return []object{one("template", object{{"product", object{{"elements", s.productElements(a.ProductIDs, "title", "subtitle")}}}})}
	case a.Type == "template":
		return []object{{{"type", "template"}, {"payload", compact(a.Template)}}}
	case a.Type == "like_heart":
		return []object{{{"type", "like_heart"}}}
	case a.Type == "story_mention" && m.Story != nil:
		return []object{one("story_mention", object{{"url", assetURL(m.Story.MediaID)}})}
	}
	return []object{one(a.Type, object{url})}
}

// decodeAny reads JSON into values that encode takes, numbers as they are written.
func decodeAny(raw json.RawMessage) any {
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	return decodeValue(d)
}

// decodeValue reads one value, keeping the order of an object's members.
func decodeValue(d *json.Decoder) any {
	token, err := d.Token()
	if err != nil {
		return nil
	}
	switch token {
	case json.Delim('{'):
		o := object{}
		for d.More() {
			key, _ := d.Token()
			name, _ := key.(string)
			o = append(o, member{name, decodeValue(d)})
		}
		_, _ = d.Token() // the closing brace
		return o
	case json.Delim('['):
		list := []any{}
		for d.More() {
			list = append(list, decodeValue(d))
		}
		_, _ = d.Token() // the closing bracket
		return list
	}
	return token
}

// moderate is POST .../moderate_conversations.
func moderate(c *call) (any, error) {
	if c.account == nil {
		return nil, failSub(100, 2534013, "The Page is not linked to an Instagram account.")
	}
	var users []struct {
		ID string `json:"id"`
	}
	if err := c.params.decode("user_ids", &users); err != nil || len(users) == 0 {
		return nil, badParam("Param user_ids must be an array of objects with id")
	}
	actions := c.params.list("actions")
	if len(actions) == 0 {
		return nil, missingParam("actions")
	}
	known := []string{"BLOCK_USER", "UNBLOCK_USER", "MOVE_TO_SPAM"}
	if c.kind == kindPage {
		known = append(known, "BAN_USER", "UNBAN_USER")
	}
	for _, action := range actions {
		if !slices.Contains(known, action) {
			return nil, badParam("Param actions must be one of {%s} - got %q.", strings.Join(known, ", "), action)
		}
	}
	for _, u := range users {
		if who, ok := c.s.st.scoped[u.ID]; !ok || who.account != c.account {
			return nil, failSub(100, 2534014, "No matching Instagram user")
		}
	}
	for _, u := range users {
		c.s.st.moderate(c.s.st.scoped[u.ID], actions)
	}
	return success(), nil
}

func (st *state) moderate(who scopedPerson, actions []string) {
	key := scopedKey{who.account.ID, who.person.ID}
	for _, action := range actions {
		switch action {
		case "BLOCK_USER", "BAN_USER":
			st.blocked[key] = true
		case "UNBLOCK_USER", "UNBAN_USER":
			delete(st.blocked, key)
		case "MOVE_TO_SPAM":
			if t := st.threadOf[key]; t != nil {
				t.Spam = true
			}
		}
	}
}

// handover makes the handlers of pass, take, request, release and extend_thread_control.
func handover(what string) func(*call) (any, error) {
	return func(c *call) (any, error) {
		t, err := c.recipientThread()
		if err != nil {
			return nil, err
		}
		mine := t.OwnerApp == "" || t.OwnerApp == c.s.app.ID
		if !mine && what != "take" && what != "request" {
			return nil, failSub(100, 2534037, "Another app controls this thread now.")
		}
		switch what {
		case "pass":
			target := c.params.get("target_app_id")
			if target == "" {
				return nil, missingParam("target_app_id")
			}
			if target != c.s.app.ID && target != inboxApp {
				return nil, failSub(100, 2018164, "The app id is not of an app that is connected to the Page.")
			}
			t.OwnerApp = target
		case "take":
			t.OwnerApp = c.s.app.ID
		case "release":
			t.OwnerApp = ""
		}
		return success(), nil
	}
}

func (c *call) recipientThread() (*Thread, error) {
	if c.account == nil {
		return nil, failSub(100, 2534013, "The Page is not linked to an Instagram account.")
	}
	var recipient struct {
		ID string `json:"id"`
	}
	text := c.params.get("recipient")
	if text == "" {
		return nil, missingParam("recipient")
	}
	if err := c.params.decode("recipient", &recipient); err != nil {
		recipient.ID = text // GET thread_owner takes the bare id
	}
	who, ok := c.s.st.scoped[recipient.ID]
	if !ok || who.account != c.account {
		return nil, failSub(100, 2534014, "No matching Instagram user")
	}
	t := c.s.st.threadOf[scopedKey{c.account.ID, who.person.ID}]
	if t == nil {
		return nil, failSub(100, 2534014, "There is no conversation with this user")
	}
	return t, nil
}

func threadOwner(c *call) (any, error) {
	t, err := c.recipientThread()
	if err != nil {
		return nil, err
	}
	if t.OwnerApp == "" {
		return object{{"data", []object{}}}, nil
	}
	return object{{"data", []object{{{"thread_owner", object{{"app_id", t.OwnerApp}}}}}}}, nil
}

func secondaryReceivers(c *call) (any, error) {
	return object{{"data", []object{{{"id", inboxApp}, {"name", "Page Inbox"}}}}}, nil
}
