package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An Action is something that only an outsider can do. Kind says what; which of the other
// fields it takes is told there.
type Action struct {
	// Kind is one of ActionKinds.
	Kind string `json:"kind,omitempty"`

	MediaID   string `json:"media_id,omitempty"`
	CommentID string `json:"comment_id,omitempty"`
	MessageID string `json:"message_id,omitempty"`
	Text      string `json:"text,omitempty"`
	AdID      string `json:"ad_id,omitempty"`
	ProductID string `json:"product_id,omitempty"`
	URL       string `json:"url,omitempty"`  // of a file that is sent
	Type      string `json:"type,omitempty"` // of the file: image, video, audio, file
	Reaction  string `json:"reaction,omitempty"`
	Title     string `json:"title,omitempty"`   // of what is tapped on
	Payload   string `json:"payload,omitempty"` // of what is tapped on
	Ref       string `json:"ref,omitempty"`
}

// An Outcome says what an action made.
type Outcome struct {
	MediaID   string `json:"media_id,omitempty"`
	CommentID string `json:"comment_id,omitempty"`
	MessageID string `json:"message_id,omitempty"`
}

// Act has a person do something. The person and the account that it is about are both in the
// IGSID. The action sends its webhooks.
func (s *Sandbox) Act(igsid string, a Action) (Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	who, ok := s.st.scoped[igsid]
	if !ok {
		return Outcome{}, fmt.Errorf("acting: there is no person with the id %q; see /__sandbox/people", igsid)
	}
	do := actions()[a.Kind]
	if do == nil {
		return Outcome{}, fmt.Errorf("acting: kind %q is none of %s", a.Kind, strings.Join(ActionKinds(), ", "))
	}
	out, err := do(s, who, a)
	if err != nil {
		return Outcome{}, fmt.Errorf("acting: %s: %w", a.Kind, err)
	}
	return out, nil
}

// ActionKinds are the names of all actions, sorted.
func ActionKinds() []string { return sortedKeys(actions()) }

type actionFunc func(*Sandbox, scopedPerson, Action) (Outcome, error)

func actions() map[string]actionFunc {
	all := map[string]actionFunc{
		"comment":            personComments,
		"mention_in_comment": personMentionsInComment,
		"mention_in_caption": personMentionsInCaption,
		"tag":                personTags,
	}
	maps.Copy(all, messagingActions())
	return all
}

// personComments writes under a post (MediaID) or under a comment (CommentID). AdID makes it
// a comment on an ad of the post.
func personComments(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	if a.Text == "" {
		return Outcome{}, fmt.Errorf("text: say what the comment says")
	}
	cm := &Comment{FromID: who.person.ID, MediaID: a.MediaID, Text: a.Text, AdID: a.AdID}
	if a.CommentID != "" {
		parent := s.st.comments[a.CommentID]
		if parent == nil {
			return Outcome{}, fmt.Errorf("comment_id: there is no comment %q", a.CommentID)
		}
		if parent.ParentID != "" {
			parent = s.st.comments[parent.ParentID]
		}
		cm.MediaID, cm.ParentID = parent.MediaID, parent.ID
	}
	m := s.st.media[cm.MediaID]
	if m == nil {
		return Outcome{}, fmt.Errorf("media_id: there is no media %q", cm.MediaID)
	}
	if m.CommentsOff {
		return Outcome{}, fmt.Errorf("media_id: comments are switched off for %q", m.ID)
	}
	cm.ID, cm.At = s.st.id("178"), s.clock.Now()
	s.st.addComment(cm)
	s.commented(m, cm)
	return Outcome{MediaID: m.ID, CommentID: cm.ID}, nil
}

// personMentionsInComment names the account under somebody else's post: MediaID, or a new
// post of the person.
func personMentionsInComment(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	text := a.Text
	if !mentions(text, who.account.Username) {
		text = strings.TrimSpace("@" + who.account.Username + " " + text)
	}
	m := s.st.media[a.MediaID]
	switch {
	case a.MediaID == "":
		m = s.personPosts(who.person, "A day at the sea")
	case m == nil:
		return Outcome{}, fmt.Errorf("media_id: there is no media %q", a.MediaID)
	case m.OwnerID == who.account.ID:
		return Outcome{}, fmt.Errorf("media_id: %q is the account's own; a mention is under somebody else's", a.MediaID)
	}
	return personComments(s, who, Action{MediaID: m.ID, CommentID: a.CommentID, Text: text})
}

// personMentionsInCaption posts a photo whose caption names the account.
func personMentionsInCaption(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	text := a.Text
	if !mentions(text, who.account.Username) {
		text = strings.TrimSpace("@" + who.account.Username + " " + text)
	}
	m := s.personPosts(who.person, text)
	s.captioned(m)
	return Outcome{MediaID: m.ID}, nil
}

// personTags posts a photo in which the account is tagged.
func personTags(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	m := s.personPosts(who.person, a.Text)
	m.Tags = []UserTag{{Username: who.account.Username, X: 0.5, Y: 0.5}}
	return Outcome{MediaID: m.ID}, nil
}

func (s *Sandbox) personPosts(p *Person, caption string) *Media {
	id := s.st.id("180")
	m := &Media{ID: id, OwnerID: p.ID, Type: "IMAGE", Product: "FEED", At: s.clock.Now(), Caption: caption, Shortcode: shortcode(id)}
	s.st.addMedia(m)
	return m
}

// shortcode is the text in a permalink.
func shortcode(id string) string { return "C" + secretText(id, 10) }

// Igsid returns the id by which an account sees a person, "" when one of them is unknown. Both
// are named by username.
func (s *Sandbox) Igsid(account, person string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, p := s.st.profiles[strings.ToLower(account)].account, s.st.profiles[strings.ToLower(person)].person
	if a == nil || p == nil {
		return ""
	}
	return s.st.igsids[scopedKey{a.ID, p.ID}]
}

// peopleList is what /__sandbox/people shows.
func (s *Sandbox) peopleList() []personInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []personInfo
	for id, who := range s.st.scoped {
		list = append(list, personInfo{id, who.person.Username, who.account.ID, who.account.Username})
	}
	slices.SortFunc(list, func(a, b personInfo) int { return strings.Compare(a.AccountID+a.Username, b.AccountID+b.Username) })
	return list
}

type personInfo struct {
	IGSID     string `json:"igsid"`
	Username  string `json:"username"`
	AccountID string `json:"account_id"`
	Account   string `json:"account"`
}
