package operations

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

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
			user, err := s.me(ctx)
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
	err := s.fields(ctx, "/"+url.PathEscape(pageID), "id,name,instagram_business_account{id,username,name}", &p)
	return []pageChoice{p}, "", err
}

func mediaOptions(a *api) connector.OptionList {
	return a.ofAccount("media", "media")
}

func storyOptions(a *api) connector.OptionList {
	return a.ofAccount("stories", "stories")
}

// ofAccount lists an edge of media of the account that the input names, or of all
// accounts.
func (a *api) ofAccount(name, edge string) connector.OptionList {
	type medium struct {
		ID, Caption, Username, Permalink, Timestamp string
		Type                                        string `json:"media_type"`
		Product                                     string `json:"media_product_type"`
	}
	return options(a, name, func(ctx context.Context, s *session, in optionInput, token string) ([]connector.Option, string, error) {
		return s.overAccounts(ctx, in, token, func(account, token string) ([]connector.Option, string, error) {
			raw, next, err := s.optionPage(ctx, graph.Request{
				Path: "/" + account + "/" + edge, Params: url.Values{"fields": {"id,caption,username,media_type,media_product_type,permalink,timestamp"}},
			}, token)
			var out []connector.Option
			for _, m := range decodeAll[medium](raw) {
				label := short(m.Caption)
				if label == "" {
					label = strings.ToLower(strings.TrimSpace(m.Product+" "+m.Type)) + " of " + strings.TrimSuffix(m.Timestamp, "+0000")
				}
				out = append(out, option(m.ID, label, "@"+m.Username+" "+m.Timestamp+" "+m.Permalink))
			}
			return out, next, err
		})
	})
}

// accountOf returns the account that the input names, or the first that the
// credential can reach.
func (s *session) accountOf(ctx context.Context, in optionInput) (string, error) {
	if in.IGUserID != "" {
		return url.PathEscape(in.IGUserID), nil
	}
	if s.instagram() {
		return "me", nil
	}
	pages, _, err := s.pagesOf(ctx, in.PageID, "")
	for _, p := range pages {
		if p.Account.ID != "" {
			return p.Account.ID, nil
		}
	}
	if err != nil {
		return "", err
	}
	return "", noAccount()
}

func noAccount() error {
	return precondition("None of the user's Pages has an Instagram account.", "Link one in the Page's settings.")
}

// short cuts a text to what fits into a line of a dropdown.
func short(text string) string {
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > 60 {
		return string(runes[:59]) + "…"
	}
	return string(runes)
}

// commentOptions lists the comments of a medium, or else those of the newest media.
func commentOptions(a *api) connector.OptionList {
	return options(a, "comments", func(ctx context.Context, s *session, in optionInput, token string) ([]connector.Option, string, error) {
		if in.MediaID == "" {
			return s.overAccounts(ctx, in, token, func(account, token string) ([]connector.Option, string, error) {
				return s.latestComments(ctx, account, token)
			})
		}
		raw, next, err := s.optionPage(ctx, graph.Request{
			Path: "/" + url.PathEscape(in.MediaID) + "/comments", Params: url.Values{"fields": {"id,text,timestamp,username"}},
		}, token)
		var out []connector.Option
		for _, c := range decodeAll[comment](raw) {
			out = append(out, option(c.ID, short(c.Text), "@"+c.Username+", "+c.Timestamp))
		}
		return out, next, err
	})
}

// latestComments lists some comments of each of the account's newest media.
func (s *session) latestComments(ctx context.Context, account, token string) ([]connector.Option, string, error) {
	type medium struct {
		Caption, Username string
		Comments          struct{ Data []comment }
	}
	raw, next, err := s.optionPage(ctx, graph.Request{
		Path:   "/" + account + "/media",
		Params: url.Values{"fields": {"id,caption,username,comments.limit(10){id,text,timestamp,username}"}, "limit": {"10"}},
	}, token)
	var out []connector.Option
	for _, m := range decodeAll[medium](raw) {
		for _, c := range m.Comments.Data {
			detail := strings.TrimSpace("@" + c.Username + ", " + c.Timestamp + ", to @" + m.Username + " " + short(m.Caption))
			out = append(out, option(c.ID, short(c.Text), detail))
		}
	}
	return out, next, err
}

