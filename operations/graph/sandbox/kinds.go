package sandbox

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kinds are the types of nodes and their fields.
type kinds struct {
	user         *kind[*User]
	page         *kind[*Page]
	account      *kind[*Account]
	discovered   *kind[*Account] // as others see it
	media        *kind[*Media]
	comment      *kind[*Comment]
	container    *kind[*container]
	thread       *kind[*Thread]
	message      *kind[messageAt]
	person       *kind[scopedPerson]
	hashtag      *kind[*Hashtag]
	hashtagMedia *kind[*Media] // as found by a hashtag
	invite       *kind[*Media]
	catalog      *kind[*Catalog]
	product      *kind[*Product]
}

func newKinds() *kinds {
	account, media := accountKind(), mediaKind()
	return &kinds{
		user: userKind(), page: pageKind(), account: account, discovered: discoveredKind(account),
		media: media, comment: commentKind(), container: containerKind(),
		thread: threadKind(), message: messageKind(), person: personKind(),
		hashtag: hashtagKind(), hashtagMedia: hashtagMediaKind(media), invite: inviteKind(media), catalog: catalogKind(), product: productKind(),
	}
}

func userKind() *kind[*User] {
	return &kind[*User]{
		name: "User", id: func(u *User) string { return u.ID }, defaults: names("name", "id"),
		fields: map[string]fieldOf[*User]{
			"name":  plain(func(u *User) any { return text(u.Name) }),
			"email": plain(func(u *User) any { return text(u.Email) }),
			"first_name": plain(func(u *User) any {
				first, _, _ := strings.Cut(u.Name, " ")
				return text(first)
			}),
			"last_name": plain(func(u *User) any {
				_, last, _ := strings.Cut(u.Name, " ")
				return text(last)
			}),
			"accounts": {only: facebookOnly, get: func(c *call, u *User, f *field) (any, error) {
				return c.pagesOf(u).render(c, queryOf(f))
			}},
		},
	}
}

func pageKind() *kind[*Page] {
	linked := fieldOf[*Page]{get: func(c *call, p *Page, f *field) (any, error) {
		a := c.s.st.accounts[p.AccountID]
		if a == nil {
			return nil, nil
		}
		if err := c.permit(needs("instagram_basic"), c.method); err != nil {
			return nil, nil // without the scope the key is missing, there is no error
		}
		return render(c, c.s.kinds.account, a, f.sub)
	}}
	return &kind[*Page]{
		name: "Page", id: func(p *Page) string { return p.ID }, defaults: names("name", "id"),
		fields: map[string]fieldOf[*Page]{
			"name":     plain(func(p *Page) any { return p.Name }),
			"category": plain(func(p *Page) any { return text(p.Category) }),
			"link":     plain(func(p *Page) any { return "https://www.facebook.com/" + p.ID }),
			"tasks": plain(func(p *Page) any {
				return p.Tasks
			}),
			"access_token": {get: func(c *call, p *Page, _ *field) (any, error) {
				return text(c.s.pageTokenFor(c.token, p)), nil
			}},
			"instagram_business_account":  linked,
			"connected_instagram_account": linked,
		},
	}
}

