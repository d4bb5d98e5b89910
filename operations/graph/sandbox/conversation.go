package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	readableMessages = 20                  // of a conversation, the newest
	requestsLife     = 30 * 24 * time.Hour // of idle threads in the Requests folder
)

// last is when something was said.
func (t *Thread) last() time.Time {
	if len(t.Messages) == 0 {
		return time.Time{}
	}
	return t.Messages[len(t.Messages)-1].At
}

// readable says whether a message can still be read: only the newest 20 can.
func (t *Thread) readable(m *Message) bool {
	i := slices.Index(t.Messages, m)
	return i >= len(t.Messages)-readableMessages && !m.Unsent
}

// listConversations is GET /<Page>/conversations and GET /<IG user>/conversations.
func listConversations(c *call) (any, error) {
	q, err := c.query()
	if err != nil {
		return nil, err
	}
	if limit := c.s.usage.limits.ConversationsPerSecond; limit > 0 && c.account != nil &&
		c.s.usage.burst("conversations "+c.account.ID, limit, time.Second, c.now) {
		return nil, failSub(613, 2534040, "Calls to the Conversations API have exceeded the rate limit.")
	}
	platform := strings.ToLower(c.params.get("platform"))
	if platform != "" && platform != "instagram" && platform != "messenger" {
		return nil, badParam("Param platform must be one of {INSTAGRAM, MESSENGER} - got %q.", c.params.get("platform"))
	}
	var items []*Thread
	if platform == "instagram" || platform == "" && c.flavour == flavourInstagram {
		items = c.threads()
	}
	return listing[*Thread]{kind: c.s.kinds.thread, items: items, path: c.parts[0] + "/conversations"}.render(c, q)
}

// threads are the account's conversations as asked for, the one with the latest message first.
func (c *call) threads() []*Thread {
	if c.account == nil {
		return nil
	}
	folder, user := strings.ToLower(c.params.get("folder")), c.params.get("user_id")
	var items []*Thread
	for _, t := range c.s.st.threads {
		igsid := c.s.st.igsids[scopedKey{t.AccountID, t.PersonID}]
		if t.AccountID != c.account.ID || len(t.Messages) == 0 || user != "" && user != igsid || t.Spam != (folder == "spam") {
			continue
		}
		if t.Requests && c.now.Sub(t.last()) > requestsLife {
			continue
		}
		items = append(items, t)
	}
	slices.SortFunc(items, func(a, b *Thread) int {
		if order := b.last().Compare(a.last()); order != 0 {
			return order
		}
		return strings.Compare(a.ID, b.ID)
	})
	return items
}

func threadKind() *kind[*Thread] {
	return &kind[*Thread]{
		name: "UnifiedThread", id: func(t *Thread) string { return t.ID }, defaults: names("id", "updated_time"),
		fields: map[string]fieldOf[*Thread]{
			"updated_time":  plain(func(t *Thread) any { return t.last() }),
			"message_count": plain(func(t *Thread) any { return len(t.Messages) }),
			"unread_count":  plain(func(t *Thread) any { return t.unread() }),
			"folder": plain(func(t *Thread) any {
				switch {
				case t.Spam:
					return "spam"
				case t.Requests:
					return "requests"
				}
				return "inbox"
			}),
			"is_owner": {get: func(c *call, t *Thread, _ *field) (any, error) {
				return t.OwnerApp == "" || t.OwnerApp == c.s.app.ID, nil
			}},
			"can_reply": {get: func(c *call, t *Thread, _ *field) (any, error) { return c.mayWrite(t, false) == nil, nil }},
			"link": plain(func(t *Thread) any {
				return "https://www.instagram.com/direct/t/" + threadNumber(t.AccountID, t.PersonID)
			}),
			"name": {get: func(c *call, t *Thread, _ *field) (any, error) { return text(c.s.st.username(t.PersonID)), nil }},
			"participants": {get: func(c *call, t *Thread, _ *field) (any, error) {
				return object{{"data", []object{c.participant(t, t.AccountID), c.participant(t, t.PersonID)}}}, nil
			}},
			"messages": {get: func(c *call, t *Thread, f *field) (any, error) { return c.listMessages(t, queryOf(f)) }},
		},
	}
}

