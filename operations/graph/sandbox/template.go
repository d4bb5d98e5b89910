package sandbox

import (
	"encoding/json"
	"slices"
	"strings"
)

// Documented limits of messages.
const (
	maxMessageBytes  = 1000
	maxQuickReplies  = 13
	maxTitle         = 20
	maxElements      = 10
	maxElementText   = 80
	maxButtons       = 3
	maxTemplateText  = 640
	maxImages        = 10
	maxImageBytes    = 8 << 20
	maxDocumentBytes = 25 << 20
)

func badMessage(format string, args ...any) *apiError {
	return failSub(100, 2534015, format, args...)
}

func (m *outgoingMessage) all() []outgoingAttachment {
	if m.Attachment != nil {
		return []outgoingAttachment{*m.Attachment}
	}
	return m.Attachments
}

// heavy says whether the message counts against the small budget of audio and video.
func (m *outgoingMessage) heavy() bool {
	return slices.ContainsFunc(m.all(), func(a outgoingAttachment) bool { return a.Type == "audio" || a.Type == "video" })
}

// checkMessage applies the limits of each kind of message.
func (c *call) checkMessage(m *outgoingMessage) error {
	parts := 0
	for _, there := range []bool{m.Text != "", m.Attachment != nil, len(m.Attachments) > 0} {
		if there {
			parts++
		}
	}
	switch {
	case parts != 1:
		return badMessage("The message must have exactly one of text, attachment and attachments")
	case len(m.Text) > maxMessageBytes:
		return badMessage("The text is longer than %d bytes", maxMessageBytes)
	case len(m.Attachments) > maxImages:
		return badMessage("The message has more than %d images", maxImages)
	}
	if err := checkQuickReplies(m); err != nil {
		return err
	}
	for _, a := range m.Attachments {
		if a.Type != "image" {
			return badMessage("Several attachments must all be images")
		}
	}
	for _, a := range m.all() {
		if err := c.checkAttachment(a); err != nil {
			return err
		}
	}
	return nil
}

func checkQuickReplies(m *outgoingMessage) error {
	if len(m.QuickReplies) == 0 {
		return nil
	}
	if m.Text == "" {
		return badMessage("Quick replies need a text")
	}
	if len(m.QuickReplies) > maxQuickReplies {
		return badMessage("The message has more than %d quick replies", maxQuickReplies)
	}
	for i, q := range m.QuickReplies {
		switch {
		case q.ContentType == "user_phone_number" || q.ContentType == "user_email":
		case q.ContentType != "text":
			return badMessage("quick_replies[%d].content_type must be text", i)
		case q.Title == "" || q.Payload == "":
			return badMessage("quick_replies[%d] needs title and payload", i)
		case len([]rune(q.Title)) > maxTitle:
			return badMessage("quick_replies[%d].title is longer than %d characters", i, maxTitle)
		}
	}
	return nil
}

type templatePayload struct {
	Kind     string            `json:"template_type"`
	Text     string            `json:"text"`
	Elements []templateElement `json:"elements"`
	Buttons  []templateButton  `json:"buttons"`
}

type templateElement struct {
	ID            string           `json:"id"`
	Title         string           `json:"title"`
	Subtitle      string           `json:"subtitle"`
	ImageURL      string           `json:"image_url"`
	DefaultAction json.RawMessage  `json:"default_action"`
	Buttons       []templateButton `json:"buttons"`
}

type templateButton struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	URL     string `json:"url"`
	Payload string `json:"payload"`
}

func (c *call) checkTemplate(raw json.RawMessage) error {
	var p templatePayload
	if err := json.Unmarshal(raw, &p); err != nil {
		return badMessage("The payload of the template is not valid")
	}
	switch p.Kind {
	case "generic":
		return checkGeneric(p.Elements)
	case "button":
		if p.Text == "" || len([]rune(p.Text)) > maxTemplateText {
			return badMessage("A button template needs a text of up to %d characters", maxTemplateText)
		}
		if len(p.Buttons) == 0 {
			return badMessage("A button template needs buttons")
		}
		return checkButtons(p.Buttons)
	case "product":
		return c.checkProducts(p.Elements)
	default:
		return badMessage("The template_type %q is unknown", p.Kind)
	}
}

func checkGeneric(elements []templateElement) error {
	if len(elements) == 0 || len(elements) > maxElements {
		return badMessage("A generic template has from 1 to %d elements", maxElements)
	}
	for i, e := range elements {
		switch {
		case e.Title == "":
			return badMessage("elements[%d].title is missing", i)
		case len([]rune(e.Title)) > maxElementText || len([]rune(e.Subtitle)) > maxElementText:
			return badMessage("elements[%d]: title and subtitle have up to %d characters", i, maxElementText)
		case e.Subtitle == "" && e.ImageURL == "" && len(e.DefaultAction) == 0 && len(e.Buttons) == 0:
			return badMessage("elements[%d] needs one more property besides title", i)
		}
		if err := checkButtons(e.Buttons); err != nil {
			return err
		}
	}
	return nil
}

func checkButtons(buttons []templateButton) error {
	if len(buttons) > maxButtons {
		return badMessage("There are more than %d buttons", maxButtons)
	}
	for i, b := range buttons {
		switch {
		case b.Title == "" || len([]rune(b.Title)) > maxTitle:
			return badMessage("buttons[%d].title has from 1 to %d characters", i, maxTitle)
		case b.Type == "web_url" && b.URL == "":
			return badMessage("buttons[%d].url is missing", i)
		case b.Type == "postback" && b.Payload == "":
			return badMessage("buttons[%d].payload is missing", i)
		case b.Type != "web_url" && b.Type != "postback":
			return badMessage("buttons[%d].type must be web_url or postback", i)
		}
	}
	return nil
}

func (c *call) checkProducts(elements []templateElement) error {
	if c.flavour == flavourInstagram {
		return badMessage("Product templates are not supported with Instagram Login")
	}
	if len(elements) == 0 || len(elements) > maxElements {
		return badMessage("A product template has from 1 to %d elements", maxElements)
	}
	for i, e := range elements {
		if c.s.st.products[e.ID] == nil {
			return badMessage("elements[%d].id: there is no product %q in the catalog", i, e.ID)
		}
	}
	return nil
}

// taps are what a person can tap on in a message.
func (m *outgoingMessage) taps() []Tap {
	var taps []Tap
	for _, q := range m.QuickReplies {
		taps = append(taps, Tap{Kind: "quick_reply", Title: q.Title, Payload: q.Payload})
	}
	for _, a := range m.all() {
		var p templatePayload
		if strings.ToLower(a.Type) != "template" || json.Unmarshal(a.Payload, &p) != nil {
			continue
		}
		buttons := p.Buttons
		for _, e := range p.Elements {
			buttons = append(buttons, e.Buttons...)
		}
		for _, b := range buttons {
			if b.Type == "postback" {
				taps = append(taps, Tap{Kind: "postback", Title: b.Title, Payload: b.Payload})
			}
		}
	}
	return taps
}
