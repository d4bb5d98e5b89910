package sandbox

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
		return c.permit(needs("instagram_business_manage_comments"))
	}
	return c.permit(needs("instagram_manage_comments"))
}

// from is who wrote a comment, as an account sees them.
func (s *Sandbox) from(a *Account, id string) object {
	if p := s.st.people[id]; p != nil {
		return object{{"id", s.st.igsids[scopedKey{a.ID, id}]}, {"username", p.Username}}
	}
	return object{{"id", id}, {"username", s.st.username(id)}}
}
