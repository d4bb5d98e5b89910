package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// messagingActions are what a person does in a conversation.
func messagingActions() map[string]actionFunc {
	return map[string]actionFunc{
		"message":                personWrites,
		"quick_reply":            personTapsQuickReply,
		"postback":               personTapsButton,
		"react":                  personReacts,
		"unreact":                personUnreacts,
		"story_mention":          personMentionsInStory,
		"story_reply":            personAnswersStory,
		"share":                  personShares,
		"share_product":          personSharesProduct,
		"product_inquiry":        personAsksAboutProduct,
		"ad_message":             personComesFromAd,
		"referral":               personComesByLink,
		"optin":                  personOptsIn,
		"seen":                   personSees,
		"edit":                   personEdits,
		"unsend":                 personUnsends,
		"unsupported":            personSendsUnsupported,
		"owner_message":          ownerWrites,
		"self_message":           ownerWritesToSelf,
		"policy_enforcement":     metaEnforces,
		"block":                  personBlocks,
		"unblock":                personUnblocks,
		"pass_thread_control":    inboxPasses,
		"take_thread_control":    inboxTakes,
		"request_thread_control": inboxRequests,
	}
}

// incoming puts a person's message into the conversation.
func (s *Sandbox) incoming(who scopedPerson, m *Message) (Outcome, error) {
	key := scopedKey{who.account.ID, who.person.ID}
	if s.st.blocked[key] {
		return Outcome{}, errors.New("the account has blocked this person")
	}
	first := s.st.threadOf[key] == nil
	t := s.st.thread(who.account.ID, who.person.ID)
	if first && !slices.Contains(who.person.FollowedBy, who.account.ID) {
		t.Requests = true
	}
	m.FromID = who.person.ID
	s.say(t, m)
	return Outcome{MessageID: m.ID}, nil
}

// personWrites sends a text, or a file at URL of a type (image, video, audio, file); MessageID
// makes it an inline reply.
func personWrites(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	if (a.Text == "") == (a.URL == "") {
		return Outcome{}, errors.New("text, url: say either what is written or where the file is")
	}
	m := &Message{Text: a.Text}
	if a.URL != "" {
		kind := a.Type
		if kind == "" {
			kind = "image"
		}
		if _, ok := attachmentTypes[kind]; !ok {
			return Outcome{}, fmt.Errorf("type: %q is none of image, video, audio, file", a.Type)
		}
		m.Attachments = []Attachment{{Type: kind, URL: a.URL}}
	}
	if a.MessageID != "" {
		if _, _, err := s.messageOf(who, a.MessageID); err != nil {
			return Outcome{}, err
		}
		m.ReplyTo = a.MessageID
	}
	return s.incoming(who, m)
}

// messageOf finds a message of the person's conversation.
func (s *Sandbox) messageOf(who scopedPerson, mid string) (*Thread, *Message, error) {
	t := s.st.threadOf[scopedKey{who.account.ID, who.person.ID}]
	if t != nil {
		for _, m := range t.Messages {
			if m.ID == mid {
				return t, m, nil
			}
		}
	}
	return nil, nil, fmt.Errorf("message_id: there is no message %q in this conversation", mid)
}

// findTap finds what is tapped on: by payload or title in the newest message that has such,
// or as it is given.
func (s *Sandbox) findTap(who scopedPerson, kind string, a Action) (Tap, error) {
	if a.Payload == "" && a.Title == "" {
		return Tap{}, errors.New("payload, title: say what is tapped on")
	}
	fits := func(t Tap) bool {
		return t.Kind == kind && (a.Payload == "" || t.Payload == a.Payload) && (a.Title == "" || t.Title == a.Title)
	}
	if t := s.st.threadOf[scopedKey{who.account.ID, who.person.ID}]; t != nil {
		for _, m := range slices.Backward(t.Messages) {
			if i := slices.IndexFunc(m.Taps, fits); i >= 0 {
				return m.Taps[i], nil
			}
		}
	}
	for _, b := range who.account.IceBreakers {
		for _, item := range b.CallToActions {
			if tap := (Tap{kind, item.Question, item.Payload}); kind == "postback" && fits(tap) {
				return tap, nil
			}
		}
	}
	for _, menu := range who.account.PersistentMenu {
		for _, item := range menu.CallToActions {
			if tap := (Tap{kind, item.Title, item.Payload}); kind == "postback" && item.Type == "postback" && fits(tap) {
				return tap, nil
			}
		}
	}
	if a.Payload == "" || a.Title == "" {
		return Tap{}, fmt.Errorf("nothing to tap on has the payload %q or the title %q; give both to tap on something of another app", a.Payload, a.Title)
	}
	return Tap{kind, a.Title, a.Payload}, nil
}

