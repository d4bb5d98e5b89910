package core

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// controls returns the connectors that steer a run. The interpreter carries them
// out.
func controls() host.ConnectorList {
	return host.ConnectorList{
		control(workflow.LoopConnector, "Loop", "Repeats steps.",
			operation(workflow.LoopList, "Loop list", "Runs steps once for each item of a list."),
			operation(workflow.LoopObject, "Loop object", "Runs steps once for each property of an object."),
			operation(workflow.LoopForever, "Loop forever", "Runs steps again and again, until a break_loop step ends it."),
			operation(workflow.LoopBreak, "Break loop", "Ends a loop that the step stands in."),
		),
		condition(),
		control(workflow.BranchConnector, "Branch", "Runs one of several branches.",
			operation(workflow.BranchOperation, "Branch", "Runs the branch that belongs to a value, or the branch default."),
		),
		delay(),
		control(workflow.TerminateConnector, "Terminate", "Ends the run.",
			operation(workflow.Finish, "Finish", "Ends the run as a success."),
			operation(workflow.Fail, "Fail", "Ends the run as failed."),
		),
	}
}

func control(name, title, summary string, operations ...*connectorv1.Operation) *builtin {
	return &builtin{catalog: catalog(name, title, summary, operations...)}
}

func delay() *builtin {
	b := control(workflow.DelayConnector, "Delay", "Waits.",
		operation(workflow.Delay, "Delay", "Waits for a time."),
		operation(workflow.DelayUntil, "Delay until", "Waits until a time."),
	)
	b.checks = map[string]check{workflow.Delay: plain(func(input []byte, say func(pointer, code, summary string)) {
		var in struct {
			Duration string `json:"duration"`
		}
		if json.Unmarshal(input, &in) != nil {
			return
		}
		if _, err := workflow.ParseDuration(in.Duration); err != nil {
			say("/duration", "wrong_form", err.Error())
		}
	})}
	return b
}

// condition alone can also be called outside of workflows: it only decides.
func condition() *builtin {
	b := control(workflow.ConditionConnector, "Boolean condition", "Runs one of two branches.",
		operation(workflow.Condition, "Boolean condition", "Compares values and runs the branch true or false."),
	)
	b.handlers = map[string]handler{workflow.Condition: decide}
	b.checks = map[string]check{workflow.Condition: plain(patterns)}
	return b
}

func decide(_ context.Context, _ string, input []byte) (json.RawMessage, error) {
	result, err := workflow.Evaluate(input)
	var failure *workflow.Failure
	if errors.As(err, &failure) {
		return nil, &host.InputError{Pointer: failure.Pointer, Message: failure.Message}
	}
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `{"result":%t}`, result), nil
}

// patterns checks the regular expressions of a condition.
func patterns(input []byte, say func(pointer, code, summary string)) {
	var in struct {
		Conditions []struct {
			Comparison string          `json:"comparison"`
			Value2     json.RawMessage `json:"value2"`
		} `json:"conditions"`
	}
	if json.Unmarshal(input, &in) != nil {
		return
	}
	for i, c := range in.Conditions {
		pointer := fmt.Sprintf("/conditions/%d/value2", i)
		takesNone := strings.HasSuffix(c.Comparison, "exists") || strings.HasSuffix(c.Comparison, "empty")
		if !takesNone && c.Value2 == nil {
			say(pointer, "missing_property", "is required for "+c.Comparison)
			continue
		}
		var pattern string
		if !strings.HasSuffix(c.Comparison, "matches") || json.Unmarshal(c.Value2, &pattern) != nil {
			continue
		}
		if _, err := workflow.CompilePattern(pattern); err != nil {
			say(pointer, "wrong_form", err.Error())
		}
	}
}
