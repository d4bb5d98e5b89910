package sandbox

import (
	"net/http"
	"slices"
)

func getMessage(c *call) (any, error) {
	m := c.node.(messageAt)
	if !m.thread.readable(m.Message) {
		return nil, &apiError{code: 9000001, status: http.StatusBadRequest, message: "(#9000001) The message has been deleted."}
	}
	fields, err := c.fields()
	if err != nil {
		return nil, err
	}
	return render(c, c.s.kinds.message, m, fields)
}

// content is a field that only the newest messages still have.
func content(get func(c *call, m messageAt) any) fieldOf[messageAt] {
	return fieldOf[messageAt]{get: func(c *call, m messageAt, _ *field) (any, error) {
		if !m.thread.readable(m.Message) {
			return nil, nil
		}
		return get(c, m), nil
	}}
}

func messageKind() *kind[messageAt] {
	return &kind[messageAt]{
		name: "UnifiedMessage", id: func(m messageAt) string { return m.ID }, defaults: names("id", "created_time"),
		fields: map[string]fieldOf[messageAt]{
			"created_time": plain(func(m messageAt) any { return m.At }),
			"from":         content(func(c *call, m messageAt) any { return c.participant(m.thread, m.FromID) }),
			"to": content(func(c *call, m messageAt) any {
				other := m.thread.AccountID
				if m.FromID == other {
					other = m.thread.PersonID
				}
				return object{{"data", []object{c.participant(m.thread, other)}}}
			}),
			"message":     content(func(_ *call, m messageAt) any { return m.Text }),
			"attachments": content((*call).attachmentsOf),
			"reactions":   content((*call).reactionsOf),
			"shares":      content((*call).sharesOf),
			"story":       content((*call).storyOf),
			"is_unsupported": content(func(_ *call, m messageAt) any {
				if !m.Unsupported {
					return nil
				}
				return true
			}),
			"reply_to": content(func(_ *call, m messageAt) any {
				if m.ReplyTo == "" {
					return nil
				}
				i := slices.IndexFunc(m.thread.Messages, func(x *Message) bool { return x.ID == m.ReplyTo })
				return object{{"mid", m.ReplyTo}, {"is_self_reply", i >= 0 && m.thread.Messages[i].FromID == m.FromID}}
			}),
			"tags": content(func(_ *call, m messageAt) any {
				source := "source:mobile"
				if m.FromID == m.thread.AccountID {
					source = "source:api"
				}
				return object{{"data", []object{{{"name", "inbox"}}, {{"name", source}}}}}
			}),
		},
	}
}

func (c *call) attachmentsOf(m messageAt) any {
	var list []object
	for i, a := range m.Attachments {
		if a.URL == "" || a.Type == "story_mention" {
			continue
		}
		id := assetID(m.ID, i)
		url := c.base(hostMessageCDN) + assetPath(id)
		one := object{{"id", id}}
		switch a.Type {
		case "image":
			one = append(one, member{"image_data", object{{"url", url}, {"width", 1080}, {"height", 1080}}})
		case "video":
			one = append(one, member{"video_data", object{{"url", url}, {"width", 720}, {"height", 1280}}})
		default:
			one = append(one, member{"name", a.Type + "-" + id}, member{"file_url", url})
		}
		list = append(list, one)
	}
	if list == nil {
		return nil
	}
	return object{{"data", list}}
}

func (c *call) reactionsOf(m messageAt) any {
	if len(m.Reactions) == 0 {
		return nil
	}
	var list []object
	for _, r := range m.Reactions {
		list = append(list, object{{"reaction", r.Emoji}, {"users", []object{c.participant(m.thread, r.FromID)}}})
	}
	return object{{"data", list}}
}

func (c *call) sharesOf(m messageAt) any {
	var list []object
	for _, a := range m.Attachments {
		switch {
		case a.MediaID != "":
			media := c.s.st.media[a.MediaID]
			if media != nil {
				list = append(list, object{{"link", c.s.st.permalink(media)}})
			}
		case len(a.ProductIDs) > 0:
			list = append(list, object{{"template", object{{"payload", object{{"product", object{{"elements", object{{"data", c.s.productElements(a.ProductIDs, "name", "price")}}}}}}}}}})
		}
	}
	if list == nil {
		return nil
	}
	return object{{"data", list}}
}

func (c *call) storyOf(m messageAt) any {
	if m.Story == nil {
		return nil
	}
	link := c.base(hostMessageCDN) + assetPath(m.Story.MediaID)
	kind := "reply_to"
	if m.Story.Kind == "mention" {
		kind = "mention"
	}
	return object{{kind, object{{"link", link}, {"id", m.Story.MediaID}}}}
}

func (s *Sandbox) productElements(ids []string, titleKey, priceKey string) []object {
	var list []object
	for _, id := range ids {
		p := s.st.products[id]
		if p == nil {
			continue
		}
		list = append(list, object{{"id", id}, {"retailer_id", p.RetailerID}, {"image_url", p.ImageURL}, {titleKey, p.Name}, {priceKey, p.Price}})
	}
	return list
}

func assetID(mid string, i int) string {
	return "1799" + digits(mid+string(rune('a'+i)), 13)
}

func assetPath(id string) string {
	return "/ig_messaging_cdn/?asset_id=" + id + "&signature=Abx" + secretText(id, 12)
}