func personTapsQuickReply(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	tap, err := s.findTap(who, "quick_reply", a)
	if err != nil {
		return Outcome{}, err
	}
	return s.incoming(who, &Message{Text: tap.Title, Tapped: &tap})
}

// personTapsButton taps a template's button, an ice breaker or a menu item. It opens the
// window as a message does.
func personTapsButton(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	tap, err := s.findTap(who, "postback", a)
	if err != nil {
		return Outcome{}, err
	}
	t := s.st.thread(who.account.ID, who.person.ID)
	s.st.nextID++
	m := &Message{ID: messageID(t.AccountID, t.PersonID, 1000+int(s.st.nextID)), FromID: who.person.ID, At: s.clock.Now(), Text: tap.Title, Postback: &Postback{tap.Title, tap.Payload}}
	t.Messages = append(t.Messages, m)
	s.st.messages[m.ID] = messageAt{m, t}
	s.tell(t, "messaging_postbacks", who.person.ID, "postback", object{{"mid", m.ID}, {"title", tap.Title}, {"payload", tap.Payload}})
	return Outcome{MessageID: m.ID}, nil
}

func personReacts(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	t, m, err := s.messageOf(who, a.MessageID)
	if err != nil {
		return Outcome{}, err
	}
	if a.Reaction == "" {
		a.Reaction = "love"
	}
	r := newReaction(who.person.ID, a.Reaction)
	m.Reactions = append(slices.DeleteFunc(m.Reactions, func(x Reaction) bool { return x.FromID == r.FromID }), r)
	s.tell(t, "message_reactions", r.FromID, "reaction", object{{"mid", m.ID}, {"action", "react"}, {"reaction", r.Name}, {"emoji", r.Emoji}})
	return Outcome{MessageID: m.ID}, nil
}

func personUnreacts(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	t, m, err := s.messageOf(who, a.MessageID)
	if err != nil {
		return Outcome{}, err
	}
	before := len(m.Reactions)
	m.Reactions = slices.DeleteFunc(m.Reactions, func(x Reaction) bool { return x.FromID == who.person.ID })
	if len(m.Reactions) == before {
		return Outcome{}, fmt.Errorf("message_id: the person has not reacted to %q", a.MessageID)
	}
	s.tell(t, "message_reactions", who.person.ID, "reaction", object{{"mid", m.ID}, {"action", "unreact"}})
	return Outcome{MessageID: m.ID}, nil
}

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

// personSees has read up to a message of the account; the newest one without MessageID.
func personSees(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	t := s.st.threadOf[scopedKey{who.account.ID, who.person.ID}]
	if t == nil {
		return Outcome{}, errors.New("there is no conversation")
	}
	mid := a.MessageID
	for _, m := range slices.Backward(t.Messages) {
		if mid == "" && m.FromID == t.AccountID {
			mid = m.ID
		}
	}
	if _, _, err := s.messageOf(who, mid); err != nil {
		return Outcome{}, err
	}
	s.tell(t, "messaging_seen", who.person.ID, "read", object{{"mid", mid}})
	return Outcome{MessageID: mid}, nil
}

func personEdits(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	t, m, err := s.messageOf(who, a.MessageID)
	if err != nil {
		return Outcome{}, err
	}
	if m.FromID != who.person.ID || m.Unsent || a.Text == "" {
		return Outcome{}, errors.New("message_id, text: a person changes the text of their own messages")
	}
	m.Text = a.Text
	m.Edits++
	s.tell(t, "message_edit", who.person.ID, "message_edit", object{{"mid", m.ID}, {"text", m.Text}, {"num_edit", m.Edits}})
	return Outcome{MessageID: m.ID}, nil
}

