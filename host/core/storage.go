package core

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// storageInput is the input of all operations of storage; each schema lets some of
// it pass.
type storageInput struct {
	Scope    string          `json:"scope"`
	Key      string          `json:"key"`
	Value    json.RawMessage `json:"value"`
	Default  json.RawMessage `json:"default"`
	By       json.Number     `json:"by"`
	MaxItems int             `json:"max_items"`
}

// storage returns the connector that keeps values between steps and runs. A step
// that is repeated after a crash changes nothing again, and gets the first answer.
func storage(values host.Values) *builtin {
	s := host.Storage{Values: values}
	b := &builtin{handlers: map[string]handler{}, catalog: catalog("storage", "Storage",
		"Keeps values for a run, for all runs of a workflow, or for all workflows. Not for secrets: values stand in histories.")}
	b.made = func(ctx context.Context) (json.RawMessage, bool, error) { return made(ctx, s) }
	add := func(op *connectorv1.Operation, f func(context.Context, host.Caller, storageInput) (json.RawMessage, error)) {
		name := op.GetName()
		b.catalog.Operations = append(b.catalog.Operations, described("storage_"+name, op))
		b.handlers[name] = func(ctx context.Context, _ string, input []byte) (json.RawMessage, error) {
			return stored(ctx, values, input, f)
		}
	}
	add(&connectorv1.Operation{
		Name: "get", Title: "Get value", Summary: "Reads a value.",
		Effect: connectorv1.Effect_EFFECT_READ, Idempotency: connectorv1.Idempotency_IDEMPOTENCY_INHERENT,
	}, func(ctx context.Context, c host.Caller, in storageInput) (json.RawMessage, error) {
		return getOr(ctx, s, c, in)
	})
	add(change("set", "Set value", "Stores a value."), func(ctx context.Context, c host.Caller, in storageInput) (json.RawMessage, error) {
		return s.Set(ctx, c, in.Scope, in.Key, in.Value)
	})
	add(change("append", "Append to list", "Adds an item to the end of a list."), func(ctx context.Context, c host.Caller, in storageInput) (json.RawMessage, error) {
		return s.Append(ctx, c, in.Scope, in.Key, in.Value, in.MaxItems)
	})
	add(change("increment", "Increment", "Adds to a number."), func(ctx context.Context, c host.Caller, in storageInput) (json.RawMessage, error) {
		return s.Increment(ctx, c, in.Scope, in.Key, in.By)
	})
	remove := change("delete", "Delete value", "Removes a value.")
	remove.Effect = connectorv1.Effect_EFFECT_DESTRUCTIVE
	add(remove, func(ctx context.Context, c host.Caller, in storageInput) (json.RawMessage, error) {
		return s.Delete(ctx, c, in.Scope, in.Key)
	})
	add(change("shift", "Shift list", "Takes the first item off a list."), func(ctx context.Context, c host.Caller, in storageInput) (json.RawMessage, error) {
		return s.Shift(ctx, c, in.Scope, in.Key)
	})
	return b
}

func change(name, title, summary string) *connectorv1.Operation {
	return &connectorv1.Operation{
		Name: name, Title: title, Summary: summary,
		Effect: connectorv1.Effect_EFFECT_WRITE, Idempotency: connectorv1.Idempotency_IDEMPOTENCY_KEYED, Reconcilable: true,
	}
}

// stored reads the input, and tells what is the workflow's fault from what is the
// store's. The store drops a change that it has made for the step before, so that
// nothing is lost or doubled by another attempt.
func stored(ctx context.Context, values host.Values, input []byte, f func(context.Context, host.Caller, storageInput) (json.RawMessage, error)) (json.RawMessage, error) {
	in := storageInput{Scope: "run", By: "1"}
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, &host.InputError{Message: err.Error()}
	}
	caller, ok := host.CallerOf(ctx)
	switch {
	case values == nil:
		return nil, refused(connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, "This host keeps no values: it runs without a data file.")
	case !ok && in.Scope != "host":
		return nil, refused(connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, "Outside of a workflow there is only the scope host.")
	}
	output, err := f(ctx, caller, in)
	var wrong *host.InputError
	if err != nil && !errors.As(err, &wrong) {
		return nil, unusable(err)
	}
	return output, err
}

// made asks the store whether the step has made its change. Outside of a workflow
// nothing is remembered.
func made(ctx context.Context, s host.Storage) (json.RawMessage, bool, error) {
	caller, ok := host.CallerOf(ctx)
	if s.Values == nil || !ok {
		return nil, false, refused(connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, "Only a step's change is remembered, and only by a host with a data file.")
	}
	answer, made, err := s.Made(ctx, caller)
	if err != nil {
		return nil, false, unusable(err)
	}
	return answer, made, nil
}

func unusable(err error) error {
	return failed(connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, connectorv1.Applied_APPLIED_UNKNOWN, "The host's storage cannot be used: %v.", err)
}

func getOr(ctx context.Context, s host.Storage, c host.Caller, in storageInput) (json.RawMessage, error) {
	output, err := s.Get(ctx, c, in.Scope, in.Key)
	if err != nil || in.Default == nil {
		return output, err
	}
	var got struct {
		Value  json.RawMessage `json:"value"`
		Exists bool            `json:"exists"`
	}
	if err := json.Unmarshal(output, &got); err != nil {
		return nil, err
	}
	if !got.Exists {
		got.Value = in.Default
	}
	return json.Marshal(got)
}
