package host

import (
	"context"
	"encoding/json"
)

// Values keeps JSON by scope and key: what workflows store, how full quotas are,
// when schedules are due, where polls stopped. Scope and key are any text.
type Values interface {
	// Value returns a value; false if there is none.
	Value(ctx context.Context, scope, key string) (json.RawMessage, bool, error)
	// Values returns all values of a scope, by key.
	Values(ctx context.Context, scope string) ([]NamedValue, error)
	// PutValue stores a value; an empty one deletes it.
	PutValue(ctx context.Context, scope, key string, value json.RawMessage, d Durability) error
	// ChangeValue changes a value, synced, with nobody else in between. A step that
	// has done so gets its former answer, and changes nothing: it may be repeated
	// safely after its answer was lost. An error of Change is returned so that
	// errors.As finds it, and nothing has changed then.
	ChangeValue(ctx context.Context, c Change) (answer json.RawMessage, err error)
}

// NamedValue is a value in a scope.
type NamedValue struct {
	Key   string
	Value json.RawMessage
}

// ScopedValue is a value and where it is kept.
type ScopedValue struct {
	Scope, Key string
	Value      json.RawMessage
}

// Change is a step that changes a value.
type Change struct {
	Scope, Key string
	Run, Path  string // Of the step; empty if there is none, and nothing is remembered then.

	// Change gets what is there, empty if nothing is, and returns what shall be, and
	// what the step gets. It may be called more than once, and must not use the store.
	Change func(old json.RawMessage) (now, answer json.RawMessage, err error)
}

// Scopes of the host's own. No workflow reaches them.
const (
	quotaScope    = "quotas"
	scheduleScope = "schedules"
	pollScope     = "polls"
)

// HostScope is the scope of values that all workflows share.
const HostScope = "host"

// WorkflowScope is the scope of values that all runs of a workflow share.
func WorkflowScope(name string) string { return "workflow/" + name }

// RunScope is the scope of a run's own values. They are pruned with it.
func RunScope(run string) string { return "run/" + run }
