package sandbox

import "strings"

// mentionedComment is the field mentioned_comment.comment_id(ID){...} of an account: a comment
// of somebody else's post that names the account.
func mentionedComment(c *call, a *Account, f *field) (any, error) {
	id := f.arg("comment_id")
	if id == "" {
		return nil, badParam("mentioned_comment needs the argument comment_id")
	}
	if err := c.permit(needs("instagram_manage_comments")); err != nil {
		return nil, err
	}
	cm := c.s.st.comments[id]
	if cm == nil || !c.s.mentionsIn(a, cm) {
		return nil, notFound(c.method, id)
	}
	c.via = viaOther
	return render(c, c.s.kinds.comment, cm, f.sub)
}

// mentionedMedia is the field mentioned_media.media_id(ID){...}: a post of somebody else whose
// caption, or a comment of which, names the account.
func mentionedMedia(c *call, a *Account, f *field) (any, error) {
	id := f.arg("media_id")
	if id == "" {
		return nil, badParam("mentioned_media needs the argument media_id")
	}
	if err := c.permit(needs("instagram_manage_comments")); err != nil {
		return nil, err
	}
	m := c.s.st.media[id]
	if m == nil || !c.s.mentionedOn(a, m) {
		return nil, notFound(c.method, id)
	}
	c.via = viaOther
	return render(c, c.s.kinds.media, m, f.sub)
}

// mentionsIn says whether a comment under somebody else's public post names the account.
func (s *Sandbox) mentionsIn(a *Account, cm *Comment) bool {
	m := s.st.media[cm.MediaID]
	return m != nil && m.OwnerID != a.ID && cm.FromID != a.ID && !s.st.private(m.OwnerID) &&
		m.Product != "STORY" && mentions(cm.Text, a.Username)
}

// mentionedOn says whether a post of somebody else names the account, in its caption or in a
// comment.
func (s *Sandbox) mentionedOn(a *Account, m *Media) bool {
	if m.OwnerID == a.ID || m.Product == "STORY" || s.st.private(m.OwnerID) {
		return false
	}
	if mentions(m.Caption, a.Username) {
		return true
	}
	for _, cm := range s.st.byMedia[m.ID] {
		if mentions(cm.Text, a.Username) {
			return true
		}
		for _, reply := range s.st.replies[cm.ID] {
			if mentions(reply.Text, a.Username) {
				return true
			}
		}
	}
	return false
}

// replyToMention is POST /<IG user>/mentions: under the caption, or, with comment_id, under
// the comment that named the account.
func replyToMention(c *call) (any, error) {
	a, id := c.node.(*Account), c.params.get("media_id")
	if id == "" {
		return nil, missingParam("media_id")
	}
	m := c.s.st.media[id]
	if m == nil || !c.s.mentionedOn(a, m) {
		return nil, notFound(c.method, id)
	}
	commentID := c.params.get("comment_id")
	if commentID == "" {
		return c.newComment(m, nil)
	}
	cm := c.s.st.comments[commentID]
	if cm == nil || cm.MediaID != m.ID || !c.s.mentionsIn(a, cm) {
		return nil, notFound(c.method, commentID)
	}
	if parent := c.s.st.comments[cm.ParentID]; parent != nil {
		cm = parent
	}
	return c.newComment(m, cm)
}

// discovery is the field business_discovery.username(NAME){...}: what is public about another
// professional account.
func discovery(c *call, _ *Account, f *field) (any, error) {
	name := f.arg("username")
	if name == "" {
		return nil, badParam("business_discovery needs the argument username")
	}
	if err := c.permit(needs("instagram_manage_insights")); err != nil {
		return nil, err
	}
	other := c.s.st.profiles[strings.ToLower(name)].account
	if other == nil || other.AgeGated {
		e := failSub(110, 2207013, "Invalid user id")
		e.userTitle = "Cannot find User"
		e.userMsg = "The user with username: " + name + " cannot be found."
		return nil, e
	}
	c.via = viaDiscovery
	defer func() { c.via = viaOwner }()
	return render(c, c.s.kinds.discovered, other, f.sub)
}

// discoveredKind is an account as others may see it. Its media have cursors but no URLs.
func discoveredKind(own *kind[*Account]) *kind[*Account] {
	k := subset(own, "username", "name", "biography", "website", "profile_picture_url", "followers_count", "follows_count", "media_count", "ig_id")
	k.fields["media"] = edgeField(func(c *call, a *Account, q query) (any, error) {
		return listing[*Media]{kind: c.s.kinds.discoveredMedia, items: c.s.st.feed[a.ID], noURLs: true}.render(c, q)
	})
	return k
}

// discoveredMediaKind is somebody else's medium: what everybody can see of it.
func discoveredMediaKind(full *kind[*Media]) *kind[*Media] {
	return subset(full, "caption", "children", "comments_count", "like_count", "media_product_type", "media_type", "media_url", "owner", "permalink",
		"shortcode", "thumbnail_url", "timestamp", "username", "view_count")
}
