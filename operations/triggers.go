package operations

import (
	"github.com/storyloop/storyloop/connector"
)

// triggers lists the kinds of events, in the order in which to show them.
func triggers(a *api) []connector.Trigger {
	comments, messages := []string{basic, manageComments, pagesMetadata}, []string{basic, manageMessages, pagesMetadata}
	return []connector.Trigger{
		a.webhook("comments", connector.Trigger{
			Name: "comment_added", Title: "Comment added", Scopes: comments,
			Summary: "Somebody comments on the account's media, or replies to a comment there.",
		}),
		a.webhook("mentions", connector.Trigger{
			Name: "mentioned_in_comment", Title: "Mentioned in a comment", Scopes: comments,
			Summary:     "Somebody @mentions the account in a comment on media of their own or of others.",
			Description: "With Instagram Login, Meta reports mentions as comments: list the account's username in the app's configuration, and a comment with it is reported here too.",
		}),
		a.webhook("mentions", connector.Trigger{
			Name: "mentioned_in_caption", Title: "Mentioned in a caption", Scopes: comments,
			Summary: "Somebody @mentions the account in the caption of a post of their own.",
		}),
		a.webhook("story_insights", connector.Trigger{
			Name: "story_expired", Title: "Story expired", Scopes: []string{basic, manageInsights, pagesMetadata},
			Summary:     "One of the account's stories has ended; its final numbers come with it.",
			Description: "Facebook Login only. A number below 5 comes as -1.",
		}),
		a.webhook("messages", connector.Trigger{
			Name: "any_event", Title: "Any event", Scopes: messages[:1],
			Summary:     "Whatever Meta sends, known or not, as it came.",
			Description: "Every update comes as this event too, beside the event of its own kind.",
		}),
	}
}

// webhook completes a trigger whose events come in a field of Meta's webhooks.
func (a *api) webhook(field string, t connector.Trigger) connector.Trigger {
	t.Webhook = true
	t.Subscribe, t.Unsubscribe = a.subscribe(field), a.unsubscribe(field)
	return t
}
