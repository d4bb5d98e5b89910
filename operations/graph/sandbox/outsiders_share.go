package sandbox

import (
	"errors"
	"fmt"
	"slices"
)

// personMentionsInStory posts a story that names the account. It is told only when the person
// is public or followed by the account.
func personMentionsInStory(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	id := s.st.id("180")
	story := &Media{ID: id, OwnerID: who.person.ID, Type: "IMAGE", Product: "STORY", At: s.clock.Now(), Caption: "@" + who.account.Username, Shortcode: shortcode(id)}
	s.st.addMedia(story)
	if who.person.Private && !slices.Contains(who.person.FollowedBy, who.account.ID) {
		return Outcome{MediaID: id}, nil
	}
	out, err := s.incoming(who, &Message{
		Attachments: []Attachment{{Type: "story_mention", URL: "story"}}, Story: &StoryReference{Kind: "mention", MediaID: id},
	})
	out.MediaID = id
	return out, err
}

func personAnswersStory(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	m := s.st.media[a.MediaID]
	if m == nil || m.Product != "STORY" || m.OwnerID != who.account.ID || !s.clock.Now().Before(m.At.Add(storyLife)) {
		return Outcome{}, fmt.Errorf("media_id: %q is no live story of the account", a.MediaID)
	}
	if a.Text == "" {
		return Outcome{}, errors.New("text: say what the reply says")
	}
	if m.Insights == nil {
		m.Insights = map[string]int{}
	}
	m.Insights["replies"]++
	return s.incoming(who, &Message{Text: a.Text, Story: &StoryReference{Kind: "reply", MediaID: m.ID}})
}

// personShares sends a post or reel into the conversation.
func personShares(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	m := s.st.media[a.MediaID]
	if m == nil || m.Product == "STORY" || m.ParentID != "" {
		return Outcome{}, fmt.Errorf("media_id: %q is no post or reel", a.MediaID)
	}
	return s.incoming(who, &Message{Text: a.Text, Attachments: []Attachment{{Type: "share", MediaID: m.ID}}})
}

func personSharesProduct(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	if s.st.products[a.ProductID] == nil {
		return Outcome{}, fmt.Errorf("product_id: there is no product %q", a.ProductID)
	}
	return s.incoming(who, &Message{Text: a.Text, Attachments: []Attachment{{Type: "template", ProductIDs: []string{a.ProductID}}}})
}

func personAsksAboutProduct(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	if s.st.products[a.ProductID] == nil {
		return Outcome{}, fmt.Errorf("product_id: there is no product %q", a.ProductID)
	}
	if a.Text == "" {
		a.Text = "Is it in stock?"
	}
	return s.incoming(who, &Message{Text: a.Text, Referral: encode(nil, object{{"product", object{{"id", a.ProductID}}}})})
}

func personComesFromAd(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	if a.AdID == "" {
		return Outcome{}, errors.New("ad_id: say which ad the person comes from")
	}
	if a.Text == "" {
		a.Text = "Hi"
	}
	referral := object{}.with("ref", text(a.Ref)).with("ad_id", a.AdID).with("source", "ADS").with("type", "OPEN_THREAD").
		with("ads_context_data", object{{"ad_title", "Winter sale"}, {"photo_url", "https://cdn.example/ad.jpg"}})
	return s.incoming(who, &Message{Text: a.Text, Referral: encode(nil, referral)})
}

// personComesByLink opens an ig.me link in an existing conversation.
func personComesByLink(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	t := s.st.threadOf[scopedKey{who.account.ID, who.person.ID}]
	if t == nil {
		return Outcome{}, errors.New("a link in a new conversation comes with the first message; write one first")
	}
	s.tell(t, "messaging_referral", who.person.ID, "referral", object{}.with("ref", text(a.Ref)).with("source", "SHORTLINK").with("type", "OPEN_THREAD"))
	return Outcome{}, nil
}

func personOptsIn(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	t := s.st.thread(who.account.ID, who.person.ID)
	ends := s.clock.Now().AddDate(1, 0, 0).UnixMilli()
	s.tell(t, "messaging_optins", who.person.ID, "optin", object{
		{"type", "notification_messages"}, {"payload", a.Payload}, {"notification_messages_token", digits(t.ID, 10)},
		{"notification_messages_frequency", "WEEKLY"}, {"token_expiry_timestamp", ends}, {"user_token_status", "NOT_REFRESHED"}, {"title", a.Title},
	})
	return Outcome{}, nil
}