func accountKind() *kind[*Account] {
	number := func(get func(*Account) int) fieldOf[*Account] {
		return plain(func(a *Account) any { return get(a) })
	}
	return &kind[*Account]{
		name: "IGUser", id: func(a *Account) string { return a.ID },
		shown: func(c *call, a *Account) string {
			if c.flavour == flavourInstagram { // there user_id is the account and id is scoped to the app
				return a.scopedOrID()
			}
			return a.ID
		},
		fields: map[string]fieldOf[*Account]{
			"user_id":             plain(func(a *Account) any { return a.ID }).on(instagramOnly),
			"account_type":        plain(func(a *Account) any { return text(a.Type) }).on(instagramOnly),
			"username":            plain(func(a *Account) any { return a.Username }),
			"name":                plain(func(a *Account) any { return text(a.Name) }),
			"biography":           plain(func(a *Account) any { return text(a.Biography) }),
			"website":             plain(func(a *Account) any { return text(a.Website) }),
			"profile_picture_url": {get: func(c *call, a *Account, _ *field) (any, error) { return c.cdn("profile", a.ID, ".jpg"), nil }},
			"followers_count":     number(func(a *Account) int { return a.Followers }),
			"follows_count":       number(func(a *Account) int { return a.Follows }),
			"media_count": {get: func(c *call, a *Account, _ *field) (any, error) {
				return len(c.s.st.feed[a.ID]), nil
			}},
			"ig_id":                            plain(func(a *Account) any { return numberOr(a.LegacyID) }).on(facebookOnly),
			"legacy_instagram_user_id":         plain(func(a *Account) any { return text(a.LegacyID) }).on(facebookOnly),
			"has_profile_pic":                  plain(func(*Account) any { return true }).on(facebookOnly),
			"is_published":                     plain(func(*Account) any { return true }).on(facebookOnly),
			"shopping_product_tag_eligibility": plain(func(a *Account) any { return len(a.CatalogIDs) > 0 }).on(facebookOnly),
			"shopping_review_status": plain(func(a *Account) any {
				if len(a.CatalogIDs) == 0 {
					return nil
				}
				return "approved"
			}).on(facebookOnly),
			"owner_business": {only: facebookOnly, get: func(c *call, a *Account, _ *field) (any, error) { return nil, nil }},

			"media":      edgeField(func(c *call, a *Account, q query) (any, error) { return c.listMedia(a, q) }),
			"stories":    edgeField(func(c *call, a *Account, q query) (any, error) { return c.listStories(a, q) }),
			"tags":       edgeField(func(c *call, a *Account, q query) (any, error) { return c.listTags(a, q) }),
			"live_media": edgeField(func(c *call, a *Account, q query) (any, error) { return c.listLive(a, q) }),

			"business_discovery": {only: facebookOnly, get: discovery},
			"mentioned_comment":  {only: facebookOnly, get: mentionedComment},
			"mentioned_media":    {only: facebookOnly, get: mentionedMedia},
		},
	}
}

// edgeField is a field that expands into an edge's first page.
func edgeField[T any](list func(*call, T, query) (any, error)) fieldOf[T] {
	return fieldOf[T]{get: func(c *call, node T, f *field) (any, error) { return list(c, node, queryOf(f)) }}
}

// numberOr writes an id of digits as a JSON number; nil when empty.
func numberOr(id string) any {
	if id == "" {
		return nil
	}
	return jsonNumber(id)
}

