package host

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/storyloop/storyloop/host/workflow"
)

// Define stores a workflow as the current version of its name. The document is
// expected to have passed [Check]. Events start runs of it only if it is enabled;
// subject narrows them to one account's, if it is not empty. An enabled one whose
// address is another's is refused with a *[HookTakenError].
func (e *Engine) Define(ctx context.Context, doc *workflow.Document, enabled bool, subject string) (Definition, error) {
	text := doc.JSON()
	sum := sha256.Sum256(text)
	d := Definition{
		Name: doc.Name, Version: hex.EncodeToString(sum[:8]), Document: text, File: doc.File(),
		Enabled: enabled, Subject: subject, AddedAt: e.Clock.Now(),
	}
	former, err := e.Store.Definition(ctx, d.Name, "")
	var missing *NotFoundError
	switch {
	case err == nil && former.Version == d.Version:
		d.AddedAt = former.AddedAt // it is there already
	case err != nil && !errors.As(err, &missing):
		return d, fmt.Errorf("storing workflow %s: %w", d.Name, err)
	}
	return d, e.define(ctx, d, doc)
}

// define makes a definition take effect.
func (e *Engine) define(ctx context.Context, d Definition, doc *workflow.Document) error {
	e.defining.Lock()
	defer e.defining.Unlock()
	if d.Enabled {
		if err := e.hookFree(ctx, doc); err != nil {
			return fmt.Errorf("workflow %s: %w", d.Name, err)
		}
	}
	if err := e.Store.PutDefinition(ctx, d); err != nil {
		return fmt.Errorf("storing workflow %s: %w", d.Name, err)
	}
	e.definitionChanges()
	if e.left.any.Load() {
		if err := e.Dispatch(ctx); err != nil {
			e.Log.Error("events wait in the inbox", "error", err)
		}
	}
	return nil
}

// Enable lets events, schedules and calls start runs of a workflow, or no more. Runs
// that have begun go on. One whose address is another's is refused, as in
// [Engine.Define].
func (e *Engine) Enable(ctx context.Context, name string, enabled bool) (Definition, error) {
	d, err := e.Store.Definition(ctx, name, "")
	if err != nil || d.Enabled == enabled {
		return d, err
	}
	var doc *workflow.Document
	if enabled {
		if doc, err = e.document(d); err != nil {
			return Definition{}, err
		}
	}
	d.Enabled = enabled
	return d, e.define(ctx, d, doc)
}

// definitionsChanged returns a context that ends when a definition changes.
func (e *Engine) definitionsChanged() context.Context {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.changed
}

func (e *Engine) definitionChanges() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tellAll()
	e.changed, e.tellAll = context.WithCancel(context.Background())
}

// env returns the variables that a document may see.
func (e *Engine) env(doc *workflow.Document) map[string]string {
	env := map[string]string{}
	for _, name := range doc.Env {
		if v, ok := e.Env(name); ok {
			env[name] = v
		}
	}
	return env
}

// document reads a definition's document, once for each version.
func (e *Engine) document(d Definition) (*workflow.Document, error) {
	key := d.Name + "@" + d.Version
	e.mu.Lock()
	doc := e.documents[key]
	e.mu.Unlock()
	if doc != nil {
		return doc, nil
	}
	doc, err := workflow.Parse(cmp.Or(d.File, d.Name), d.Document)
	if err != nil {
		return nil, fmt.Errorf("reading version %s of workflow %s: %w", d.Version, d.Name, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.documents[key] = doc
	return doc, nil
}
