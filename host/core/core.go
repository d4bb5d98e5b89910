// Package core holds the connectors that are built into the host: control (loop,
// condition, branch, delay, terminate) and the manual trigger. They are described
// like any other connector, so that checks and people treat them alike; the
// interpreter in host/workflow carries them out.
package core

import (
	"embed"
	"fmt"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

//go:embed schemas/*.json
var files embed.FS

// version is that of all built-in connectors. They grow like any other: within a
// major version nothing that a workflow uses goes away.
const version = "1.0.0"

// Connectors returns the built-in connectors, in the order in which to show them.
func Connectors() host.ConnectorList {
	return host.ConnectorList{
		&builtin{catalog: catalog("manual", "Manual", "Starts a workflow by hand.", nil, []*connectorv1.Trigger{{
			Name: "manual", Title: "Manual", Summary: "A person starts the workflow.",
			InputSchema: schema("manual.input"), OutputSchema: schema("manual.output"),
		}})},
		control(workflow.LoopConnector, "Loop", "Repeats steps.",
			operation(workflow.LoopList, "Loop list", "Runs steps once for each item of a list."),
			operation(workflow.LoopObject, "Loop object", "Runs steps once for each property of an object."),
			operation(workflow.LoopForever, "Loop forever", "Runs steps again and again, until a break_loop step ends it."),
			operation(workflow.LoopBreak, "Break loop", "Ends a loop that the step stands in."),
		),
		control(workflow.ConditionConnector, "Boolean condition", "Runs one of two branches.",
			operation(workflow.Condition, "Boolean condition", "Compares values and runs the branch true or false."),
		),
		control(workflow.BranchConnector, "Branch", "Runs one of several branches.",
			operation(workflow.BranchOperation, "Branch", "Runs the branch that belongs to a value, or the branch default."),
		),
		control(workflow.DelayConnector, "Delay", "Waits.",
			operation(workflow.Delay, "Delay", "Waits for a time."),
			operation(workflow.DelayUntil, "Delay until", "Waits until a time."),
		),
		control(workflow.TerminateConnector, "Terminate", "Ends the run.",
			operation(workflow.Finish, "Finish", "Ends the run as a success."),
			operation(workflow.Fail, "Fail", "Ends the run as failed."),
		),
	}
}

func control(name, title, summary string, operations ...*connectorv1.Operation) *builtin {
	return &builtin{catalog: catalog(name, title, summary, operations, nil)}
}

func catalog(name, title, summary string, operations []*connectorv1.Operation, triggers []*connectorv1.Trigger) *connectorv1.Catalog {
	return &connectorv1.Catalog{Name: name, Version: version, Title: title, Summary: summary, Operations: operations, Triggers: triggers}
}

func operation(name, title, summary string) *connectorv1.Operation {
	return &connectorv1.Operation{
		Name: name, Title: title, Summary: summary,
		Effect: connectorv1.Effect_EFFECT_READ, Idempotency: connectorv1.Idempotency_IDEMPOTENCY_INHERENT,
		InputSchema: schema(name + ".input"), OutputSchema: schema(name + ".output"),
	}
}

func schema(name string) []byte {
	raw, err := files.ReadFile("schemas/" + name + ".json")
	if err != nil {
		panic(fmt.Sprintf("core: add the file host/core/schemas/%s.json", name))
	}
	return raw
}
