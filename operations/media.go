package operations

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/storyloop/storyloop/connector"
)

// mediaFields are the fields of a medium that both login flavours and all living
// versions have, and that cost nothing extra.
const mediaFields = "id,caption,media_type,media_product_type,media_url,thumbnail_url,permalink,shortcode,timestamp,username,like_count,comments_count"

// ofAccount is the input of an operation that lists what an account has.
type ofAccount struct {
	PageID   string `json:"page_id"` // Only narrows the choice of accounts.
	IGUserID string `json:"ig_user_id"`
	paging
}

func listMedia(a *api) connector.Operation {
	type input struct {
		ofAccount
		Since string `json:"since"`
		Until string `json:"until"`
	}
	return handle(a, connector.Operation{
		Name:        "list_media",
		Title:       "List media",
		Summary:     "Lists an account's posts, reels and carousels, newest first.",
		Description: "Stories are not among them; *List stories* has those. Meta lists the 10,000 newest.",
		Effect:      connector.Read,
		Items:       "/data",
		Paginated:   true,
		Scopes:      []string{basic, pagesRead},
	}, func(ctx context.Context, s *session, in input) (list, string, error) {
		params := url.Values{"fields": {fieldsOr(in.Fields, mediaFields)}, "limit": {limitOr(in.Limit, 25)}}
		setTime(params, "since", in.Since)
		setTime(params, "until", in.Until)
		return s.page(ctx, "/"+in.IGUserID+"/media", params)
	})
}

func getMedia(a *api) connector.Operation {
	type input struct {
		MediaID string   `json:"media_id"`
		Fields  []string `json:"fields"`
	}
	return handle(a, connector.Operation{
		Name:    "get_media",
		Title:   "Get media",
		Summary: "Reads one post, reel, carousel or story.",
		Effect:  connector.Read,
		Scopes:  []string{basic, pagesRead},
	}, func(ctx context.Context, s *session, in input) (json.RawMessage, string, error) {
		return s.node(ctx, in.MediaID, fieldsOr(in.Fields, mediaFields))
	})
}

// node reads one object.
func (s *session) node(ctx context.Context, id, fields string) (json.RawMessage, string, error) {
	var node json.RawMessage
	err := s.get(ctx, "/"+url.PathEscape(id), url.Values{"fields": {fields}}, &node)
	return node, "", err
}
