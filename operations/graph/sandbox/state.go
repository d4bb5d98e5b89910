package sandbox

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"
)

// state is a world with the indexes that requests need and with what came into being since.
// It is guarded by the sandbox's mutex.
type state struct {
	world *World

	users      map[string]*User
	pages      map[string]*Page
	accounts   map[string]*Account // by id
	byScopedID map[string]*Account
	people     map[string]*Person
	profiles   map[string]profile // accounts and people by lower case username
	scoped     map[string]scopedPerson
	igsids     map[scopedKey]string
	tokens     map[string]*Token

	media    map[string]*Media
	feed     map[string][]*Media // by owner, newest first; without stories, album items and live
	stories  map[string][]*Media // by owner, newest first, also expired ones
	live     map[string][]*Media
	comments map[string]*Comment
	byMedia  map[string][]*Comment // top level, newest first
	replies  map[string][]*Comment // by parent, oldest first

	hashtags      map[string]*Hashtag
	hashtagByName map[string]*Hashtag

	threads    map[string]*Thread
	threadOf   map[scopedKey]*Thread
	messages   map[string]messageAt
	containers map[string]*container
	created    map[string][]time.Time // containers, by account
	published  map[string][]time.Time // posts, by account
	catalogs   map[string]*Catalog
	products   map[string]*Product
	assets     map[string]*Asset
	codes      map[string]*authCode

	subscription *subscription       // the app's, for object instagram
	repliedTo    map[string]bool     // comments that got their private reply
	searched     map[string][]search // hashtags, by account
	places       map[string]int      // where a client is in media of a hashtag
	liked        map[string]bool
	appeals      map[string]string            // by product
	blocked      map[scopedKey]bool           // people whom the account blocked
	uploads      map[string]*attachmentUpload // by attachment id
	reported     map[string]bool              // stories whose story_insights went out
	revoked      map[string]map[string]bool   // permissions, by user

	nextID int64
}

// A profile is whoever has a username: an account or a person.
type profile struct {
	id, username string
	account      *Account
	person       *Person
}

// A scopedPerson is a person as one account sees them.
type scopedPerson struct {
	person  *Person
	account *Account
}

type scopedKey struct{ account, person string }

func newState(w *World) *state {
	st := &state{
		world:      w,
		users:      index(w.Users, func(u *User) string { return u.ID }),
		pages:      index(w.Pages, func(p *Page) string { return p.ID }),
		accounts:   index(w.Accounts, func(a *Account) string { return a.ID }),
		byScopedID: map[string]*Account{},
		people:     index(w.People, func(p *Person) string { return p.ID }),
		profiles:   map[string]profile{},
		scoped:     map[string]scopedPerson{},
		igsids:     map[scopedKey]string{},
		tokens:     index(w.Tokens, func(t *Token) string { return t.Value }),
		media:      index(w.Media, func(m *Media) string { return m.ID }),
		feed:       map[string][]*Media{}, stories: map[string][]*Media{}, live: map[string][]*Media{},
		comments: index(w.Comments, func(c *Comment) string { return c.ID }),
		byMedia:  map[string][]*Comment{}, replies: map[string][]*Comment{},
		hashtags:      index(w.Hashtags, func(h *Hashtag) string { return h.ID }),
		hashtagByName: index(w.Hashtags, func(h *Hashtag) string { return h.Name }),
		threads:       index(w.Threads, func(t *Thread) string { return t.ID }),
		threadOf:      map[scopedKey]*Thread{}, messages: map[string]messageAt{},
		containers: map[string]*container{}, created: map[string][]time.Time{}, published: map[string][]time.Time{},
		searched: map[string][]search{}, places: map[string]int{}, liked: map[string]bool{}, appeals: map[string]string{},
		repliedTo: map[string]bool{}, blocked: map[scopedKey]bool{}, uploads: map[string]*attachmentUpload{},
		catalogs: index(w.Catalogs, func(c *Catalog) string { return c.ID }),
		products: map[string]*Product{},
		assets:   index(w.Assets, func(a *Asset) string { return a.URL }),
		codes:    map[string]*authCode{},
		reported: map[string]bool{},
		revoked:  map[string]map[string]bool{},
	}
	st.indexPeople()
	st.indexMedia()
	st.indexComments()
	st.indexThreads()
	for _, catalog := range w.Catalogs {
		for i := range catalog.Products {
			st.products[catalog.Products[i].ID.String()] = &catalog.Products[i]
		}
	}
	return st
}

func index[T any](list []*T, key func(*T) string) map[string]*T {
	m := make(map[string]*T, len(list))
	for _, item := range list {
		m[key(item)] = item
	}
	return m
}

func (st *state) indexPeople() {
	for _, a := range st.world.Accounts {
		if a.ScopedID != "" {
			st.byScopedID[a.ScopedID] = a
		}
		st.profiles[strings.ToLower(a.Username)] = profile{a.ID, a.Username, a, nil}
	}
	for _, p := range st.world.People {
		st.profiles[strings.ToLower(p.Username)] = profile{p.ID, p.Username, nil, p}
		for _, a := range st.world.Accounts {
			id := p.IGSIDs[a.ID]
			if id == "" {
				id = scopedID(a.ID, p.ID)
			}
			st.scoped[id] = scopedPerson{p, a}
			st.igsids[scopedKey{a.ID, p.ID}] = id
		}
	}
}

