package operations

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/storyloop/storyloop/connector"
)

// envelope is what Meta posts. An entry holds its updates in one of four ways:
// changes, messaging, standby, or a single field and value of its own; and with
// "include values" switched off, only the names of the fields.
type envelope struct {
	Object string  `json:"object"`
	Entry  []entry `json:"entry"`
}

type entry struct {
	ID        string            `json:"id"`
	Time      unixTime          `json:"time"`
	Changes   []change          `json:"changes"`
	Messaging []json.RawMessage `json:"messaging"`
	Standby   []json.RawMessage `json:"standby"`
	Changed   []string          `json:"changed_fields"`
	change
}

type change struct {
	Field string          `json:"field"`
	Value json.RawMessage `json:"value"`
}

// parseEnvelopes reads a body. Meta's examples have an array around the envelope,
// so one is accepted.
func parseEnvelopes(body []byte) ([]envelope, error) {
	body = bytes.TrimSpace(body)
	if bytes.HasPrefix(body, []byte("[")) {
		var many []envelope
		err := json.Unmarshal(body, &many)
		return many, err
	}
	if !bytes.HasPrefix(body, []byte("{")) {
		return nil, errors.New("the body is no JSON object")
	}
	var one envelope
	err := json.Unmarshal(body, &one)
	return []envelope{one}, err
}

// events returns what happened, in order. Whatever it is, it comes as any_event
// too.
func events(e envelope, usernames []string) []connector.Event {
	var out []connector.Event
	for _, entry := range e.Entry {
		add := func(field string, value json.RawMessage) {
			u := update{account: entry.ID, field: field, value: value, time: entry.Time, usernames: usernames}
			out = append(out, u.events()...)
		}
		for _, c := range entry.Changes {
			add(c.Field, c.Value)
		}
		if entry.Field != "" {
			add(entry.Field, entry.Value)
		}
		for _, item := range entry.Messaging {
			add(messagingField(item), item)
		}
		for _, item := range entry.Standby {
			add("standby", item)
		}
		for _, field := range entry.Changed {
			add(field, nil)
		}
	}
	return out
}

// update is one thing that Meta reports.
type update struct {
	account   string
	field     string
	value     json.RawMessage
	time      unixTime // When the entry was sent; messages have a time of their own.
	usernames []string
}

func (u update) events() []connector.Event {
	var specific []connector.Event
	if len(u.value) > 0 && string(u.value) != "null" {
		specific = u.specific()
	}
	if len(specific) == 0 {
		return []connector.Event{u.any(u.field + "/" + u.hash())}
	}
	return append(specific, u.any(specific[0].ID))
}

// specific returns the events of the triggers that know the field. A value that
// cannot be read yields none: it still comes as any_event.
func (u update) specific() []connector.Event {
	switch u.field {
	case "comments":
		return u.comment("comment_added", "comment/")
	case "live_comments":
		return u.comment("live_comment_added", "live_comment/")
	case "mentions":
		return u.mention()
	case "story_insights":
		return u.expiredStory()
	case "standby":
		return u.standby()
	case "messages", "message_echoes", "message_edit", "message_edits", "message_reactions", "messaging_postbacks",
		"messaging_seen", "messaging_referral", "messaging_optins", "messaging_handover":
		return u.messaging()
	}
	return nil
}

// event makes an event of the account. Its payload is a struct of ours, which
// always marshals.
func (u update) event(trigger, id, subject string, at time.Time, payload any) connector.Event {
	body, err := marshal(payload)
	if err != nil {
		panic(fmt.Sprintf("a payload of %s does not marshal: %v", trigger, err))
	}
	return connector.Event{ID: id, Trigger: trigger, Subject: subject, Payload: body, OccurredAt: at}
}

// any is the update as it came. Its payload is put together by hand: the value was
// read once already, and there may be a thousand.
func (u update) any(id string) connector.Event {
	b := make([]byte, 0, len(u.value)+128)
	b = append(b, `{"ig_user_id":`...)
	b = appendString(b, u.account)
	b = append(b, `,"field":`...)
	b = appendString(b, u.field)
	if len(u.value) > 0 {
		b = append(append(b, `,"value":`...), u.value...)
	}
	if !u.time.IsZero() {
		b = u.time.AppendFormat(append(b, `,"time":"`...), time.RFC3339)
		b = append(b, '"')
	}
	return connector.Event{ID: "any/" + id, Trigger: "any_event", Subject: u.account, Payload: append(b, '}'), OccurredAt: u.time.Time}
}

// appendString appends a string as JSON.
func appendString(b []byte, s string) []byte {
	quoted, _ := json.Marshal(s) // a string always marshals
	return append(b, quoted...)
}

