package host

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// maxStored bounds a stored value, in bytes.
const maxStored = 4 << 20

// Storage is what workflows keep by name, for a run, for all runs of a workflow, or
// for the whole host. Each method is atomic, and a step that repeats it after a
// crash gets the first answer. Answers are JSON objects, as the connector "storage"
// gives them. What a workflow gets wrong is an *InputError.
type Storage struct{ Values Values }

// Caller is the step on whose behalf a call is made.
type Caller struct {
	Run      string
	Workflow string
	Path     string
	Began    string // The run that began the step, if this one goes on with it; empty otherwise.
	Call     string // The id of this attempt.
	Attempt  int    // From 1; zero where there is no call.
}

type callerKey struct{}

// CallerOf returns the step on whose behalf a built-in connector is called; false
// outside of workflows. Connectors in processes of their own never learn it.
func CallerOf(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}

// WithCaller returns a context in which calls are made on behalf of a step.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// scope returns where a step's values of a scope are: "run", "workflow" or "host".
func (c Caller) scope(name string) (string, error) {
	switch name {
	case "run":
		return RunScope(c.Run), nil
	case "workflow":
		return WorkflowScope(c.Workflow), nil
	case "host":
		return HostScope, nil
	}
	return "", &InputError{"/scope", fmt.Sprintf("must be run, workflow or host, not %q", name)}
}

// first is the run in which the step's changes are remembered.
func (c Caller) first() string { return cmp.Or(c.Began, c.Run) }

// Get returns {"value": ..., "exists": ...}; the value is null where there is none.
func (s Storage) Get(ctx context.Context, c Caller, scope, key string) (json.RawMessage, error) {
	where, err := c.scope(scope)
	if err != nil {
		return nil, err
	}
	value, found, err := s.Values.Value(ctx, where, key)
	if err != nil {
		return nil, err
	}
	return taken(value, found), nil
}

// Set stores a value and returns the one before it, as {"value": ..., "exists": ...}.
func (s Storage) Set(ctx context.Context, c Caller, scope, key string, value json.RawMessage) (json.RawMessage, error) {
	return s.change(ctx, c, scope, key, func(old json.RawMessage) (json.RawMessage, json.RawMessage, error) {
		return value, taken(old, len(old) > 0), nil
	})
}

// Delete removes a value and returns it, as {"value": ..., "exists": ...}.
func (s Storage) Delete(ctx context.Context, c Caller, scope, key string) (json.RawMessage, error) {
	return s.Set(ctx, c, scope, key, nil)
}

// Append adds an item to the end of a list, which is made if there is none, and
// returns {"length": ...}. If most is above zero only the last so many items stay.
func (s Storage) Append(ctx context.Context, c Caller, scope, key string, item json.RawMessage, most int) (json.RawMessage, error) {
	return s.changeList(ctx, c, scope, key, func(list []json.RawMessage) ([]json.RawMessage, json.RawMessage) {
		list = append(list, item)
		if most > 0 && len(list) > most {
			list = list[len(list)-most:]
		}
		return list, fmt.Appendf(nil, `{"length":%d}`, len(list))
	})
}

// Shift removes the first item of a list and returns
// {"value": ..., "exists": ..., "length": ...}.
func (s Storage) Shift(ctx context.Context, c Caller, scope, key string) (json.RawMessage, error) {
	return s.changeList(ctx, c, scope, key, func(list []json.RawMessage) ([]json.RawMessage, json.RawMessage) {
		if len(list) == 0 {
			return nil, json.RawMessage(`{"value":null,"exists":false,"length":0}`)
		}
		return list[1:], fmt.Appendf(nil, `{"value":%s,"exists":true,"length":%d}`, list[0], len(list)-1)
	})
}

// Increment adds to a number, which is 0 if there is none, and returns
// {"value": ...}. All digits are kept.
func (s Storage) Increment(ctx context.Context, c Caller, scope, key string, by json.Number) (json.RawMessage, error) {
	return s.change(ctx, c, scope, key, func(old json.RawMessage) (json.RawMessage, json.RawMessage, error) {
		if len(old) == 0 {
			old = json.RawMessage("0")
		}
		sum, err := add(string(old), by.String())
		if err != nil {
			return nil, nil, err
		}
		return sum, fmt.Appendf(nil, `{"value":%s}`, sum), nil
	})
}

// Made returns what a step got for a change that it has made, and false if it has
// made none. It changes nothing.
func (s Storage) Made(ctx context.Context, c Caller) (answer json.RawMessage, made bool, err error) {
	notMade := errors.New("the step has changed nothing")
	answer, err = s.Values.ChangeValue(ctx, Change{Run: c.first(), Path: c.Path, Change: func(json.RawMessage) (now, answer json.RawMessage, err error) {
		return nil, nil, notMade
	}})
	if errors.Is(err, notMade) {
		return nil, false, nil
	}
	return answer, err == nil, err
}

func (s Storage) changeList(ctx context.Context, c Caller, scope, key string, f func([]json.RawMessage) (list []json.RawMessage, answer json.RawMessage)) (json.RawMessage, error) {
	return s.change(ctx, c, scope, key, func(old json.RawMessage) (json.RawMessage, json.RawMessage, error) {
		var list []json.RawMessage
		if len(old) > 0 && (old[0] != '[' || json.Unmarshal(old, &list) != nil) {
			return nil, nil, &InputError{"/key", fmt.Sprintf("what is stored under %q is no list", key)}
		}
		list, answer := f(list)
		return slices.Concat([]byte{'['}, bytes.Join(raws(list), []byte{','}), []byte{']'}), answer, nil
	})
}

func (s Storage) change(ctx context.Context, c Caller, scope, key string, f func(json.RawMessage) (now, answer json.RawMessage, err error)) (json.RawMessage, error) {
	where, err := c.scope(scope)
	if err != nil {
		return nil, err
	}
	if key == "" {
		return nil, &InputError{"/key", "must not be empty"}
	}
	return s.Values.ChangeValue(ctx, Change{Scope: where, Key: key, Run: c.first(), Path: c.Path, Change: func(old json.RawMessage) (json.RawMessage, json.RawMessage, error) {
		now, answer, err := f(old)
		if err == nil && len(now) > maxStored {
			err = &InputError{"/value", fmt.Sprintf("what is stored under %q would have %d bytes; at most %d allowed", key, len(now), maxStored)}
		}
		return now, answer, err
	}})
}

func taken(value json.RawMessage, exists bool) json.RawMessage {
	if !exists {
		value = json.RawMessage("null")
	}
	return fmt.Appendf(nil, `{"value":%s,"exists":%t}`, value, exists)
}

func raws(list []json.RawMessage) [][]byte {
	out := make([][]byte, len(list))
	for i := range list {
		out[i] = list[i]
	}
	return out
}

// add returns the sum of two JSON numbers, exactly.
func add(a, b string) (json.RawMessage, error) {
	x, places, err := rational("what is stored", a)
	if err != nil {
		return nil, err
	}
	y, more, err := rational("the number to add", b)
	if err != nil {
		return nil, err
	}
	return json.RawMessage(x.Add(x, y).FloatString(max(places, more))), nil
}

// rational reads a number that is written without an exponent, which might make it
// larger than memory.
func rational(what, s string) (r *big.Rat, places int, err error) {
	const longest = 100
	r, ok := new(big.Rat).SetString(s)
	if !ok || len(s) > longest || strings.Trim(s, "-.0123456789") != "" {
		return nil, 0, &InputError{"/by", what + " is no number of at most 100 digits"}
	}
	_, fraction, _ := strings.Cut(s, ".")
	return r, len(fraction), nil
}