func conversationOptions(a *api) connector.OptionList {
	type conversation struct {
		ID           string
		Updated      string `json:"updated_time"`
		Participants struct {
			Data []person
		}
	}
	return options(a, "conversations", func(ctx context.Context, s *session, in optionInput, token string) ([]connector.Option, string, error) {
		account, err := s.accountOf(ctx, in)
		if err != nil {
			return nil, "", err
		}
		b, err := s.inbox(ctx, mailbox{PageID: in.PageID, IGUserID: account})
		if err != nil {
			return nil, "", err
		}
		raw, next, err := s.optionPage(ctx, b.request(graph.Request{
			Path: "/" + b.node + "/conversations", Params: with(b.platform(), url.Values{"fields": {conversationFields}}),
		}), token)
		var out []connector.Option
		for _, c := range decodeAll[conversation](raw) {
			var names []string
			for _, p := range c.Participants.Data {
				if p.ID != account && p.ID != b.node {
					names = append(names, "@"+p.Username)
				}
			}
			out = append(out, option(c.ID, strings.Join(names, ", "), "last message "+c.Updated))
		}
		return out, next, err
	})
}

func searchedHashtagOptions(a *api) connector.OptionList {
	type hashtag struct{ ID, Name string }
	return edgeOptions(a, "hashtags_searched", "recently_searched_hashtags", url.Values{"fields": {"id,name"}, "limit": {"30"}}, func(h hashtag) connector.Option {
		return option(h.ID, "#"+h.Name, "Hashtag "+h.ID)
	})
}

func catalogOptions(a *api) connector.OptionList {
	type catalog struct {
		ID   json.RawMessage `json:"catalog_id"`
		Name string          `json:"catalog_name"`
		Shop string          `json:"shop_name"`
	}
	return edgeOptions(a, "catalogs", "available_catalogs", url.Values{"fields": {"catalog_id,catalog_name,shop_name,product_count"}}, func(c catalog) connector.Option {
		return option(text(c.ID), c.Name, c.Shop)
	})
}

// edgeOptions lists what is at an edge of the account that only a Facebook login
// has; with the other there are no choices.
func edgeOptions[T any](a *api, name, edge string, params url.Values, show func(T) connector.Option) connector.OptionList {
	return options(a, name, func(ctx context.Context, s *session, in optionInput, token string) ([]connector.Option, string, error) {
		if s.instagram() {
			return nil, "", nil
		}
		account, err := s.accountOf(ctx, in)
		if err != nil {
			return nil, "", err
		}
		raw, next, err := s.optionPage(ctx, graph.Request{Path: "/" + account + "/" + edge, Params: params}, token)
		var out []connector.Option
		for _, one := range decodeAll[T](raw) {
			out = append(out, show(one))
		}
		return out, next, err
	})
}

// metricOptions lists the metrics that a medium has in the version that is spoken;
// without a medium, those of the account.
func metricOptions(a *api) connector.OptionList {
	return options(a, "insight_metrics", func(ctx context.Context, s *session, in optionInput, _ string) ([]connector.Option, string, error) {
		of := subject{product: user}
		switch {
		case in.StoryID != "":
			of = subject{product: story, published: s.now()}
		case in.MediaID != "":
			var err error
			if of, err = s.subjectOf(ctx, url.PathEscape(in.MediaID)); err != nil {
				return nil, "", err
			}
		}
		var out []connector.Option
		for _, m := range metrics {
			ask, _ := s.choose([]string{m.name}, of)
			if len(ask) > 0 {
				out = append(out, option(m.name, strings.ReplaceAll(m.name, "_", " "), strings.ToLower(strings.Join(m.products, ", "))))
			}
		}
		return out, "", nil
	})
}
