package sandbox

import (
	"slices"
	"strings"
)

// mostMedia is how far back an account's media can be read.
const mostMedia = 10_000

func (c *call) listMedia(a *Account, q query) (any, error) {
	items := c.s.st.feed[a.ID]
	if len(items) > mostMedia {
		items = items[:mostMedia]
	}
	items, err := c.between(items, q)
	if err != nil {
		return nil, err
	}
	return listing[*Media]{kind: c.s.kinds.media, items: items, path: a.ID + "/media"}.render(c, q)
}

func (c *call) listStories(a *Account, q query) (any, error) {
	return listing[*Media]{kind: c.s.kinds.media, items: c.s.st.liveStories(a.ID, c.now), path: a.ID + "/stories"}.render(c, q)
}

func (c *call) listTags(a *Account, q query) (any, error) {
	c.via = viaOther
	return listing[*Media]{kind: c.s.kinds.media, items: c.s.st.taggedIn(a), path: a.ID + "/tags"}.render(c, q)
}

func (c *call) listLive(a *Account, q query) (any, error) {
	items := slices.DeleteFunc(slices.Clone(c.s.st.live[a.ID]), func(m *Media) bool {
		return m.At.After(c.now) || !c.mediaVisible(m)
	})
	items, err := c.between(items, q)
	if err != nil {
		return nil, err
	}
	return listing[*Media]{kind: c.s.kinds.media, items: items, path: a.ID + "/live_media"}.render(c, q)
}

// between keeps the media of a time span; both ends are optional.
func (c *call) between(items []*Media, q query) ([]*Media, error) {
	since, err := parseTime("since", q.since, c.now)
	if err != nil {
		return nil, err
	}
	until, err := parseTime("until", q.until, c.now)
	if err != nil {
		return nil, err
	}
	if since.IsZero() && until.IsZero() {
		return items, nil
	}
	return slices.DeleteFunc(slices.Clone(items), func(m *Media) bool {
		return !since.IsZero() && m.At.Before(since) || !until.IsZero() && m.At.After(until)
	}), nil
}

func (c *call) listChildren(m *Media, q query) (any, error) {
	var items []*Media
	for _, id := range m.Children {
		if child := c.s.st.media[id]; child != nil {
			items = append(items, child)
		}
	}
	return listing[*Media]{kind: c.s.kinds.media, items: items, whole: true}.render(c, q)
}

// maxComments is the documented page size of comments.
const maxComments = 50

func (c *call) listComments(m *Media, q query) (any, error) {
	items := slices.DeleteFunc(slices.Clone(c.s.st.byMedia[m.ID]), func(cm *Comment) bool { return cm.AdID != "" })
	return listing[*Comment]{kind: c.s.kinds.comment, items: items, path: m.ID + "/comments", max: maxComments}.render(c, q)
}

func (c *call) listReplies(cm *Comment, q query) (any, error) {
	return listing[*Comment]{kind: c.s.kinds.comment, items: c.s.st.replies[cm.ID], path: cm.ID + "/replies", max: maxComments}.render(c, q)
}

// nodeEdge makes a handler for a listing of the call's node.
func nodeEdge[T any](list func(*call, T, query) (any, error)) func(*call) (any, error) {
	return func(c *call) (any, error) {
		q, err := c.query()
		if err != nil {
			return nil, err
		}
		return list(c, c.node.(T), q)
	}
}

// getNode makes a handler that answers the call's node.
func getNode[T any](k func(*kinds) *kind[T]) func(*call) (any, error) {
	return func(c *call) (any, error) {
		fields, err := c.fields()
		if err != nil {
			return nil, err
		}
		return render(c, k(c.s.kinds), c.node.(T), fields)
	}
}

// getIDs answers GET /?ids=a,b with one member for each id. One bad id fails the whole call.
func getIDs(c *call) (any, error) {
	ids := c.params.list("ids")
	if len(ids) == 0 || len(ids) > 50 {
		return nil, badParam("Param ids must have from 1 to 50 ids")
	}
	out := make(object, 0, len(ids))
	for _, id := range ids {
		one := *c
		one.parts, one.path = []string{id}, id
		if err := one.resolve(); err != nil {
			return nil, err
		}
		if err := one.permit(one.route.scopes(c.flavour)); err != nil {
			return nil, err
		}
		value, err := one.route.handle(&one)
		if err != nil {
			return nil, err
		}
		if !out.has(id) {
			out = append(out, member{id, value})
		}
	}
	return out, nil
}

func (c *call) pagesOf(u *User) listing[*Page] {
	var items []*Page
	for _, id := range u.Pages {
		p := c.s.st.pages[id]
		if p != nil && c.token.grants("pages_show_list", p.ID) {
			items = append(items, p)
		}
	}
	return listing[*Page]{kind: c.s.kinds.page, items: items, path: u.ID + "/accounts"}
}

