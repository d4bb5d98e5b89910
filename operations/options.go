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
	PageID    string `json:"page_id"`
	IGUserID  string `json:"ig_user_id"`
	MediaID   string `json:"media_id"`
	CatalogID string `json:"catalog_id"`
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

type pageChoice struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Account struct {
		ID       string `json:"id"`
		Username string `json:"username"`
		Name     string `json:"name"`
	} `json:"instagram_business_account"`
}

func pageOptions(a *api) connector.OptionList {
	return options(a, "pages", func(ctx context.Context, s *session, _ optionInput, token string) ([]connector.Option, string, error) {
		if s.instagram() {
			return nil, "", nil // Instagram Login has no Pages
		}
		pages, next, err := s.pageChoices(ctx, token)
		var out []connector.Option
		for _, p := range pages {
			detail := "Page " + p.ID
			if p.Account.Username != "" {
				detail += ", linked to @" + p.Account.Username
			}
			out = append(out, option(p.ID, p.Name, detail))
		}
		return out, next, err
	})
}

func (s *session) pageChoices(ctx context.Context, token string) ([]pageChoice, string, error) {
	raw, next, err := s.optionPage(ctx, graph.Request{
		Path: "/me/accounts", Params: url.Values{"fields": {"id,name,instagram_business_account{id,username,name}"}},
	}, token)
	return decodeAll[pageChoice](raw), next, err
}

// decodeAll reads items, and leaves out what it cannot read.
func decodeAll[T any](raw []json.RawMessage) []T {
	var out []T
	for _, r := range raw {
		var v T
		if json.Unmarshal(r, &v) == nil {
			out = append(out, v)
		}
	}
	return out
}

func igUserOptions(a *api) connector.OptionList {
	return options(a, "ig_users", func(ctx context.Context, s *session, in optionInput, token string) ([]connector.Option, string, error) {
		if s.instagram() {
			user, err := a.instagramUser(ctx, s.key.Token, s.key.Proof)
			if err != nil {
				return nil, "", err
			}
			return []connector.Option{option(text(user.ID), "@"+user.Username, "Instagram account "+text(user.ID))}, "", nil
		}
		pages, next, err := s.pagesOf(ctx, in.PageID, token)
		var out []connector.Option
		for _, p := range pages {
			if u := p.Account; u.ID != "" {
				label := "@" + u.Username
				if u.Name != "" {
					label = u.Name + " (" + label + ")"
				}
				out = append(out, option(u.ID, label, "Instagram account "+u.ID+" of Page "+p.Name))
			}
		}
		return out, next, err
	})
}

// pagesOf returns one Page by its id, or all of the user's.
func (s *session) pagesOf(ctx context.Context, pageID, token string) ([]pageChoice, string, error) {
	if pageID == "" {
		return s.pageChoices(ctx, token)
	}
	var p pageChoice
	err := s.get(ctx, "/"+url.PathEscape(pageID), url.Values{"fields": {"id,name,instagram_business_account{id,username,name}"}}, &p)
	return []pageChoice{p}, "", err
}
