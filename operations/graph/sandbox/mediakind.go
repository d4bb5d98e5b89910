package sandbox

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

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
			if c.account == nil || m.OwnerID != c.account.ID {
				return nil, notFound(c.method, m.ID)
			}
			scope := "instagram_manage_insights"
			if c.flavour == flavourInstagram {
				scope = "instagram_business_manage_insights"
			}
			if err := c.permit(needs(scope)); err != nil {
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
	if n := len(c.cdnBase) + len(folder) + len(name) + len(extension) + len(c.cdnEnd) + 2; cap(c.s.addresses)-len(c.s.addresses) < n {
		c.s.addresses = make([]byte, 0, max(n, 2*cap(c.s.addresses))) // see room
	}
	at := len(c.s.addresses)
	b := append(append(append(c.s.addresses, c.cdnBase...), folder...), `\/`...)
	c.s.addresses = append(append(append(b, name...), extension...), c.cdnEnd...)
	return json.RawMessage(c.s.addresses[at:])
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
