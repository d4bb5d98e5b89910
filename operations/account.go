package operations

import (
	"context"
	"net/url"

	"github.com/storyloop/storyloop/connector"
)

func listPages(a *api) connector.Operation {
	type input struct {
		Limit int `json:"limit"`
	}
	return handle(a, connector.Operation{
		Name:        "list_pages",
		Title:       "List Pages",
		Summary:     "Lists the Facebook Pages that the user manages, with the Instagram account linked to each.",
		Effect:      connector.Read,
		Items:       "/data",
		Paginated:   true,
		Scopes:      []string{pagesShowList},
		AuthMethods: facebookOnly,
	}, func(ctx context.Context, s *session, in input) (list, string, error) {
		return s.page(ctx, "/me/accounts", url.Values{
			"fields": {"id,name,tasks,instagram_business_account{id,username,name}"}, "limit": {limitOr(in.Limit, 25)},
		})
	})
}
