package operations

import (
	"encoding/json"
	"strings"

	"github.com/storyloop/storyloop/connector"
)

// messagingField names the field that an item of a messaging envelope belongs to,
// which the envelope itself does not say.
func messagingField(item json.RawMessage) string {
	var m messagingItem
	if json.Unmarshal(item, &m) != nil {
		return "messaging"
	}
	switch {
	case m.Message != nil:
		return "messages"
	case m.Edit != nil:
		return "message_edit"
	case m.Reaction != nil:
		return "message_reactions"
	case m.Postback != nil:
		return "messaging_postbacks"
	case m.Read != nil:
		return "messaging_seen"
	case len(m.Referral) > 0:
		return "messaging_referral"
	case len(m.Optin) > 0:
		return "messaging_optins"
	case len(m.Pass) > 0 || len(m.Take) > 0 || len(m.Request) > 0 || len(m.Roles) > 0:
		return "messaging_handover"
	}
	return "messaging"
}

// talk is what all payloads of conversations share.
type talk struct {
	IGUserID string   `json:"ig_user_id"`
	IGSID    string   `json:"igsid,omitempty"` // The person.
	Time     unixTime `json:"time,omitzero"`
}

// messageEvent is the payload of every event of a message. A poll makes the same.
type messageEvent struct {
	talk
	MessageID        string           `json:"message_id"`
	Text             string           `json:"text,omitempty"`
	Attachments      []attachmentSent `json:"attachments,omitempty"`
	ReplyToMessageID string           `json:"reply_to_message_id,omitempty"`
	Payload          string           `json:"payload,omitempty"`
	Story            *sharedStory     `json:"story,omitempty"`
	MediaID          string           `json:"media_id,omitempty"`
	Products         json.RawMessage  `json:"products,omitempty"`
	Referral         json.RawMessage  `json:"referral,omitempty"`
	IsSelf           bool             `json:"is_self,omitempty"`
	IsUnsupported    bool             `json:"is_unsupported,omitempty"`
}

type attachmentSent struct {
	Type string `json:"type"`
	attachmentPayload
}

// messaging returns the event of an item.
func (u update) messaging() []connector.Event {
	m, t, ok := u.item()
	if !ok {
		return nil
	}
	at := t.Time.Time
	one := func(trigger, id string, payload any) []connector.Event {
		return []connector.Event{u.event(trigger, id, t.IGUserID, at, payload)}
	}
	switch {
	case m.Message != nil && m.Message.MID != "":
		return u.message(m.Message, t)
	case m.Edit != nil:
		count := strings.Trim(string(m.Edit.NumEdit), `"`)
		return one("message_edited", "message_edited/"+m.Edit.MID+"/"+count, struct {
			talk
			MessageID string      `json:"message_id"`
			Text      string      `json:"text"`
			Edits     json.Number `json:"edits,omitempty"`
		}{t, m.Edit.MID, m.Edit.Text, number(count)})
	case m.Reaction != nil:
		return one("message_reaction", "message_reaction/"+u.hash(), struct {
			talk
			MessageID string `json:"message_id"`
			Action    string `json:"action"`
			Reaction  string `json:"reaction,omitempty"`
			Emoji     string `json:"emoji,omitempty"`
		}{t, m.Reaction.MID, m.Reaction.Action, m.Reaction.Reaction, m.Reaction.Emoji})
	case m.Postback != nil:
		id := "postback/" + m.Postback.MID
		if m.Postback.MID == "" {
			id += u.hash()
		}
		return one("postback_received", id, struct {
			talk
			MessageID string `json:"message_id,omitempty"`
			Title     string `json:"title"`
			Payload   string `json:"payload"`
		}{t, m.Postback.MID, m.Postback.Title, m.Postback.Payload})
	case m.Read != nil:
		return one("message_seen", "message_seen/"+m.Read.MID+"/"+t.IGSID, struct {
			talk
			MessageID string `json:"message_id"`
		}{t, m.Read.MID})
	case len(m.Referral) > 0:
		return one("referral_received", "referral/"+u.hash(), struct {
			talk
			Referral json.RawMessage `json:"referral"`
		}{t, m.Referral})
	case len(m.Optin) > 0:
		return one("optin_received", "optin/"+u.hash(), struct {
			talk
			Optin json.RawMessage `json:"optin"`
		}{t, m.Optin})
	}
	return u.handover(m, t)
}