// scopedID makes up an IGSID: 16 digits that are the same in every run.
func scopedID(account, person string) string {
	h := fnv.New64a()
	h.Write([]byte(account + "/" + person))
	return "7" + fmt.Sprintf("%015d", h.Sum64()%1e15)
}

func (st *state) indexMedia() {
	newestFirst := slices.Clone(st.world.Media)
	slices.SortStableFunc(newestFirst, func(a, b *Media) int { return b.At.Compare(a.At) })
	for _, m := range newestFirst {
		list := st.listOf(m)
		if list != nil {
			list[m.OwnerID] = append(list[m.OwnerID], m)
		}
	}
}

// listOf returns the owner's list that a medium belongs to, nil for an album's item.
func (st *state) listOf(m *Media) map[string][]*Media {
	switch {
	case m.ParentID != "":
		return nil
	case m.Product == "STORY":
		return st.stories
	case m.Product == "LIVE":
		return st.live
	}
	return st.feed
}

func (st *state) addMedia(m *Media) {
	st.media[m.ID] = m
	if list := st.listOf(m); list != nil {
		list[m.OwnerID] = slices.Insert(list[m.OwnerID], 0, m)
	}
}

func (st *state) removeMedia(m *Media) {
	delete(st.media, m.ID)
	if list := st.listOf(m); list != nil {
		list[m.OwnerID] = slices.DeleteFunc(list[m.OwnerID], func(x *Media) bool { return x == m })
	}
	for _, id := range m.Children {
		delete(st.media, id)
	}
	for _, c := range slices.Clone(st.byMedia[m.ID]) {
		st.removeComment(c)
	}
}

func (st *state) indexComments() {
	oldestFirst := slices.Clone(st.world.Comments)
	slices.SortStableFunc(oldestFirst, func(a, b *Comment) int { return a.At.Compare(b.At) })
	for _, c := range oldestFirst {
		st.listComment(c)
	}
	for _, list := range st.byMedia {
		slices.Reverse(list)
	}
}

func (st *state) listComment(c *Comment) {
	if c.ParentID != "" {
		st.replies[c.ParentID] = append(st.replies[c.ParentID], c)
		return
	}
	st.byMedia[c.MediaID] = append(st.byMedia[c.MediaID], c)
}

func (st *state) addComment(c *Comment) {
	st.comments[c.ID] = c
	if c.ParentID != "" {
		st.listComment(c)
		return
	}
	st.byMedia[c.MediaID] = slices.Insert(st.byMedia[c.MediaID], 0, c)
}

func (st *state) removeComment(c *Comment) {
	same := func(x *Comment) bool { return x == c }
	delete(st.comments, c.ID)
	if c.ParentID != "" {
		st.replies[c.ParentID] = slices.DeleteFunc(st.replies[c.ParentID], same)
		return
	}
	st.byMedia[c.MediaID] = slices.DeleteFunc(st.byMedia[c.MediaID], same)
	for _, reply := range st.replies[c.ID] {
		delete(st.comments, reply.ID)
	}
	delete(st.replies, c.ID)
}

// liveStories are an owner's stories of the last 24 hours, newest first.
func (st *state) liveStories(owner string, now time.Time) []*Media {
	list := st.stories[owner]
	n, _ := slices.BinarySearchFunc(list, now.Add(-storyLife), func(m *Media, oldest time.Time) int {
		if m.At.After(oldest) {
			return -1
		}
		return 1
	})
	return list[:n]
}

// storyLife is how long a story can be seen.
const storyLife = 24 * time.Hour

// username returns the name of an account or person.
func (st *state) username(id string) string {
	if name := st.usernameOf(id); name != nil {
		return *name
	}
	return ""
}

// usernameOf is username where it is kept; nil for somebody unknown.
func (st *state) usernameOf(id string) *string {
	if a := st.accounts[id]; a != nil {
		return &a.Username
	}
	if p := st.people[id]; p != nil {
		return &p.Username
	}
	return nil
}

// mentions says whether a text names the account with an @.
func mentions(text, username string) bool {
	at := "@" + strings.ToLower(username)
	text = strings.ToLower(text)
	for from := 0; ; {
		i := strings.Index(text[from:], at)
		if i < 0 {
			return false
		}
		end := from + i + len(at)
		if end == len(text) || !isUsernameByte(text[end]) || text[end] == '.' && (end+1 == len(text) || !isUsernameByte(text[end+1])) {
			return true
		}
		from = end
	}
}

func isUsernameByte(c byte) bool { return c == '.' || isNameByte(c) && c != '-' }

// id returns a new object id that begins with prefix, of 17 digits, the same in every run.
func (st *state) id(prefix string) string {
	st.nextID++
	rest := 17 - len(prefix)
	limit := int64(1)
	for range rest {
		limit *= 10
	}
	// A step that is prime to the limit visits every number once, in an order that does
	// not look like counting.
	n := (st.nextID * 7_368_787) % limit
	return prefix + fmt.Sprintf("%0"+strconv.Itoa(rest)+"d", n)
}
