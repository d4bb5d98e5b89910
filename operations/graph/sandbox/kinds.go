package sandbox

// kinds are the types of nodes and their fields.
type kinds struct {
	user            *kind[*User]
	page            *kind[*Page]
	account         *kind[*Account]
	discovered      *kind[*Account] // as others see it
	discoveredMedia *kind[*Media]
	media           *kind[*Media]
	comment         *kind[*Comment]
	container       *kind[*container]
	thread          *kind[*Thread]
	message         *kind[messageAt]
	person          *kind[scopedPerson]
	hashtag         *kind[*Hashtag]
	hashtagMedia    *kind[*Media] // as found by a hashtag
	invite          *kind[*Media]
	catalog         *kind[*Catalog]
	product         *kind[*Product]
}

func newKinds() *kinds {
	account, media := accountKind(), mediaKind()
	return &kinds{
		user: userKind(), page: pageKind(), account: account, discovered: discoveredKind(account), discoveredMedia: discoveredMediaKind(media),
		media: media, comment: commentKind(), container: containerKind(),
		thread: threadKind(), message: messageKind(), person: personKind(),
		hashtag: hashtagKind(), hashtagMedia: hashtagMediaKind(media), invite: inviteKind(media), catalog: catalogKind(), product: productKind(),
	}
}

func pageKind() *kind[*Page] {
	linked := fieldOf[*Page]{get: func(c *call, p *Page, f *field) (any, error) {
		a := c.s.st.accounts[p.AccountID]
		if a == nil {
			return nil, nil
		}
		if err := c.permit(needs("instagram_basic")); err != nil {
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

			"business_discovery":         {only: facebookOnly, get: discovery},
			"collaborative_media_search": {only: facebookOnly, get: collaborativeSearch},
			"mentioned_comment":          {only: facebookOnly, get: mentionedComment},
			"mentioned_media":            {only: facebookOnly, get: mentionedMedia},
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