// item reads the value and tells the account from the person: what the account
// sent itself has it as its sender.
func (u update) item() (messagingItem, talk, bool) {
	var m messagingItem
	if json.Unmarshal(u.value, &m) != nil {
		return m, talk{}, false
	}
	t := talk{IGUserID: m.Recipient.ID, IGSID: m.Sender.ID, Time: m.Timestamp}
	if m.Sender.ID == u.account && u.account != "" || m.Message != nil && m.Message.IsEcho {
		t.IGUserID, t.IGSID = m.Sender.ID, m.Recipient.ID
	}
	if t.IGUserID == "" {
		t.IGUserID = u.account
	}
	if t.Time.IsZero() {
		t.Time = u.time
	}
	return m, t, true
}

// message returns the one event that a message is: what a bot would want to know
// first decides. What the account sent itself is an echo, whatever is in it.
func (u update) message(m *incoming, t talk) []connector.Event {
	payload := messageEvent{
		talk: t, MessageID: m.MID, Text: m.Text, Referral: m.Referral,
		IsSelf: m.IsSelf, IsUnsupported: m.IsUnsupported,
	}
	trigger, id := "message_received", "message/"+m.MID
	for _, a := range m.Attachments {
		payload.Attachments = append(payload.Attachments, attachmentSent{a.Type, a.Payload})
		switch {
		case a.Type == "story_mention":
			trigger = "story_mentioned"
		case len(a.Payload.Product) > 0:
			trigger, payload.Products = "product_shared", elements(a.Payload.Product)
		case sharesMedia(a):
			trigger, payload.MediaID = "media_shared", firstOf(payload.MediaID, a.Payload.PostMediaID, a.Payload.ReelVideoID)
		}
	}
	if r := m.ReplyTo; r != nil {
		payload.ReplyToMessageID = r.MID
		if r.Story != nil {
			trigger, payload.Story = "story_replied", r.Story
		}
	}
	if m.QuickReply != nil {
		trigger, payload.Payload = "quick_reply_selected", m.QuickReply.Payload
	}
	switch {
	case m.IsDeleted:
		trigger, id = "message_deleted", "message_deleted/"+m.MID
	case m.IsEcho:
		trigger = "message_echo"
	}
	return []connector.Event{u.event(trigger, id, t.IGUserID, t.Time.Time, payload)}
}

// sharesMedia reports whether an attachment is a post, reel or story of Instagram
// rather than a file.
func sharesMedia(a attachment) bool {
	switch a.Type {
	case "share", "ig_post", "ig_reel", "reel", "story", "ig_story", "media":
		return true
	}
	return a.Payload.PostMediaID != "" || a.Payload.ReelVideoID != ""
}

// elements takes the list of products out of its wrapping.
func elements(product json.RawMessage) json.RawMessage {
	var p struct {
		Elements json.RawMessage `json:"elements"`
	}
	if json.Unmarshal(product, &p) != nil || len(p.Elements) == 0 {
		return nil
	}
	return p.Elements
}

func (u update) handover(m messagingItem, t talk) []connector.Event {
	for _, kind := range []struct {
		action string
		value  json.RawMessage
	}{{"pass", m.Pass}, {"take", m.Take}, {"request", m.Request}, {"roles", m.Roles}} {
		if len(kind.value) == 0 {
			continue
		}
		var v struct {
			Previous  json.RawMessage `json:"previous_owner_app_id"`
			New       json.RawMessage `json:"new_owner_app_id"`
			Requested json.RawMessage `json:"requested_owner_app_id"`
			Metadata  string          `json:"metadata"`
		}
		_ = json.Unmarshal(kind.value, &v) // app_roles has none of them
		return []connector.Event{u.event("thread_control_changed", "thread_control/"+u.hash(), t.IGUserID, t.Time.Time, struct {
			talk
			Action         string          `json:"action"`
			PreviousAppID  string          `json:"previous_app_id,omitempty"`
			NewAppID       string          `json:"new_app_id,omitempty"`
			RequestedAppID string          `json:"requested_app_id,omitempty"`
			Metadata       string          `json:"metadata,omitempty"`
			Raw            json.RawMessage `json:"raw"`
		}{t, kind.action, text(v.Previous), text(v.New), text(v.Requested), v.Metadata, kind.value})}
	}
	return nil
}

// standby is a message while another app has the conversation.
func (u update) standby() []connector.Event {
	m, t, ok := u.item()
	if !ok || m.Message == nil || m.Message.MID == "" {
		return nil
	}
	out := u.message(m.Message, t)
	for i := range out {
		out[i].Trigger, out[i].ID = "standby_message", "standby/"+out[i].ID
	}
	return out
}

// text reads an id that is a string or a number, digit for digit.
func text(raw json.RawMessage) string {
	if s := strings.Trim(string(raw), `"`); s != "null" {
		return s
	}
	return ""
}

// number returns a count as JSON, or nothing if it is none.
func number(s string) json.Number {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return json.Number(strings.TrimLeft(s[:len(s)-1], "0") + s[len(s)-1:])
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
