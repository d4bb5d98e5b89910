package operations

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"github.com/storyloop/storyloop/connector"
)

const (
	mentionedCommentFields = "id,text,timestamp,like_count,username,media{id,media_url}"
	mentionedMediaFields   = "id,caption,media_type,media_url,timestamp,like_count,comments_count,username"
)

func getMentionedComment(a *api) connector.Operation {
	type input struct {
		PageID    string   `json:"page_id"`
		IGUserID  string   `json:"ig_user_id"`
		CommentID string   `json:"comment_id"`
		Fields    []string `json:"fields"`
	}
	return handle(a, connector.Operation{
		Name:        "get_mentioned_comment",
		Title:       "Get mentioned comment",
		Summary:     "Reads a comment on somebody else's media in which the account is @mentioned.",
		Effect:      connector.Read,
		Scopes:      []string{basic, manageComments, pagesRead, pagesShowList},
		AuthMethods: facebookOnly,
	}, func(ctx context.Context, s *session, in input) (json.RawMessage, string, error) {
		return s.nested(ctx, in.IGUserID, "mentioned_comment", "comment_id("+in.CommentID+")", fieldsOr(in.Fields, mentionedCommentFields))
	})
}

func getMentionedMedia(a *api) connector.Operation {
	type input struct {
		PageID   string   `json:"page_id"`
		IGUserID string   `json:"ig_user_id"`
		MediaID  string   `json:"media_id"`
		Fields   []string `json:"fields"`
	}
	return handle(a, connector.Operation{
		Name:        "get_mentioned_media",
		Title:       "Get mentioned media",
		Summary:     "Reads somebody else's media in whose caption the account is @mentioned.",
		Effect:      connector.Read,
		Scopes:      []string{basic, manageComments, pagesRead, pagesShowList},
		AuthMethods: facebookOnly,
	}, func(ctx context.Context, s *session, in input) (json.RawMessage, string, error) {
		return s.nested(ctx, in.IGUserID, "mentioned_media", "media_id("+in.MediaID+")", fieldsOr(in.Fields, mentionedMediaFields))
	})
}

// nested reads a field of an account that takes an argument: Meta has no node of
// its own for what belongs to somebody else.
func (s *session) nested(ctx context.Context, account, field, argument, fields string) (json.RawMessage, string, error) {
	var node map[string]json.RawMessage
	err := s.fields(ctx, "/"+account, field+"."+argument+"{"+fields+"}", &node)
	if err != nil {
		return nil, "", err
	}
	if len(node[field]) == 0 {
		return nil, "", &connector.Error{
			Kind: connector.NotFound, Applied: connector.AppliedNo,
			Message: "Instagram shows nothing of that id to the account.",
		}
	}
	return node[field], "", nil
}

type replyToMentionInput struct {
	PageID    string `json:"page_id"`
	IGUserID  string `json:"ig_user_id"`
	MediaID   string `json:"media_id"`
	CommentID string `json:"comment_id"`
	Message   string `json:"message"`
}

func replyToMention(a *api) connector.Operation {
	op := handle(a, connector.Operation{
		Name:        "reply_to_mention",
		Title:       "Reply to mention",
		Summary:     "Answers a comment or caption in which the account is @mentioned.",
		Description: "With a comment id the answer goes to the comment, without one to the media whose caption mentions the account. Both ids come with the trigger.",
		Effect:      connector.Write,
		Idempotency: connector.NotIdempotent,
		Scopes:      []string{basic, manageComments, pagesRead, pagesShowList},
	}, func(ctx context.Context, s *session, in replyToMentionInput) (created, string, error) {
		params := url.Values{"media_id": {in.MediaID}, "message": {in.Message}}
		if in.CommentID != "" {
			params.Set("comment_id", in.CommentID)
		}
		var out created
		return out, "", s.post(ctx, "/"+in.IGUserID+"/mentions", params, &out)
	})
	return reconcile(a, op, reconcileMention)
}

// reconcileMention looks for the answer among the comments on the media, or among
// the replies to the comment.
func reconcileMention(ctx context.Context, s *session, in replyToMentionInput, at time.Time) (created, bool, error) {
	field, argument, edge := "mentioned_media", "media_id("+in.MediaID+")", "comments"
	if in.CommentID != "" {
		field, argument, edge = "mentioned_comment", "comment_id("+in.CommentID+")", "replies"
	}
	node, _, err := s.nested(ctx, in.IGUserID, field, argument, edge+"{id,text,timestamp,username}")
	if err != nil {
		return created{}, false, err
	}
	var found map[string]json.RawMessage
	if err := json.Unmarshal(node, &found); err != nil {
		return created{}, false, err
	}
	comments, err := decodeComments(found[edge])
	if err != nil {
		return created{}, false, err
	}
	return s.findOwn(ctx, in.IGUserID, comments, in.Message, at)
}
