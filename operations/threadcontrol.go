package operations

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

// threadControl is the body of a handover of a conversation between apps.
// Source: developers.facebook.com/docs/messenger-platform/handover-protocol.
type threadControl struct {
	Recipient   recipient `json:"recipient"`
	TargetAppID string    `json:"target_app_id,omitempty"`
	Metadata    string    `json:"metadata,omitempty"`
}

// controls completes an operation that hands a conversation over.
func controls[In any](a *api, edge string, op connector.Operation, build func(In) (mailbox, threadControl)) connector.Operation {
	op.Effect, op.Idempotency = connector.Write, connector.Inherent
	op.Scopes, op.AuthMethods = []string{basic, manageMessages, pagesMetadata}, facebookOnly
	return handle(a, op, func(ctx context.Context, s *session, in In) (done, string, error) {
		m, body := build(in)
		b, err := s.inbox(ctx, m)
		if err != nil {
			return done{}, "", err
		}
		return s.change(ctx, b.request(graph.Request{Method: http.MethodPost, Path: "/" + b.node + "/" + edge, JSON: body}))
	})
}

func passThreadControl(a *api) connector.Operation {
	type input struct {
		mailbox
		IGSID       string `json:"igsid"`
		TargetAppID string `json:"target_app_id"`
		Metadata    string `json:"metadata"`
	}
	return controls(a, "pass_thread_control", connector.Operation{
		Name:        "pass_thread_control",
		Title:       "Pass conversation on",
		Summary:     "Hands a conversation to another app, such as the Page's inbox.",
		Description: "The Page's inbox has the app id 263902037430900.",
	}, func(in input) (mailbox, threadControl) {
		return in.mailbox, threadControl{recipient{ID: in.IGSID}, in.TargetAppID, in.Metadata}
	})
}

func takeThreadControl(a *api) connector.Operation {
	type input struct {
		mailbox
		IGSID    string `json:"igsid"`
		Metadata string `json:"metadata"`
	}
	return controls(a, "take_thread_control", connector.Operation{
		Name:        "take_thread_control",
		Title:       "Take conversation over",
		Summary:     "Takes a conversation from another app.",
		Description: "Only the app that is set as the primary receiver may.",
	}, func(in input) (mailbox, threadControl) {
		return in.mailbox, threadControl{Recipient: recipient{ID: in.IGSID}, Metadata: in.Metadata}
	})
}

func releaseThreadControl(a *api) connector.Operation {
	type input struct {
		mailbox
		IGSID string `json:"igsid"`
	}
	return controls(a, "release_thread_control", connector.Operation{
		Name:    "release_thread_control",
		Title:   "Release conversation",
		Summary: "Gives a conversation back, to whichever app answers next.",
	}, func(in input) (mailbox, threadControl) {
		return in.mailbox, threadControl{Recipient: recipient{ID: in.IGSID}}
	})
}

func getThreadOwner(a *api) connector.Operation {
	type input struct {
		mailbox
		IGSID string `json:"igsid"`
	}
	type output struct {
		AppID string `json:"app_id,omitempty"`
	}
	op := reading(connector.Operation{
		Name:        "get_thread_owner",
		Title:       "Get conversation's app",
		Summary:     "Tells which app controls a conversation.",
		AuthMethods: facebookOnly,
	})
	return handle(a, op, func(ctx context.Context, s *session, in input) (output, string, error) {
		b, err := s.inbox(ctx, in.mailbox)
		if err != nil {
			return output{}, "", err
		}
		var answer struct {
			Data []struct {
				Owner struct {
					AppID json.RawMessage `json:"app_id"`
				} `json:"thread_owner"`
			} `json:"data"`
		}
		if err := b.get(ctx, "/"+b.node+"/thread_owner", url.Values{"recipient": {in.IGSID}}, &answer); err != nil {
			return output{}, "", err
		}
		if len(answer.Data) == 0 {
			return output{}, "", nil
		}
		return output{text(answer.Data[0].Owner.AppID)}, "", nil
	})
}
