package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// LoadWorld reads a world from JSON, strictly: a key that it does not know, or an id that
// leads nowhere, is an error that says where.
func LoadWorld(r io.Reader) (*World, error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	w := &World{}
	switch err := d.Decode(w); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("reading the world: it is empty; it needs an app and accounts")
	case err != nil:
		return nil, fmt.Errorf("reading the world: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("reading the world: there is more after the JSON object")
	}
	if err := w.check(); err != nil {
		return nil, fmt.Errorf("reading the world: %w", err)
	}
	return w, nil
}

// check says what is wrong with a world, all at once.
func (w *World) check() error {
	k := worldCheck{ids: map[string]string{}}
	if k.nulls(w); len(k.problems) > 0 {
		return errors.Join(k.problems...) // what follows looks into every item
	}
	k.app(&w.App)
	for i, u := range w.Users {
		k.id("users", i, u.ID)
	}
	for i, p := range w.Pages {
		k.id("pages", i, p.ID)
	}
	k.accounts(w.Accounts)
	for i, p := range w.People {
		k.id("people", i, p.ID)
		k.need(p.Username != "", "people[%d].username: it is missing", i)
	}
	for i, m := range w.Media {
		k.id("media", i, m.ID)
	}
	for i, c := range w.Comments {
		k.id("comments", i, c.ID)
	}
	for i, h := range w.Hashtags {
		k.id("hashtags", i, h.ID)
		k.need(h.Name != "", "hashtags[%d].name: it is missing", i)
	}
	for i, t := range w.Threads {
		k.id("threads", i, t.ID)
	}
	for i, c := range w.Catalogs {
		k.id("catalogs", i, c.ID)
	}
	k.usernames(w)
	k.references(w)
	return errors.Join(k.problems...)
}

// nulls refuses items that are null, which JSON allows and nobody means.
func (k *worldCheck) nulls(w *World) {
	noNull(k, "users", w.Users)
	noNull(k, "pages", w.Pages)
	noNull(k, "accounts", w.Accounts)
	noNull(k, "people", w.People)
	noNull(k, "media", w.Media)
	noNull(k, "comments", w.Comments)
	noNull(k, "hashtags", w.Hashtags)
	noNull(k, "threads", w.Threads)
	for i, t := range w.Threads {
		if t != nil {
			noNull(k, fmt.Sprintf("threads[%d].messages", i), t.Messages)
		}
	}
	noNull(k, "catalogs", w.Catalogs)
	noNull(k, "assets", w.Assets)
	noNull(k, "tokens", w.Tokens)
}

func noNull[T any](k *worldCheck, list string, items []*T) {
	for i, item := range items {
		k.need(item != nil, "%s[%d]: it is null", list, i)
	}
}

type worldCheck struct {
	ids      map[string]string // what has the id
	problems []error
}

func (k *worldCheck) need(ok bool, format string, args ...any) {
	if !ok && len(k.problems) < 20 {
		k.problems = append(k.problems, fmt.Errorf(format, args...))
	}
}

func (k *worldCheck) app(a *App) {
	for _, p := range []struct{ name, value string }{
		{"id", a.ID}, {"secret", a.Secret}, {"instagram_id", a.InstagramID}, {"instagram_secret", a.InstagramSecret},
	} {
		k.need(p.value != "", "app.%s: it is missing", p.name)
	}
	k.need(slices.Contains([]string{"", "flat", "number"}, a.CodeReply), "app.code_reply: %q is none of flat, number", a.CodeReply)
	for _, feature := range a.Without {
		k.need(slices.Contains([]string{"human_agent", "public_content_access"}, feature), "app.without: %q is none of human_agent, public_content_access", feature)
	}
}

func (k *worldCheck) id(list string, i int, id string) {
	k.need(id != "", "%s[%d].id: it is missing", list, i)
	if other := k.ids[id]; id != "" && other != "" {
		k.need(false, "%s[%d].id: %q is the id of %s already", list, i, id, other)
	}
	k.ids[id] = fmt.Sprintf("%s[%d]", list, i)
}

// is says whether an id belongs to one of the lists.
func (k *worldCheck) is(id string, lists ...string) bool {
	for _, list := range lists {
		if what := k.ids[id]; len(what) > len(list) && what[:len(list)+1] == list+"[" {
			return true
		}
	}
	return false
}

func (k *worldCheck) accounts(list []*Account) {
	k.need(len(list) > 0, "accounts: there must be at least one")
	for i, a := range list {
		k.id("accounts", i, a.ID)
		k.need(a.Username != "", "accounts[%d].username: it is missing", i)
	}
}

