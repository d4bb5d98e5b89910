package core

import (
	"encoding/json"
	"errors"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// triggers returns the triggers of the host's own. The engine starts their runs.
func triggers() host.ConnectorList {
	schedule := trigger(host.ScheduleConnector, "Schedule", "Starts a workflow by the clock.", "The time has come.")
	schedule.checks = map[string]check{host.ScheduleConnector: plain(timetable)}
	return host.ConnectorList{
		trigger("manual", "Manual", "Starts a workflow by hand.", "A person starts the workflow."),
		schedule,
		webhook(),
		trigger(host.CallableConnector, "Callable", "Lets other workflows call this one.", "Another workflow calls this one."),
		trigger(host.AlertConnector, "Alert", "Starts a workflow when a run has failed or waits for a person.", "A run has failed, or waits for a person."),
	}
}

// trigger returns a connector with one trigger, of the same name.
func trigger(name, title, summary, what string) *builtin {
	c := catalog(name, title, summary)
	c.Triggers = []*connectorv1.Trigger{{
		Name: name, Title: title, Summary: what, InputSchema: schema(name + ".input"), OutputSchema: schema(name + ".output"),
	}}
	return &builtin{catalog: c}
}

// timetable checks a schedule just as the engine reads it.
func timetable(input []byte, say func(pointer, code, summary string)) {
	var in host.ScheduleInput
	_, err := host.ParseSchedule(input)
	var wrong *host.InputError
	neither := err != nil && json.Unmarshal(input, &in) == nil && in.Every == "" && in.Cron == ""
	if errors.As(err, &wrong) && wrong.Pointer != "" && !neither { // that is the schema's, or not known yet
		say(wrong.Pointer, "wrong_form", wrong.Message)
	}
}

// callWorkflow describes the connector that calls other workflows. The engine
// carries it out; a repeated call finds the run that the first one started.
func callWorkflow() *builtin {
	call := func(name, title, summary string) *connectorv1.Operation {
		return described(name, &connectorv1.Operation{
			Name: name, Title: title, Summary: summary,
			Effect: connectorv1.Effect_EFFECT_WRITE, Idempotency: connectorv1.Idempotency_IDEMPOTENCY_KEYED,
		})
	}
	return &builtin{catalog: catalog(host.CallConnector, "Call workflow", "Starts another workflow.",
		call(host.Call, "Call", "Starts another workflow and goes on at once."),
		call(host.CallAndWait, "Call and wait", "Starts another workflow and waits for its output."),
	)}
}
