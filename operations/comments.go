package operations

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

const commentFields = "id,text,timestamp,username,like_count,hidden,from"

func listComments(a *api) connector.Operation {
	type input struct {
		MediaID string `json:"media_id"`
		paging
	}
	return handle(a, connector.Operation{
		Name:        "list_comments",
		Title:       "List comments",
		Summary:     "Lists the comments on a medium of the account, newest first, without replies.",
		Description: "Comments on ads are not listed by Meta; they come as events alone.",
		Effect:      connector.Read,
		Items:       "/data",
		Paginated:   true,
		Scopes:      []string{basic, manageComments, pagesRead},
	}, func(ctx context.Context, s *session, in input) (list, string, error) {
		return s.page(ctx, "/"+in.MediaID+"/comments", url.Values{
			"fields": {fieldsOr(in.Fields, commentFields)}, "limit": {limitOr(in.Limit, 50)},
		})
	})
}

func getComment(a *api) connector.Operation {
	type input struct {
		CommentID string   `json:"comment_id"`
		Fields    []string `json:"fields"`
	}
	return handle(a, connector.Operation{
		Name:        "get_comment",
		Title:       "Get comment",
		Summary:     "Reads one comment on a medium of the account.",
		Description: "A comment on somebody else's medium is read with *Get mentioned comment*.",
		Effect:      connector.Read,
		Scopes:      []string{basic, manageComments, pagesRead},
	}, func(ctx context.Context, s *session, in input) (json.RawMessage, string, error) {
		return s.node(ctx, in.CommentID, fieldsOr(in.Fields, commentFields+",parent_id,media"))
	})
}

func listCommentReplies(a *api) connector.Operation {
	type input struct {
		CommentID string `json:"comment_id"`
		paging
	}
	return handle(a, connector.Operation{
		Name:      "list_comment_replies",
		Title:     "List replies",
		Summary:   "Lists the replies to a comment.",
		Effect:    connector.Read,
		Items:     "/data",
		Paginated: true,
		Scopes:    []string{basic, manageComments, pagesRead},
	}, func(ctx context.Context, s *session, in input) (list, string, error) {
		return s.page(ctx, "/"+in.CommentID+"/replies", url.Values{
			"fields": {fieldsOr(in.Fields, commentFields+",parent_id")}, "limit": {limitOr(in.Limit, 50)},
		})
	})
}

func createComment(a *api) connector.Operation {
	type input struct {
		MediaID string `json:"media_id"`
		Message string `json:"message"`
	}
	op := handle(a, connector.Operation{
		Name:        "create_comment",
		Title:       "Create comment",
		Summary:     "Comments on a medium of the account.",
		Effect:      connector.Write,
		Idempotency: connector.NotIdempotent,
		Scopes:      []string{basic, manageComments, pagesRead},
	}, func(ctx context.Context, s *session, in input) (out created, _ string, _ error) {
		return out, "", s.post(ctx, "/"+in.MediaID+"/comments", url.Values{"message": {in.Message}}, &out)
	})
	return reconcile(a, op, func(ctx context.Context, s *session, in input, at time.Time) (created, bool, error) {
		var media struct {
			Username string `json:"username"`
		}
		if err := s.fields(ctx, "/"+in.MediaID, "username", &media); err != nil {
			return created{}, false, err
		}
		return s.findComment(ctx, "/"+in.MediaID+"/comments", media.Username, in.Message, at)
	})
}

func replyToComment(a *api) connector.Operation {
	type input struct {
		CommentID string `json:"comment_id"`
		Message   string `json:"message"`
	}
	op := handle(a, connector.Operation{
		Name:        "reply_to_comment",
		Title:       "Reply to comment",
		Summary:     "Answers a comment on a medium of the account, in public.",
		Description: "Replies have one level: an answer to a reply goes to the comment above it.",
		Effect:      connector.Write,
		Idempotency: connector.NotIdempotent,
		Scopes:      []string{basic, manageComments, pagesRead},
	}, func(ctx context.Context, s *session, in input) (out created, _ string, _ error) {
		return out, "", s.post(ctx, "/"+in.CommentID+"/replies", url.Values{"message": {in.Message}}, &out)
	})
	return reconcile(a, op, func(ctx context.Context, s *session, in input, at time.Time) (created, bool, error) {
		var about struct {
			ParentID string `json:"parent_id"`
			Media    struct {
				Username string `json:"username"`
			} `json:"media"`
		}
		if err := s.fields(ctx, "/"+in.CommentID, "parent_id,media{username}", &about); err != nil {
			return created{}, false, err
		}
		return s.findComment(ctx, "/"+firstOf(about.ParentID, in.CommentID)+"/replies", about.Media.Username, in.Message, at)
	})
}