// unread are the messages since the account's last one: only a reply marks them as read.
func (t *Thread) unread() int {
	n := 0
	for _, m := range slices.Backward(t.Messages) {
		if m.FromID == t.AccountID {
			break
		}
		n++
	}
	return n
}

// participant is somebody of a conversation, as the account sees them.
func (c *call) participant(t *Thread, id string) object {
	if id == t.AccountID {
		return object{{"username", c.s.st.username(id)}, {"id", id}}
	}
	return object{{"username", c.s.st.username(id)}, {"id", c.s.st.igsids[scopedKey{t.AccountID, id}]}}
}

func (c *call) listMessages(t *Thread, q query) (any, error) {
	source := strings.ToUpper(c.params.get("source"))
	var items []messageAt
	for _, m := range slices.Backward(t.Messages) {
		if source != "PARTICIPANTS" || m.FromID == t.PersonID {
			items = append(items, messageAt{m, t})
		}
	}
	return listing[messageAt]{kind: c.s.kinds.message, items: items, path: t.ID + "/messages"}.render(c, q)
}

func getMessage(c *call) (any, error) {
	m := c.node.(messageAt)
	if !m.thread.readable(m.Message) {
		return nil, &apiError{code: 9000001, status: http.StatusBadRequest, message: "(#9000001) The message has been deleted."}
	}
	fields, err := c.fields()
	if err != nil {
		return nil, err
	}
	return render(c, c.s.kinds.message, m, fields)
}

// content is a field that only the newest messages still have.
func content(get func(c *call, m messageAt) any) fieldOf[messageAt] {
	return fieldOf[messageAt]{get: func(c *call, m messageAt, _ *field) (any, error) {
		if !m.thread.readable(m.Message) {
			return nil, nil
		}
		return get(c, m), nil
	}}
}

func messageKind() *kind[messageAt] {
	return &kind[messageAt]{
		name: "UnifiedMessage", id: func(m messageAt) string { return m.ID }, defaults: names("id", "created_time"),
		fields: map[string]fieldOf[messageAt]{
			"created_time": plain(func(m messageAt) any { return m.At }),
			"from":         content(func(c *call, m messageAt) any { return c.participant(m.thread, m.FromID) }),
			"to": content(func(c *call, m messageAt) any {
				other := m.thread.AccountID
				if m.FromID == other {
					other = m.thread.PersonID
				}
				return object{{"data", []object{c.participant(m.thread, other)}}}
			}),
			"message":     content(func(_ *call, m messageAt) any { return m.Text }),
			"attachments": content((*call).attachmentsOf),
			"reactions":   content((*call).reactionsOf),
			"shares":      content((*call).sharesOf),
			"story":       content((*call).storyOf),
			"is_unsupported": content(func(_ *call, m messageAt) any {
				if !m.Unsupported {
					return nil
				}
				return true
			}),
			"reply_to": content(func(_ *call, m messageAt) any {
				if m.ReplyTo == "" {
					return nil
				}
				i := slices.IndexFunc(m.thread.Messages, func(x *Message) bool { return x.ID == m.ReplyTo })
				return object{{"mid", m.ReplyTo}, {"is_self_reply", i >= 0 && m.thread.Messages[i].FromID == m.FromID}}
			}),
			"tags": content(func(_ *call, m messageAt) any {
				source := "source:mobile"
				if m.FromID == m.thread.AccountID {
					source = "source:api"
				}
				return object{{"data", []object{{{"name", "inbox"}}, {{"name", source}}}}}
			}),
		},
	}
}

func (c *call) attachmentsOf(m messageAt) any {
	var list []object
	for i, a := range m.Attachments {
		if a.URL == "" || a.Type == "story_mention" {
			continue
		}
		id := assetID(m.ID, i)
		url := c.base(hostMessageCDN) + assetPath(id)
		one := object{{"id", id}}
		switch a.Type {
		case "image":
			one = append(one, member{"image_data", object{{"url", url}, {"width", 1080}, {"height", 1080}}})
		case "video":
			one = append(one, member{"video_data", object{{"url", url}, {"width", 720}, {"height", 1280}}})
		default:
			one = append(one, member{"name", a.Type + "-" + id}, member{"file_url", url})
		}
		list = append(list, one)
	}
	if list == nil {
		return nil
	}
	return object{{"data", list}}
}

