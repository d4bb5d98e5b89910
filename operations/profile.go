package operations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

const profileFields = "id,username,name,biography,website,profile_picture_url,followers_count,follows_count,media_count"

func getProfile(a *api) connector.Operation {
	type input struct {
		PageID   string   `json:"page_id"`
		IGUserID string   `json:"ig_user_id"`
		Fields   []string `json:"fields"`
	}
	return handle(a, connector.Operation{
		Name:    "get_profile",
		Title:   "Get profile",
		Summary: "Reads the account's own profile: name, biography, numbers of followers and media.",
		Effect:  connector.Read,
		Scopes:  []string{basic, pagesRead},
	}, func(ctx context.Context, s *session, in input) (json.RawMessage, string, error) {
		usual := profileFields
		if s.instagram() {
			usual += ",user_id,account_type"
		}
		return s.node(ctx, in.IGUserID, fieldsOr(in.Fields, usual))
	})
}

func getBusinessProfile(a *api) connector.Operation {
	type input struct {
		PageID      string   `json:"page_id"`
		IGUserID    string   `json:"ig_user_id"`
		Username    string   `json:"username"`
		Fields      []string `json:"fields"`
		MediaFields []string `json:"media_fields"`
		Limit       int      `json:"limit"`
	}
	return handle(a, connector.Operation{
		Name:        "get_business_profile",
		Title:       "Get business profile",
		Summary:     "Reads another professional account's public profile and media.",
		Description: "Each page holds the profile and a page of its media, newest first. Personal and age-gated accounts are not shown.",
		Effect:      connector.Read,
		Items:       "/media/data",
		Paginated:   true,
		Scopes:      []string{basic, manageInsights, pagesRead},
		AuthMethods: facebookOnly,
	}, func(ctx context.Context, s *session, in input) (json.RawMessage, string, error) {
		media := "media.limit(" + limitOr(in.Limit, 25) + ")"
		if after := graph.Cursor(s.call.Resume).Get("after"); after != "" {
			if strings.ContainsAny(after, "(){},.") { // it would be part of the fields
				return nil, "", connector.Invalid("", "bad_page_token", "The page token is not one of this operation.")
			}
			media += ".after(" + after + ")"
		}
		fields := fieldsOr(in.Fields, "id,username,name,biography,website,profile_picture_url,followers_count,follows_count,media_count") +
			"," + media + "{" + fieldsOr(in.MediaFields, "id,caption,media_type,media_product_type,media_url,permalink,timestamp,like_count,comments_count") + "}"
		node, _, err := s.nested(ctx, in.IGUserID, "business_discovery", "username("+in.Username+")", fields)
		if err != nil {
			return nil, "", err
		}
		next, err := nextDiscovered(node)
		return node, next, err
	})
}

// nextDiscovered returns the token of the next page of media. Discovery has cursors
// and no "next", so a page without media is the end.
func nextDiscovered(node json.RawMessage) (string, error) {
	var found struct {
		Media struct {
			Data   []json.RawMessage `json:"data"`
			Paging struct {
				Cursors struct {
					After string `json:"after"`
				} `json:"cursors"`
			} `json:"paging"`
		} `json:"media"`
	}
	if err := json.Unmarshal(node, &found); err != nil {
		return "", fmt.Errorf("reading discovered media: %w", err)
	}
	after := found.Media.Paging.Cursors.After
	if after == "" || len(found.Media.Data) == 0 {
		return "", nil
	}
	return url.Values{"after": {after}}.Encode(), nil
}

func getPublishingLimit(a *api) connector.Operation {
	type input struct {
		PageID   string `json:"page_id"`
		IGUserID string `json:"ig_user_id"`
		Since    string `json:"since"`
	}
	type output struct {
		QuotaUsage    int `json:"quota_usage"`
		QuotaTotal    int `json:"quota_total"`
		QuotaDuration int `json:"quota_duration"`
		Remaining     int `json:"remaining"`
	}
	return handle(a, connector.Operation{
		Name:    "get_publishing_limit",
		Title:   "Get publishing limit",
		Summary: "Tells how many posts the account may still publish within 24 hours.",
		Effect:  connector.Read,
		Scopes:  []string{basic, contentPublish, pagesRead},
	}, func(ctx context.Context, s *session, in input) (output, string, error) {
		var answer struct {
			Data []struct {
				Usage  int `json:"quota_usage"`
				Config struct {
					Total    int `json:"quota_total"`
					Duration int `json:"quota_duration"`
				} `json:"config"`
			} `json:"data"`
		}
		params := url.Values{"fields": {"config,quota_usage"}}
		setTime(params, "since", in.Since)
		if err := s.get(ctx, "/"+in.IGUserID+"/content_publishing_limit", params, &answer); err != nil {
			return output{}, "", err
		}
		if len(answer.Data) == 0 {
			return output{}, "", errors.New("no publishing limit in the answer")
		}
		d := answer.Data[0]
		return output{d.Usage, d.Config.Total, d.Config.Duration, max(0, d.Config.Total-d.Usage)}, "", nil
	})
}

// limitOr returns the page size that a user chose, or else the usual one.
func limitOr(chosen, usual int) string {
	if chosen == 0 {
		chosen = usual
	}
	return strconv.Itoa(chosen)
}
