package connectortest_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing/fstest"
	"time"

	"github.com/storyloop/storyloop/connector"
)

// notes is the example connector. A flaw makes it wrong in one way.
func notes(flaw string) connector.Spec {
	n := &noteConnector{flaw: flaw}
	spec := connector.Spec{
		Name: "notes", Version: "1.4.0", Title: "Notes", Summary: "Keeps notes.", DocumentationURL: "https://notes.example/docs",
		Schemas: noteSchemas(flaw), Configure: n.configure, Receive: n.receive,
		AuthMethods: []connector.AuthMethod{{
			Name: "token", Title: "Access token", Flow: connector.Form,
			Scopes:   []connector.Scope{{Name: "notes_write", Summary: "Add and delete notes.", Default: true}},
			Complete: n.complete, Inspect: n.inspect,
		}},
		Quotas: []connector.QuotaHint{{Name: "calls", Calls: 200, Window: time.Hour}},
		Errors: []connector.ErrorDoc{
			{Code: "40/1", Kind: connector.InvalidInput, Applied: connector.AppliedNo, Sentence: "The note has a | in it.", Action: "Leave it out."},
			{Code: "500 to 599", Kind: connector.Unavailable, Applied: connector.AppliedUnknown, Sentence: "The notebook is closed.", Action: "Try again later."},
		},
		Operations: []connector.Operation{
			connector.Handle(connector.Operation{
				Name: "list_notes", Title: "List notes", Summary: "Lists all notes, oldest first.",
				Effect: connector.Read, Items: "/data", Paginated: true, Quotas: []string{"calls"},
			}, n.list),
			connector.Handle(connector.Operation{Name: "whoami", Title: "Who am I", Summary: "Says whose token it is.", Effect: connector.Read}, n.whoami),
			connector.Reconcile(connector.Handle(connector.Operation{
				Name: "add_note", Title: "Add note", Summary: "Adds a note.", Description: "The text is kept **as it is**.",
				Effect: connector.Write, Idempotency: connector.NotIdempotent, Scopes: []string{"notes_write"}, Timeout: 10 * time.Second,
			}, n.add), n.added),
			connector.Handle(connector.Operation{
				Name: "delete_note", Title: "Delete note", Summary: "Deletes a note.",
				Effect: connector.Destructive, Idempotency: connector.Inherent, Scopes: []string{"notes_write"}, LongRunning: true,
			}, n.delete),
		},
		OptionLists: []connector.OptionList{{Name: "notes", List: n.options}},
		Triggers: []connector.Trigger{{
			Name: "note_added", Title: "Note added", Summary: "A note was added.", Webhook: true,
			Subscribe: n.subscribe, Poll: n.poll,
			Unsubscribe: func(context.Context, *connector.Call, connector.UnsubscribeRequest) error { return nil },
		}},
	}
	if flaw == "changing catalog" {
		spec.Summary += fmt.Sprintf(" By process %d.", os.Getpid())
	}
	return spec
}

