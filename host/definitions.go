package host

import (
	"fmt"

	"github.com/storyloop/storyloop/host/workflow"
)

// document reads a definition's document, once for each version.
func (e *Engine) document(d Definition) (*workflow.Document, error) {
	key := d.Name + "@" + d.Version
	e.mu.Lock()
	doc := e.documents[key]
	e.mu.Unlock()
	if doc != nil {
		return doc, nil
	}
	name := d.File
	if name == "" {
		name = d.Name
	}
	doc, err := workflow.Parse(name, d.Document)
	if err != nil {
		return nil, fmt.Errorf("reading version %s of workflow %s: %w", d.Version, d.Name, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.documents[key] = doc
	return doc, nil
}