// hash names an update that has no id of its own, by the bytes that Meta delivers
// again. One without a time of its own has that of its entry, or two of the same
// kind would be one.
func (u update) hash() string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\x00%s\x00", u.account, u.field)
	if !bytes.Contains(u.value, []byte(`"timestamp"`)) {
		fmt.Fprintf(sum, "%d\x00", u.time.UnixMilli())
	}
	sum.Write(u.value)
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// person is who did something.
type person struct {
	ID           string `json:"id,omitempty"`
	Username     string `json:"username,omitempty"`
	SelfScopedID string `json:"self_ig_scoped_id,omitempty"`
}

type commentedMedia struct {
	ID              string `json:"id"`
	ProductType     string `json:"media_product_type,omitempty"`
	AdID            string `json:"ad_id,omitempty"`
	AdTitle         string `json:"ad_title,omitempty"`
	OriginalMediaID string `json:"original_media_id,omitempty"`
}

// commentEvent is the payload of comment_added and live_comment_added. A poll
// makes the same.
type commentEvent struct {
	IGUserID  string         `json:"ig_user_id"`
	CommentID string         `json:"comment_id"`
	ParentID  string         `json:"parent_id,omitempty"`
	Text      string         `json:"text"`
	Username  string         `json:"username,omitempty"`
	From      person         `json:"from"`
	MediaID   string         `json:"media_id,omitempty"`
	Media     commentedMedia `json:"media"`
	Mentions  []string       `json:"mentions"`
	Time      unixTime       `json:"time,omitzero"`
}

func (u update) comment(trigger, prefix string) []connector.Event {
	var v struct {
		ID        string         `json:"id"`
		CommentID string         `json:"comment_id"` // one page of Meta's has it so
		ParentID  string         `json:"parent_id"`
		Text      string         `json:"text"`
		From      person         `json:"from"`
		Media     commentedMedia `json:"media"`
	}
	if json.Unmarshal(u.value, &v) != nil {
		return nil
	}
	id := v.ID
	if id == "" {
		id = v.CommentID
	}
	if id == "" {
		return nil
	}
	out := []connector.Event{u.event(trigger, prefix+id, u.account, u.time.Time, commentEvent{
		IGUserID: u.account, CommentID: id, ParentID: v.ParentID, Text: v.Text, Username: v.From.Username,
		From: v.From, MediaID: v.Media.ID, Media: v.Media, Mentions: mentionsIn(v.Text), Time: u.time,
	})}
	// With Instagram Login a mention comes as a comment. Whose name it is, only the
	// operator can say.
	if trigger == "comment_added" && names(mentionsIn(v.Text), u.usernames) {
		out = append(out, u.mentionEvent(v.Media.ID, id))
	}
	return out
}

// mentionsIn lists the usernames that a text mentions, without "@", in lower case.
func mentionsIn(text string) []string {
	found := []string{}
	for rest := text; ; {
		_, after, ok := strings.Cut(rest, "@")
		if !ok {
			return found
		}
		end := strings.IndexFunc(after, func(r rune) bool {
			return r != '.' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		})
		if end < 0 {
			end = len(after)
		}
		if name := strings.ToLower(strings.TrimRight(after[:end], ".")); name != "" {
			found = append(found, name)
		}
		rest = after[end:]
	}
}

func names(mentioned, ours []string) bool {
	for _, m := range mentioned {
		for _, o := range ours {
			if strings.EqualFold(m, strings.TrimPrefix(o, "@")) {
				return true
			}
		}
	}
	return false
}

func (u update) mention() []connector.Event {
	var v struct {
		MediaID   string `json:"media_id"`
		CommentID string `json:"comment_id"`
	}
	if json.Unmarshal(u.value, &v) != nil || v.MediaID == "" {
		return nil
	}
	return []connector.Event{u.mentionEvent(v.MediaID, v.CommentID)}
}

// mentionEvent carries the account in its id: one comment may mention two
// accounts, and is then an event of each.
func (u update) mentionEvent(mediaID, commentID string) connector.Event {
	payload := struct {
		IGUserID  string   `json:"ig_user_id"`
		MediaID   string   `json:"media_id"`
		CommentID string   `json:"comment_id,omitempty"`
		Time      unixTime `json:"time,omitzero"`
	}{u.account, mediaID, commentID, u.time}
	id := "mention/" + u.account + "/" + mediaID
	if commentID == "" {
		return u.event("mentioned_in_caption", id, u.account, u.time.Time, payload)
	}
	return u.event("mentioned_in_comment", id+"/"+commentID, u.account, u.time.Time, payload)
}

func (u update) expiredStory() []connector.Event {
	var v map[string]json.RawMessage
	var media string
	if json.Unmarshal(u.value, &v) != nil || json.Unmarshal(v["media_id"], &media) != nil || media == "" {
		return nil
	}
	delete(v, "media_id")
	return []connector.Event{u.event("story_expired", "story_expired/"+media, u.account, u.time.Time, struct {
		IGUserID string                     `json:"ig_user_id"`
		StoryID  string                     `json:"story_id"`
		Metrics  map[string]json.RawMessage `json:"metrics"`
		Time     unixTime                   `json:"time,omitzero"`
	}{u.account, media, v, u.time})}
}

func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
