package connector

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"time"
)

// Call is one attempt at something that reaches the remote service.
type Call struct {
	ID             string // Unique per attempt.
	IdempotencyKey string // The same for all attempts of one step.
	Credential     Credential
	Resume         string       // Next page's token, or where a cut-off attempt stopped.
	Log            *slog.Logger // Carries the call's id.

	spent    spent
	warnings []Problem
	resume   string
	progress func(Progress)
}

// Progress is a sign of life from a long operation.
type Progress struct {
	Message  string
	Fraction float64 // 0 to 1; negative if not known.
	Resume   string  // Where to go on if this attempt is cut off; empty keeps the last.
}

type spent struct {
	requests int
	quotas   []Quota
}

// Spend adds to the call's report: HTTP requests made, and quotas as the remote
// service stated them in its answers.
func (c *Call) Spend(requests int, quotas ...Quota) {
	c.spent.requests += requests
	c.spent.quotas = append(c.spent.quotas, quotas...)
}

// Warn adds a remark to the result, which stays a success.
func (c *Call) Warn(p Problem) {
	p.Warning = true
	c.warnings = append(c.warnings, p)
}

// Report tells the host how far a long operation has come. The last resume token
// also goes into the failure, if the call fails.
func (c *Call) Report(p Progress) {
	if p.Resume != "" {
		c.resume = p.Resume
	}
	if c.progress != nil {
		c.progress(p)
	}
}

type (
	handler    func(context.Context, *Call, json.RawMessage) (output []byte, next string, err error)
	validator  func(json.RawMessage, Known) []Problem
	reconciler func(ctx context.Context, c *Call, input json.RawMessage, at time.Time) (output []byte, happened bool, err error)
)

// Known tells whether the value at a JSON Pointer of an input is known yet. At
// design time some values are references, of which nothing can be said.
type Known func(pointer string) bool

// Handle binds a typed handler to an operation. The input has passed its schema
// when the handler sees it; the output is checked before it leaves. The string
// that a handler returns is the token of the next page, empty on the last.
func Handle[In, Out any](op Operation, h func(context.Context, *Call, In) (Out, string, error)) Operation {
	op.input = reflect.TypeFor[In]()
	op.handler = func(ctx context.Context, c *Call, raw json.RawMessage) ([]byte, string, error) {
		in, err := decode[In](raw)
		if err != nil {
			return nil, "", err
		}
		out, next, err := h(ctx, c, in)
		if err != nil {
			return nil, "", err
		}
		b, err := encode(out)
		return b, next, err
	}
	return op
}

// Validate adds a check of what a schema cannot say, such as a limit in bytes. It
// runs at design time, where known may deny a value (which is then zero in in),
// and before each call. It must not use the network.
func Validate[In any](op Operation, check func(in In, known Known) []Problem) Operation {
	op.validate = func(raw json.RawMessage, known Known) []Problem {
		in, err := decode[In](raw)
		if err != nil {
			return nil // the schema has said so already
		}
		return check(in, known)
	}
	return op
}

// Reconcile adds the answer to "has this happened?" for a write whose answer was
// lost at time at. It returns the output that was lost, whether it happened, and
// an error where that cannot be told.
func Reconcile[In, Out any](op Operation, look func(ctx context.Context, c *Call, in In, at time.Time) (Out, bool, error)) Operation {
	op.reconcile = func(ctx context.Context, c *Call, raw json.RawMessage, at time.Time) ([]byte, bool, error) {
		in, err := decode[In](raw)
		if err != nil {
			return nil, false, err
		}
		out, happened, err := look(ctx, c, in, at)
		if err != nil || !happened {
			return nil, false, err
		}
		b, err := encode(out)
		return b, true, err
	}
	return op
}

func decode[In any](raw json.RawMessage) (in In, err error) {
	if err := json.Unmarshal(raw, &in); err != nil {
		return in, fmt.Errorf("decoding the input: %w", err)
	}
	return in, nil
}

// encode leaves "<" and "&" as they are: an output is no HTML.
func encode(out any) ([]byte, error) {
	if raw, ok := out.(json.RawMessage); ok && raw != nil {
		return compacted(raw)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(out); err != nil {
		return nil, fmt.Errorf("encoding the output: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// compacted returns JSON without the white space between its values. Most has none,
// and stays where it is.
func compacted(raw json.RawMessage) ([]byte, error) {
	if json.Valid(raw) && !spaced(raw) {
		return raw, nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return nil, fmt.Errorf("encoding the output: %w", err)
	}
	return b.Bytes(), nil
}

// spaced reports whether valid JSON has white space outside of its strings.
func spaced(valid []byte) bool {
	inside := false
	for i := 0; i < len(valid); i++ {
		switch valid[i] {
		case '"':
			inside = !inside
		case '\\':
			i++ // What is escaped is inside.
		case ' ', '\t', '\n', '\r':
			if !inside {
				return true
			}
		}
	}
	return false
}
