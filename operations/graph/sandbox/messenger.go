package sandbox

import "slices"

// maxIceBreakers and maxMenuItems are the documented sizes of a messenger profile.
const (
	maxIceBreakers = 4
	maxMenuItems   = 20
)

// aboutInstagram says whether the call is about Instagram's profile: on a Page, without
// platform=instagram it is about Messenger's, which this world does not have.
func (c *call) aboutInstagram() (bool, error) {
	switch p := c.params.get("platform"); p {
	case "instagram", "INSTAGRAM":
		return true, nil
	case "", "messenger", "MESSENGER":
		return c.flavour == flavourInstagram, nil
	default:
		return false, badParam("Param platform must be one of {INSTAGRAM, MESSENGER} - got %q.", p)
	}
}

func (c *call) wrote() object {
	if c.flavour == flavourInstagram {
		return success()
	}
	return object{{"result", "success"}}
}

// writeMessengerProfile is POST .../messenger_profile.
func writeMessengerProfile(c *call) (any, error) {
	if c.account == nil {
		return nil, failSub(100, 2534013, "The Page is not linked to an Instagram account.")
	}
	if !c.params.has("ice_breakers") && !c.params.has("persistent_menu") {
		return nil, badParam("Requires one of the params: ice_breakers, persistent_menu")
	}
	breakers, err := c.readIceBreakers()
	if err != nil {
		return nil, err
	}
	menu, err := c.readMenu()
	if err != nil {
		return nil, err
	}
	ours, err := c.aboutInstagram()
	if err != nil || !ours {
		return c.wrote(), err
	}
	if breakers != nil {
		c.account.IceBreakers = breakers
	}
	if menu != nil {
		c.account.PersistentMenu = menu
	}
	return c.wrote(), nil
}

// readIceBreakers takes the form with locales, and the old flat one that Meta's own sample
// still sends.
func (c *call) readIceBreakers() ([]IceBreakers, error) {
	if !c.params.has("ice_breakers") {
		return nil, nil
	}
	var list []struct {
		IceBreakers
		IceBreakersItem
	}
	if err := c.params.decode("ice_breakers", &list); err != nil || len(list) == 0 {
		return nil, badParam("Param ice_breakers must be an array")
	}
	var out []IceBreakers
	flat := IceBreakers{Locale: "default"}
	for _, one := range list {
		if one.Question != "" || one.Payload != "" {
			flat.CallToActions = append(flat.CallToActions, one.IceBreakersItem)
			continue
		}
		if one.Locale == "" {
			one.Locale = "default"
		}
		out = append(out, one.IceBreakers)
	}
	if flat.CallToActions != nil {
		out = append(out, flat)
	}
	for _, b := range out {
		if len(b.CallToActions) == 0 || len(b.CallToActions) > maxIceBreakers {
			return nil, badParam("Param ice_breakers has from 1 to %d questions for a locale", maxIceBreakers)
		}
		for _, item := range b.CallToActions {
			if item.Question == "" || item.Payload == "" {
				return nil, badParam("Param ice_breakers: each needs question and payload")
			}
		}
	}
	return out, nil
}

func (c *call) readMenu() ([]PersistentMenu, error) {
	if !c.params.has("persistent_menu") {
		return nil, nil
	}
	var list []struct {
		PersistentMenu
		Disabled *bool `json:"composer_input_disabled"`
	}
	if err := c.params.decode("persistent_menu", &list); err != nil || len(list) == 0 {
		return nil, badParam("Param persistent_menu must be an array")
	}
	var out []PersistentMenu
	for _, m := range list {
		switch {
		case m.Disabled != nil:
			return nil, badParam("Param persistent_menu: composer_input_disabled is not supported on Instagram")
		case len(m.CallToActions) == 0 || len(m.CallToActions) > maxMenuItems:
			return nil, badParam("Param persistent_menu has from 1 to %d items for a locale", maxMenuItems)
		}
		for _, item := range m.CallToActions {
			good := item.Title != "" && (item.Type == "postback" && item.Payload != "" || item.Type == "web_url" && item.URL != "")
			if !good {
				return nil, badParam("Param persistent_menu: an item has type postback with title and payload, or web_url with title and url")
			}
		}
		out = append(out, m.PersistentMenu)
	}
	return out, nil
}

// readMessengerProfile is GET .../messenger_profile?fields=ice_breakers,persistent_menu.
func readMessengerProfile(c *call) (any, error) {
	fields := c.params.list("fields")
	if len(fields) == 0 {
		fields = []string{"ice_breakers", "persistent_menu"}
	}
	for _, f := range fields {
		if f != "ice_breakers" && f != "persistent_menu" {
			return nil, unknownField(f, "MessengerProfile")
		}
	}
	none := object{{"data", []object{}}}
	ours, err := c.aboutInstagram()
	if err != nil || !ours || c.account == nil {
		return none, err
	}
	breakers, menu := iceBreakersJSON(c.account), menuJSON(c.account)
	if len(fields) == 1 && fields[0] == "ice_breakers" {
		return object{{"data", breakers}}, nil
	}
	one := object{}
	if len(breakers) > 0 && slices.Contains(fields, "ice_breakers") {
		one = append(one, member{"ice_breakers", breakers})
	}
	if len(menu) > 0 && slices.Contains(fields, "persistent_menu") {
		one = append(one, member{"persistent_menu", menu})
	}
	if len(one) == 0 {
		return none, nil
	}
	return object{{"data", []object{one}}}, nil
}

func iceBreakersJSON(a *Account) []object {
	list := []object{}
	for _, b := range a.IceBreakers {
		items := []object{}
		for _, item := range b.CallToActions {
			items = append(items, object{{"question", item.Question}, {"payload", item.Payload}})
		}
		list = append(list, object{{"call_to_actions", items}, {"locale", b.Locale}})
	}
	return list
}

func menuJSON(a *Account) []object {
	list := []object{}
	for _, m := range a.PersistentMenu {
		items := []object{}
		for _, item := range m.CallToActions {
			items = append(items, object{{"type", item.Type}, {"title", item.Title}}.with("payload", text(item.Payload)).with("url", text(item.URL)))
		}
		list = append(list, object{{"locale", m.Locale}, {"call_to_actions", items}})
	}
	return list
}

// deleteMessengerProfile is DELETE .../messenger_profile with fields.
func deleteMessengerProfile(c *call) (any, error) {
	fields := c.params.list("fields")
	if len(fields) == 0 {
		return nil, missingParam("fields")
	}
	for _, f := range fields {
		if f != "ice_breakers" && f != "persistent_menu" {
			return nil, badParam("Param fields must be one of {ICE_BREAKERS, PERSISTENT_MENU} - got %q.", f)
		}
	}
	ours, err := c.aboutInstagram()
	if err != nil || !ours || c.account == nil {
		return c.wrote(), err
	}
	if slices.Contains(fields, "ice_breakers") {
		c.account.IceBreakers = nil
	}
	if slices.Contains(fields, "persistent_menu") {
		c.account.PersistentMenu = nil
	}
	return c.wrote(), nil
}
