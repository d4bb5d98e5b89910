package sandbox

import (
	"encoding/json"
	"time"
)

// A Thread is a conversation between an account and a person.
type Thread struct {
	ID        string     `json:"id"`
	AccountID string     `json:"account_id"`
	PersonID  string     `json:"person_id"`
	Requests  bool       `json:"requests,omitempty"` // in the Requests folder
	Spam      bool       `json:"spam,omitempty"`
	OwnerApp  string     `json:"owner_app,omitempty"` // thread control; empty: nobody took it
	Messages  []*Message `json:"messages,omitempty"`  // oldest first
}

// A Message is one message of a thread.
type Message struct {
	ID          string          `json:"id"`
	FromID      string          `json:"from_id"` // the account's id or the person's id
	At          time.Time       `json:"at"`
	Text        string          `json:"text,omitempty"`
	Attachments []Attachment    `json:"attachments,omitempty"`
	Reactions   []Reaction      `json:"reactions,omitempty"`
	ReplyTo     string          `json:"reply_to,omitempty"` // mid
	Story       *StoryReference `json:"story,omitempty"`
	Unsent      bool            `json:"unsent,omitempty"`
	Unsupported bool            `json:"unsupported,omitempty"`
	Edits       int             `json:"edits,omitempty"`
	// Taps are the quick replies and buttons under the message.
	Taps []Tap `json:"taps,omitempty"`
	// Postback is what a tapped button, ice breaker or menu item said.
	Postback *Postback `json:"postback,omitempty"`
	// Tapped is the quick reply that the message is.
	Tapped *Tap `json:"tapped,omitempty"`
	// Referral is where the person came from, as Meta's JSON.
	Referral json.RawMessage `json:"referral,omitempty"`
}

// A Tap is something in a message that a person can tap on.
type Tap struct {
	Kind    string `json:"kind"` // quick_reply or postback
	Title   string `json:"title"`
	Payload string `json:"payload"`
}

// An Attachment of a message.
type Attachment struct {
	Type       string          `json:"type"` // image, video, audio, file, share, template, ...
	URL        string          `json:"url,omitempty"`
	MediaID    string          `json:"media_id,omitempty"`
	Title      string          `json:"title,omitempty"`
	ProductIDs []string        `json:"product_ids,omitempty"`
	Template   json.RawMessage `json:"template,omitempty"`
}

// A Reaction to a message.
type Reaction struct {
	FromID string `json:"from_id"`
	Name   string `json:"name"` // love, like, laugh, wow, sad, angry, other
	Emoji  string `json:"emoji"`
}

// A StoryReference says that a message answers or mentions in a story.
type StoryReference struct {
	Kind    string `json:"kind"` // reply or mention
	MediaID string `json:"media_id"`
}

// A Postback is the tap on a button.
type Postback struct {
	Title   string `json:"title"`
	Payload string `json:"payload"`
}

// IceBreakers are the questions shown before a conversation, for one locale.
type IceBreakers struct {
	Locale        string            `json:"locale"`
	CallToActions []IceBreakersItem `json:"call_to_actions"`
}

// An IceBreakersItem is one question.
type IceBreakersItem struct {
	Question string `json:"question"`
	Payload  string `json:"payload"`
}

// A PersistentMenu is the menu beside the composer, for one locale.
type PersistentMenu struct {
	Locale        string     `json:"locale"`
	CallToActions []MenuItem `json:"call_to_actions"`
}

// A MenuItem is one item of a persistent menu.
type MenuItem struct {
	Type    string `json:"type"` // postback or web_url
	Title   string `json:"title"`
	Payload string `json:"payload,omitempty"`
	URL     string `json:"url,omitempty"`
}