func setCommentHidden(a *api) connector.Operation {
	type input struct {
		CommentID string `json:"comment_id"`
		Hidden    bool   `json:"hidden"`
	}
	return handle(a, connector.Operation{
		Name:        "set_comment_hidden",
		Title:       "Hide or show comment",
		Summary:     "Hides a comment from others, or shows it again.",
		Effect:      connector.Write,
		Idempotency: connector.Inherent,
		Scopes:      []string{basic, manageComments, pagesRead},
	}, func(ctx context.Context, s *session, in input) (done, string, error) {
		return s.change(ctx, graph.Request{
			Method: http.MethodPost, Path: "/" + in.CommentID, Params: url.Values{"hide": {strconv.FormatBool(in.Hidden)}},
		})
	})
}

func deleteComment(a *api) connector.Operation {
	type input struct {
		CommentID string `json:"comment_id"`
	}
	return handle(a, connector.Operation{
		Name:        "delete_comment",
		Title:       "Delete comment",
		Summary:     "Deletes a comment on a medium of the account.",
		Description: "Only the owner of the medium may, not the author of a comment elsewhere.",
		Effect:      connector.Destructive,
		Idempotency: connector.Inherent,
		Scopes:      []string{basic, manageComments, pagesRead},
	}, func(ctx context.Context, s *session, in input) (done, string, error) {
		return s.change(ctx, graph.Request{Method: http.MethodDelete, Path: "/" + in.CommentID})
	})
}

// unanswered is a comment without a reply of the account.
type unanswered struct {
	ID         string `json:"id"`
	Text       string `json:"text"`
	Timestamp  string `json:"timestamp"`
	Username   string `json:"username,omitempty"`
	LikeCount  int    `json:"like_count"`
	AgeSeconds int64  `json:"age_seconds"`
}

func listUnansweredComments(a *api) connector.Operation {
	type input struct {
		MediaID       string `json:"media_id"`
		MinAgeMinutes int    `json:"min_age_minutes"`
		Limit         int    `json:"limit"`
	}
	type output struct {
		Data []unanswered `json:"data"`
	}
	return handle(a, connector.Operation{
		Name:        "list_unanswered_comments",
		Title:       "List unanswered comments",
		Summary:     "Lists the comments on a medium that the account has not replied to, with their age.",
		Description: "A page may be empty although later pages are not: Meta lists all comments, and the answered ones are left out.",
		Effect:      connector.Read,
		Items:       "/data",
		Paginated:   true,
		Scopes:      []string{basic, manageComments, pagesRead},
	}, func(ctx context.Context, s *session, in input) (output, string, error) {
		var media struct {
			Username string `json:"username"`
		}
		if err := s.fields(ctx, "/"+in.MediaID, "username", &media); err != nil {
			return output{}, "", err
		}
		page, next, err := s.page(ctx, "/"+in.MediaID+"/comments", url.Values{
			"fields": {"id,text,timestamp,username,like_count,replies.limit(50){username}"}, "limit": {limitOr(in.Limit, 50)},
		})
		if err != nil {
			return output{}, "", err
		}
		out := output{Data: []unanswered{}}
		for _, c := range decodeAll[repliedComment](page.Data) {
			c.AgeSeconds = s.age(c.Timestamp)
			if !c.answeredBy(media.Username) && c.AgeSeconds >= int64(in.MinAgeMinutes)*60 {
				out.Data = append(out.Data, c.unanswered)
			}
		}
		return out, next, nil
	})
}

// repliedComment is a comment with who replied.
type repliedComment struct {
	unanswered
	Replies struct {
		Data []comment `json:"data"`
	} `json:"replies"`
}

// answeredBy reports whether the account wrote the comment, or a reply to it.
func (c repliedComment) answeredBy(username string) bool {
	if strings.EqualFold(c.Username, username) {
		return true
	}
	for _, r := range c.Replies.Data {
		if strings.EqualFold(r.Username, username) {
			return true
		}
	}
	return false
}

// age is how long ago something was, by Meta's clock.
func (s *session) age(timestamp string) int64 {
	t, ok := parseTime(timestamp)
	if !ok {
		return 0
	}
	return max(0, int64(s.now().Sub(t)/time.Second))
}
