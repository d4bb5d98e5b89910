package operations

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
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

// findOwn looks for a comment of the account with that text, written since an
// attempt at it began. Meta writes times in whole seconds.
func (s *session) findOwn(ctx context.Context, account string, comments []comment, text string, since time.Time) (created, bool, error) {
	username, err := s.username(ctx, account)
	if err != nil {
		return created{}, false, err
	}
	since = s.metaTime(since).Add(-clockSlack)
	for _, c := range comments {
		written, ok := parseTime(c.Timestamp)
		if ok && !written.Before(since) && strings.EqualFold(c.Username, username) && strings.TrimSpace(c.Text) == strings.TrimSpace(text) {
			return created{ID: c.ID}, true, nil
		}
	}
	return created{}, false, nil
}

// clockSlack allows for times in whole seconds, on both sides.
const clockSlack = 2 * time.Second

// username returns the name of an account of ours.
func (s *session) username(ctx context.Context, account string) (string, error) {
	var user struct {
		Username string `json:"username"`
	}
	err := s.get(ctx, "/"+account, url.Values{"fields": {"username"}}, &user)
	return user.Username, err
}
