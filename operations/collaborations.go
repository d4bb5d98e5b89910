package operations

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

func listCollaborationInvites(a *api) connector.Operation {
	type input struct {
		PageID   string `json:"page_id"`
		IGUserID string `json:"ig_user_id"`
		Limit    int    `json:"limit"`
	}
	return handle(a, connector.Operation{
		Name:        "list_collaboration_invites",
		Title:       "List collaboration invites",
		Summary:     "Lists posts of others that the account is invited to share as its own.",
		Effect:      connector.Read,
		Items:       "/data",
		Paginated:   true,
		Scopes:      []string{basic, contentPublish, pagesRead},
		AuthMethods: facebookOnly,
	}, func(ctx context.Context, s *session, in input) (list, string, error) {
		return s.page(ctx, "/"+in.IGUserID+"/collaboration_invites", url.Values{
			"fields": {"media_id,media_owner_username,caption,media_url"}, "limit": {limitOr(in.Limit, 25)},
		})
	})
}

func answerCollaborationInvite(a *api) connector.Operation {
	type input struct {
		PageID   string `json:"page_id"`
		IGUserID string `json:"ig_user_id"`
		MediaID  string `json:"media_id"`
		Accept   bool   `json:"accept"`
	}
	return handle(a, connector.Operation{
		Name:        "answer_collaboration_invite",
		Title:       "Answer collaboration invite",
		Summary:     "Accepts or declines to share a post of somebody else.",
		Effect:      connector.Write,
		Idempotency: connector.Inherent,
		Scopes:      []string{basic, contentPublish, pagesRead},
		AuthMethods: facebookOnly,
	}, func(ctx context.Context, s *session, in input) (done, string, error) {
		return s.change(ctx, graph.Request{
			Method: http.MethodPost, Path: "/" + in.IGUserID + "/collaboration_invites",
			Params: url.Values{"media_id": {in.MediaID}, "accept": {strconv.FormatBool(in.Accept)}},
		})
	})
}
