package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Windows of the Send API.
const (
	standardWindow = 24 * time.Hour
	humanWindow    = 7 * 24 * time.Hour
	replyWindow    = 7 * 24 * time.Hour // private replies
)

// An outgoing is the body of a send.
type outgoing struct {
	recipient struct {
		ID        string `json:"id"`
		CommentID string `json:"comment_id"`
	}
	message *outgoingMessage
	action  string
	payload struct {
		MessageID string `json:"message_id"`
		Reaction  string `json:"reaction"`
	}
	replyTo string
	human   bool
}

// An outgoingMessage is its `message`.
type outgoingMessage struct {
	Text         string               `json:"text"`
	Attachment   *outgoingAttachment  `json:"attachment"`
	Attachments  []outgoingAttachment `json:"attachments"`
	QuickReplies []quickReply         `json:"quick_replies"`
	Metadata     string               `json:"metadata"`
	ReplyTo      *struct {
		MID string `json:"mid"`
	} `json:"reply_to"`
}

type outgoingAttachment struct {
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

type quickReply struct {
	ContentType string `json:"content_type"`
	Title       string `json:"title"`
	Payload     string `json:"payload"`
	ImageURL    string `json:"image_url"`
}

// sendMessage is POST /<Page or IG user>/messages.
func sendMessage(c *call) (any, error) {
	if c.account == nil {
		return nil, failSub(100, 2534013, "The Page is not linked to an Instagram account.")
	}
	if c.account.NoMessageAccess {
		return nil, failSub(200, 2534041, "The owner of the Instagram account has switched off access to messages.")
	}
	out, err := c.readOutgoing()
	if err != nil {
		return nil, err
	}
	if out.recipient.CommentID != "" {
		return c.privateReply(out)
	}
	who, ok := c.s.st.scoped[out.recipient.ID]
	if !ok || who.account != c.account {
		return nil, failSub(100, 2534014, "No matching Instagram user")
	}
	if slices.Contains(who.person.BlockedBy, c.account.ID) || c.s.st.blocked[scopedKey{c.account.ID, who.person.ID}] {
		return nil, failSub(551, 1545041, "This person isn't available right now.")
	}
	t := c.s.st.threadOf[scopedKey{c.account.ID, who.person.ID}]
	if err := c.mayWrite(t, out.human); err != nil {
		return nil, err
	}
	if out.action != "" {
		return c.act(t, out)
	}
	return c.send(t, out)
}

// readOutgoing reads and checks what does not depend on the conversation.
func (c *call) readOutgoing() (outgoing, error) {
	var out outgoing
	p := c.params
	if !p.has("recipient") {
		return out, missingParam("recipient")
	}
	if err := p.decode("recipient", &out.recipient); err != nil || out.recipient.ID == "" && out.recipient.CommentID == "" {
		return out, badParam("Param recipient must be a JSON object with id or comment_id")
	}
	out.action = strings.ToLower(p.get("sender_action"))
	switch {
	case p.has("message") && out.action != "":
		return out, failSub(100, 2018014, "A message and a sender_action cannot be sent together.")
	case !p.has("message") && out.action == "":
		return out, missingParam("message")
	case p.has("message"):
		if err := c.readMessage(&out); err != nil {
			return out, err
		}
	case !slices.Contains([]string{"typing_on", "typing_off", "mark_seen", "react", "unreact"}, out.action):
		return out, badParam("Param sender_action must be one of {MARK_SEEN, REACT, TYPING_OFF, TYPING_ON, UNREACT} - got %q.", out.action)
	}
	if p.has("payload") {
		if err := p.decode("payload", &out.payload); err != nil {
			return out, badParam("Param payload must be a JSON object with message_id and reaction")
		}
	}
	return out, c.readTag(&out)
}

func (c *call) readTag(out *outgoing) error {
	kind, tag := strings.ToUpper(c.params.get("messaging_type")), c.params.get("tag")
	switch {
	case kind != "" && !slices.Contains([]string{"RESPONSE", "UPDATE", "MESSAGE_TAG", "UTILITY"}, kind):
		return badParam("Param messaging_type must be one of {MESSAGE_TAG, RESPONSE, UPDATE, UTILITY} - got %q.", kind)
	case kind == "MESSAGE_TAG" && tag == "":
		return badParam("Param tag is required with messaging_type MESSAGE_TAG")
	case tag != "" && tag != "HUMAN_AGENT":
		return badParam("Param tag must be HUMAN_AGENT - got %q.", tag)
	case tag != "" && slices.Contains(c.s.app.Without, "human_agent"):
		return fail(10, "To use the tag HUMAN_AGENT, the app needs the feature Human Agent.")
	}
	out.human = tag == "HUMAN_AGENT"
	return nil
}

func (c *call) readMessage(out *outgoing) error {
	if err := c.params.decode("message", &out.message); err != nil || out.message == nil {
		return failSub(100, 2534015, "Param message must be a JSON object")
	}
	if err := c.checkMessage(out.message); err != nil {
		return err
	}
	if c.params.has("reply_to") {
		var ref struct {
			MID string `json:"mid"`
		}
		if err := c.params.decode("reply_to", &ref); err != nil || ref.MID == "" {
			return badParam("Param reply_to must be a JSON object with mid")
		}
		out.replyTo = ref.MID
	}
	if out.message.ReplyTo != nil {
		out.replyTo = out.message.ReplyTo.MID
	}
	return nil
}

// mayWrite checks thread control and the messaging window.
func (c *call) mayWrite(t *Thread, human bool) error {
	closed := failSub(10, 2534022, "This message is sent outside of allowed window.")
	if t == nil { // only people can begin a conversation
		return closed
	}
	if t.OwnerApp != "" && t.OwnerApp != c.s.app.ID {
		return failSub(100, 2534037, "Another app controls this thread now.")
	}
	opened := t.opened()
	if opened.IsZero() {
		return closed
	}
	window := standardWindow
	if human {
		window = humanWindow
	}
	if c.now.Sub(opened) >= window {
		return closed
	}
	return nil
}

// opened is when the person last did what opens the window.
func (t *Thread) opened() time.Time {
	for _, m := range slices.Backward(t.Messages) {
		if m.FromID == t.PersonID {
			return m.At
		}
	}
	return time.Time{}
}

// privateReply answers a comment with a message: once, within seven days, and it opens no
// window.
func (c *call) privateReply(out outgoing) (any, error) {
	invalid := failSub(100, 2534025, "The comment is invalid for a private reply.")
	st := c.s.st
	cm := st.comments[out.recipient.CommentID]
	if cm == nil || st.repliedTo[cm.ID] || out.message == nil {
		return nil, invalid
	}
	m := st.media[cm.MediaID]
	p := st.people[cm.FromID]
	if m == nil || m.OwnerID != c.account.ID || p == nil || c.now.Sub(cm.At) >= replyWindow || m.Product == "LIVE" && !c.mediaVisible(m) {
		return nil, invalid
	}
	if out.message.Text == "" {
		return nil, failSub(100, 2534015, "A private reply must have a text")
	}
	if c.s.usage.burst("private replies "+c.account.ID, c.s.usage.limits.PrivateRepliesPerHour, time.Hour, c.now) {
		return nil, failSub(613, 2534040, "Calls to this API have exceeded the rate limit for private replies.")
	}
	if slices.Contains(p.BlockedBy, c.account.ID) {
		return nil, failSub(551, 1545041, "This person isn't available right now.")
	}
	st.repliedTo[cm.ID] = true
	t := st.thread(c.account.ID, p.ID)
	sent := c.s.say(t, &Message{FromID: c.account.ID, Text: out.message.Text})
	return object{{"recipient_id", st.igsids[scopedKey{c.account.ID, p.ID}]}, {"message_id", sent.ID}}, nil
}

func (c *call) send(t *Thread, out outgoing) (any, error) {
	heavy := out.message.heavy()
	limits := c.s.usage.limits
	limit, key := limits.MessagesPerSecond, "messages "+c.account.ID
	if heavy {
		limit, key = limits.HeavyMessagesPerSecond, "heavy "+c.account.ID
	}
	if limit > 0 && c.s.usage.burst(key, limit, time.Second, c.now) {
		return nil, failSub(613, 2534040, "Calls to this API have exceeded the rate limit for messages of this Instagram account.")
	}
	if out.replyTo != "" && !slices.ContainsFunc(t.Messages, func(m *Message) bool { return m.ID == out.replyTo }) {
		return nil, badParam("Param reply_to: the message is not in this conversation")
	}
	m := &Message{FromID: c.account.ID, Text: out.message.Text, ReplyTo: out.replyTo}
	for _, a := range out.message.all() {
		m.Attachments = append(m.Attachments, c.attach(a))
	}
	m.Taps = out.message.taps()
	t.Requests = false
	sent := c.s.say(t, m)
	return object{{"recipient_id", out.recipient.ID}, {"message_id", sent.ID}}, nil
}

// act does sender actions: typing, seen, reactions.
func (c *call) act(t *Thread, out outgoing) (any, error) {
	done := object{{"recipient_id", out.recipient.ID}}
	if out.action != "react" && out.action != "unreact" {
		return done, nil
	}
	if out.payload.MessageID == "" {
		return nil, badParam("Param payload must have message_id")
	}
	i := slices.IndexFunc(t.Messages, func(m *Message) bool { return m.ID == out.payload.MessageID })
	if i < 0 || t.Messages[i].Unsent {
		return nil, &apiError{code: 9000001, status: http.StatusBadRequest, message: "(#9000001) The message has been deleted."}
	}
	m := t.Messages[i]
	m.Reactions = slices.DeleteFunc(m.Reactions, func(r Reaction) bool { return r.FromID == c.account.ID })
	if out.action == "react" {
		if out.payload.Reaction == "" {
			return nil, badParam("Param payload must have reaction")
		}
		m.Reactions = append(m.Reactions, newReaction(c.account.ID, out.payload.Reaction))
	}
	return done, nil // own reactions have no echo
}

// emojis are the named reactions.
var emojis = map[string]string{
	"love": "\u2764\ufe0f", "like": "\U0001f44d", "laugh": "\U0001f606", "wow": "\U0001f62e", "sad": "\U0001f622", "angry": "\U0001f620",
}

// newReaction takes a name or any emoji.
func newReaction(from, what string) Reaction {
	if e := emojis[what]; e != "" {
		return Reaction{FromID: from, Name: what, Emoji: e}
	}
	for name, e := range emojis {
		if e == what {
			return Reaction{FromID: from, Name: name, Emoji: e}
		}
	}
	return Reaction{FromID: from, Name: "other", Emoji: what}
}

// say puts a message into a conversation and tells of it.
func (s *Sandbox) say(t *Thread, m *Message) *Message {
	s.st.nextID++
	m.ID = messageID(t.AccountID, t.PersonID, 1000+int(s.st.nextID))
	m.At = s.clock.Now()
	t.Messages = append(t.Messages, m)
	s.st.messages[m.ID] = messageAt{m, t}
	s.tellMessage(t, m)
	return m
}

// thread returns the conversation of an account and a person, a new one if need be.
func (st *state) thread(account, person string) *Thread {
	key := scopedKey{account, person}
	if t := st.threadOf[key]; t != nil {
		return t
	}
	t := &Thread{ID: threadID(account, person), AccountID: account, PersonID: person}
	st.threadOf[key], st.threads[t.ID] = t, t
	return t
}
