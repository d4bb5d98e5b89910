package operations

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/storyloop/storyloop/operations/graph"
)

// comment is what is looked at to find a comment of ours again.
type comment struct {
	ID        string `json:"id"`
	Text      string `json:"text"`
	Timestamp string `json:"timestamp"`
	Username  string `json:"username"`
}

// decodeComments reads an edge of comments. An edge without any may be missing.
func decodeComments(edge json.RawMessage) ([]comment, error) {
	if len(edge) == 0 {
		return nil, nil
	}
	var page struct {
		Data []comment `json:"data"`
	}
	if err := json.Unmarshal(edge, &page); err != nil {
		return nil, fmt.Errorf("reading comments: %w", err)
	}
	return page.Data, nil
}

// findComment looks for a comment of ours among those of an edge, as findOwn does.
// Replies come oldest first, so that the newest may be on a later page.
func (s *session) findComment(ctx context.Context, path, username, text string, since time.Time) (created, bool, error) {
	params := url.Values{"fields": {"id,text,timestamp,username"}, "limit": {"50"}}
	for range maxPages {
		resp, err := s.do(ctx, graph.Request{Path: path, Params: params})
		if err != nil {
			return created{}, false, err
		}
		page, err := resp.Page()
		if err != nil {
			return created{}, false, err
		}
		if id, found := s.ours(decodeAll[comment](page.Data), username, text, since); found {
			return created{ID: id}, true, nil
		}
		if page.Next == nil {
			return created{}, false, nil
		}
		params = with(params, page.Next)
	}
	return created{}, false, precondition("There are too many comments to look through.", "Look at the post in the Instagram app.")
}

// findOwn looks for a comment of the account with that text, written since an
// attempt at it began. Meta writes times in whole seconds.
func (s *session) findOwn(ctx context.Context, account string, comments []comment, text string, since time.Time) (created, bool, error) {
	username, err := s.username(ctx, account)
	if err != nil {
		return created{}, false, err
	}
	id, found := s.ours(comments, username, text, since)
	return created{ID: id}, found, nil
}

// ours returns the comment that the account wrote with that text at or after a time
// of our clock.
func (s *session) ours(comments []comment, username, text string, since time.Time) (string, bool) {
	since = s.metaTime(since).Add(-clockSlack)
	for _, c := range comments {
		written, ok := parseTime(c.Timestamp)
		if ok && !written.Before(since) && strings.EqualFold(c.Username, username) && strings.TrimSpace(c.Text) == strings.TrimSpace(text) {
			return c.ID, true
		}
	}
	return "", false
}

// clockSlack allows for times in whole seconds, on both sides.
const clockSlack = 2 * time.Second

// username returns the name of an account of ours.
func (s *session) username(ctx context.Context, account string) (string, error) {
	var user struct {
		Username string `json:"username"`
	}
	err := s.fields(ctx, "/"+account, "username", &user)
	return user.Username, err
}
