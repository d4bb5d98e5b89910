package sandbox

import (
	"slices"
	"strings"
)

// collaborators is GET /<media>/collaborators.
func collaborators(c *call) (any, error) {
	list := []object{}
	for _, who := range c.node.(*Media).Collabs {
		list = append(list, object{{"id", who.ID}, {"username", who.Username}, {"invite_status", who.Status}})
	}
	return object{{"data", list}}, nil
}

// invited are the media of others to which the account was invited, with that status.
func (st *state) invited(a *Account, status string) []*Media {
	var list []*Media
	for _, m := range st.media {
		if slices.ContainsFunc(m.Collabs, func(w Collaborator) bool { return strings.EqualFold(w.Username, a.Username) && w.Status == status }) {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(x, y *Media) int {
		if order := y.At.Compare(x.At); order != 0 {
			return order
		}
		return strings.Compare(x.ID, y.ID)
	})
	return list
}

// inviteKind is how an invitation reads: it is about a medium, but is no node.
func inviteKind(media *kind[*Media]) *kind[*Media] {
	k := &kind[*Media]{
		name: "ShadowIGUserCollaborationInvites", id: media.id, defaults: names("media_id", "media_owner_username", "caption", "media_url"),
		fields: map[string]fieldOf[*Media]{
			"media_id":             plain(func(m *Media) any { return m.ID }),
			"media_owner_username": media.fields["username"],
			"caption":              media.fields["caption"],
			"media_url":            media.fields["media_url"],
		},
	}
	return k
}

func listInvites(c *call) (any, error) {
	c.via = viaOther
	return rows(c, listing[*Media]{kind: c.s.kinds.invite, items: c.s.st.invited(c.account, "Pending"), path: c.account.ID + "/collaboration_invites"})
}

// answerInvite is POST /<IG user>/collaboration_invites.
func answerInvite(c *call) (any, error) {
	id := c.params.get("media_id")
	accept, ok := c.params.truth("accept")
	switch {
	case id == "":
		return nil, missingParam("media_id")
	case !c.params.has("accept"):
		return nil, missingParam("accept")
	case !ok:
		return nil, badParam("Param accept must be a boolean")
	}
	m := c.s.st.media[id]
	if m == nil {
		return nil, notFound(c.method, id)
	}
	i := slices.IndexFunc(m.Collabs, func(w Collaborator) bool {
		return strings.EqualFold(w.Username, c.account.Username) && w.Status == "Pending"
	})
	if i < 0 {
		return nil, notFound(c.method, id)
	}
	m.Collabs[i].Status = "Declined"
	if accept {
		m.Collabs[i].Status = "Accepted"
	}
	return success(), nil
}

func (c *call) listCollaborative(a *Account, q query) (any, error) {
	c.via = viaOther
	return listing[*Media]{kind: c.s.kinds.media, items: c.s.st.invited(a, "Accepted"), path: a.ID + "/collaborative_media"}.render(c, q)
}

// collaborativeSearch is the field collaborative_media_search.media_id(ID){...}: a post that the
// account shares with its owner.
func collaborativeSearch(c *call, a *Account, f *field) (any, error) {
	id := f.arg("media_id")
	if id == "" {
		return nil, badParam("collaborative_media_search needs the argument media_id")
	}
	for _, m := range c.s.st.invited(a, "Accepted") {
		if m.ID == id {
			c.via = viaOther
			return render(c, c.s.kinds.media, m, f.sub)
		}
	}
	return nil, notFound(c.method, id)
}

// like is POST and DELETE /<IG user>/likes, of a post or a comment. Stories and private
// accounts cannot be liked.
func like(c *call) (any, error) {
	mediaID, commentID := c.params.get("media_id"), c.params.get("comment_id")
	if (mediaID == "") == (commentID == "") {
		return nil, badParam("Send either media_id or comment_id")
	}
	var count *int
	var owner string
	if m := c.s.st.media[mediaID]; m != nil && m.Product != "STORY" && m.ParentID == "" {
		count, owner = &m.Likes, m.OwnerID
	}
	if cm := c.s.st.comments[commentID]; cm != nil {
		count, owner = &cm.Likes, c.s.st.media[cm.MediaID].OwnerID
	}
	if count == nil || c.s.st.private(owner) {
		return nil, notFound(c.method, mediaID+commentID)
	}
	key := c.account.ID + " " + mediaID + commentID
	likes := c.method == "POST"
	if c.s.st.liked[key] != likes {
		c.s.st.liked[key] = likes
		if likes {
			*count++
		} else {
			*count--
		}
	}
	return success(), nil
}

// listScheduled is GET /<IG user>/scheduled_media. Nothing can be scheduled by the API, so it
// is empty.
func listScheduled(*call) (any, error) { return object{{"data", []object{}}}, nil }
