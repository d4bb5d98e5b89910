package operations

import (
	"slices"

	"github.com/storyloop/storyloop/connector"
)

// triggers lists the kinds of events, in the order in which to show them.
func triggers(a *api) []connector.Trigger {
	anything := []string{basic, pagesMetadata, pagesRead, pagesShowList}
	comments := append(slices.Clone(anything), manageComments)
	messages := append(slices.Clone(anything), manageMessages)
	insights := append(slices.Clone(anything), manageInsights)
	media := []string{basic, pagesRead}
	return []connector.Trigger{
		a.pollable(a.pollComments, a.webhook(comments, connector.Trigger{
			Name: "comment_added", Title: "Comment added",
			Summary:     "Somebody comments on the account's media, or replies to a comment there.",
			Description: "Polled, it looks at the ten newest media, or at one that is named; comments on ads come by webhook alone.",
		}, "comments")),
		a.webhook(comments, connector.Trigger{
			Name: "live_comment_added", Title: "Live comment added",
			Summary: "Somebody comments on the account's live video.",
		}, "live_comments"),
		a.webhook(comments, connector.Trigger{
			Name: "mentioned_in_comment", Title: "Mentioned in a comment",
			Summary:     "Somebody @mentions the account in a comment on media of their own or of others.",
			Description: "With Instagram Login, Meta reports mentions as comments: list the account's username in the app's configuration, and a comment with it is reported here too.",
		}, "mentions"),
		a.webhook(comments, connector.Trigger{
			Name: "mentioned_in_caption", Title: "Mentioned in a caption",
			Summary:     "Somebody @mentions the account in the caption of a post of their own.",
			AuthMethods: facebookOnly,
		}, "mentions"),
		a.webhook(insights, connector.Trigger{
			Name: "story_expired", Title: "Story expired",
			Summary:     "One of the account's stories has ended; its final numbers come with it.",
			Description: "A number below 5 comes as -1.",
			AuthMethods: facebookOnly,
		}, "story_insights"),

		a.pollable(a.pollMessages, a.webhook(messages, connector.Trigger{
			Name: "message_received", Title: "Message received",
			Summary:     "A person writes to the account, or sends pictures, videos or files.",
			Description: "What has an event of its own does not come as this one too: replies to stories, mentions in stories, shared posts and products, quick replies.",
		}, "messages")),
		a.webhook(messages, connector.Trigger{
			Name: "message_echo", Title: "Message sent",
			Summary: "The account itself has sent a message, through the app or by hand.",
		}, "messages"),
		a.webhook(messages, connector.Trigger{
			Name: "message_deleted", Title: "Message unsent",
			Summary:     "A person takes a message back.",
			Description: "Meta's terms ask for the message to be deleted wherever it was kept.",
		}, "messages"),
		a.webhook(messages, connector.Trigger{
			Name: "message_edited", Title: "Message edited",
			Summary: "A person changes a message.",
		}, "message_edit"),
		a.webhook(messages, connector.Trigger{
			Name: "message_seen", Title: "Message seen",
			Summary: "A person has seen a message of the account.",
		}, "messaging_seen"),
		a.webhook(messages, connector.Trigger{
			Name: "message_reaction", Title: "Reaction to a message",
			Summary: "A person reacts to a message, or takes the reaction back.",
		}, "message_reactions"),
		a.webhook(messages, connector.Trigger{
			Name: "story_mentioned", Title: "Mentioned in a story",
			Summary:     "A person mentions the account in a story of their own.",
			Description: "It comes as a message with the address of the story. Meta's terms forbid to keep the medium.",
		}, "messages"),
		a.webhook(messages, connector.Trigger{
			Name: "story_replied", Title: "Story replied to",
			Summary: "A person answers a story of the account.",
		}, "messages"),
		a.webhook(messages, connector.Trigger{
			Name: "media_shared", Title: "Post shared",
			Summary: "A person sends the account a post, reel or story.",
		}, "messages"),
		a.webhook(messages, connector.Trigger{
			Name: "product_shared", Title: "Product shared",
			Summary: "A person sends the account a product of a shop.",
		}, "messages"),
		a.webhook(messages, connector.Trigger{
			Name: "quick_reply_selected", Title: "Quick reply selected",
			Summary: "A person taps on a quick reply.",
		}, "messages"),
		a.webhook(messages, connector.Trigger{
			Name: "postback_received", Title: "Button tapped",
			Summary: "A person taps on an ice breaker, a menu item or a button of a card.",
		}, "messaging_postbacks"),
		a.webhook(messages, connector.Trigger{
			Name: "referral_received", Title: "Referral received",
			Summary: "A person comes to a conversation by an ig.me link.",
		}, "messaging_referral"),
		a.webhook(messages, connector.Trigger{
			Name: "optin_received", Title: "Opt-in received",
			Summary:     "A person agrees to get notifications.",
			AuthMethods: instagramOnly,
		}, "messaging_optins"),
		a.webhook(messages, connector.Trigger{
			Name: "thread_control_changed", Title: "Conversation handed over",
			Summary: "A conversation passes from one app to another.",
		}, "messaging_handover"),
		a.webhook(messages, connector.Trigger{
			Name: "standby_message", Title: "Message while on standby",
			Summary: "A person writes while another app has the conversation.",
		}, "standby"),

		a.webhookOf(documentedFields, anything, connector.Trigger{
			Name: "any_event", Title: "Any event",
			Summary:     "Whatever Meta sends, known or not, as it came.",
			Description: "Every update comes as this event too, beside the event of its own kind.",
		}),

		a.pollable(a.pollMedia("media", "media_published", "media/"), connector.Trigger{
			Name: "media_published", Title: "Media published", Scopes: media,
			Summary: "The account has published a post, reel or carousel.",
		}),
		a.pollable(a.pollMedia("tags", "tagged_in_media", "tagged/"), connector.Trigger{
			Name: "tagged_in_media", Title: "Tagged in media", Scopes: media,
			Summary: "Somebody tags the account in a photo or video.",
		}),
		a.pollable(a.pollMedia("stories", "story_published", "story/"), connector.Trigger{
			Name: "story_published", Title: "Story published", Scopes: media,
			Summary: "The account has put up a story.",
		}),
	}
}

// documentedFields are all fields of webhooks that Meta documents for a login.
// Source: developers.facebook.com/docs/instagram-platform/webhooks.
func documentedFields(instagram bool) []string {
	fields := []string{
		"comments", "live_comments", "mentions", "messages", "message_edit", "message_reactions",
		"messaging_postbacks", "messaging_seen", "messaging_referral", "messaging_handover", "standby",
	}
	if instagram {
		return append(fields, "message_echoes", "messaging_optins")
	}
	return append(fields, "story_insights", "messaging_policy_enforcement", "response_feedback")
}

// fieldsOf names the webhook fields of a trigger, with either login.
type fieldsOf func(instagram bool) []string

// webhook completes a trigger whose events come in the same fields of Meta's
// webhooks with either login.
func (a *api) webhook(scopes []string, t connector.Trigger, fields ...string) connector.Trigger {
	return a.webhookOf(func(bool) []string { return fields }, scopes, t)
}

func (a *api) webhookOf(fields fieldsOf, scopes []string, t connector.Trigger) connector.Trigger {
	t.Webhook, t.Scopes = true, scopes
	t.Subscribe, t.Unsubscribe = a.subscribe(t.AuthMethods, fields), a.unsubscribe(fields)
	return t
}