func noteSchemas(flaw string) fstest.MapFS {
	text := `{"type":"string","title":"Text","description":"What to keep.","minLength":1,"maxLength":200,"examples":["milk"]}`
	if flaw == "property without words" {
		text = `{"type":"string"}`
	}
	id := `{"type":"string","title":"Note","description":"Id of the note.","pattern":"^[0-9]+$","examples":["100"],"lookup":{"operation":"notes"}}`
	example := `[{"note_id":"100"}]`
	if flaw == "wrong example" {
		example = `[{"note_id":"one"}]`
	}
	account := `{"type":"string","title":"Account","description":"Whose it is.","examples":["anna"]}`
	return fstest.MapFS{
		"common.json":                     {Data: []byte(`{"$defs":{"note":{"type":"object","title":"Note","description":"A note.","required":["id"],"properties":{"id":{"type":"string","title":"Id","description":"Its id.","examples":["100"]},"text":` + text + `}}}}`)},
		"settings.json":                   {Data: []byte(`{"type":"object","additionalProperties":false,"properties":{"base_url":{"type":"string","format":"uri","title":"Base URL","description":"Where the service is.","examples":["https://notes.example"]}}}`)},
		"token.form.json":                 {Data: []byte(`{"type":"object","additionalProperties":false,"required":["token"],"properties":{"token":{"type":"string","title":"Token","x-secret":true}}}`)},
		"reading/list_notes.input.json":   {Data: []byte(`{"type":"object","additionalProperties":false,"properties":{"starred":{"type":"boolean","title":"Starred","description":"Only those with a star."}},"examples":[{}]}`)},
		"reading/list_notes.output.json":  {Data: []byte(`{"type":"object","required":["data"],"properties":{"data":{"type":"array","title":"Notes","description":"One page of notes.","items":{"$ref":"common.json#/$defs/note"}}},"examples":[{"data":[{"id":"100","text":"milk"}]}]}`)},
		"reading/whoami.input.json":       {Data: []byte(`{"type":"object","additionalProperties":false,"properties":{},"examples":[{}]}`)},
		"reading/whoami.output.json":      {Data: []byte(`{"type":"object","properties":{"account":` + account + `,"id":{"type":"integer","title":"Id","description":"Its number.","examples":[17841405726653027]}},"examples":[{"account":"anna"}]}`)},
		"writing/add_note.input.json":     {Data: []byte(`{"type":"object","additionalProperties":false,"required":["text"],"properties":{"text":` + text + `,"colour":{"type":"string","title":"Colour","description":"Of the paper.","enum":["white","yellow"],"enumLabels":["White","Yellow"],"default":"white"}},"examples":[{"text":"milk","colour":"white"}]}`)},
		"writing/add_note.output.json":    {Data: []byte(`{"$ref":"common.json#/$defs/note","type":"object","examples":[{"id":"100","text":"milk"}]}`)},
		"writing/delete_note.input.json":  {Data: []byte(`{"type":"object","additionalProperties":false,"required":["note_id"],"properties":{"note_id":` + id + `},"examples":` + example + `}`)},
		"writing/delete_note.output.json": {Data: []byte(`{"type":"object","required":["deleted"],"properties":{"deleted":{"type":"boolean","title":"Deleted","description":"That it is gone."}},"examples":[{"deleted":true}]}`)},
		"note_added.input.json":           {Data: []byte(`{"type":"object","additionalProperties":false,"properties":{"containing":{"type":"string","title":"Containing","description":"Only notes with this text.","minLength":1,"examples":["milk"]}}}`)},
		"note_added.output.json":          {Data: []byte(`{"$ref":"common.json#/$defs/note","type":"object"}`)},
	}
}

type noteConnector struct {
	flaw  string
	base  string
	token string // Of the first call, for the flaw that mixes accounts.
}

func (n *noteConnector) configure(s connector.Settings) error {
	var settings struct {
		Base string `json:"base_url"`
	}
	if err := json.Unmarshal(s.JSON, &settings); err != nil {
		return err
	}
	n.base = settings.Base
	switch n.flaw {
	case "ends by signal":
		ended := make(chan os.Signal, 1)
		signal.Notify(ended, syscall.SIGTERM)
		go func() {
			<-ended
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // os.Exit takes a second under the race detector.
		}()
	case "leaves a process":
		cmd := exec.Command(os.Args[0])
		cmd.Env = []string{roleEnv + "=sleeper"}
		return cmd.Start()
	}
	return nil
}

