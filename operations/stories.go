package operations

import (
	"context"
	"encoding/json"

	"github.com/storyloop/storyloop/connector"
)

func listStories(a *api) connector.Operation {
	return handle(a, connector.Operation{
		Name:        "list_stories",
		Title:       "List stories",
		Summary:     "Lists the stories that an account has up now.",
		Description: "A story is up for 24 hours. Live videos and stories re-shared from others are not listed.",
		Effect:      connector.Read,
		Items:       "/data",
		Paginated:   true,
		Scopes:      []string{basic, pagesRead},
	}, func(ctx context.Context, s *session, in ofAccount) (list, string, error) {
		return s.mediaOf(ctx, in, "stories", mediaFields)
	})
}

func getStory(a *api) connector.Operation {
	type input struct {
		StoryID string   `json:"story_id"`
		Fields  []string `json:"fields"`
	}
	return handle(a, connector.Operation{
		Name:    "get_story",
		Title:   "Get story",
		Summary: "Reads one story.",
		Effect:  connector.Read,
		Scopes:  []string{basic, pagesRead},
	}, func(ctx context.Context, s *session, in input) (json.RawMessage, string, error) {
		return s.node(ctx, in.StoryID, fieldsOr(in.Fields, mediaFields))
	})
}
