package operations

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

const (
	conversationFields = "id,updated_time,participants"
	messageFields      = "id,created_time,from,to,message,attachments,reactions,shares,story,reply_to,is_unsupported"
)

// reading completes an operation that reads conversations.
func reading(op connector.Operation) connector.Operation {
	op.Effect = connector.Read
	op.Scopes, op.Quotas = []string{basic, manageMessages, pagesMetadata}, []string{conversationCalls}
	return op
}

func listConversations(a *api) connector.Operation {
	type input struct {
		mailbox
		IGSID string `json:"igsid"`
		Limit int    `json:"limit"`
	}
	return handle(a, reading(connector.Operation{
		Name:        "list_conversations",
		Title:       "List conversations",
		Summary:     "Lists the account's conversations, the liveliest first.",
		Description: "Requests that nobody has answered for 30 days are not listed by Meta.",
		Items:       "/data",
		Paginated:   true,
	}), func(ctx context.Context, s *session, in input) (list, string, error) {
		b, err := s.inbox(ctx, in.mailbox)
		if err != nil {
			return list{}, "", err
		}
		params := with(b.platform(), url.Values{"fields": {conversationFields}, "limit": {limitOr(in.Limit, 25)}})
		if in.IGSID != "" {
			params.Set("user_id", in.IGSID)
		}
		return s.pageOf(ctx, b.request(graph.Request{Path: "/" + b.node + "/conversations", Params: params}))
	})
}

func listMessages(a *api) connector.Operation {
	type input struct {
		mailbox
		ConversationID string `json:"conversation_id"`
		Limit          int    `json:"limit"`
	}
	return handle(a, reading(connector.Operation{
		Name:        "list_messages",
		Title:       "List messages",
		Summary:     "Lists the messages of a conversation, newest first.",
		Description: "Meta lists all messages, but lets only the 20 newest be read: they make the first page. Of older ones there are the id and the time.",
		Items:       "/data",
		Paginated:   true,
	}), func(ctx context.Context, s *session, in input) (list, string, error) {
		b, err := s.inbox(ctx, in.mailbox)
		if err != nil {
			return list{}, "", err
		}
		params := url.Values{"fields": {"id,created_time"}, "limit": {limitOr(in.Limit, newestReadable)}}
		if s.call.Resume == "" {
			params = url.Values{"fields": {messageFields}, "limit": {limitOr(min(in.Limit, newestReadable), newestReadable)}}
		}
		return s.pageOf(ctx, b.request(graph.Request{Path: "/" + url.PathEscape(in.ConversationID) + "/messages", Params: params}))
	})
}

func getMessage(a *api) connector.Operation {
	type input struct {
		mailbox
		MessageID string `json:"message_id"`
	}
	return handle(a, reading(connector.Operation{
		Name:        "get_message",
		Title:       "Get message",
		Summary:     "Reads one message: who wrote it, its text, attachments and reactions.",
		Description: "Only the 20 newest messages of a conversation can be read.",
	}), func(ctx context.Context, s *session, in input) (json.RawMessage, string, error) {
		b, err := s.inbox(ctx, in.mailbox)
		if err != nil {
			return nil, "", err
		}
		var m json.RawMessage
		return m, "", b.get(ctx, "/"+url.PathEscape(in.MessageID), url.Values{"fields": {messageFields}}, &m)
	})
}

func getSenderProfile(a *api) connector.Operation {
	type input struct {
		mailbox
		IGSID string `json:"igsid"`
	}
	return handle(a, connector.Operation{
		Name:        "get_sender_profile",
		Title:       "Get sender profile",
		Summary:     "Reads the profile of a person who has written to the account.",
		Description: "Who has only commented cannot be read. The address of the picture lasts a few days.",
		Effect:      connector.Read,
		Scopes:      []string{basic, manageMessages, pagesMetadata},
	}, func(ctx context.Context, s *session, in input) (json.RawMessage, string, error) {
		b, err := s.inbox(ctx, in.mailbox)
		if err != nil {
			return nil, "", err
		}
		var p json.RawMessage
		return p, "", b.get(ctx, "/"+in.IGSID, url.Values{
			"fields": {"name,username,profile_pic,follower_count,is_user_follow_business,is_business_follow_user,is_verified_user"},
		}, &p)
	})
}

func getMessagingWindow(a *api) connector.Operation {
	type input struct {
		mailbox
		IGSID string `json:"igsid"`
	}
	return handle(a, reading(connector.Operation{
		Name:        "get_messaging_window",
		Title:       "Get messaging window",
		Summary:     "Tells whether a person may be written to now, and until when.",
		Description: "Worked out from the person's newest message. Taps on buttons and menus open a window too, but Meta does not list all of them: a window may be open that is told to be closed.",
	}), func(ctx context.Context, s *session, in input) (window, string, error) {
		b, err := s.inbox(ctx, in.mailbox)
		if err != nil {
			return window{}, "", err
		}
		w, err := b.window(ctx, in.IGSID)
		return w, "", err
	})
}

func moderateConversation(a *api) connector.Operation {
	type input struct {
		mailbox
		IGSIDs []string `json:"igsids"`
		Action string   `json:"action"`
	}
	type body struct {
		UserIDs []created `json:"user_ids"`
		Actions []string  `json:"actions"`
	}
	return handle(a, connector.Operation{
		Name:        "moderate_conversation",
		Title:       "Moderate conversation",
		Summary:     "Blocks or unblocks people, or moves their conversations to spam.",
		Effect:      connector.Write,
		Idempotency: connector.Inherent,
		Scopes:      []string{basic, manageMessages, pagesMetadata},
	}, func(ctx context.Context, s *session, in input) (done, string, error) {
		b, err := s.inbox(ctx, in.mailbox)
		if err != nil {
			return done{}, "", err
		}
		request := body{Actions: []string{in.Action}}
		for _, id := range in.IGSIDs {
			request.UserIDs = append(request.UserIDs, created{id})
		}
		return s.change(ctx, b.request(graph.Request{Method: http.MethodPost, Path: "/" + b.node + "/moderate_conversations", JSON: request}))
	})
}
