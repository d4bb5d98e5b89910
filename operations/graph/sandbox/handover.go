package sandbox

import (
	"slices"
	"strings"
)

// inboxApp is Meta's own Page Inbox, the usual partner of handover.
const inboxApp = "263902037430900"

// moderate is POST .../moderate_conversations.
func moderate(c *call) (any, error) {
	if c.account == nil {
		return nil, failSub(100, 2534013, "The Page is not linked to an Instagram account.")
	}
	var users []struct {
		ID string `json:"id"`
	}
	if err := c.params.decode("user_ids", &users); err != nil || len(users) == 0 {
		return nil, badParam("Param user_ids must be an array of objects with id")
	}
	actions := c.params.list("actions")
	if len(actions) == 0 {
		return nil, missingParam("actions")
	}
	known := []string{"BLOCK_USER", "UNBLOCK_USER", "MOVE_TO_SPAM"}
	if c.kind == kindPage {
		known = append(known, "BAN_USER", "UNBAN_USER")
	}
	for _, action := range actions {
		if !slices.Contains(known, action) {
			return nil, badParam("Param actions must be one of {%s} - got %q.", strings.Join(known, ", "), action)
		}
	}
	for _, u := range users {
		if who, ok := c.s.st.scoped[u.ID]; !ok || who.account != c.account {
			return nil, failSub(100, 2534014, "No matching Instagram user")
		}
	}
	for _, u := range users {
		c.s.st.moderate(c.s.st.scoped[u.ID], actions)
	}
	return success(), nil
}

func (st *state) moderate(who scopedPerson, actions []string) {
	key := scopedKey{who.account.ID, who.person.ID}
	for _, action := range actions {
		switch action {
		case "BLOCK_USER", "BAN_USER":
			st.blocked[key] = true
		case "UNBLOCK_USER", "UNBAN_USER":
			delete(st.blocked, key)
		case "MOVE_TO_SPAM":
			if t := st.threadOf[key]; t != nil {
				t.Spam = true
			}
		}
	}
}

// handover makes the handlers of pass, take, request, release and extend_thread_control.
func handover(what string) func(*call) (any, error) {
	return func(c *call) (any, error) {
		t, err := c.recipientThread()
		if err != nil {
			return nil, err
		}
		mine := t.OwnerApp == "" || t.OwnerApp == c.s.app.ID
		if !mine && what != "take" && what != "request" {
			return nil, failSub(100, 2534037, "Another app controls this thread now.")
		}
		switch what {
		case "pass":
			target := c.params.get("target_app_id")
			if target == "" {
				return nil, missingParam("target_app_id")
			}
			if target != c.s.app.ID && target != inboxApp {
				return nil, failSub(100, 2018164, "The app id is not of an app that is connected to the Page.")
			}
			t.OwnerApp = target
		case "take":
			t.OwnerApp = c.s.app.ID
		case "release":
			t.OwnerApp = ""
		}
		return success(), nil
	}
}

func (c *call) recipientThread() (*Thread, error) {
	if c.account == nil {
		return nil, failSub(100, 2534013, "The Page is not linked to an Instagram account.")
	}
	var recipient struct {
		ID string `json:"id"`
	}
	text := c.params.get("recipient")
	if text == "" {
		return nil, missingParam("recipient")
	}
	if err := c.params.decode("recipient", &recipient); err != nil {
		recipient.ID = text // GET thread_owner takes the bare id
	}
	who, ok := c.s.st.scoped[recipient.ID]
	if !ok || who.account != c.account {
		return nil, failSub(100, 2534014, "No matching Instagram user")
	}
	t := c.s.st.threadOf[scopedKey{c.account.ID, who.person.ID}]
	if t == nil {
		return nil, failSub(100, 2534014, "There is no conversation with this user")
	}
	return t, nil
}

func threadOwner(c *call) (any, error) {
	t, err := c.recipientThread()
	if err != nil {
		return nil, err
	}
	if t.OwnerApp == "" {
		return object{{"data", []object{}}}, nil
	}
	return object{{"data", []object{{{"thread_owner", object{{"app_id", t.OwnerApp}}}}}}}, nil
}

func secondaryReceivers(c *call) (any, error) {
	return object{{"data", []object{{{"id", inboxApp}, {"name", "Page Inbox"}}}}}, nil
}
