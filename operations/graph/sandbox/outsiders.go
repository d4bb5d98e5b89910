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
