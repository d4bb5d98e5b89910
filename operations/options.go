package operations

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

// options binds a list that wants a session. Meta does not search, so the search
// is within the page; a page without a match leads on to the next.
func options(a *api, name string, list func(context.Context, *session, optionInput, string) ([]connector.Option, string, error)) connector.OptionList {
	return connector.OptionList{Name: name, List: func(ctx context.Context, c *connector.Call, q connector.OptionQuery) (connector.OptionPage, error) {
		s, err := a.open(c)
		if err != nil {
			return connector.OptionPage{}, err
		}
		var in optionInput
		_ = json.Unmarshal(q.Input, &in) // an input that is being typed may be anything
		found, token := []connector.Option{}, q.PageToken
		for range maxPages {
			page, next, err := list(ctx, s, in, token)
			if err != nil {
				return connector.OptionPage{}, failure(err)
			}
			for _, o := range page {
				if matches(o, q.Search) {
					found = append(found, o)
				}
			}
			token = next
			if len(found) > 0 || token == "" {
				break
			}
		}
		return connector.OptionPage{Options: found, NextPageToken: token}, nil
	}}
}

// optionInput is what lists depend on.
type optionInput struct {
	PageID   string `json:"page_id"`
	IGUserID string `json:"ig_user_id"`
	MediaID  string `json:"media_id"`
	StoryID  string `json:"story_id"`
}

func matches(o connector.Option, search string) bool {
	search = strings.ToLower(strings.TrimSpace(search))
	return search == "" || strings.Contains(strings.ToLower(o.Label+"\n"+o.Detail+"\n"+string(o.Value)), search)
}

// option is a choice whose value is an id.
func option(id, label, detail string) connector.Option {
	value, _ := json.Marshal(id) // a string always marshals
	if label == "" {
		label = id
	}
	return connector.Option{Value: value, Label: label, Detail: detail}
}

// optionPage reads a page of an edge.
func (s *session) optionPage(ctx context.Context, r graph.Request, token string) ([]json.RawMessage, string, error) {
	r.Params = with(with(url.Values{"limit": {"50"}}, r.Params), graph.Cursor(token))
	resp, err := s.do(ctx, r)
	if err != nil {
		return nil, "", err
	}
	page, err := resp.Page()
	return page.Data, page.Next.Encode(), err
}