// do makes one request and turns what the service says into a failure.
func (n *noteConnector) do(ctx context.Context, c *connector.Call, method, path string, in, out any) error {
	var s struct{ Token string }
	if err := c.Credential.Secret.Decode(&s); err != nil {
		return err
	}
	if n.flaw == "mixed accounts" {
		if n.token == "" {
			n.token = s.Token
		}
		s.Token = n.token
	}
	if n.flaw == "secret in the log" {
		c.Log.Info("calling the service", "token", s.Token)
	}
	if n.flaw == "holds on" {
		ctx = context.WithoutCancel(ctx)
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	attempts := 1
	if n.flaw == "second attempt" {
		attempts = 2
	}
	var resp *http.Response
	for range attempts {
		req, err := http.NewRequestWithContext(ctx, method, n.base+path, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+s.Token)
		if resp, err = http.DefaultClient.Do(req); err != nil {
			return n.unavailable(err.Error())
		}
		defer resp.Body.Close()
		if resp.StatusCode < 500 {
			break
		}
	}
	c.Spend(1)
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return n.unavailable(err.Error())
	}
	switch {
	case resp.StatusCode == http.StatusUnauthorized && n.flaw == "dead token refused":
		return &connector.Error{Kind: connector.Refused, Applied: connector.AppliedNo, Message: "No."}
	case resp.StatusCode == http.StatusUnauthorized:
		return &connector.Error{Kind: connector.Unauthenticated, Applied: connector.AppliedNo, Message: "The token is dead."}
	case resp.StatusCode == http.StatusTooManyRequests:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		if n.flaw == "quota without time" {
			seconds = 0
		}
		return &connector.Error{Kind: connector.RateLimited, Applied: connector.AppliedNo, Message: "Too many calls.", RetryAfter: time.Duration(seconds) * time.Second}
	case resp.StatusCode >= 500:
		return n.unavailable(string(answer))
	}
	d := json.NewDecoder(bytes.NewReader(answer))
	if n.flaw != "float" {
		d.UseNumber()
	}
	return d.Decode(out)
}

func (n *noteConnector) unavailable(why string) error {
	e := &connector.Error{Kind: connector.Unavailable, Applied: connector.AppliedUnknown, Message: "The service is in trouble."}
	switch n.flaw {
	case "lost write denied":
		e.Applied = connector.AppliedNo
	case "quoted secret":
		e.Upstream = &connector.Upstream{Message: base64.StdEncoding.EncodeToString([]byte(tokenPrefix+"anna")) + why}
	}
	return e
}

type noteList struct {
	Data []note `json:"data"`
	Next string `json:"next,omitempty"`
}

func (n *noteConnector) list(ctx context.Context, c *connector.Call, _ struct {
	Starred bool `json:"starred"`
}) (map[string]any, string, error) {
	var l noteList
	if err := n.do(ctx, c, "GET", "/notes?from="+c.Resume, nil, &l); err != nil {
		return nil, "", err
	}
	if n.flaw == "endless list" {
		l.Next = "2"
	}
	if n.flaw == "no items" {
		return map[string]any{"notes": l.Data}, l.Next, nil
	}
	return map[string]any{"data": l.Data}, l.Next, nil
}

func (n *noteConnector) whoami(ctx context.Context, c *connector.Call, _ struct{}) (map[string]any, string, error) {
	var out map[string]any
	err := n.do(ctx, c, "GET", "/me", nil, &out)
	return out, "", err
}

type newNote struct {
	Text   string `json:"text"`
	Colour string `json:"colour"`
}

func (n *noteConnector) add(ctx context.Context, c *connector.Call, in newNote) (note, string, error) {
	switch {
	case in.Text == "panic" && n.flaw == "deadly panic":
		go panic("in a goroutine of its own")
		<-ctx.Done()
	case in.Text == "panic":
		panic("in the handler")
	}
	var out note
	err := n.do(ctx, c, "POST", "/notes", note{Text: in.Text}, &out)
	if n.flaw == "secret in the output" {
		out.Text = string(c.Credential.Secret)
	}
	return out, "", err
}

func (n *noteConnector) added(ctx context.Context, c *connector.Call, in newNote, _ time.Time) (note, bool, error) {
	all, err := n.all(ctx, c)
	if err != nil || n.flaw == "lost write forgotten" {
		return note{}, false, err
	}
	for _, found := range all {
		if found.Text == in.Text {
			return found, true, nil
		}
	}
	return note{}, false, nil
}

func (n *noteConnector) all(ctx context.Context, c *connector.Call) ([]note, error) {
	var all []note
	for from := ""; ; {
		var l noteList
		if err := n.do(ctx, c, "GET", "/notes?from="+from, nil, &l); err != nil {
			return nil, err
		}
		all = append(all, l.Data...)
		if from = l.Next; from == "" {
			return all, nil
		}
	}
}

