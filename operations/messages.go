package operations

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/storyloop/storyloop/connector"
)

// addressed is what every message to a person has.
type addressed struct {
	mailbox
	IGSID       string `json:"igsid"`
	HumanAgent  bool   `json:"human_agent"`
	CheckWindow bool   `json:"check_window"`
}

// envelopeOut is the body of a send.
// Source: developers.facebook.com/docs/messenger-platform/reference/send-api.
type envelopeOut struct {
	Recipient     recipient       `json:"recipient"`
	MessagingType string          `json:"messaging_type,omitempty"`
	Tag           string          `json:"tag,omitempty"`
	Message       *messageOut     `json:"message,omitempty"`
	ReplyTo       *replyTo        `json:"reply_to,omitempty"`
	SenderAction  string          `json:"sender_action,omitempty"`
	Payload       json.RawMessage `json:"payload,omitempty"`
}

type recipient struct {
	ID        string `json:"id,omitempty"`
	CommentID string `json:"comment_id,omitempty"`
}

type replyTo struct {
	MID string `json:"mid"`
}

type messageOut struct {
	Text         string          `json:"text,omitempty"`
	QuickReplies []quickReplyOut `json:"quick_replies,omitempty"`
	Attachment   *attachmentOut  `json:"attachment,omitempty"`
	Attachments  []attachmentOut `json:"attachments,omitempty"`
}

type quickReplyOut struct {
	ContentType string `json:"content_type"`
	Title       string `json:"title"`
	Payload     string `json:"payload"`
}

type attachmentOut struct {
	Type    string `json:"type"`
	Payload any    `json:"payload,omitempty"`
}

// maxTextBytes is the longest text, in bytes of UTF-8.
const maxTextBytes = 1000

// sends completes an operation that sends a message to a person.
func sends[In any](a *api, op connector.Operation, build func(In) (to addressed, body envelopeOut)) connector.Operation {
	op.Effect, op.Idempotency = connector.Write, connector.NotIdempotent
	op.Scopes, op.Quotas = []string{basic, manageMessages, pagesMetadata}, []string{sendCalls}
	op = handle(a, op, func(ctx context.Context, s *session, in In) (out sent, _ string, _ error) {
		to, body := build(in)
		b, err := s.inbox(ctx, to.mailbox)
		if err != nil {
			return out, "", err
		}
		if to.CheckWindow {
			if err := b.checkWindow(ctx, to.IGSID, to.HumanAgent); err != nil {
				return out, "", err
			}
		}
		body.Recipient.ID, body.MessagingType = to.IGSID, "RESPONSE"
		if to.HumanAgent {
			body.MessagingType, body.Tag = "MESSAGE_TAG", "HUMAN_AGENT"
		}
		return out, "", b.post(ctx, "messages", body, &out)
	})
	return reconcile(a, op, func(ctx context.Context, s *session, in In, at time.Time) (sent, bool, error) {
		to, body := build(in)
		b, err := s.inbox(ctx, to.mailbox)
		if err != nil {
			return sent{}, false, err
		}
		return b.reconcileSent(ctx, to.IGSID, body.Message.Text, at)
	})
}

func sendTextMessage(a *api) connector.Operation {
	type quickReply struct {
		Title   string `json:"title"`
		Payload string `json:"payload"`
	}
	type input struct {
		addressed
		Text         string       `json:"text"`
		QuickReplies []quickReply `json:"quick_replies"`
		ReplyTo      string       `json:"reply_to_message_id"`
	}
	op := sends(a, connector.Operation{
		Name:        "send_text_message",
		Title:       "Send text message",
		Summary:     "Sends a text to a person, with quick replies to tap on if wanted.",
		Description: "A person can be written to within 24 hours of their last message, and by a human within 7 days.",
	}, func(in input) (addressed, envelopeOut) {
		m := &messageOut{Text: in.Text}
		for _, q := range in.QuickReplies {
			m.QuickReplies = append(m.QuickReplies, quickReplyOut{"text", q.Title, q.Payload})
		}
		out := envelopeOut{Message: m}
		if in.ReplyTo != "" {
			out.ReplyTo = &replyTo{in.ReplyTo}
		}
		return in.addressed, out
	})
	return connector.Validate(op, func(in input, known connector.Known) []connector.Problem {
		return checkText("/text", in.Text, known)
	})
}

// checkText says if a text is too long in bytes, which a schema cannot count.
func checkText(pointer, text string, known connector.Known) []connector.Problem {
	if !known(pointer) || len(text) <= maxTextBytes {
		return nil
	}
	return []connector.Problem{problem(pointer, "too_long",
		fmt.Sprintf("The text takes %d bytes; Instagram takes %d.", len(text), maxTextBytes), "Shorten it, or send it in parts. Letters with accents and emoji take more than one byte.")}
}

