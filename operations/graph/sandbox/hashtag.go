package sandbox

import (
	"slices"
	"strings"
	"time"
	"unicode"
)

// A search is a hashtag that an account has queried, which counts for seven days.
type search struct {
	hashtag string
	at      time.Time
}

const (
	maxHashtags   = 30
	hashtagWindow = 7 * 24 * time.Hour
	recentMedia   = 24 * time.Hour
)

func (c *call) publicContent() error {
	if slices.Contains(c.s.app.Without, "public_content_access") {
		return fail(10, "To use Hashtag Search, the app needs the feature Instagram Public Content Access.")
	}
	return nil
}

// hashtagUser is the account that user_id names.
func (c *call) hashtagUser() (*Account, error) {
	id := c.params.get("user_id")
	if id == "" {
		return nil, missingParam("user_id")
	}
	a := c.s.st.accounts[id]
	if a == nil || !c.reaches(a) {
		return nil, notFound(c.method, id)
	}
	return a, nil
}

// searchHashtag is GET /ig_hashtag_search.
func searchHashtag(c *call) (any, error) {
	if err := c.publicContent(); err != nil {
		return nil, err
	}
	a, err := c.hashtagUser()
	if err != nil {
		return nil, err
	}
	name := strings.ToLower(strings.TrimPrefix(c.params.get("q"), "#"))
	if name == "" {
		return nil, missingParam("q")
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' }) {
		return nil, failSub(24, 2207024, "The requested resource does not exist")
	}
	h := c.s.st.hashtag(name)
	if h.Sensitive {
		return nil, failSub(24, 2207024, "The requested resource does not exist")
	}
	if err := c.countHashtag(a, h); err != nil {
		return nil, err
	}
	return object{{"data", []object{{{"id", h.ID}}}}}, nil
}

// hashtag finds a hashtag by name; each has an id from the beginning of time.
func (st *state) hashtag(name string) *Hashtag {
	if h := st.hashtagByName[name]; h != nil {
		return h
	}
	h := &Hashtag{ID: "1784" + digits("hashtag "+name, 13), Name: name}
	st.hashtags[h.ID], st.hashtagByName[name] = h, h
	return h
}

// countHashtag charges a query of a hashtag: 30 different ones in seven days. A repeated query
// is free and does not begin its seven days anew.
func (c *call) countHashtag(a *Account, h *Hashtag) error {
	recent := c.searchedBy(a)
	if slices.ContainsFunc(recent, func(s search) bool { return s.hashtag == h.ID }) {
		return nil
	}
	if len(recent) >= maxHashtags {
		e := failSub(18, 2207034, "This API call could not be completed due to the number of hashtags queried: only 30 unique hashtags can be queried within 7 days.")
		e.userTitle, e.userMsg = "Maximum number of hashtags", "You have queried 30 hashtags within the last 7 days."
		return e
	}
	c.s.st.searched[a.ID] = append(recent, search{h.ID, c.now})
	return nil
}

func (c *call) searchedBy(a *Account) []search {
	recent := slices.DeleteFunc(c.s.st.searched[a.ID], func(s search) bool { return c.now.Sub(s.at) >= hashtagWindow })
	c.s.st.searched[a.ID] = recent
	return recent
}

func hashtagKind() *kind[*Hashtag] {
	return &kind[*Hashtag]{
		name: "ShadowIGHashtag", id: func(h *Hashtag) string { return h.ID },
		fields: map[string]fieldOf[*Hashtag]{"name": plain(func(h *Hashtag) any { return h.Name })},
	}
}

// hashtagMediaKind is a medium as found by a hashtag: without who made it.
func hashtagMediaKind(full *kind[*Media]) *kind[*Media] {
	return subset(full, "caption", "children", "comments_count", "like_count", "media_type", "media_url", "permalink", "timestamp", "thumbnail_url")
}

// hashtagMedia makes the handlers of top_media and recent_media.
func hashtagMedia(edge string) func(*call) (any, error) {
	return func(c *call) (any, error) {
		if err := c.publicContent(); err != nil {
			return nil, err
		}
		a, err := c.hashtagUser()
		if err != nil {
			return nil, err
		}
		h := c.node.(*Hashtag)
		if err := c.countHashtag(a, h); err != nil {
			return nil, err
		}
		q, err := c.query()
		if err != nil {
			return nil, err
		}
		c.via = viaOther
		return c.constantPages(h.ID+"/"+edge, c.mediaOf(h, edge == "recent_media"), q)
	}
}

// mediaOf are the public photos and videos with a hashtag, the most liked or the latest first.
func (c *call) mediaOf(h *Hashtag, recent bool) []*Media {
	var list []*Media
	for _, m := range c.s.st.media {
		if m.Product == "STORY" || m.Product == "LIVE" || m.ParentID != "" || c.s.st.private(m.OwnerID) || !hasHashtag(m.Caption, h.Name) {
			continue
		}
		if !recent || c.now.Sub(m.At) < recentMedia {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b *Media) int {
		order := b.Likes - a.Likes
		if recent {
			order = b.At.Compare(a.At)
		}
		if order != 0 {
			return order
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

func hasHashtag(caption, name string) bool {
	for word := range strings.FieldsFuncSeq(strings.ToLower(caption), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '#'
	}) {
		for tag := range strings.SplitSeq(word, "#") {
			if tag == name && strings.Contains(word, "#"+name) {
				return true
			}
		}
	}
	return false
}

// constantPages pages the way hashtags do: after is the same text on every page and yet goes
// on, there is no before. Where a client is, the sandbox remembers by token.
func (c *call) constantPages(path string, items []*Media, q query) (any, error) {
	l := listing[*Media]{kind: c.s.kinds.hashtagMedia, items: items, path: path, max: 50}
	size, err := l.pageSize(q.limit)
	if err != nil {
		return nil, err
	}
	cursor := metaBase64(path)
	key := c.token.Value + " " + path
	from := 0
	if q.after != "" {
		if q.after != cursor {
			return nil, badParam("Invalid cursor")
		}
		from = min(c.s.st.places[key], len(items))
	}
	to := min(from+size, len(items))
	c.s.st.places[key] = to
	data := []object{}
	for _, m := range items[from:to] {
		one, err := render(c, l.kind, m, q.fields)
		if err != nil {
			return nil, err
		}
		data = append(data, one)
	}
	out := object{{"data", data}}
	if to == len(items) {
		return out, nil
	}
	return append(out, member{"paging", object{{"cursors", object{{"after", cursor}}}, {"next", l.url(c, q, "after", cursor)}}}), nil
}

// searchedHashtags is GET /<IG user>/recently_searched_hashtags.
func searchedHashtags(c *call) (any, error) {
	q, err := c.query()
	if err != nil {
		return nil, err
	}
	var items []*Hashtag
	for _, s := range slices.Backward(c.searchedBy(c.account)) {
		items = append(items, c.s.st.hashtags[s.hashtag])
	}
	return listing[*Hashtag]{kind: c.s.kinds.hashtag, items: items, path: c.account.ID + "/recently_searched_hashtags", max: maxHashtags}.render(c, q)
}