func mediaKind() *kind[*Media] {
	fields := map[string]fieldOf[*Media]{
		"caption": plain(func(m *Media) any {
			if m.ParentID != "" {
				return nil
			}
			return ownText(&m.Caption)
		}),
		"media_type":         plain(func(m *Media) any { return &m.Type }),
		"media_product_type": plain(func(m *Media) any { return &m.Product }),
		"media_url":          {get: mediaURL},
		"thumbnail_url": {get: func(c *call, m *Media, _ *field) (any, error) {
			if m.Type != "VIDEO" {
				return nil, nil
			}
			return c.cdn("media", m.ID, "_thumb.jpg"), nil
		}},
		"permalink": {get: func(c *call, m *Media, _ *field) (any, error) {
			if m.ParentID != "" {
				return nil, nil
			}
			return c.s.st.permalink(m), nil
		}},
		"shortcode": plain(func(m *Media) any { return ownText(&m.Shortcode) }),
		"timestamp": plain(func(m *Media) any { return &m.At }),
		"username":  {get: func(c *call, m *Media, _ *field) (any, error) { return ownText(c.s.st.usernameOf(m.OwnerID)), nil }},
		"owner": {get: func(c *call, m *Media, _ *field) (any, error) {
			if c.account == nil || m.OwnerID != c.account.ID {
				return nil, nil
			}
			return object{{"id", m.OwnerID}}, nil
		}},
		"like_count": {get: func(c *call, m *Media, _ *field) (any, error) {
			if m.HidesLikes && c.via != viaOwner {
				return nil, nil
			}
			return m.Likes, nil
		}},
		"comments_count": {get: func(c *call, m *Media, _ *field) (any, error) { return c.s.st.commentCount(m), nil }},
		"is_comment_enabled": plain(func(m *Media) any {
			if m.ParentID != "" {
				return nil
			}
			return !m.CommentsOff
		}),
		"is_shared_to_feed": plain(func(m *Media) any {
			if m.Product != "REELS" {
				return nil
			}
			return m.ToFeed
		}),
		"alt_text": plain(func(m *Media) any { return text(m.AltText) }),
		"children": {get: func(c *call, m *Media, f *field) (any, error) {
			if m.Type != "CAROUSEL_ALBUM" {
				return nil, nil
			}
			return c.listChildren(m, queryOf(f))
		}},
		"comments": edgeField(func(c *call, m *Media, q query) (any, error) {
			if err := c.permitComments(); err != nil {
				return nil, err
			}
			return c.listComments(m, q)
		}),
		"view_count": {get: func(c *call, m *Media, _ *field) (any, error) {
			if c.via != viaDiscovery || m.Product != "REELS" {
				return nil, nil
			}
			return m.Insights["views"], nil
		}},
		"insights": {get: func(c *call, m *Media, f *field) (any, error) {
			scope := "instagram_manage_insights"
			if c.flavour == flavourInstagram {
				scope = "instagram_business_manage_insights"
			}
			if err := c.permit(needs(scope), c.method); err != nil {
				return nil, err
			}
			return c.mediaInsights(m, insightQuery{metrics: splitList(f.arg("metric")), breakdown: f.arg("breakdown")})
		}},
		"legacy_instagram_media_id": plain(func(m *Media) any { return text(legacyID(m.ID)) }).on(facebookOnly),
		"ig_id":                     plain(func(m *Media) any { return text(legacyID(m.ID)) }).on(facebookOnly),
		"video_title":               plain(func(*Media) any { return nil }).on(facebookOnly),
		"boost_ads_list":            plain(func(*Media) any { return nil }).on(facebookOnly),
		"boost_eligibility_info": plain(func(m *Media) any {
			return object{{"eligible_to_boost", m.Product != "STORY"}}
		}).on(facebookOnly),
		"copyright_check_information": plain(func(m *Media) any {
			return object{{"status", object{{"status", "completed"}, {"matches_found", m.Copyrighted}}}}
		}).on(facebookOnly),
		"has_poll":                  plain(func(*Media) any { return nil }),
		"has_slider":                plain(func(*Media) any { return nil }),
		"current_live_viewer_count": plain(func(m *Media) any { return liveOnly(m) }),
	}
	for field, metric := range map[string]string{
		"reposts_count": "reposts", "saved_count": "saved", "shares_count": "shares",
		"total_views_count": "views",
	} {
		fields[field] = plain(func(m *Media) any {
			if m.ParentID != "" {
				return nil
			}
			return m.Insights[metric]
		}).on(facebookOnly)
	}
	fields["total_like_count"] = plain(func(m *Media) any { return m.Likes }).on(facebookOnly)
	fields["total_comments_count"] = fields["comments_count"].on(facebookOnly)
	return &kind[*Media]{
		name: "IGMedia", id: func(m *Media) string { return m.ID }, own: func(m *Media) *string { return &m.ID }, fields: fields,
	}
}

func liveOnly(m *Media) any {
	if m.Product != "LIVE" {
		return nil
	}
	return m.Viewers
}

func legacyID(id string) string {
	if len(id) < 10 {
		return ""
	}
	return "3" + id[1:] + "12"
}

func mediaURL(c *call, m *Media, _ *field) (any, error) {
	switch {
	case m.Copyrighted || m.Type == "CAROUSEL_ALBUM" && len(m.Children) == 0:
		return nil, nil
	case m.Type == "VIDEO":
		return c.cdn("media", m.ID, ".mp4"), nil
	}
	return c.cdn("media", m.ID, ".jpg"), nil
}

// permalink is the post's address for people, as JSON. It is made once, since lists ask for it
// a lot.
func (st *state) permalink(m *Media) *json.RawMessage {
	if m.permalink == nil {
		address := "https://www.instagram.com/p/" + m.Shortcode + "/"
		switch m.Product {
		case "STORY":
			address = "https://www.instagram.com/stories/" + st.username(m.OwnerID) + "/" + legacyID(m.ID)
		case "REELS":
			address = "https://www.instagram.com/reel/" + m.Shortcode + "/"
		}
		m.permalink = appendString(nil, address)
	}
	return &m.permalink
}

// cdn is the address of a file on Meta's CDN, as JSON. It is good for some days.
func (c *call) cdn(folder, name, extension string) json.RawMessage {
	if c.cdnBase == nil {
		expires := c.now.Add(72 * time.Hour).Truncate(24 * time.Hour).Unix()
		c.cdnBase = bytes.TrimSuffix(appendString(nil, c.base(hostCDN)+"/"), []byte{'"'})
		c.cdnEnd = "?oe=" + strings.ToUpper(strconv.FormatInt(expires, 16)) + `"`
	}
	if n := len(c.cdnBase) + len(folder) + len(name) + len(extension) + len(c.cdnEnd) + 2; cap(c.addresses)-len(c.addresses) < n {
		c.addresses = make([]byte, 0, max(n, 2*cap(c.addresses))) // shared by the addresses of one answer
	}
	at := len(c.addresses)
	b := append(append(append(c.addresses, c.cdnBase...), folder...), `\/`...)
	c.addresses = append(append(append(b, name...), extension...), c.cdnEnd...)
	return json.RawMessage(c.addresses[at:])
}