// file is a medium of a message: by URL, or uploaded before.
type file struct {
	URL          string `json:"url,omitempty"`
	AttachmentID string `json:"attachment_id,omitempty"`
}

func sendMediaMessage(a *api) connector.Operation {
	type input struct {
		addressed
		Type string `json:"type"`
		file
		Images []file `json:"images"`
	}
	op := sends(a, connector.Operation{
		Name:        "send_media_message",
		Title:       "Send media message",
		Summary:     "Sends a person an image or several, a video, an audio recording or a PDF file.",
		Description: "Instagram fetches it from its URL: images up to 8 MB, all else up to 25 MB. What is sent often is better uploaded once, with *Upload attachment*.",
	}, func(in input) (addressed, envelopeOut) {
		m := &messageOut{}
		for _, image := range in.Images {
			m.Attachments = append(m.Attachments, attachmentOut{"image", image})
		}
		if len(in.Images) == 0 {
			m.Attachment = &attachmentOut{in.Type, in.file}
		}
		return in.addressed, envelopeOut{Message: m}
	})
	return connector.Validate(op, func(in input, known connector.Known) []connector.Problem {
		if !known("/url") || !known("/attachment_id") || !known("/images") {
			return nil
		}
		given := 0
		for _, set := range []bool{in.URL != "", in.AttachmentID != "", len(in.Images) > 0} {
			if set {
				given++
			}
		}
		var found []connector.Problem
		if given != 1 {
			found = append(found, problem("", "one_of", "Exactly one of url, attachment_id and images must be given.", "Give one of the three."))
		}
		if len(in.Images) > 0 && in.Type != "image" && known("/type") {
			found = append(found, problem("/type", "does_not_fit", "Only images can be sent several at once.", "Set the type to image."))
		}
		for i, image := range in.Images {
			if (image.URL == "") == (image.AttachmentID == "") && known(pointerTo("/images", i)) {
				found = append(found, problem(pointerTo("/images", i), "one_of", "An image has either a URL or an attachment id.", "Give one of the two."))
			}
		}
		return append(found, checkURL("/url", in.URL, known)...)
	})
}

func sendSticker(a *api) connector.Operation {
	type input struct {
		addressed
		Sticker string `json:"sticker"`
	}
	return sends(a, connector.Operation{
		Name:    "send_sticker",
		Title:   "Send sticker",
		Summary: "Sends a person a heart.",
	}, func(in input) (addressed, envelopeOut) {
		return in.addressed, envelopeOut{Message: &messageOut{Attachment: &attachmentOut{Type: "like_heart"}}}
	})
}

func shareMedia(a *api) connector.Operation {
	type input struct {
		addressed
		MediaID string `json:"media_id"`
	}
	return sends(a, connector.Operation{
		Name:    "share_media",
		Title:   "Share media",
		Summary: "Sends a person one of the account's own posts.",
	}, func(in input) (addressed, envelopeOut) {
		return in.addressed, envelopeOut{Message: &messageOut{Attachment: &attachmentOut{"MEDIA_SHARE", created{in.MediaID}}}}
	})
}

func sendPrivateReply(a *api) connector.Operation {
	type input struct {
		mailbox
		CommentID string `json:"comment_id"`
		Text      string `json:"text"`
	}
	op := handle(a, connector.Operation{
		Name:        "send_private_reply",
		Title:       "Send private reply",
		Summary:     "Answers a comment with a message to its author.",
		Description: "One for each comment, within 7 days; for a live video only while it is live. More can be sent once the person answers.",
		Effect:      connector.Write,
		Idempotency: connector.NotIdempotent,
		Scopes:      []string{basic, manageComments, pagesRead},
		Quotas:      []string{privateReplies},
	}, func(ctx context.Context, s *session, in input) (out sent, _ string, _ error) {
		b, err := s.inbox(ctx, in.mailbox)
		if err != nil {
			return out, "", err
		}
		return out, "", b.post(ctx, "messages", envelopeOut{
			Recipient: recipient{CommentID: in.CommentID}, Message: &messageOut{Text: in.Text},
		}, &out)
	})
	op = connector.Validate(op, func(in input, known connector.Known) []connector.Problem {
		return checkText("/text", in.Text, known)
	})
	return reconcile(a, op, func(ctx context.Context, s *session, in input, at time.Time) (sent, bool, error) {
		b, err := s.inbox(ctx, in.mailbox)
		if err != nil {
			return sent{}, false, err
		}
		var c struct {
			From person `json:"from"`
		}
		if err := s.fields(ctx, "/"+in.CommentID, "from", &c); err != nil {
			return sent{}, false, err
		}
		if c.From.ID == "" {
			return sent{}, false, precondition("Meta does not say who wrote the comment.", "Look at the conversation in the Instagram app.")
		}
		return b.reconcileSent(ctx, c.From.ID, in.Text, at)
	})
}
