package operations

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

// pollInput is what the triggers that are polled may be set to.
type pollInput struct {
	mailbox
	MediaID string `json:"media_id"`
}

// happening is something that a poll found.
type happening struct {
	id string // Meta's.
	at time.Time
	// event makes the event of it, the same as a webhook would.
	event func() connector.Event
}

// look returns one page of what there is, newest first where Meta has an order, and
// the parameters of the next page.
type look func(ctx context.Context, s *session, in pollInput, next url.Values) ([]happening, url.Values, error)

// maxPolled is how many pages a poll goes back: far enough for a long pause, and no
// further.
const maxPolled = 40

// pollable completes a trigger that can be polled.
func (a *api) pollable(look look, t connector.Trigger) connector.Trigger {
	t.Poll = func(ctx context.Context, c *connector.Call, raw json.RawMessage, token string) (connector.EventPage, error) {
		s, err := a.open(c)
		if err != nil {
			return connector.EventPage{}, err
		}
		var in pollInput
		if err := json.Unmarshal(raw, &in); err != nil {
			return connector.EventPage{}, connector.Invalid("", "bad_json", "The trigger's input cannot be read.")
		}
		var from cursor
		if token != "" {
			if err := json.Unmarshal([]byte(token), &from); err != nil || from.Since.IsZero() {
				return connector.EventPage{}, connector.Invalid("/cursor", "bad_cursor", "The cursor is not one of this trigger.")
			}
		}
		page, err := s.since(ctx, in, from, look)
		return page, failure(err)
	}
	return t
}

// since returns what happened after a cursor, oldest first. Without a cursor, that
// is what happens from now on.
func (s *session) since(ctx context.Context, in pollInput, from cursor, look look) (connector.EventPage, error) {
	var found []happening
	var next url.Values
	for pages := 0; ; pages++ {
		if pages == maxPolled {
			s.call.Log.WarnContext(ctx, "poll gave up before it reached what is known", "pages", pages)
			break
		}
		page, more, err := look(ctx, s, in, next)
		if err != nil {
			return connector.EventPage{}, err
		}
		fresh := 0
		for _, h := range page {
			if h.at.Before(from.Since) {
				continue
			}
			fresh++
			found = append(found, h)
		}
		next = more
		if from.Since.IsZero() || fresh == 0 || next == nil {
			break
		}
	}
	if from.Since.IsZero() {
		return start(found, s.now())
	}
	return eventsOf(found, from)
}

// pollMedia looks for media on an edge of the account.
func (a *api) pollMedia(edge, trigger, prefix string) look {
	return func(ctx context.Context, s *session, in pollInput, next url.Values) ([]happening, url.Values, error) {
		resp, err := s.do(ctx, graph.Request{
			Path: "/" + in.IGUserID + "/" + edge, Params: with(url.Values{"fields": {mediaFields}, "limit": {"50"}}, next),
		})
		if err != nil {
			return nil, nil, err
		}
		page, err := resp.Page()
		if err != nil {
			return nil, nil, err
		}
		var found []happening
		for _, raw := range page.Data {
			var m struct{ ID, Timestamp string }
			if json.Unmarshal(raw, &m) != nil {
				continue
			}
			at, ok := parseTime(m.Timestamp)
			if !ok {
				continue
			}
			id := prefix + m.ID
			if edge == "tags" { // one medium may tag two accounts
				id = prefix + in.IGUserID + "/" + m.ID
			}
			found = append(found, happening{m.ID, at, func() connector.Event {
				u := update{account: in.IGUserID}
				return u.event(trigger, id, in.IGUserID, at, struct {
					IGUserID string          `json:"ig_user_id"`
					MediaID  string          `json:"media_id"`
					Media    json.RawMessage `json:"media"`
					Time     unixTime        `json:"time"`
				}{in.IGUserID, m.ID, raw, unixTime{at}})
			}})
		}
		return found, page.Next, nil
	}
}

// polledComment is a comment with its replies and what it is about.
type polledComment struct {
	comment
	From    person `json:"from"`
	Replies struct {
		Data []polledComment `json:"data"`
	} `json:"replies"`
}

type commentedOn struct {
	ID       string `json:"id"`
	Product  string `json:"media_product_type"`
	Comments struct {
		Data []polledComment `json:"data"`
	} `json:"comments"`
}

