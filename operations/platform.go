package operations

import (
	"context"
	"net/url"
	"time"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

func inspectToken(a *api) connector.Operation {
	type input struct{}
	type output struct {
		Login          string   `json:"login"`
		Type           string   `json:"type"`
		Account        string   `json:"account"`
		UserID         string   `json:"user_id"`
		Scopes         []string `json:"scopes"`
		ExpiresAt      string   `json:"expires_at,omitempty"`
		DataAccessEnds string   `json:"data_access_expires_at,omitempty"`
	}
	return handle(a, connector.Operation{
		Name:        "inspect_token",
		Title:       "Inspect token",
		Summary:     "Tells whose token the step uses, what it may do, and until when.",
		Description: "The token itself is not shown. With Instagram Login, Meta tells neither permissions nor end: they are what the credential knows.",
		Effect:      connector.Read,
	}, func(ctx context.Context, s *session, _ input) (output, string, error) {
		c := s.call.Credential
		out := output{Login: facebookLogin, Type: "USER", Scopes: c.Scopes, ExpiresAt: rfc3339(c.Validity.ExpiresAt), DataAccessEnds: rfc3339(c.Validity.ConsentUntil)}
		if s.instagram() {
			user, err := s.me(ctx)
			out.Login, out.Account, out.UserID = instagramLogin, "@"+user.Username, text(user.ID)
			return out, "", err
		}
		var me struct{ ID, Name string }
		if err := s.fields(ctx, "/me", "id,name", &me); err != nil {
			return out, "", err
		}
		out.Account, out.UserID = me.Name, me.ID
		for _, p := range s.key.pages() {
			if p.ID == me.ID {
				out.Type = "PAGE"
				return out, "", nil
			}
		}
		var answer struct {
			Data debugged `json:"data"`
		}
		if err := s.get(ctx, "/debug_token", url.Values{"input_token": {s.key.Token}}, &answer); err != nil {
			return out, "", err
		}
		d := answer.Data
		out.Type, out.Scopes = firstOf(d.Type, out.Type), understood(d.Scopes)
		out.ExpiresAt, out.DataAccessEnds = rfc3339(d.ExpiresAt.Time), rfc3339(d.DataAccessEnds.Time)
		return out, "", nil
	})
}

// me asks whom a token of Instagram Login belongs to.
func (s *session) me(ctx context.Context) (instagramUser, error) {
	resp, err := s.do(ctx, graph.Request{Path: "/me", Params: url.Values{"fields": {"user_id,username"}}})
	if err != nil {
		return instagramUser{}, err
	}
	return readInstagramUser(resp)
}

func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func listWebhookSubscriptions(a *api) connector.Operation {
	return handle(a, connector.Operation{
		Name:        "list_webhook_subscriptions",
		Title:       "List webhook subscriptions",
		Summary:     "Tells which apps get events of the account, and which fields.",
		Description: "With Facebook Login the fields are the Page's; which fields of Instagram are sent is a setting of the app.",
		Effect:      connector.Read,
		Items:       "/data",
		Scopes:      []string{basic, pagesMetadata},
	}, func(ctx context.Context, s *session, in mailbox) (list, string, error) {
		b, err := s.inbox(ctx, in)
		if err != nil {
			return list{}, "", err
		}
		node := b.node
		if s.instagram() {
			node = "me"
		}
		return s.pageOf(ctx, b.request(graph.Request{Path: "/" + node + "/subscribed_apps"}))
	})
}
