package sandbox

import (
	"errors"
	"fmt"
	"slices"
)

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
