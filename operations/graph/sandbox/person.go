package sandbox

import "slices"

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
