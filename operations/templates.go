package operations

import (
	"strings"

	"github.com/storyloop/storyloop/connector"
)

// button is what a person can tap on below a template.
type button struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	URL     string `json:"url,omitempty"`
	Payload string `json:"payload,omitempty"`
}

// check says what a button lacks.
func (b button) check(at string, known connector.Known) []connector.Problem {
	wanted, value, other := "url", b.URL, b.Payload
	if b.Type == "postback" {
		wanted, value, other = "payload", b.Payload, b.URL
	}
	var found []connector.Problem
	if value == "" && known(at+"/"+wanted) && known(at+"/type") {
		found = append(found, problem(at+"/"+wanted, "missing_property", "The button has no "+wanted+".", "A web_url needs a url, a postback a payload."))
	}
	if other != "" && known(at+"/type") {
		found = append(found, problem(at, "does_not_fit", "A button has a url or a payload, not both.", "A web_url needs a url, a postback a payload."))
	}
	return found
}

// template is the payload of a template.
type template struct {
	Type     string   `json:"template_type"`
	Text     string   `json:"text,omitempty"`
	Buttons  []button `json:"buttons,omitempty"`
	Elements any      `json:"elements,omitempty"`
}

func (t template) message() envelopeOut {
	return envelopeOut{Message: &messageOut{Attachment: &attachmentOut{"template", t}}}
}

func sendGenericTemplate(a *api) connector.Operation {
	type action struct {
		Type string `json:"type"`
		URL  string `json:"url"`
	}
	type elementOut struct {
		Title    string   `json:"title"`
		Subtitle string   `json:"subtitle,omitempty"`
		ImageURL string   `json:"image_url,omitempty"`
		Action   *action  `json:"default_action,omitempty"`
		Buttons  []button `json:"buttons,omitempty"`
	}
	type element struct {
		Title    string   `json:"title"`
		Subtitle string   `json:"subtitle"`
		ImageURL string   `json:"image_url"`
		URL      string   `json:"url"`
		Buttons  []button `json:"buttons"`
	}
	type input struct {
		addressed
		Elements []element `json:"elements"`
	}
	op := sends(a, connector.Operation{
		Name:    "send_generic_template",
		Title:   "Send cards",
		Summary: "Sends a person up to ten cards with title, picture and buttons.",
	}, func(in input) (addressed, envelopeOut) {
		var out []elementOut
		for _, e := range in.Elements {
			card := elementOut{Title: e.Title, Subtitle: e.Subtitle, ImageURL: e.ImageURL, Buttons: e.Buttons}
			if e.URL != "" {
				card.Action = &action{"web_url", e.URL}
			}
			out = append(out, card)
		}
		return in.addressed, template{Type: "generic", Elements: out}.message()
	})
	return connector.Validate(op, func(in input, known connector.Known) []connector.Problem {
		var found []connector.Problem
		for i, e := range in.Elements {
			at := pointerTo("/elements", i)
			if e.Subtitle == "" && e.ImageURL == "" && e.URL == "" && len(e.Buttons) == 0 &&
				known(at+"/subtitle") && known(at+"/image_url") && known(at+"/url") && known(at+"/buttons") {
				found = append(found, problem(at, "too_little", "A card needs more than a title.", "Add a subtitle, a picture, an address or a button."))
			}
			for j, b := range e.Buttons {
				found = append(found, b.check(pointerTo(at, "buttons", j), known)...)
			}
		}
		return found
	})
}

func sendButtonTemplate(a *api) connector.Operation {
	type input struct {
		addressed
		Text    string   `json:"text"`
		Buttons []button `json:"buttons"`
	}
	op := sends(a, connector.Operation{
		Name:    "send_button_template",
		Title:   "Send buttons",
		Summary: "Sends a person a text with up to three buttons.",
	}, func(in input) (addressed, envelopeOut) {
		return in.addressed, template{Type: "button", Text: in.Text, Buttons: in.Buttons}.message()
	})
	return connector.Validate(op, func(in input, known connector.Known) []connector.Problem {
		var found []connector.Problem
		for i, b := range in.Buttons {
			found = append(found, b.check(pointerTo("/buttons", i), known)...)
		}
		return found
	})
}

func sendProductTemplate(a *api) connector.Operation {
	type input struct {
		addressed
		ProductIDs []string `json:"product_ids"`
	}
	return sends(a, connector.Operation{
		Name:        "send_product_template",
		Title:       "Send products",
		Summary:     "Sends a person products of the account's catalog.",
		AuthMethods: facebookOnly,
	}, func(in input) (addressed, envelopeOut) {
		var out []created
		for _, id := range in.ProductIDs {
			out = append(out, created{strings.TrimSpace(id)})
		}
		return in.addressed, template{Type: "product", Elements: out}.message()
	})
}
