package sandbox

import "slices"

// find sets the node that an id leads to, if the token reaches it.
func (c *call) find(id string) error {
	if id == "me" {
		return c.findMe()
	}
	if c.findOwn(id) || c.findContent(id) || c.findMessaging(id) {
		return nil
	}
	return notFound(c.method, id)
}

func (c *call) findMe() error {
	switch c.token.Kind {
	case UserToken:
		c.kind, c.node = kindUser, c.s.st.users[c.token.UserID]
	case PageToken:
		c.setPage(c.s.st.pages[c.token.PageID])
	case InstagramToken:
		c.setAccount(c.s.st.accounts[c.token.AccountID])
	default:
		return fail(2500, "An active access token must be used to query information about the current user.")
	}
	return nil
}

// findOwn finds users, Pages, accounts and the app.
func (c *call) findOwn(id string) bool {
	st := c.s.st
	if c.flavour == flavourInstagram {
		a := st.accounts[id]
		if a == nil {
			a = st.byScopedID[id]
		}
		return a != nil && c.reaches(a) && c.setAccount(a)
	}
	if a := st.accounts[id]; a != nil && c.reaches(a) {
		return c.setAccount(a)
	}
	if p := st.pages[id]; p != nil && c.reachesPage(p) {
		return c.setPage(p)
	}
	if u := st.users[id]; u != nil && u.ID == c.token.UserID {
		c.kind, c.node = kindUser, u
		return true
	}
	if id == c.s.app.ID {
		c.kind, c.node = kindApp, c.s.app
		return true
	}
	return false
}

// findContent finds media, comments, containers and hashtags.
func (c *call) findContent(id string) bool {
	st := c.s.st
	if m := st.media[id]; m != nil {
		a := st.accounts[m.OwnerID]
		return c.belongs(kindMedia, m, a) && c.mediaVisible(m)
	}
	if cm := st.comments[id]; cm != nil {
		m := st.media[cm.MediaID]
		return m != nil && c.belongs(kindComment, cm, st.accounts[m.OwnerID])
	}
	if ct := st.containers[id]; ct != nil {
		return c.belongs(kindContainer, ct, ct.account)
	}
	if h := st.hashtags[id]; h != nil && c.flavour == flavourFacebook {
		c.kind, c.node = kindHashtag, h
		return c.token.Kind != AppToken
	}
	return false
}

// findMessaging finds conversations, messages and people.
func (c *call) findMessaging(id string) bool {
	st := c.s.st
	if t := st.threads[id]; t != nil {
		return c.belongs(kindThread, t, st.accounts[t.AccountID])
	}
	if m, ok := st.messages[id]; ok {
		return c.belongs(kindMessage, m, st.accounts[m.thread.AccountID])
	}
	if p, ok := st.scoped[id]; ok {
		return c.belongs(kindPerson, p, p.account)
	}
	return false
}

func (c *call) belongs(kind string, node any, a *Account) bool {
	if a == nil || !c.reaches(a) {
		return false
	}
	c.kind, c.node, c.account = kind, node, a
	c.page = c.s.st.pages[a.PageID]
	return true
}

func (c *call) setAccount(a *Account) bool {
	c.kind, c.node, c.account = kindAccount, a, a
	c.page = c.s.st.pages[a.PageID]
	return true
}

func (c *call) setPage(p *Page) bool {
	c.kind, c.node, c.page = kindPage, p, p
	c.account = c.s.st.accounts[p.AccountID]
	return true
}

// reaches says whether the token's holder may act for an account.
func (c *call) reaches(a *Account) bool {
	switch c.token.Kind {
	case InstagramToken:
		return c.token.AccountID == a.ID
	case PageToken:
		return a.PageID != "" && c.token.PageID == a.PageID
	case UserToken:
		u := c.s.st.users[c.token.UserID]
		return a.PageID != "" && u != nil && slices.Contains(u.Pages, a.PageID)
	}
	return false
}

func (c *call) reachesPage(p *Page) bool {
	switch c.token.Kind {
	case PageToken:
		return c.token.PageID == p.ID
	case UserToken:
		u := c.s.st.users[c.token.UserID]
		return u != nil && slices.Contains(u.Pages, p.ID)
	}
	return false
}
