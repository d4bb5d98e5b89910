package sandbox

import (
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
