package host

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// Hook is the address of a workflow with the trigger "webhook": a request to it
// starts a run.
type Hook struct {
	Workflow   string
	Path       string // Last part of the address, such as "orders" or "shop/orders". No two workflows that are on have the same.
	Credential string // Name in the vault of what opens it; empty means nothing does, and that none is needed on this computer.
	IDHeader   string // The sender's own header with the id of a delivery; empty means that it has none.
}

// hookPath is the form of a path. No part of it is "." or "..", since no such
// request arrives.
var hookPath = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$`)

// ReadHook returns the address of a workflow with the trigger "webhook". What is
// wrong with its input is an *[InputError].
func ReadHook(doc *workflow.Document, env map[string]string) (Hook, error) {
	raw, err := doc.TriggerInput(env)
	if err != nil {
		return Hook{}, err
	}
	var in struct {
		Path     string `json:"path"`
		IDHeader string `json:"id_header"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return Hook{}, &InputError{"", "must hold texts: path, id_header"}
	}
	in.Path = cmp.Or(strings.Trim(in.Path, "/"), doc.Name)
	if !hookPath.MatchString(in.Path) {
		return Hook{}, &InputError{"/path", fmt.Sprintf("%q is no path such as \"orders\" or \"shop/orders\"", in.Path)}
	}
	return Hook{Workflow: doc.Name, Path: in.Path, Credential: doc.Trigger.Credential, IDHeader: in.IDHeader}, nil
}

// HookTakenError says that another workflow has a path already.
type HookTakenError struct{ Path, Workflow string }

// Error says what to do.
func (e *HookTakenError) Error() string {
	return fmt.Sprintf("the path %q is that of the workflow %q: set another one as path in the trigger's input", e.Path, e.Workflow)
}

// CheckHook finds out whether the address of a workflow, if it has one, is that of
// another one. What is wrong with one alone is for [Check] to say.
func CheckHook(doc *workflow.Document, others []*workflow.Document, env func(names []string) map[string]string) workflow.Problems {
	h, ok := hookIn(doc, env)
	if !ok {
		return nil
	}
	for _, other := range others {
		if o, ok := hookIn(other, env); ok && o.Path == h.Path && o.Workflow != h.Workflow {
			return workflow.Problems{doc.Problem("/trigger/input/path", "duplicate_path",
				fmt.Sprintf("the path %q is also that of %s in %s", h.Path, other.Name, other.File()), "give each a path of its own")}
		}
	}
	return nil
}

func hookIn(doc *workflow.Document, env func(names []string) map[string]string) (Hook, bool) {
	if doc.Trigger.Connector != WebhookConnector {
		return Hook{}, false
	}
	h, err := ReadHook(doc, env(doc.Env))
	return h, err == nil
}

// hooks are the addresses of all workflows that are on, as long as no definition
// changes.
type hooks struct {
	mu sync.Mutex
	// Guarded by mu.
	changed context.Context // Ends when they have to be read again; nil before the first time.
	byPath  map[string]Hook
}

// Hooks returns the addresses of all workflows that are on, by path.
func (e *Engine) Hooks(ctx context.Context) ([]Hook, error) {
	byPath, err := e.hooksByPath(ctx)
	if err != nil {
		return nil, err
	}
	var all []Hook
	for _, h := range byPath {
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b Hook) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}

// Hook returns the address with a path; a *[NotFoundError] if no workflow that is
// on has it.
func (e *Engine) Hook(ctx context.Context, path string) (Hook, error) {
	byPath, err := e.hooksByPath(ctx)
	if err != nil {
		return Hook{}, err
	}
	h, ok := byPath[path]
	if !ok {
		return Hook{}, &NotFoundError{Kind: "workflow that is on with the path", Name: path}
	}
	return h, nil
}

func (e *Engine) hooksByPath(ctx context.Context) (map[string]Hook, error) {
	e.hooks.mu.Lock()
	defer e.hooks.mu.Unlock()
	if e.hooks.changed != nil && e.hooks.changed.Err() == nil {
		return e.hooks.byPath, nil
	}
	changed := e.definitionsChanged()
	defs, err := e.Store.Definitions(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the workflows: %w", err)
	}
	byPath := map[string]Hook{}
	for _, d := range defs {
		if h, ok := e.hookOf(d); ok && byPath[h.Path].Workflow == "" {
			byPath[h.Path] = h
		}
	}
	e.hooks.changed, e.hooks.byPath = changed, byPath
	return byPath, nil
}

// hookOf returns a definition's, if it is enabled and has one.
func (e *Engine) hookOf(d Definition) (Hook, bool) {
	if !d.Enabled || !e.triggeredBy(d, WebhookConnector) {
		return Hook{}, false
	}
	doc, err := e.document(d)
	var h Hook
	if err == nil {
		h, err = ReadHook(doc, e.env(doc))
	}
	if err != nil {
		e.Log.Error("a workflow's address cannot be read", "workflow", d.Name, "error", err)
		return Hook{}, false
	}
	return h, true
}

// wantsHook reports whether a request to a path is for a workflow. Another start of
// the host may have given one path to two: then it is for the one whose credential
// was asked for.
func (e *Engine) wantsHook(ctx context.Context, doc *workflow.Document, ev Event) (bool, error) {
	h, err := e.Hook(ctx, ev.Subject)
	if !isNotFound(err) {
		return h.Workflow == doc.Name, err
	}
	if _, err := ReadHook(doc, e.env(doc)); err != nil {
		return false, &unsureError{fmt.Errorf("reading the trigger's input: %w", err)}
	}
	return false, nil
}

// hookFree returns an error if a workflow cannot have the address that it asks for.
func (e *Engine) hookFree(ctx context.Context, doc *workflow.Document) error {
	if doc.Trigger.Connector != WebhookConnector {
		return nil
	}
	h, err := ReadHook(doc, e.env(doc))
	if err != nil {
		return err
	}
	other, err := e.Hook(ctx, h.Path)
	switch {
	case isNotFound(err):
		return nil
	case err != nil:
		return err
	case other.Workflow != doc.Name:
		return &HookTakenError{h.Path, other.Workflow}
	}
	return nil
}

// Receipt says what a request to a hook has led to.
type Receipt struct {
	Event     string // Key of the event.
	Run       string // Id of the run that it starts.
	Duplicate bool   // The event was known, and starts no second run.
}

// AcceptHook stores a request to a hook as an event. Body is JSON, and becomes the
// run's $.steps.trigger. Delivery tells requests apart: two with the same are one
// event; each without one is an event of its own. The run begins with
// [Engine.Dispatch].
func (e *Engine) AcceptHook(ctx context.Context, h Hook, delivery string, body json.RawMessage) (Receipt, error) {
	if delivery == "" {
		delivery = rand.Text()
	}
	// No path holds a colon, so that deliveries to two paths never have one id.
	ev := Event{Connector: WebhookConnector, Trigger: WebhookConnector, ID: h.Path + ":" + delivery}
	given := &connectorv1.Event{Id: ev.ID, Trigger: ev.Trigger, Subject: h.Path, Payload: body}
	if err := CheckEvent(given); err != nil { // it would be left out
		return Receipt{}, fmt.Errorf("storing a request to %s: %w", h.Path, err)
	}
	fresh, err := e.Accept(ctx, WebhookConnector, []*connectorv1.Event{given})
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{Event: ev.Key(), Run: eventRun(ev, h.Workflow), Duplicate: fresh == 0}, nil
}
