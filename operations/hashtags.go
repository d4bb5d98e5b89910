package operations

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/storyloop/storyloop/connector"
)

// hashtagMediaFields are all but "username", which Meta does not give away here.
const hashtagMediaFields = "id,caption,media_type,media_url,permalink,timestamp,like_count,comments_count"

// maxHashtags is how many different hashtags an account may query in seven days.
// Source: developers.facebook.com/docs/instagram-platform/instagram-api-with-facebook-login/hashtag-search.
const maxHashtags = 30

func searchHashtag(a *api) connector.Operation {
	type input struct {
		PageID   string `json:"page_id"`
		IGUserID string `json:"ig_user_id"`
		Hashtag  string `json:"hashtag"`
	}
	type output struct {
		ID string `json:"id"`
	}
	return handle(a, connector.Operation{
		Name:        "search_hashtag",
		Title:       "Search hashtag",
		Summary:     "Finds the id of a hashtag.",
		Description: "An account may query 30 different hashtags in 7 days; a hashtag counts once. *List searched hashtags* tells how many are left.",
		Effect:      connector.Read,
		Scopes:      []string{basic},
		AuthMethods: facebookOnly,
	}, func(ctx context.Context, s *session, in input) (output, string, error) {
		var answer struct { // a list in reality, bare in Meta's guide
			output
			Data []output `json:"data"`
		}
		err := s.get(ctx, "/ig_hashtag_search", url.Values{"user_id": {in.IGUserID}, "q": {in.Hashtag}}, &answer)
		if err != nil {
			return output{}, "", err
		}
		if len(answer.Data) > 0 {
			return answer.Data[0], "", nil
		}
		if answer.ID == "" {
			return output{}, "", &connector.Error{Kind: connector.NotFound, Applied: connector.AppliedNo, Message: "There is no such hashtag."}
		}
		return answer.output, "", nil
	})
}

func getHashtag(a *api) connector.Operation {
	type input struct {
		HashtagID string `json:"hashtag_id"`
	}
	return handle(a, connector.Operation{
		Name:        "get_hashtag",
		Title:       "Get hashtag",
		Summary:     "Reads a hashtag's name by its id.",
		Effect:      connector.Read,
		Scopes:      []string{basic},
		AuthMethods: facebookOnly,
	}, func(ctx context.Context, s *session, in input) (json.RawMessage, string, error) {
		return s.node(ctx, in.HashtagID, "id,name")
	})
}

func listHashtagTopMedia(a *api) connector.Operation {
	return hashtagMedia(a, "top_media", connector.Operation{
		Name:    "list_hashtag_top_media",
		Title:   "List top media of a hashtag",
		Summary: "Lists the most popular public media with a hashtag.",
	})
}

func listHashtagRecentMedia(a *api) connector.Operation {
	return hashtagMedia(a, "recent_media", connector.Operation{
		Name:    "list_hashtag_recent_media",
		Title:   "List recent media of a hashtag",
		Summary: "Lists the public media with a hashtag of the last 24 hours.",
	})
}

func hashtagMedia(a *api, edge string, op connector.Operation) connector.Operation {
	type input struct {
		PageID    string `json:"page_id"`
		IGUserID  string `json:"ig_user_id"`
		HashtagID string `json:"hashtag_id"`
		paging
	}
	op.Description = "Meta does not say whose media they are. Stories are not among them."
	op.Effect, op.Items, op.Paginated = connector.Read, "/data", true
	op.Scopes, op.AuthMethods = []string{basic}, facebookOnly
	return handle(a, op, func(ctx context.Context, s *session, in input) (list, string, error) {
		return s.page(ctx, "/"+in.HashtagID+"/"+edge, url.Values{
			"user_id": {in.IGUserID}, "fields": {fieldsOr(in.Fields, hashtagMediaFields)}, "limit": {limitOr(in.Limit, 50)},
		})
	})
}

func listSearchedHashtags(a *api) connector.Operation {
	type input struct {
		PageID   string `json:"page_id"`
		IGUserID string `json:"ig_user_id"`
	}
	type output struct {
		list
		Remaining int `json:"remaining"`
	}
	return handle(a, connector.Operation{
		Name:        "list_searched_hashtags",
		Title:       "List searched hashtags",
		Summary:     "Lists the hashtags that the account has queried in the last 7 days, and how many it may still.",
		Effect:      connector.Read,
		Items:       "/data",
		Scopes:      []string{basic},
		AuthMethods: facebookOnly,
	}, func(ctx context.Context, s *session, in input) (output, string, error) {
		found, _, err := s.page(ctx, "/"+in.IGUserID+"/recently_searched_hashtags", url.Values{
			"fields": {"id,name"}, "limit": {limitOr(0, maxHashtags)},
		})
		return output{found, max(0, maxHashtags-len(found.Data))}, "", err
	})
}