// usernames says where two have one name: only one of them could be found by it.
func (k *worldCheck) usernames(w *World) {
	taken := map[string]string{}
	take := func(at, username string) {
		name := strings.ToLower(username)
		if other := taken[name]; name != "" && other != "" {
			k.need(false, "%s.username: %q is the name of %s already", at, username, other)
		}
		taken[name] = at
	}
	for i, a := range w.Accounts {
		take(fmt.Sprintf("accounts[%d]", i), a.Username)
	}
	for i, p := range w.People {
		take(fmt.Sprintf("people[%d]", i), p.Username)
	}
}

var mediaTypes = map[string][]string{
	"IMAGE": {"FEED", "STORY", "AD"}, "VIDEO": {"FEED", "REELS", "STORY", "AD"},
	"CAROUSEL_ALBUM": {"FEED", "AD"}, "BROADCAST": {"LIVE"},
}

func (k *worldCheck) references(w *World) {
	for i, u := range w.Users {
		for _, id := range u.Pages {
			k.need(k.is(id, "pages"), "users[%d].pages: there is no Page %q", i, id)
		}
	}
	for i, p := range w.Pages {
		k.need(p.AccountID == "" || k.is(p.AccountID, "accounts"), "pages[%d].account_id: there is no account %q", i, p.AccountID)
	}
	for i, a := range w.Accounts {
		k.need(a.PageID == "" || k.is(a.PageID, "pages"), "accounts[%d].page_id: there is no Page %q", i, a.PageID)
		for _, id := range a.CatalogIDs {
			k.need(k.is(id, "catalogs"), "accounts[%d].catalog_ids: there is no catalog %q", i, id)
		}
	}
	for i, m := range w.Media {
		k.need(k.is(m.OwnerID, "accounts", "people"), "media[%d].owner_id: there is no account or person %q", i, m.OwnerID)
		k.need(slices.Contains(mediaTypes[m.Type], m.Product), "media[%d]: type %q with product %q is no medium of Instagram", i, m.Type, m.Product)
		k.need(!m.At.IsZero(), "media[%d].at: it is missing", i)
		for _, id := range m.Children {
			k.need(k.is(id, "media"), "media[%d].children: there is no media %q", i, id)
		}
	}
	for i, c := range w.Comments {
		k.need(k.is(c.MediaID, "media"), "comments[%d].media_id: there is no media %q", i, c.MediaID)
		k.need(c.ParentID == "" || k.is(c.ParentID, "comments"), "comments[%d].parent_id: there is no comment %q", i, c.ParentID)
		k.need(k.is(c.FromID, "accounts", "people"), "comments[%d].from_id: there is no account or person %q", i, c.FromID)
	}
	for i, t := range w.Threads {
		k.need(k.is(t.AccountID, "accounts"), "threads[%d].account_id: there is no account %q", i, t.AccountID)
		k.need(k.is(t.PersonID, "people"), "threads[%d].person_id: there is no person %q", i, t.PersonID)
		for j, m := range t.Messages {
			k.need(m.ID != "", "threads[%d].messages[%d].id: it is missing", i, j)
			k.need(m.FromID == t.AccountID || m.FromID == t.PersonID,
				"threads[%d].messages[%d].from_id: %q is neither the thread's account nor its person", i, j, m.FromID)
		}
	}
	for i, t := range w.Tokens {
		k.need(t.Value != "", "tokens[%d].value: it is missing", i)
		switch t.Kind {
		case UserToken:
			k.need(k.is(t.UserID, "users"), "tokens[%d].user_id: there is no user %q", i, t.UserID)
		case PageToken:
			k.need(k.is(t.PageID, "pages"), "tokens[%d].page_id: there is no Page %q", i, t.PageID)
		case InstagramToken:
			k.need(k.is(t.AccountID, "accounts"), "tokens[%d].account_id: there is no account %q", i, t.AccountID)
		default:
			k.need(false, "tokens[%d].kind: %q is none of USER, PAGE, INSTAGRAM", i, t.Kind)
		}
	}
}

// checkToken says what is wrong with a token that is made while the sandbox runs.
func (st *state) checkToken(t *Token) error {
	switch {
	case t.Kind == UserToken && st.users[t.UserID] == nil:
		return fmt.Errorf("user_id: there is no user %q", t.UserID)
	case t.Kind == PageToken && st.pages[t.PageID] == nil:
		return fmt.Errorf("page_id: there is no Page %q", t.PageID)
	case t.Kind == InstagramToken && st.accounts[t.AccountID] == nil:
		return fmt.Errorf("account_id: there is no account %q", t.AccountID)
	case t.Kind != UserToken && t.Kind != PageToken && t.Kind != InstagramToken:
		return fmt.Errorf("kind: %q is none of USER, PAGE, INSTAGRAM", t.Kind)
	}
	return nil
}
