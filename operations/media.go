package operations

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
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

func listMediaChildren(a *api) connector.Operation {
	type input struct {
		MediaID string   `json:"media_id"`
		Fields  []string `json:"fields"`
	}
	return handle(a, connector.Operation{
		Name:    "list_media_children",
		Title:   "List carousel items",
		Summary: "Lists the photos and videos of a carousel.",
		Effect:  connector.Read,
		Items:   "/data",
		Scopes:  []string{basic, pagesRead},
	}, func(ctx context.Context, s *session, in input) (list, string, error) {
		return s.page(ctx, "/"+in.MediaID+"/children", url.Values{
			"fields": {fieldsOr(in.Fields, "id,media_type,media_url,permalink,shortcode,thumbnail_url,timestamp")},
		})
	})
}

func listLiveMedia(a *api) connector.Operation {
	return handle(a, connector.Operation{
		Name:      "list_live_media",
		Title:     "List live media",
		Summary:   "Lists the live videos that the account is broadcasting now.",
		Effect:    connector.Read,
		Items:     "/data",
		Paginated: true,
		Scopes:    []string{basic, pagesRead},
	}, func(ctx context.Context, s *session, in ofAccount) (list, string, error) {
		return s.mediaOf(ctx, in, "live_media", "id,media_type,media_product_type,permalink,timestamp,username")
	})
}

func listTaggedMedia(a *api) connector.Operation {
	return handle(a, connector.Operation{
		Name:      "list_tagged_media",
		Title:     "List tagged media",
		Summary:   "Lists media in which others have tagged the account.",
		Effect:    connector.Read,
		Items:     "/data",
		Paginated: true,
		Scopes:    []string{basic, pagesRead},
	}, func(ctx context.Context, s *session, in ofAccount) (list, string, error) {
		return s.mediaOf(ctx, in, "tags", "id,caption,media_type,media_url,permalink,timestamp,username,like_count,comments_count")
	})
}

// mediaOf reads a page of one of an account's edges of media.
func (s *session) mediaOf(ctx context.Context, in ofAccount, edge, usual string) (list, string, error) {
	return s.page(ctx, "/"+in.IGUserID+"/"+edge, url.Values{
		"fields": {fieldsOr(in.Fields, usual)}, "limit": {limitOr(in.Limit, 25)},
	})
}

func deleteMedia(a *api) connector.Operation {
	type input struct {
		MediaID string `json:"media_id"`
	}
	return handle(a, connector.Operation{
		Name:        "delete_media",
		Title:       "Delete media",
		Summary:     "Deletes a post, reel, carousel or story of the account.",
		Effect:      connector.Destructive,
		Idempotency: connector.Inherent,
		Scopes:      []string{basic, manageContents, pagesRead},
		AuthMethods: facebookOnly,
	}, func(ctx context.Context, s *session, in input) (done, string, error) {
		return s.change(ctx, graph.Request{Method: http.MethodDelete, Path: "/" + in.MediaID})
	})
}

func setCommentsEnabled(a *api) connector.Operation {
	type input struct {
		MediaID string `json:"media_id"`
		Enabled bool   `json:"enabled"`
	}
	return handle(a, connector.Operation{
		Name:        "set_comments_enabled",
		Title:       "Allow or forbid comments",
		Summary:     "Switches comments on a medium on or off.",
		Effect:      connector.Write,
		Idempotency: connector.Inherent,
		Scopes:      []string{basic, manageComments, pagesRead},
	}, func(ctx context.Context, s *session, in input) (done, string, error) {
		return s.change(ctx, graph.Request{
			Method: http.MethodPost, Path: "/" + in.MediaID, Params: url.Values{"comment_enabled": {strconv.FormatBool(in.Enabled)}},
		})
	})
}

// node reads one object.
func (s *session) node(ctx context.Context, id, fields string) (json.RawMessage, string, error) {
	var node json.RawMessage
	err := s.fields(ctx, "/"+url.PathEscape(id), fields, &node)
	return node, "", err
}
