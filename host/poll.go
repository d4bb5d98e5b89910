package host

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/storyloop/storyloop/schemas/validate"
)

// How often events are looked for where the workflow does not say.
const (
	pollEvery    = 5 * time.Minute // That come by no webhook.
	pollForLosts = time.Hour       // Whose webhook was lost.
)

// Poll is how the polling of a trigger stands, with an account's credential and one
// input. All workflows that want the same share it.
type Poll struct {
	Connector  string   `json:"connector"`
	Trigger    string   `json:"trigger"`
	Credential string   `json:"credential,omitempty"`
	Workflows  []string `json:"workflows"`
	Every      string   `json:"every"` // A duration, such as "5m0s".
	PollState
}

// PollState is what came of the polls so far.
type PollState struct {
	Last     time.Time `json:"last,omitzero"`      // A poll worked last.
	Next     time.Time `json:"next,omitzero"`      // It is polled again.
	Waits    string    `json:"waits,omitempty"`    // What it waits for until then, beyond its time.
	Failures int       `json:"failures,omitempty"` // In a row.
	Kind     string    `json:"kind,omitempty"`     // Of the last failure, such as "unauthenticated".
	Message  string    `json:"message,omitempty"`  // Of the last failure.
}

// savedPoll is a poll in the store. Its members keep their names for ever. The input
// is not among them: it may hold what is in the environment for a reason.
type savedPoll struct {
	Cursor string `json:"cursor"` // Opaque.
	PollState
}

// wish is a poll that enabled workflows want.
type wish struct {
	Poll
	key   string // Made of connector, trigger, credential and input.
	input json.RawMessage
	every time.Duration
}

// Polls returns how the polls stand that enabled workflows want, by connector,
// trigger and credential.
func (e *Engine) Polls(ctx context.Context) ([]Poll, error) {
	wishes, _, err := e.wishes(ctx)
	if err != nil {
		return nil, err
	}
	values, err := e.Store.Values(ctx, pollScope)
	if err != nil {
		return nil, fmt.Errorf("reading the polls: %w", err)
	}
	for _, v := range values {
		if w := wishes[v.Key]; w != nil {
			w.PollState = e.savedPoll(w, v.Value).PollState
		}
	}
	var all []Poll
	for _, w := range wishes {
		all = append(all, w.Poll)
	}
	slices.SortFunc(all, func(a, b Poll) int {
		return cmp.Or(strings.Compare(a.Connector, b.Connector), strings.Compare(a.Trigger, b.Trigger),
			strings.Compare(a.Credential, b.Credential), slices.Compare(a.Workflows, b.Workflows))
	})
	return all, nil
}

// savedPoll reads where a poll stopped. One that cannot be read begins anew, so that
// it keeps no other from going on.
func (e *Engine) savedPoll(w *wish, raw json.RawMessage) savedPoll {
	var saved savedPoll
	if err := json.Unmarshal(raw, &saved); err != nil {
		e.Log.Error("where a poll stopped cannot be read; it begins anew, with what happens from now on",
			"connector", w.Connector, "trigger", w.Trigger, "credential", w.Credential, "error", err)
		return savedPoll{}
	}
	return saved
}

// wishes returns the polls that enabled workflows want, by key. It is not whole if a
// workflow could not be read as things are.
func (e *Engine) wishes(ctx context.Context) (wishes map[string]*wish, whole bool, err error) {
	defs, err := e.Store.Definitions(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("reading the workflows: %w", err)
	}
	wishes, whole = map[string]*wish{}, true
	for _, d := range defs {
		if !d.Enabled {
			continue
		}
		wanted, err := e.wishesOf(d)
		if err != nil {
			e.Log.Error("a workflow's events cannot be looked for", "workflow", d.Name, "error", err)
			whole = false
			continue
		}
		for _, w := range wanted {
			if shared := wishes[w.key]; shared != nil {
				w.Workflows, w.every = append(shared.Workflows, d.Name), min(shared.every, w.every)
			}
			w.Every = w.every.String()
			wishes[w.key] = w
		}
	}
	return wishes, whole, nil
}

func (e *Engine) wishesOf(d Definition) ([]*wish, error) {
	doc, err := e.document(d)
	if err != nil {
		return nil, err
	}
	c, ok := e.Connectors.Connector(doc.Trigger.Connector)
	if !ok {
		return nil, &NotFoundError{Kind: "connector", Name: doc.Trigger.Connector}
	}
	var all []*wish
	for _, t := range doc.Trigger.Triggers(c.Catalog()) {
		every := interval(doc.Trigger.Poll, t)
		if every <= 0 {
			continue
		}
		w, err := e.wishFor(doc, t.GetName())
		if err != nil {
			return nil, err
		}
		w.every, w.Workflows = every, []string{d.Name}
		all = append(all, w)
	}
	return all, nil
}

// wishFor returns the poll of one of a document's triggers.
func (e *Engine) wishFor(doc *workflow.Document, trigger string) (*wish, error) {
	input, err := doc.TriggerInput(e.env(doc))
	if err != nil {
		return nil, err
	}
	w := &wish{input: input, Poll: Poll{Connector: doc.Trigger.Connector, Trigger: trigger, Credential: doc.Trigger.Credential}}
	w.key, err = w.sum()
	return w, err
}

// interval is how often a trigger is polled; zero or less means never.
func interval(asked time.Duration, t *connectorv1.Trigger) time.Duration {
	switch {
	case !t.GetPollable():
		return 0
	case asked != 0:
		return asked
	case t.GetWebhook():
		return pollForLosts
	}
	return pollEvery
}

// sum returns the same text for the same poll, however its input is written.
func (w *wish) sum() (string, error) {
	input, err := validate.Decode(w.input)
	if err != nil {
		return "", fmt.Errorf("the trigger's input is %w", err)
	}
	raw, err := json.Marshal([]any{w.Connector, w.Trigger, w.Credential, input}) // members by name
	if err != nil {
		return "", fmt.Errorf("writing the trigger's input: %w", err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:12]), nil
}

// wantsPolled reports whether a workflow wants the poll that has found an event.
func (e *Engine) wantsPolled(doc *workflow.Document, ev Event) (bool, error) {
	w, err := e.wishFor(doc, ev.Trigger)
	if err != nil {
		return false, &unsureError{fmt.Errorf("reading the trigger's input: %w", err)}
	}
	return w.key == ev.Source, nil
}
