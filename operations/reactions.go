package operations

import (
	"context"
	"net/http"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

func setMessageReaction(a *api) connector.Operation {
	type input struct {
		mailbox
		IGSID     string `json:"igsid"`
		MessageID string `json:"message_id"`
		Reaction  string `json:"reaction"`
		Action    string `json:"action"`
	}
	type payload struct {
		MessageID string `json:"message_id"`
		Reaction  string `json:"reaction,omitempty"`
	}
	return handle(a, connector.Operation{
		Name:        "set_message_reaction",
		Title:       "React to message",
		Summary:     "Reacts to a person's message with an emoji, or takes the reaction back.",
		Effect:      connector.Write,
		Idempotency: connector.Inherent,
		Scopes:      []string{basic, manageMessages, pagesMetadata},
		Quotas:      []string{sendCalls},
	}, func(ctx context.Context, s *session, in input) (sent, string, error) {
		p, action := payload{in.MessageID, firstOf(in.Reaction, "love")}, firstOf(in.Action, "react")
		if action == "unreact" {
			p.Reaction = ""
		}
		raw, err := marshal(p)
		if err != nil {
			return sent{}, "", err
		}
		return s.act(ctx, in.mailbox, envelopeOut{Recipient: recipient{ID: in.IGSID}, SenderAction: action, Payload: raw})
	})
}

func setSenderAction(a *api) connector.Operation {
	type input struct {
		mailbox
		IGSID  string `json:"igsid"`
		Action string `json:"action"`
	}
	return handle(a, connector.Operation{
		Name:        "set_sender_action",
		Title:       "Show typing or seen",
		Summary:     "Shows a person that the account is typing, or that it has seen the messages.",
		Effect:      connector.Write,
		Idempotency: connector.Inherent,
		Scopes:      []string{basic, manageMessages, pagesMetadata},
		Quotas:      []string{sendCalls},
	}, func(ctx context.Context, s *session, in input) (sent, string, error) {
		return s.act(ctx, in.mailbox, envelopeOut{Recipient: recipient{ID: in.IGSID}, SenderAction: in.Action})
	})
}

// act does something in a conversation that is no message.
func (s *session) act(ctx context.Context, m mailbox, body envelopeOut) (out sent, _ string, _ error) {
	b, err := s.inbox(ctx, m)
	if err != nil {
		return out, "", err
	}
	if err := b.post(ctx, "messages", body, &out); err != nil {
		return out, "", err
	}
	out.RecipientID = firstOf(out.RecipientID, body.Recipient.ID)
	return out, "", nil
}

func uploadAttachment(a *api) connector.Operation {
	type input struct {
		mailbox
		Type string `json:"type"`
		URL  string `json:"url"`
	}
	type upload struct {
		URL      string `json:"url"`
		Reusable bool   `json:"is_reusable"`
	}
	type body struct {
		Message  messageOut `json:"message"`
		Platform string     `json:"platform,omitempty"`
	}
	type output struct {
		AttachmentID string `json:"attachment_id"`
	}
	op := handle(a, connector.Operation{
		Name:        "upload_attachment",
		Title:       "Upload attachment",
		Summary:     "Hands a file to Instagram once, to send it in many messages.",
		Effect:      connector.Write,
		Idempotency: connector.Inherent, // twice makes two ids for the same file, which harms nobody
		Scopes:      []string{basic, manageMessages, pagesMetadata},
	}, func(ctx context.Context, s *session, in input) (out output, _ string, _ error) {
		b, err := s.inbox(ctx, in.mailbox)
		if err != nil {
			return out, "", err
		}
		request := body{Message: messageOut{Attachment: &attachmentOut{in.Type, upload{in.URL, true}}}, Platform: b.platform().Get("platform")}
		return out, "", b.read(ctx, b.request(graph.Request{Method: http.MethodPost, Path: "/" + b.node + "/message_attachments", JSON: request}), &out)
	})
	return connector.Validate(op, func(in input, known connector.Known) []connector.Problem {
		return checkURL("/url", in.URL, known)
	})
}
