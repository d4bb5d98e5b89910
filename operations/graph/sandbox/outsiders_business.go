package sandbox

import (
	"errors"
)

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
