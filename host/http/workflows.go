package http

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/workflow"
)

// workflowLine is one version of a workflow, without its document.
type workflowLine struct {
	Name    string       `json:"name"`
	Version string       `json:"version"`
	Title   string       `json:"title,omitempty"`
	Enabled bool         `json:"enabled"` // Events and schedules start runs of it.
	Subject string       `json:"subject,omitempty"`
	File    string       `json:"file,omitempty"`
	AddedAt time.Time    `json:"added_at"`
	Trigger *triggerLine `json:"trigger,omitempty"` // Missing only if the document cannot be read.
}

type triggerLine struct {
	Connector  string   `json:"connector"`
	Triggers   []string `json:"triggers,omitempty"` // Missing where the connector has one only.
	Credential string   `json:"credential,omitempty"`
	Path       string   `json:"path,omitempty"` // Of the trigger webhook, unless it depends on the environment: where requests start the workflow.
}

func lineOf(d host.Definition) workflowLine {
	l := workflowLine{Name: d.Name, Version: d.Version, Enabled: d.Enabled, Subject: d.Subject, File: d.File, AddedAt: d.AddedAt}
	if doc, err := workflow.Parse(d.Name, d.Document); err == nil {
		l.Title = doc.Title
		l.Trigger = &triggerLine{Connector: doc.Trigger.Connector, Triggers: doc.Trigger.Names, Credential: doc.Trigger.Credential}
		if hook, err := host.ReadHook(doc, nil); err == nil && doc.Trigger.Connector == host.WebhookConnector {
			l.Trigger.Path = HookPath(hook)
		}
	}
	return l
}

type workflowList struct {
	Workflows []workflowLine `json:"workflows"`
}

func listOf(definitions []host.Definition) workflowList {
	list := workflowList{Workflows: []workflowLine{}}
	for _, d := range definitions {
		list.Workflows = append(list.Workflows, lineOf(d))
	}
	return list
}

func (a *API) listWorkflows(w http.ResponseWriter, r *request) error {
	definitions, err := a.Engine.Store.Definitions(r.Context())
	if err != nil {
		return err
	}
	return writeOK(w, listOf(definitions))
}

func (a *API) listVersions(w http.ResponseWriter, r *request) error {
	if _, err := a.definition(r); err != nil {
		return err
	}
	definitions, err := a.Engine.Store.Versions(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	return writeOK(w, listOf(definitions))
}

// definition finds the workflow of the path, in the version that is asked for.
func (a *API) definition(r *request) (host.Definition, error) {
	return a.Engine.Store.Definition(r.Context(), r.PathValue("name"), r.URL.Query().Get("version"))
}

// workflowDetail is one version of a workflow with its document.
type workflowDetail struct {
	workflowLine
	Document json.RawMessage `json:"document"`
}

func (a *API) showWorkflow(w http.ResponseWriter, r *request) error {
	d, err := a.definition(r)
	if err != nil {
		return err
	}
	return writeOK(w, workflowDetail{lineOf(d), d.Document})
}

func (a *API) exportWorkflow(w http.ResponseWriter, r *request) error {
	d, err := a.definition(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="`+d.Name+`.json"`)
	_, _ = w.Write(d.Document)
	return nil
}

// givenDocument is a document in a request: as text with the name of its file, so
// that problems name lines, or as JSON.
type givenDocument struct {
	Text     string          `json:"text"`
	Document json.RawMessage `json:"document"`
	File     string          `json:"file"`
	Enable   bool            `json:"enable"`
}

// check reads a document and compares it with the catalogs. The document is nil if
// it could not even be read.
func (a *API) check(ctx context.Context, in givenDocument) (*workflow.Document, workflow.Problems, error) {
	text, file := []byte(in.Text), in.File
	if len(in.Document) > 0 {
		text = in.Document
	}
	if file == "" {
		file = "document"
	}
	doc, err := workflow.Parse(file, text)
	var problems workflow.Problems
	switch {
	case errors.As(err, &problems):
		return nil, problems, nil
	case err != nil:
		return nil, nil, err
	}
	return doc, host.Check(ctx, doc, a.Engine.Connectors, a.Credentials), nil
}

// verdict is what a check found.
type verdict struct {
	OK       bool              `json:"ok"`       // The document can run.
	Problems workflow.Problems `json:"problems"` // Warnings too.
}

func (a *API) checkDocument(w http.ResponseWriter, r *request) error {
	var in givenDocument
	if err := r.decode(&in); err != nil {
		return err
	}
	_, problems, err := a.check(r.Context(), in)
	if err != nil {
		return err
	}
	if problems == nil {
		problems = workflow.Problems{}
	}
	return writeOK(w, verdict{problems.Err() == nil, problems})
}

// added is a workflow that was stored.
type added struct {
	Workflow workflowLine      `json:"workflow"`
	Warnings workflow.Problems `json:"warnings"`
}

// addWorkflow stores a document that can run. One that replaces another is on if
// the other was.
func (a *API) addWorkflow(w http.ResponseWriter, r *request) error {
	var in givenDocument
	if err := r.decode(&in); err != nil {
		return err
	}
	doc, problems, err := a.check(r.Context(), in)
	if err != nil {
		return err
	}
	if problems.Err() != nil {
		p := invalidDocument.problemf("the document cannot run")
		p.Problems = problems
		return p
	}
	status := http.StatusOK
	former, err := a.Engine.Store.Definition(r.Context(), doc.Name, "")
	var missing *host.NotFoundError
	switch {
	case errors.As(err, &missing):
		status = http.StatusCreated
	case err != nil:
		return err
	}
	// No event may come between the two versions and start nothing.
	d, err := a.Engine.Define(r.Context(), doc, former.Enabled, former.Subject)
	if err != nil {
		return err
	}
	if in.Enable || former.Enabled {
		if d, err = a.Switch.Enable(r.Context(), doc.Name); err != nil {
			return err
		}
	}
	if problems == nil {
		problems = workflow.Problems{}
	}
	w.Header().Set("Location", "/api/v1/workflows/"+d.Name)
	_ = writeJSON(w, status, added{lineOf(d), problems})
	return nil
}

func (a *API) enableWorkflow(w http.ResponseWriter, r *request) error {
	return turn(w, r, a.Switch.Enable)
}

func (a *API) disableWorkflow(w http.ResponseWriter, r *request) error {
	return turn(w, r, a.Switch.Disable)
}

func turn(w http.ResponseWriter, r *request, f func(context.Context, string) (host.Definition, error)) error {
	d, err := f(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	return writeOK(w, lineOf(d))
}