func (n *noteConnector) delete(ctx context.Context, c *connector.Call, in struct {
	ID string `json:"note_id"`
}) (map[string]bool, string, error) {
	c.Report(connector.Progress{Message: "deleting", Fraction: -1})
	var out map[string]bool
	err := n.do(ctx, c, "DELETE", "/notes/"+in.ID, nil, &out)
	return out, "", err
}

func (n *noteConnector) options(ctx context.Context, c *connector.Call, q connector.OptionQuery) (connector.OptionPage, error) {
	if n.flaw == "no options" {
		return connector.OptionPage{}, errors.New("no options today")
	}
	var l noteList
	err := n.do(ctx, c, "GET", "/notes?from="+q.PageToken, nil, &l)
	page := connector.OptionPage{NextPageToken: l.Next}
	for _, found := range l.Data {
		page.Options = append(page.Options, connector.Option{Value: json.RawMessage(strconv.Quote(found.ID)), Label: found.Text})
	}
	return page, err
}

func (n *noteConnector) complete(_ context.Context, r connector.CompleteRequest) (connector.Credential, error) {
	return connector.Credential{Secret: r.Reply}, nil
}

func (n *noteConnector) inspect(ctx context.Context, _ connector.Secret, current connector.Credential) (connector.Credential, error) {
	var out struct{ Account string }
	err := n.do(ctx, &connector.Call{Credential: current}, "GET", "/me", nil, &out)
	current.Account = out.Account
	return current, err
}

func (n *noteConnector) subscribe(ctx context.Context, c *connector.Call, _ connector.SubscribeRequest) (connector.Subscription, error) {
	var out struct{ Account string }
	err := n.do(ctx, c, "GET", "/me", nil, &out)
	return connector.Subscription{Subject: out.Account}, err
}

func (n *noteConnector) poll(ctx context.Context, c *connector.Call, _ json.RawMessage, cursor string) (connector.EventPage, error) {
	var me struct{ Account string }
	if err := n.do(ctx, c, "GET", "/me", nil, &me); err != nil {
		return connector.EventPage{}, err
	}
	all, err := n.all(ctx, c)
	page := connector.EventPage{Cursor: strconv.Itoa(len(all))}
	from, _ := strconv.Atoi(cursor)
	if cursor == "" {
		from = len(all)
	}
	for _, found := range all[min(from, len(all)):] {
		e := noteEvent(me.Account, found)
		if n.flaw == "other id by poll" {
			e.ID = "polled/" + e.ID
		}
		page.Events = append(page.Events, e)
	}
	return page, err
}

func noteEvent(account string, n note) connector.Event {
	payload, err := json.Marshal(n)
	if err != nil {
		panic(err)
	}
	return connector.Event{ID: "note/" + account + "/" + n.ID, Trigger: "note_added", Subject: account, Payload: payload}
}

func (n *noteConnector) receive(ctx context.Context, d connector.Delivery) connector.Receipt {
	if d.Method == http.MethodGet {
		challenge, ok := strings.CutPrefix(d.Query, "token="+verifyToken+"&challenge=")
		if !ok && n.flaw != "open handshake" {
			return connector.Receipt{Status: http.StatusForbidden}
		}
		return connector.Receipt{Status: http.StatusOK, Body: []byte(challenge)}
	}
	signed := false
	for _, h := range d.Headers {
		signed = signed || h.Name == "X-Signature" && h.Value == signature(d.Body)
	}
	if !signed && n.flaw != "forged deliveries" {
		return connector.Receipt{Status: http.StatusForbidden, Problems: []connector.Problem{{Code: "forged", Summary: "The signature does not match."}}}
	}
	var in struct {
		Account string
		Note    note
	}
	if err := json.Unmarshal(d.Body, &in); err != nil {
		return connector.Receipt{Status: http.StatusBadRequest}
	}
	e := noteEvent(in.Account, in.Note)
	switch n.flaw {
	case "ids by the clock":
		e.ID = d.ReceivedAt.String()
	case "asks while it receives":
		_, _ = http.Get(n.base)
	}
	return connector.Receipt{Status: http.StatusOK, Events: []connector.Event{e}}
}
