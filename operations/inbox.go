package operations

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

// mailbox says whose conversations are meant. With Facebook Login they are the
// Page's, with Instagram Login the account's.
type mailbox struct {
	PageID   string `json:"page_id"`
	IGUserID string `json:"ig_user_id"`
}

// inbox is the way to an account's conversations.
type inbox struct {
	*session
	node    string // The Page or the account.
	account string
	page    *pageKey
}

func (s *session) inbox(ctx context.Context, m mailbox) (inbox, error) {
	if s.instagram() {
		return inbox{session: s, node: m.IGUserID, account: m.IGUserID}, nil
	}
	page, err := s.pageKey(ctx, m.PageID, m.IGUserID)
	if err != nil {
		return inbox{}, err
	}
	return inbox{session: s, node: page.ID, account: m.IGUserID, page: &page}, nil
}

// request makes a request act for the inbox.
func (b inbox) request(r graph.Request) graph.Request {
	if b.page != nil {
		return b.page.asPage(r)
	}
	return r
}

func (b inbox) get(ctx context.Context, path string, params url.Values, out any) error {
	return b.read(ctx, b.request(graph.Request{Path: path, Params: params}), out)
}

// post sends JSON to an edge of the inbox.
func (b inbox) post(ctx context.Context, edge string, body, out any) error {
	return b.read(ctx, b.request(graph.Request{Method: http.MethodPost, Path: "/" + b.node + "/" + edge, JSON: body}), out)
}

// platform names Instagram where a Page has conversations of Messenger too.
func (b inbox) platform() url.Values {
	if b.page != nil {
		return url.Values{"platform": {"instagram"}}
	}
	return url.Values{}
}

// message is one message of a conversation, as far as it is looked at.
type message struct {
	ID          string `json:"id"`
	CreatedTime string `json:"created_time"`
	Text        string `json:"message"`
	From        person `json:"from"`
	Attachments struct {
		Data []json.RawMessage `json:"data"`
	} `json:"attachments"`
	Shares struct {
		Data []json.RawMessage `json:"data"`
	} `json:"shares"`
}

// newestReadable is how many messages of a conversation Meta lets one read.
// Source: developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/conversations-api.
const newestReadable = 20

// recent returns the newest messages with a person, newest first, and none if there
// is no conversation.
func (b inbox) recent(ctx context.Context, igsid string) ([]message, error) {
	params := with(b.platform(), url.Values{"user_id": {igsid}, "fields": {"id"}})
	var conversations struct {
		Data []created `json:"data"`
	}
	if err := b.get(ctx, "/"+b.node+"/conversations", params, &conversations); err != nil || len(conversations.Data) == 0 {
		return nil, err
	}
	var c struct {
		Messages struct {
			Data []message `json:"data"`
		} `json:"messages"`
	}
	err := b.get(ctx, "/"+url.PathEscape(conversations.Data[0].ID), url.Values{
		"fields": {"messages.limit(" + limitOr(newestReadable, 0) + "){id,created_time,message,from,attachments,shares}"},
	}, &c)
	return c.Messages.Data, err
}

// sent is the output of the operations that send.
type sent struct {
	RecipientID string `json:"recipient_id,omitempty"`
	MessageID   string `json:"message_id,omitempty"`
}

// reconcileSent looks for a message of ours since an attempt at it began: by its
// text, or, for one without, the only one without a text.
func (b inbox) reconcileSent(ctx context.Context, igsid, text string, since time.Time) (sent, bool, error) {
	messages, err := b.recent(ctx, igsid)
	if err != nil {
		return sent{}, false, err
	}
	since = b.metaTime(since).Add(-clockSlack)
	var found []string
	for _, m := range messages {
		at, ok := parseTime(m.CreatedTime)
		if ok && !at.Before(since) && m.From.ID != igsid && strings.TrimSpace(m.Text) == strings.TrimSpace(text) {
			found = append(found, m.ID)
		}
	}
	switch {
	case len(found) == 0:
		return sent{}, false, nil
	case len(found) > 1 && text == "":
		return sent{}, false, precondition("Several messages without a text were sent since; it cannot be told which is which.", "Look at the conversation in the Instagram app.")
	}
	return sent{RecipientID: igsid, MessageID: found[0]}, true, nil
}

// windows are how long a message of the person allows an answer.
const (
	answerWindow = 24 * time.Hour
	humanWindow  = 7 * 24 * time.Hour
)

// window is until when a person may be written to.
type window struct {
	Open           bool   `json:"open"`
	OpenedAt       string `json:"opened_at,omitempty"`
	OpenedBy       string `json:"opened_by,omitempty"` // Id of the message.
	ClosesAt       string `json:"closes_at,omitempty"`
	HumanAgentOpen bool   `json:"human_agent_open"`
	HumanAgentEnds string `json:"human_agent_closes_at,omitempty"`
}

func (b inbox) window(ctx context.Context, igsid string) (window, error) {
	messages, err := b.recent(ctx, igsid)
	if err != nil {
		return window{}, err
	}
	now := b.now()
	var newest time.Time
	var w window
	for _, m := range messages {
		at, ok := parseTime(m.CreatedTime)
		if !ok || m.From.ID != igsid || !at.After(newest) {
			continue
		}
		newest = at
		closes, human := at.Add(answerWindow), at.Add(humanWindow)
		w = window{
			Open: now.Before(closes), OpenedAt: at.UTC().Format(time.RFC3339), OpenedBy: m.ID, ClosesAt: closes.UTC().Format(time.RFC3339),
			HumanAgentOpen: now.Before(human), HumanAgentEnds: human.UTC().Format(time.RFC3339),
		}
	}
	return w, nil
}

// checkWindow refuses to send where the person may not be written to.
func (b inbox) checkWindow(ctx context.Context, igsid string, human bool) error {
	w, err := b.window(ctx, igsid)
	switch {
	case err != nil:
		return err
	case w.Open || human && w.HumanAgentOpen:
		return nil
	case human:
		return precondition("The person's last message is more than 7 days old.", "Wait until the person writes.")
	}
	return &connector.Error{
		Kind: connector.Precondition, Applied: connector.AppliedNo,
		Message:  "The messaging window is closed: the person's last message is more than 24 hours old.",
		Problems: []connector.Problem{{Code: "window_closed", Summary: "The messaging window is closed.", Detail: "Wait until the person writes, or let a human answer with human_agent within 7 days."}},
	}
}