func personUnsends(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	t, m, err := s.messageOf(who, a.MessageID)
	if err != nil {
		return Outcome{}, err
	}
	if m.FromID != who.person.ID || m.Unsent {
		return Outcome{}, errors.New("message_id: a person takes back their own messages, once")
	}
	m.Unsent, m.Text, m.Attachments = true, "", nil
	s.tell(t, "messages", who.person.ID, "message", object{{"mid", m.ID}, {"is_deleted", true}})
	return Outcome{MessageID: m.ID}, nil
}

// personSendsUnsupported sends what the API cannot show: with type attachment as an
// attachment, else as a flag.
func personSendsUnsupported(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	m := &Message{Unsupported: true}
	if strings.EqualFold(a.Type, "attachment") {
		m.Attachments = []Attachment{{Type: "unsupported_type", URL: "unsupported"}}
	}
	return s.incoming(who, m)
}

// ownerWrites is the account's owner who answers with the Instagram app, past every app of ours.
func ownerWrites(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	if a.Text == "" {
		return Outcome{}, errors.New("text: say what is written")
	}
	t := s.st.thread(who.account.ID, who.person.ID)
	t.Requests = false
	m := s.say(t, &Message{FromID: who.account.ID, Text: a.Text})
	return Outcome{MessageID: m.ID}, nil
}

// ownerWritesToSelf is the owner's message to the own account, which people send to test a
// set-up.
func ownerWritesToSelf(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	s.st.nextID++
	mid := messageID(who.account.ID, who.account.ID, 1000+int(s.st.nextID))
	t := &Thread{AccountID: who.account.ID, PersonID: who.person.ID}
	s.tell(t, "messages", who.account.ID, "message", object{{"mid", mid}}.with("text", text(a.Text)).with("is_echo", true).with("is_self", true))
	return Outcome{MessageID: mid}, nil
}

// metaEnforces is Meta's warning or block of a business that broke the rules.
func metaEnforces(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	reason := a.Text
	if reason == "" {
		reason = "Policy text"
	}
	value := object{
		{"recipient", object{{"id", who.account.ID}}}, {"timestamp", s.clock.Now().UnixMilli()},
		{"policy-enforcement", object{{"action", "block"}, {"reason", reason}}},
	}
	s.queue(flavourFacebook, who.account, "messaging_policy_enforcement", update{messaging: true, value: value})
	return Outcome{}, nil
}

func personBlocks(s *Sandbox, who scopedPerson, _ Action) (Outcome, error) {
	if !slices.Contains(who.person.BlockedBy, who.account.ID) {
		who.person.BlockedBy = append(who.person.BlockedBy, who.account.ID)
	}
	return Outcome{}, nil
}

func personUnblocks(s *Sandbox, who scopedPerson, _ Action) (Outcome, error) {
	who.person.BlockedBy = slices.DeleteFunc(who.person.BlockedBy, func(id string) bool { return id == who.account.ID })
	return Outcome{}, nil
}

// inboxPasses is somebody at the Page Inbox who hands the conversation to the app.
func inboxPasses(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	return s.handOver(who, s.app.ID, "pass_thread_control", object{{"previous_owner_app_id", inboxApp}, {"new_owner_app_id", s.app.ID}}, a)
}

// inboxTakes is somebody at the Page Inbox who takes the conversation from the app.
func inboxTakes(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	return s.handOver(who, inboxApp, "take_thread_control", object{{"previous_owner_app_id", s.app.ID}, {"new_owner_app_id", inboxApp}}, a)
}

func inboxRequests(s *Sandbox, who scopedPerson, a Action) (Outcome, error) {
	t := s.st.threadOf[scopedKey{who.account.ID, who.person.ID}]
	owner := ""
	if t != nil {
		owner = t.OwnerApp
	}
	return s.handOver(who, owner, "request_thread_control", object{{"requested_owner_app_id", inboxApp}}, a)
}

func (s *Sandbox) handOver(who scopedPerson, owner, event string, value object, a Action) (Outcome, error) {
	t := s.st.threadOf[scopedKey{who.account.ID, who.person.ID}]
	if t == nil {
		return Outcome{}, errors.New("there is no conversation")
	}
	t.OwnerApp = owner
	s.tell(t, "messaging_handover", who.person.ID, event, value.with("metadata", text(a.Text)))
	return Outcome{}, nil
}
