package sandbox

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"
)

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
