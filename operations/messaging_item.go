package operations

import "encoding/json"

// messagingItem is one event of a conversation, in whichever envelope.
type messagingItem struct {
	Sender    person          `json:"sender"`
	Recipient person          `json:"recipient"`
	Timestamp unixTime        `json:"timestamp"`
	Message   *incoming       `json:"message"`
	Edit      *messageEdit    `json:"message_edit"`
	Reaction  *reaction       `json:"reaction"`
	Postback  *postback       `json:"postback"`
	Read      *read           `json:"read"`
	Referral  json.RawMessage `json:"referral"`
	Optin     json.RawMessage `json:"optin"`
	Pass      json.RawMessage `json:"pass_thread_control"`
	Take      json.RawMessage `json:"take_thread_control"`
	Request   json.RawMessage `json:"request_thread_control"`
	Roles     json.RawMessage `json:"app_roles"`
}

type incoming struct {
	MID         string       `json:"mid"`
	Text        string       `json:"text"`
	Attachments []attachment `json:"attachments"`
	QuickReply  *struct {
		Payload string `json:"payload"`
	} `json:"quick_reply"`
	ReplyTo *struct {
		MID   string       `json:"mid"`
		Story *sharedStory `json:"story"`
	} `json:"reply_to"`
	Referral      json.RawMessage `json:"referral"`
	IsEcho        bool            `json:"is_echo"`
	IsSelf        bool            `json:"is_self"`
	IsDeleted     bool            `json:"is_deleted"`
	IsUnsupported bool            `json:"is_unsupported"`
	AppID         json.RawMessage `json:"app_id"`
}

type attachment struct {
	Type    string            `json:"type"`
	Payload attachmentPayload `json:"payload"`
}

type attachmentPayload struct {
	URL         string          `json:"url,omitempty"`
	Title       string          `json:"title,omitempty"`
	PostMediaID string          `json:"ig_post_media_id,omitempty"`
	ReelVideoID string          `json:"reel_video_id,omitempty"`
	Product     json.RawMessage `json:"product,omitempty"`
}

type sharedStory struct {
	ID             string `json:"id"`
	URL            string `json:"url,omitempty"`
	LinkStickerURL string `json:"link_sticker_url,omitempty"`
}

type messageEdit struct {
	MID     string          `json:"mid"`
	Text    string          `json:"text"`
	NumEdit json.RawMessage `json:"num_edit"` // a number, or a string of one
}

type reaction struct {
	MID      string `json:"mid"`
	Action   string `json:"action"`
	Reaction string `json:"reaction"`
	Emoji    string `json:"emoji"`
}

type postback struct {
	MID     string `json:"mid"`
	Title   string `json:"title"`
	Payload string `json:"payload"`
}

type read struct {
	MID string `json:"mid"`
}