func (c *call) reactionsOf(m messageAt) any {
	if len(m.Reactions) == 0 {
		return nil
	}
	var list []object
	for _, r := range m.Reactions {
		list = append(list, object{{"reaction", r.Emoji}, {"users", []object{c.participant(m.thread, r.FromID)}}})
	}
	return object{{"data", list}}
}

func (c *call) sharesOf(m messageAt) any {
	var list []object
	for _, a := range m.Attachments {
		switch {
		case a.MediaID != "":
			media := c.s.st.media[a.MediaID]
			if media != nil {
				list = append(list, object{{"link", c.s.st.permalink(media)}})
			}
		case len(a.ProductIDs) > 0:
			list = append(list, object{{"template", object{{"payload", object{{"product", object{{"elements", object{{"data", c.s.productElements(a.ProductIDs, "name", "price")}}}}}}}}}})
		}
	}
	if list == nil {
		return nil
	}
	return object{{"data", list}}
}

func (c *call) storyOf(m messageAt) any {
	if m.Story == nil {
		return nil
	}
	link := c.base(hostMessageCDN) + assetPath(m.Story.MediaID)
	kind := "reply_to"
	if m.Story.Kind == "mention" {
		kind = "mention"
	}
	return object{{kind, object{{"link", link}, {"id", m.Story.MediaID}}}}
}

func (s *Sandbox) productElements(ids []string, titleKey, priceKey string) []object {
	var list []object
	for _, id := range ids {
		p := s.st.products[id]
		if p == nil {
			continue
		}
		list = append(list, object{{"id", id}, {"retailer_id", p.RetailerID}, {"image_url", p.ImageURL}, {titleKey, p.Name}, {priceKey, p.Price}})
	}
	return list
}

func assetID(mid string, i int) string {
	return "1799" + digits(mid+string(rune('a'+i)), 13)
}

func assetPath(id string) string {
	return "/ig_messaging_cdn/?asset_id=" + id + "&signature=Abx" + secretText(id, 12)
}

// getPerson is GET /<IGSID>: the profile of somebody who has written.
func getPerson(c *call) (any, error) {
	who := c.node.(scopedPerson)
	key := scopedKey{who.account.ID, who.person.ID}
	t := c.s.st.threadOf[key]
	if t == nil || t.opened().IsZero() {
		return nil, fail(230, "User consent is required to access user profile")
	}
	if c.s.st.blocked[key] || slices.Contains(who.person.BlockedBy, who.account.ID) {
		return nil, notFound(c.method, c.parts[0])
	}
	fields, err := c.fields()
	if err != nil {
		return nil, err
	}
	return render(c, c.s.kinds.person, who, fields)
}

func (c *call) igsid(who scopedPerson) string {
	return c.s.st.igsids[scopedKey{who.account.ID, who.person.ID}]
}

func personKind() *kind[scopedPerson] {
	return &kind[scopedPerson]{
		name: "IGUserForMessaging", shown: (*call).igsid, defaults: names("name", "username", "id"),
		fields: map[string]fieldOf[scopedPerson]{
			"name":     plain(func(p scopedPerson) any { return text(p.person.Name) }),
			"username": plain(func(p scopedPerson) any { return p.person.Username }),
			"profile_pic": {get: func(c *call, p scopedPerson, _ *field) (any, error) {
				return c.cdn("profile", c.igsid(p), ".jpg"), nil
			}},
			"follower_count":          plain(func(p scopedPerson) any { return p.person.Followers }),
			"is_user_follow_business": plain(func(p scopedPerson) any { return slices.Contains(p.person.Follows, p.account.ID) }),
			"is_business_follow_user": plain(func(p scopedPerson) any { return slices.Contains(p.person.FollowedBy, p.account.ID) }),
			"is_verified_user":        plain(func(p scopedPerson) any { return p.person.Verified }),
		},
	}
}
