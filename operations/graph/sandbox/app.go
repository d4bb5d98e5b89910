package sandbox

import (
	"net/http"
	"slices"
	"sort"
	"time"
)

// debugToken is GET /debug_token: what a token is and why it does not work. The answer is 200
// also for a dead token.
func debugToken(c *call) (any, error) {
	input := c.params.get("input_token")
	if input == "" {
		return nil, missingParam("input_token")
	}
	if c.token.Kind != AppToken && c.token.Kind != UserToken {
		return nil, fail(100, "You must provide an app access token, or a user access token that is an owner or developer of the app")
	}
	t := c.s.st.tokens[input]
	if t == nil {
		found, err := c.s.token(input)
		if err != nil {
			return object{{"data", object{
				{"error", object{{"code", 190}, {"message", "Invalid OAuth access token - Cannot parse access token"}}},
				{"is_valid", false}, {"scopes", []string{}},
			}}}, nil
		}
		t = found
	}
	return object{{"data", c.describeToken(t)}}, nil
}

func (c *call) describeToken(t *Token) object {
	kind := t.Kind
	if kind == InstagramToken {
		kind = UserToken
	}
	out := object{
		{"app_id", c.s.app.id(t.flavour())}, {"type", kind}, {"application", c.s.app.Name},
	}
	if t.Kind == AppToken {
		return append(out, member{"is_valid", true}, member{"scopes", []string{}})
	}
	if bad := t.check(c.now); bad != nil {
		reason := object{{"code", 190}, {"message", bad.message}}
		if bad.subcode != 0 {
			reason = append(reason, member{"subcode", bad.subcode})
		}
		out = append(out, member{"error", reason})
	}
	out = append(out,
		member{"data_access_expires_at", unixOrZero(t.DataAccessEnds)},
		member{"expires_at", unixOrZero(t.Expires)},
		member{"is_valid", t.check(c.now) == nil},
	)
	if t.LongLived && !t.Issued.IsZero() {
		out = append(out, member{"issued_at", t.Issued.Unix()})
	}
	if t.Kind == PageToken {
		out = append(out, member{"profile_id", t.PageID})
	}
	out = append(out, member{"scopes", slices.Clone(t.Scopes)}, member{"granular_scopes", granularScopes(t)})
	user := t.UserID
	if t.Kind == InstagramToken {
		user = t.AccountID
	}
	return append(out, member{"user_id", user})
}

func granularScopes(t *Token) []object {
	list := []object{}
	for _, scope := range t.Scopes {
		entry := object{{"scope", scope}}
		if ids := t.Targets[scope]; len(ids) > 0 {
			entry = append(entry, member{"target_ids", slices.Clone(ids)})
		}
		list = append(list, entry)
	}
	return list
}

func unixOrZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// getApp is GET /<APP_ID>.
func getApp(c *call) (any, error) {
	return object{{"category", "Business"}, {"link", "https://www.facebook.com/games/?app_id=" + c.s.app.ID}, {"name", c.s.app.Name}, {"id", c.s.app.ID}}, nil
}

// listPermissions is GET /me/permissions.
func listPermissions(c *call) (any, error) {
	revoked := c.s.st.granted[c.token.UserID]
	list := []object{}
	for _, scope := range c.token.Scopes {
		list = append(list, object{{"permission", scope}, {"status", "granted"}})
	}
	for _, scope := range sortedKeys(revoked) {
		list = append(list, object{{"permission", scope}, {"status", "declined"}})
	}
	return object{{"data", list}}, nil
}

// revokePermissions is DELETE /me/permissions: one permission, or the whole app, after which
// the user's tokens are dead.
func revokePermissions(c *call) (any, error) {
	u, st := c.node.(*User), c.s.st
	scope := c.params.get("permission")
	if len(c.parts) == 3 {
		scope = c.parts[2]
	}
	if scope != "" && !slices.Contains(c.token.Scopes, scope) {
		return nil, badParam("The permission %s was not granted", scope)
	}
	for _, t := range st.tokens {
		if t.UserID != u.ID {
			continue
		}
		if scope == "" {
			t.Dead = 458
			continue
		}
		t.Scopes = slices.DeleteFunc(slices.Clone(t.Scopes), func(s string) bool { return s == scope })
	}
	if st.granted[u.ID] == nil {
		st.granted[u.ID] = map[string]bool{}
	}
	if scope != "" {
		st.granted[u.ID][scope] = true
	}
	return success(), nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

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
		if err := c.permit(fieldNeeds(name), http.MethodPost); err != nil {
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
