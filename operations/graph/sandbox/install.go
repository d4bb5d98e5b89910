package sandbox

import (
	"slices"
)

// pageFields are enough to install an app on a Page; any of them is. Those of object
// instagram's messaging count too.
var pageFields = []string{
	"feed", "messages", "mention", "conversations", "ratings", "live_videos", "name", "picture", "category", "description",
	"message_deliveries", "message_reads", "inbox_labels", "leadgen", "affiliation", "attire", "awards", "bio", "birthday",
	"business_integrity", "email", "founded", "general_info", "hours", "location", "members", "mission", "parking", "payment_options",
	"phone", "products", "standby", "website", "publisher_subscriptions", "page_change_proposal", "page_upcoming_change",
}

func installOnPage(c *call) (any, error) {
	p, fields := c.node.(*Page), c.params.list("subscribed_fields")
	if len(fields) == 0 {
		return nil, missingParam("subscribed_fields")
	}
	for _, name := range fields {
		if !slices.Contains(pageFields, name) && !slices.Contains(webhookFields, name) {
			return nil, badParam("Param subscribed_fields[0] must be one of {feed, messages, ...} - got \"%s\".", name)
		}
	}
	p.Installed = fields
	return success(), nil
}

func pageInstallations(c *call) (any, error) {
	p := c.node.(*Page)
	list := []object{}
	if len(p.Installed) > 0 {
		list = append(list, object{
			{"category", "Business"}, {"link", "https://www.facebook.com/games/?app_id=" + c.s.app.ID},
			{"name", c.s.app.Name}, {"id", c.s.app.ID}, {"subscribed_fields", slices.Clone(p.Installed)},
		})
	}
	return object{{"data", list}}, nil
}

func uninstallFromPage(c *call) (any, error) {
	c.node.(*Page).Installed = nil
	return success(), nil
}

// instagramFields are the values of subscribed_fields for Instagram Login, as Meta's spec of
// IGUserForIGOnlyAPI lists them, and message_echoes, which its documents have.
var instagramFields = []string{
	"comment_poll_response", "comments", "creator_marketplace_invited_creator_onboarding", "creator_marketplace_projects", "delta", "follow",
	"live_comments", "mentions", "message_echoes", "message_edit", "message_reactions", "messages", "messaging_handover", "messaging_optins",
	"messaging_postbacks", "messaging_referral", "messaging_seen", "onboarding_welcome_message_series", "share_to_story", "standby",
	"story_insights", "story_poll_response", "story_reactions",
}

func installOnAccount(c *call) (any, error) {
	fields := c.params.list("subscribed_fields")
	if len(fields) == 0 {
		return nil, missingParam("subscribed_fields")
	}
	for _, name := range fields {
		if !slices.Contains(instagramFields, name) {
			return nil, badParam("Param subscribed_fields[0] must be one of {comments, messages, ...} - got \"%s\".", name)
		}
		if err := c.permit(fieldNeeds(name)); err != nil {
			return nil, err
		}
	}
	c.node.(*Account).Installed = fields
	return success(), nil
}

// fieldNeeds is the scope that a webhook field takes with Instagram Login.
func fieldNeeds(field string) []need {
	switch field {
	case "comments", "live_comments", "mentions":
		return needs("instagram_business_manage_comments")
	case "story_insights":
		return needs("instagram_business_manage_insights")
	case "messages", "message_echoes", "message_edit", "message_reactions", "messaging_postbacks", "messaging_seen", "messaging_referral", "messaging_optins", "messaging_handover", "standby":
		return needs("instagram_business_manage_messages")
	}
	return nil
}

func accountInstallations(c *call) (any, error) {
	list := []object{}
	if fields := c.node.(*Account).Installed; len(fields) > 0 {
		list = append(list, object{{"app_id", c.s.app.InstagramID}, {"subscribed_fields", slices.Clone(fields)}})
	}
	return object{{"data", list}}, nil
}

func uninstallFromAccount(c *call) (any, error) {
	c.node.(*Account).Installed = nil
	return success(), nil
}