func commentKind() *kind[*Comment] {
	return &kind[*Comment]{
		name: "IGComment", id: func(cm *Comment) string { return cm.ID }, own: func(cm *Comment) *string { return &cm.ID },
		defaults: names("timestamp", "text", "id"),
		fields: map[string]fieldOf[*Comment]{
			"text":      plain(func(cm *Comment) any { return &cm.Text }),
			"timestamp": plain(func(cm *Comment) any { return &cm.At }),
			"username": {get: func(c *call, cm *Comment, _ *field) (any, error) {
				return text(c.s.st.username(cm.FromID)), nil
			}},
			"from": {get: func(c *call, cm *Comment, _ *field) (any, error) {
				if c.account == nil {
					return nil, nil
				}
				return c.s.from(c.account, cm.FromID), nil
			}},
			"like_count": plain(func(cm *Comment) any { return cm.Likes }),
			"hidden":     plain(func(cm *Comment) any { return cm.Hidden }),
			"parent_id":  plain(func(cm *Comment) any { return text(cm.ParentID) }),
			"media": {get: func(c *call, cm *Comment, f *field) (any, error) {
				m := c.s.st.media[cm.MediaID]
				if m == nil {
					return nil, nil
				}
				if !f.open {
					return object{{"id", m.ID}, {"media_product_type", m.Product}}, nil
				}
				return render(c, c.s.kinds.media, m, f.sub)
			}},
			"replies": {get: func(c *call, cm *Comment, f *field) (any, error) {
				if cm.ParentID != "" || len(c.s.st.replies[cm.ID]) == 0 {
					return nil, nil
				}
				return c.listReplies(cm, queryOf(f))
			}},
			"user": {get: func(c *call, cm *Comment, _ *field) (any, error) {
				if c.account == nil || cm.FromID != c.account.ID {
					return nil, nil
				}
				return object{{"id", cm.FromID}}, nil
			}},
			"legacy_instagram_comment_id": plain(func(cm *Comment) any { return text(legacyID(cm.ID)) }),
		},
	}
}

// permitComments is what an expansion into comments takes.
func (c *call) permitComments() error {
	if c.flavour == flavourInstagram {
		return c.permit(needs("instagram_business_manage_comments"), c.method)
	}
	return c.permit(needs("instagram_manage_comments"), c.method)
}

// from is who wrote a comment, as an account sees them.
func (s *Sandbox) from(a *Account, id string) object {
	if p := s.st.people[id]; p != nil {
		return object{{"id", s.st.igsids[scopedKey{a.ID, id}]}, {"username", p.Username}}
	}
	return object{{"id", id}, {"username", s.st.username(id)}}
}

func (st *state) commentCount(m *Media) int {
	n := 0
	for _, c := range st.byMedia[m.ID] {
		n += 1 + len(st.replies[c.ID])
	}
	return n
}

// mediaVisible says whether a medium can still be read: a story for a day, a live video
// while it lasts.
func (c *call) mediaVisible(m *Media) bool {
	switch m.Product {
	case "STORY":
		return c.now.Before(m.At.Add(storyLife))
	case "LIVE":
		return m.Ends.IsZero() || c.now.Before(m.Ends)
	}
	return true
}

// taggedIn are the media of others in which the account is tagged, newest first.
func (st *state) taggedIn(a *Account) []*Media {
	var list []*Media
	for _, m := range st.media {
		tagged := slices.ContainsFunc(m.Tags, func(t UserTag) bool { return strings.EqualFold(t.Username, a.Username) })
		if tagged && m.OwnerID != a.ID && !st.private(m.OwnerID) && m.Product != "STORY" {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(x, y *Media) int {
		if c := y.At.Compare(x.At); c != 0 {
			return c
		}
		return strings.Compare(y.ID, x.ID)
	})
	return list
}

func (st *state) private(owner string) bool {
	p := st.people[owner]
	return p != nil && p.Private
}
