package operations

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

// iceBreaker is a question that is shown before a conversation begins.
type iceBreaker struct {
	Question string `json:"question"`
	Payload  string `json:"payload"`
}

// menuItem is one item of the menu beside the text field.
type menuItem struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	URL     string `json:"url,omitempty"`
	Payload string `json:"payload,omitempty"`
}

// localized is a list for one locale; "default" is for all others.
type localized[T any] struct {
	Locale        string `json:"locale"`
	CallToActions []T    `json:"call_to_actions"`
}

func getMessengerProfile(a *api) connector.Operation {
	type output struct {
		IceBreakers    []localized[iceBreaker] `json:"ice_breakers"`
		PersistentMenu []localized[menuItem]   `json:"persistent_menu"`
	}
	return handle(a, connector.Operation{
		Name:    "get_messenger_profile",
		Title:   "Get ice breakers and menu",
		Summary: "Reads the account's ice breakers and persistent menu.",
		Effect:  connector.Read,
		Scopes:  []string{basic, manageMessages, pagesMetadata},
	}, func(ctx context.Context, s *session, in mailbox) (output, string, error) {
		out := output{[]localized[iceBreaker]{}, []localized[menuItem]{}}
		b, err := s.inbox(ctx, in)
		if err != nil {
			return out, "", err
		}
		var answer struct {
			Data []json.RawMessage `json:"data"`
		}
		params := with(b.platform(), url.Values{"fields": {"ice_breakers,persistent_menu"}})
		if err := b.get(ctx, "/"+b.node+"/messenger_profile", params, &answer); err != nil {
			return out, "", err
		}
		for _, raw := range answer.Data {
			iceBreakers, menu := readProfile(raw)
			out.IceBreakers = append(out.IceBreakers, iceBreakers...)
			out.PersistentMenu = append(out.PersistentMenu, menu...)
		}
		return out, "", nil
	})
}

// readProfile reads an item of a messenger profile: as Messenger wraps it, by the
// name of the property, or bare, as Meta's page for Instagram shows ice breakers.
func readProfile(raw json.RawMessage) ([]localized[iceBreaker], []localized[menuItem]) {
	var item struct {
		IceBreakers    []json.RawMessage     `json:"ice_breakers"`
		PersistentMenu []localized[menuItem] `json:"persistent_menu"`
		CallToActions  json.RawMessage       `json:"call_to_actions"`
	}
	if json.Unmarshal(raw, &item) != nil {
		return nil, nil
	}
	if len(item.CallToActions) > 0 {
		item.IceBreakers = append(item.IceBreakers, raw)
	}
	var found []localized[iceBreaker]
	var flat []iceBreaker
	for _, raw := range item.IceBreakers {
		var l localized[iceBreaker]
		var one iceBreaker
		switch {
		case json.Unmarshal(raw, &l) == nil && len(l.CallToActions) > 0:
			l.Locale = firstOf(l.Locale, "default")
			found = append(found, l)
		case json.Unmarshal(raw, &one) == nil && one.Question != "":
			flat = append(flat, one)
		}
	}
	if len(flat) > 0 {
		found = append(found, localized[iceBreaker]{"default", flat})
	}
	return found, item.PersistentMenu
}

// profileBody is what sets the messenger profile, or a part of it.
type profileBody struct {
	Platform       string                  `json:"platform,omitempty"`
	IceBreakers    []localized[iceBreaker] `json:"ice_breakers,omitempty"`
	PersistentMenu []localized[menuItem]   `json:"persistent_menu,omitempty"`
}

// setProfile sets a part of the messenger profile.
func (s *session) setProfile(ctx context.Context, m mailbox, body profileBody) (done, string, error) {
	b, err := s.inbox(ctx, m)
	if err != nil {
		return done{}, "", err
	}
	body.Platform = b.platform().Get("platform")
	return s.change(ctx, b.request(graph.Request{Method: http.MethodPost, Path: "/" + b.node + "/messenger_profile", JSON: body}))
}