// pollComments looks at the newest comments of the newest media, or of one that is
// named, in one request.
func (a *api) pollComments(ctx context.Context, s *session, in pollInput, _ url.Values) ([]happening, url.Values, error) {
	const fields = "id,media_product_type,comments.limit(50){id,text,timestamp,username,from,replies.limit(50){id,text,timestamp,username,from}}"
	var media []commentedOn
	if in.MediaID != "" {
		media = make([]commentedOn, 1)
		if err := s.fields(ctx, "/"+in.MediaID, fields, &media[0]); err != nil {
			return nil, nil, err
		}
	} else {
		var page struct {
			Data []commentedOn `json:"data"`
		}
		if err := s.get(ctx, "/"+in.IGUserID+"/media", url.Values{"fields": {fields}, "limit": {"10"}}, &page); err != nil {
			return nil, nil, err
		}
		media = page.Data
	}
	var found []happening
	for _, m := range media {
		for _, c := range m.Comments.Data {
			found = append(found, c.happenings(in.IGUserID, m, "")...)
		}
	}
	return found, nil, nil
}

// happenings are a comment and its replies.
func (c polledComment) happenings(account string, m commentedOn, parent string) []happening {
	var found []happening
	if at, ok := parseTime(c.Timestamp); ok {
		found = append(found, happening{c.ID, at, func() connector.Event {
			u := update{account: account}
			from := c.From
			if from.Username == "" {
				from.Username = c.Username
			}
			return u.event("comment_added", "comment/"+c.ID, account, at, commentEvent{
				IGUserID: account, CommentID: c.ID, ParentID: parent, Text: c.Text, Username: from.Username, From: from,
				MediaID: m.ID, Media: commentedMedia{ID: m.ID, ProductType: m.Product}, Mentions: mentionsIn(c.Text), Time: unixTime{at},
			})
		}})
	}
	for _, r := range c.Replies.Data {
		found = append(found, r.happenings(account, m, c.ID)...)
	}
	return found
}

// polledMessage is a message with what makes it an event of another kind.
type polledMessage struct {
	message
	Story   json.RawMessage `json:"story"`
	ReplyTo *struct {
		MID string `json:"mid"`
	} `json:"reply_to"`
}

// pollMessages looks at the newest messages of the conversations that have changed.
func (a *api) pollMessages(ctx context.Context, s *session, in pollInput, next url.Values) ([]happening, url.Values, error) {
	b, err := s.inbox(ctx, in.mailbox)
	if err != nil {
		return nil, nil, err
	}
	params := with(b.platform(), url.Values{
		"fields": {"updated_time,messages.limit(20){id,created_time,from,message,attachments,shares,story,reply_to}"}, "limit": {"25"},
	})
	resp, err := s.do(ctx, b.request(graph.Request{Path: "/" + b.node + "/conversations", Params: with(params, next)}))
	if err != nil {
		return nil, nil, err
	}
	page, err := resp.Page()
	if err != nil {
		return nil, nil, err
	}
	type conversation struct {
		Messages struct {
			Data []polledMessage `json:"data"`
		} `json:"messages"`
	}
	var found []happening
	for _, c := range decodeAll[conversation](page.Data) {
		for _, m := range c.Messages.Data {
			at, ok := parseTime(m.CreatedTime)
			ours := m.From.ID == in.IGUserID || m.From.ID == b.node
			if !ok || ours || len(m.Story) > 0 || len(m.Shares.Data) > 0 {
				continue
			}
			found = append(found, happening{m.ID, at, func() connector.Event { return m.event(in.IGUserID, at) }})
		}
	}
	return found, page.Next, nil
}

// event is the event that a webhook would have brought.
func (m polledMessage) event(account string, at time.Time) connector.Event {
	payload := messageEvent{talk: talk{IGUserID: account, IGSID: m.From.ID, Time: unixTime{at}}, MessageID: m.ID, Text: m.Text}
	if m.ReplyTo != nil {
		payload.ReplyToMessageID = m.ReplyTo.MID
	}
	for _, a := range decodeAll[polledAttachment](m.Attachments.Data) {
		payload.Attachments = append(payload.Attachments, a.sent())
	}
	u := update{account: account}
	return u.event("message_received", "message/"+m.ID, account, at, payload)
}

// polledAttachment is a file of a message, as it is read rather than sent.
type polledAttachment struct {
	FileURL string `json:"file_url"`
	Image   *struct {
		URL string `json:"url"`
	} `json:"image_data"`
	Video *struct {
		URL string `json:"url"`
	} `json:"video_data"`
}

func (a polledAttachment) sent() attachmentSent {
	switch {
	case a.Image != nil:
		return attachmentSent{"image", attachmentPayload{URL: a.Image.URL}}
	case a.Video != nil:
		return attachmentSent{"video", attachmentPayload{URL: a.Video.URL}}
	}
	return attachmentSent{"file", attachmentPayload{URL: a.FileURL}}
}