// listPages is /me/accounts. Without fields it has the token and the tasks, as Meta's has.
func listPages(c *call) (any, error) {
	q, err := c.query()
	if err != nil {
		return nil, err
	}
	if len(q.fields) == 0 {
		q.fields = names("access_token", "category", "name", "id", "tasks")
	}
	return c.pagesOf(c.node.(*User)).render(c, q)
}

// listPageAccounts is /<page>/instagram_accounts.
func listPageAccounts(c *call) (any, error) {
	q, err := c.query()
	if err != nil {
		return nil, err
	}
	var items []*Account
	if c.account != nil {
		items = append(items, c.account)
	}
	return listing[*Account]{kind: c.s.kinds.account, items: items, path: c.parts[0] + "/instagram_accounts"}.render(c, q)
}

// success is the answer of updates and deletions.
func success() object { return object{{"success", true}} }

// updateMedia switches comments on or off.
func updateMedia(c *call) (any, error) {
	m := c.node.(*Media)
	on, ok := c.params.truth("comment_enabled")
	switch {
	case !c.params.has("comment_enabled"):
		return nil, missingParam("comment_enabled")
	case !ok:
		return nil, badParam("Param comment_enabled must be a boolean")
	case m.OwnerID != c.account.ID || m.ParentID != "":
		return nil, notFound(c.method, m.ID)
	case m.Product == "LIVE":
		return nil, badParam("Comments of live media cannot be switched")
	}
	m.CommentsOff = !on
	return success(), nil
}

func deleteMedia(c *call) (any, error) {
	m := c.node.(*Media)
	if m.Product == "LIVE" || m.ParentID != "" {
		return nil, notFound(c.method, m.ID)
	}
	c.s.st.removeMedia(m)
	return success(), nil
}

// newComment checks a message and adds a comment of the account.
func (c *call) newComment(m *Media, parent *Comment) (any, error) {
	message := c.params.get("message")
	if err := checkComment(message); err != nil {
		return nil, err
	}
	if m.CommentsOff {
		return nil, badParam("Comments are switched off for this media")
	}
	cm := &Comment{ID: c.s.st.id("179"), MediaID: m.ID, FromID: c.account.ID, Text: message, At: c.now}
	if parent != nil {
		cm.ParentID = parent.ID
	}
	c.s.st.addComment(cm)
	c.s.commented(m, cm)
	return object{{"id", cm.ID}}, nil
}

// checkComment applies Instagram's rules for comments.
func checkComment(message string) error {
	switch {
	case strings.TrimSpace(message) == "":
		return missingParam("message")
	case len([]rune(message)) > 300:
		return badParam("The comment is longer than 300 characters")
	case strings.Count(message, "#") > 4:
		return badParam("The comment has more than 4 hashtags")
	case strings.Count(strings.ToLower(message), "http://")+strings.Count(strings.ToLower(message), "https://") > 1:
		return badParam("The comment has more than 1 URL")
	case shouts(message):
		return badParam("The comment must not consist of capital letters only")
	}
	return nil
}

// shouts says whether a longer text has capital letters only.
func shouts(s string) bool {
	letters := 0
	for _, r := range s {
		if strings.ToUpper(string(r)) != strings.ToLower(string(r)) {
			letters++
			if string(r) != strings.ToUpper(string(r)) {
				return false
			}
		}
	}
	return letters > 3
}

func createComment(c *call) (any, error) {
	m := c.node.(*Media)
	if m.Product == "LIVE" || m.Product == "STORY" || m.ParentID != "" {
		return nil, notFound(c.method, m.ID)
	}
	return c.newComment(m, nil)
}

// createReply answers a comment. There is one level: an answer to a reply lands on its
// parent.
func createReply(c *call) (any, error) {
	cm := c.node.(*Comment)
	m := c.s.st.media[cm.MediaID]
	if cm.Hidden || m.Product == "LIVE" {
		return nil, badParam("A hidden comment or a comment on live media cannot be answered")
	}
	if parent := c.s.st.comments[cm.ParentID]; parent != nil {
		cm = parent
	}
	return c.newComment(m, cm)
}

// updateComment hides or shows. The owner's own comments stay visible.
func updateComment(c *call) (any, error) {
	cm := c.node.(*Comment)
	hide, ok := c.params.truth("hide")
	switch {
	case !c.params.has("hide"):
		return nil, missingParam("hide")
	case !ok:
		return nil, badParam("Param hide must be a boolean")
	}
	cm.Hidden = hide && cm.FromID != c.account.ID
	return success(), nil
}

// deleteComment works for the owner of the media only, which find has already seen to.
func deleteComment(c *call) (any, error) {
	c.s.st.removeComment(c.node.(*Comment))
	return success(), nil
}