// settingProfile completes an operation that changes the messenger profile.
func settingProfile(op connector.Operation) connector.Operation {
	op.Idempotency, op.Scopes = connector.Inherent, []string{basic, manageMessages, pagesMetadata}
	return op
}

func setIceBreakers(a *api) connector.Operation {
	type translation struct {
		Locale      string       `json:"locale"`
		IceBreakers []iceBreaker `json:"ice_breakers"`
	}
	type input struct {
		mailbox
		IceBreakers  []iceBreaker  `json:"ice_breakers"`
		Translations []translation `json:"translations"`
	}
	return handle(a, settingProfile(connector.Operation{
		Name:    "set_ice_breakers",
		Title:   "Set ice breakers",
		Summary: "Sets the questions that people are offered before they write for the first time.",
		Effect:  connector.Write,
	}), func(ctx context.Context, s *session, in input) (done, string, error) {
		all := []localized[iceBreaker]{{"default", in.IceBreakers}}
		for _, t := range in.Translations {
			all = append(all, localized[iceBreaker]{t.Locale, t.IceBreakers})
		}
		return s.setProfile(ctx, in.mailbox, profileBody{IceBreakers: all})
	})
}

func setPersistentMenu(a *api) connector.Operation {
	type translation struct {
		Locale string     `json:"locale"`
		Items  []menuItem `json:"items"`
	}
	type input struct {
		mailbox
		Items        []menuItem    `json:"items"`
		Translations []translation `json:"translations"`
	}
	op := handle(a, settingProfile(connector.Operation{
		Name:    "set_persistent_menu",
		Title:   "Set persistent menu",
		Summary: "Sets the menu beside the text field of a conversation.",
		Effect:  connector.Write,
	}), func(ctx context.Context, s *session, in input) (done, string, error) {
		all := []localized[menuItem]{{"default", in.Items}}
		for _, t := range in.Translations {
			all = append(all, localized[menuItem]{t.Locale, t.Items})
		}
		return s.setProfile(ctx, in.mailbox, profileBody{PersistentMenu: all})
	})
	return connector.Validate(op, func(in input, known connector.Known) []connector.Problem {
		found := checkMenu("/items", in.Items, known)
		for i, t := range in.Translations {
			found = append(found, checkMenu(pointerTo("/translations", i, "items"), t.Items, known)...)
		}
		return found
	})
}

// checkMenu says what the items of a menu lack: an item is a button.
func checkMenu(pointer string, items []menuItem, known connector.Known) []connector.Problem {
	var found []connector.Problem
	for i, item := range items {
		found = append(found, button(item).check(pointerTo(pointer, i), known)...)
	}
	return found
}

func deleteIceBreakers(a *api) connector.Operation {
	return deleteProfile(a, "ice_breakers", connector.Operation{
		Name:    "delete_ice_breakers",
		Title:   "Delete ice breakers",
		Summary: "Removes the questions that people are offered before they write.",
	})
}

func deletePersistentMenu(a *api) connector.Operation {
	return deleteProfile(a, "persistent_menu", connector.Operation{
		Name:    "delete_persistent_menu",
		Title:   "Delete persistent menu",
		Summary: "Removes the menu beside the text field of a conversation.",
	})
}

// deleteProfile makes an operation that removes a part of the messenger profile.
func deleteProfile(a *api, field string, op connector.Operation) connector.Operation {
	op.Effect = connector.Destructive
	return handle(a, settingProfile(op), func(ctx context.Context, s *session, in mailbox) (done, string, error) {
		b, err := s.inbox(ctx, in)
		if err != nil {
			return done{}, "", err
		}
		return s.change(ctx, b.request(graph.Request{
			Method: http.MethodDelete, Path: "/" + b.node + "/messenger_profile",
			Params: with(b.platform(), url.Values{"fields": {`["` + field + `"]`}}),
		}))
	})
}
