package sandbox

import "slices"

// A subscription is the app's webhook for object instagram.
type subscription struct {
	url         string
	verifyToken string
	fields      []string
	values      bool // false: entries carry changed_fields only
	version     string
}

// webhookFields are what an app can subscribe to for object instagram.
var webhookFields = []string{
	"comments", "live_comments", "mentions", "story_insights",
	"messages", "message_echoes", "message_edit", "message_reactions", "messaging_postbacks", "messaging_seen",
	"messaging_referral", "messaging_optins", "messaging_handover", "standby",
	"messaging_policy_enforcement", "response_feedback",
	"comment_poll_response", "creator_marketplace_invited_creator_onboarding", "creator_marketplace_projects", "delta", "follow",
	"onboarding_welcome_message_series", "share_to_story", "story_poll_response", "story_reactions",
}

func (c *call) wantAppToken() error {
	if c.token.Kind != AppToken {
		return &apiError{code: 15, message: "(#15) This method must be called with an app access_token."}
	}
	return nil
}

func listSubscriptions(c *call) (any, error) {
	if err := c.wantAppToken(); err != nil {
		return nil, err
	}
	list := []object{}
	if sub := c.s.st.subscription; sub != nil {
		fields := []object{}
		for _, name := range sub.fields {
			fields = append(fields, object{{"name", name}, {"version", sub.version}})
		}
		list = append(list, object{{"object", "instagram"}, {"callback_url", sub.url}, {"active", true}, {"status", "active"}, {"fields", fields}})
	}
	return object{{"data", list}}, nil
}

// createSubscription sets the app's webhook after the callback has answered the verification
// question.
func createSubscription(c *call) (any, error) {
	if err := c.wantAppToken(); err != nil {
		return nil, err
	}
	sub := &subscription{
		url: c.params.get("callback_url"), verifyToken: c.params.get("verify_token"),
		fields: c.params.list("fields"), version: c.usedVersion(),
	}
	switch objectName := c.params.get("object"); {
	case objectName == "":
		return nil, missingParam("object")
	case objectName != "instagram":
		return nil, badParam("This app has no product for object %s", objectName)
	case sub.url == "" && c.s.st.subscription == nil:
		return nil, missingParam("callback_url")
	case sub.url != "" && sub.verifyToken == "":
		return nil, missingParam("verify_token")
	}
	sub.values = true
	if c.params.has("include_values") {
		sub.values, _ = c.params.truth("include_values")
	}
	for _, name := range sub.fields {
		if !slices.Contains(webhookFields, name) {
			return nil, badParam("Unknown field %s of object instagram", name)
		}
	}
	if sub.url == "" {
		sub.url, sub.verifyToken = c.s.st.subscription.url, c.s.st.subscription.verifyToken
	} else if err := c.verify(sub); err != nil {
		return nil, err
	}
	if old := c.s.st.subscription; old != nil && old.url == sub.url {
		for _, name := range old.fields {
			if !slices.Contains(sub.fields, name) {
				sub.fields = append(sub.fields, name)
			}
		}
	}
	c.s.st.subscription = sub
	return success(), nil
}

// verify asks the callback. The sandbox is not locked meanwhile: the callback may well call
// the sandbox before it answers.
func (c *call) verify(sub *subscription) error {
	c.s.mu.Unlock()
	err := c.s.handshake(sub)
	c.s.mu.Lock()
	if err != nil {
		return failSub(2200, 1349108, "Callback verification failed with the following errors: %s", err)
	}
	return nil
}

func deleteSubscription(c *call) (any, error) {
	if err := c.wantAppToken(); err != nil {
		return nil, err
	}
	fields := c.params.list("fields")
	sub := c.s.st.subscription
	if sub == nil {
		return success(), nil
	}
	for _, name := range fields {
		sub.fields = slices.DeleteFunc(sub.fields, func(f string) bool { return f == name })
	}
	if len(fields) == 0 || len(sub.fields) == 0 {
		c.s.st.subscription = nil
	}
	return success(), nil
}
