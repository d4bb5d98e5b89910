package sandbox

import (
	"slices"
	"time"
)

// An update is one notification on its way to the app: a change (comments, mentions,
// story_insights) or a messaging item, for one account and one flavour of login.
type update struct {
	flavour   flavour
	account   string
	field     string
	at        time.Time
	value     object
	messaging bool // envelope B: entry.messaging[]; else A: entry.changes[]
	standby   bool // envelope C: entry.standby[]
}

// notify queues an update for every flavour through which the account is installed, if the
// app subscribed to the field.
func (s *Sandbox) notify(a *Account, field string, u update) {
	s.queue(flavourFacebook, a, field, u)
	if field != "story_insights" && field != "mentions" { // Facebook Login only
		s.queue(flavourInstagram, a, field, u)
	}
}

func (s *Sandbox) queue(f flavour, a *Account, field string, u update) {
	sub := s.st.subscription
	if sub == nil || !slices.Contains(sub.fields, field) || !s.installed(f, a) {
		return
	}
	u.flavour, u.account, u.field, u.at = f, a.ID, field, s.clock.Now()
	s.sender.pending = append(s.sender.pending, u)
	s.formDeliveries()
	s.wakeSender()
}

// installed says whether the account delivers through a flavour of login: by its Page or by
// itself. Which fields were named there does not matter; the app's do.
func (s *Sandbox) installed(f flavour, a *Account) bool {
	if f == flavourInstagram {
		return len(a.Installed) > 0
	}
	p := s.st.pages[a.PageID]
	return p != nil && len(p.Installed) > 0
}

// notifyMention tells of a mention, in a caption when there is no comment. Facebook Login has
// a field for it; with Instagram Login a mention in a comment comes as a comment.
func (s *Sandbox) notifyMention(a *Account, m *Media, cm *Comment) {
	value := object{}
	if cm != nil {
		value = append(value, member{"comment_id", cm.ID})
		s.queue(flavourInstagram, a, "comments", update{value: s.commentValue(a, m, cm)})
	}
	s.notify(a, "mentions", update{value: append(value, member{"media_id", m.ID})})
}

// commented sends what a new comment brings: comments to the owner of the media, mentions to
// accounts that it names.
func (s *Sandbox) commented(m *Media, cm *Comment) {
	if owner := s.st.accounts[m.OwnerID]; owner != nil {
		field := "comments"
		if m.Product == "LIVE" {
			field = "live_comments"
		}
		s.notify(owner, field, update{value: s.commentValue(owner, m, cm)})
	}
	if s.st.private(m.OwnerID) {
		return
	}
	for _, a := range s.st.world.Accounts {
		if s.mentionsIn(a, cm) {
			s.notifyMention(a, m, cm)
		}
	}
}

func (s *Sandbox) commentValue(a *Account, m *Media, cm *Comment) object {
	media := object{{"id", m.ID}}
	product := m.Product
	if cm.AdID != "" {
		product = "AD"
		media = object{{"id", adCopy(m.ID)}, {"ad_id", cm.AdID}, {"ad_title", "Winter sale"}, {"original_media_id", m.ID}}
	}
	media = append(media, member{"media_product_type", product})
	value := object{{"from", s.from(a, cm.FromID)}, {"media", media}, {"id", cm.ID}}
	if cm.ParentID != "" {
		value = append(value, member{"parent_id", cm.ParentID})
	}
	return append(value, member{"text", cm.Text})
}

// adCopy is the id of the copy of a post that an ad shows.
func adCopy(id string) string { return "182" + id[3:] }

// captioned sends mentions for a new post of somebody.
func (s *Sandbox) captioned(m *Media) {
	if s.st.private(m.OwnerID) || m.Product == "STORY" {
		return
	}
	for _, a := range s.st.world.Accounts {
		if m.OwnerID != a.ID && mentions(m.Caption, a.Username) {
			s.notifyMention(a, m, nil)
		}
	}
}

// envelope makes the body of one POST from updates of one flavour: an entry for each account
// in the order of first appearance.
func envelope(updates []update, values, direct bool) []byte {
	entries := []object{}
	seen := map[string]int{}
	for _, u := range updates {
		if direct && u.list() == "changes" {
			entries = append(entries, object{{"id", u.account}, {"time", u.time()}, {"field", u.field}, {"value", u.value}})
			continue
		}
		key := u.account + u.list()
		i, known := seen[key]
		if !known {
			i = len(entries)
			seen[key] = i
			entries = append(entries, object{{"id", u.account}, {"time", u.time()}})
		}
		entries[i] = u.into(entries[i], values)
	}
	return encode(nil, object{{"object", "instagram"}, {"entry", entries}})
}

func (u *update) list() string {
	switch {
	case u.standby:
		return "standby"
	case u.messaging:
		return "messaging"
	}
	return "changes"
}

// time is in milliseconds for messaging and in seconds otherwise.
func (u *update) time() int64 {
	if u.messaging || u.standby {
		return u.at.UnixMilli()
	}
	return u.at.Unix()
}

func (u *update) into(entry object, values bool) object {
	list := u.list()
	if !values && list == "changes" {
		return addTo(entry, "changed_fields", u.field)
	}
	if list != "changes" {
		return addTo(entry, list, u.value)
	}
	return addTo(entry, list, object{{"field", u.field}, {"value", u.value}})
}

func addTo(entry object, key string, item any) object {
	for i := range entry {
		if entry[i].key == key {
			entry[i].value = append(entry[i].value.([]any), item)
			return entry
		}
	}
	return append(entry, member{key, []any{item}})
}
