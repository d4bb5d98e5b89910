package host

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/storyloop/storyloop/host/workflow"
)

// Built-in triggers that events lead to. The trigger "alert" tells that a run has
// failed or waits for a person; its input may name the workflows that it is about:
// {"workflows": ["every-story"]}. The trigger "webhook" tells of any POST to a path
// of its own: {"path": "orders"}, which is the workflow's name if it is not given.
// Both have one trigger, of the connector's name.
const (
	AlertConnector   = "alert"
	WebhookConnector = "webhook"
)

// Alert is what $.steps.trigger holds in a run that an alert has started.
type Alert struct {
	Run      string            `json:"run"`
	Workflow string            `json:"workflow"`
	State    RunState          `json:"state"` // failed or parked.
	Message  string            `json:"message"`
	Failure  *workflow.Failure `json:"failure,omitempty"`
	Question *Question         `json:"question,omitempty"`
}

// alert stores that a run has failed or is parked, before that is known to anybody:
// so that it cannot be forgotten. Its id is made of the run and of what happened in
// it, so that the same is told once. Of runs that an alert has led to nobody is
// alerted, lest alerts cause alerts.
func (x *execution) alert(r Run) error {
	if r.Origin.Alert || r.State != RunFailed && r.State != RunParked {
		return nil
	}
	a := Alert{Run: r.ID, Workflow: r.Workflow, State: r.State}
	id := r.ID + "/" + string(r.State)
	switch {
	case r.Question != nil:
		q := *r.Question
		q.Text = brief(q.Text)
		a.Message, a.Question = q.Text, &q
		id += fmt.Sprintf("/%s@%d", r.Question.Path, x.asked)
	case r.Failure != nil:
		f := *r.Failure
		f.Message, f.Advice, f.Pointer = brief(f.Message), brief(f.Advice), brief(f.Pointer)
		a.Message, a.Failure = f.Error(), &f
	}
	ctx := x.lasting
	defs, err := x.e.Store.Definitions(ctx)
	if err != nil || !slices.ContainsFunc(defs, func(d Definition) bool { return d.Enabled && x.e.triggeredBy(d, AlertConnector) }) {
		return err
	}
	payload, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("writing an alert: %w", err)
	}
	_, err = x.e.Store.AddEvents(ctx, []Event{{
		Connector: AlertConnector, Trigger: AlertConnector, ID: id, Subject: r.Workflow,
		Payload: payload, OccurredAt: x.e.Clock.Now(), ReceivedAt: x.e.Clock.Now(),
	}})
	return err
}

// brief bounds what an alert repeats of a run, which has the whole of it.
func brief(text string) string {
	const most = 10_000
	return cut(text, most)
}

func (e *Engine) triggeredBy(d Definition, connector string) bool {
	doc, err := e.document(d)
	return err == nil && doc.Trigger.Connector == connector
}

// wantsAlert reports whether a workflow wants an alert.
func (e *Engine) wantsAlert(doc *workflow.Document, ev Event) (bool, error) {
	var in struct {
		Workflows []string `json:"workflows"`
	}
	raw, err := doc.TriggerInput(e.env(doc))
	if err == nil {
		err = json.Unmarshal(raw, &in)
	}
	if err != nil {
		return false, &unsureError{fmt.Errorf("reading the trigger's input: %w", err)}
	}
	return len(in.Workflows) == 0 || slices.Contains(in.Workflows, ev.Subject), nil
}

// originOf returns what made a run begin that an event starts.
func originOf(ev Event) Origin {
	o := Origin{Kind: ByEvent}
	if ev.Connector == AlertConnector {
		o.Alert = true
		o.Run, _, _ = strings.Cut(ev.ID, "/")
	}
	return o
}
