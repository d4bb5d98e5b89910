package workflow

import (
	"fmt"
	"strings"
)

// Failure is why a step has failed for good. References see it as
// $.errors.<step>.
type Failure struct {
	Kind    string `json:"kind"` // As in the protocol, in snake_case: "not_found".
	Message string `json:"message"`
	Advice  string `json:"advice,omitempty"`  // What to do about it.
	Code    string `json:"code,omitempty"`    // The remote service's.
	Subcode string `json:"subcode,omitempty"` // The remote service's.
	TraceID string `json:"fbtrace_id,omitempty"`
	Applied string `json:"applied"`           // no, unknown or yes.
	Pointer string `json:"pointer,omitempty"` // Into the step's input.

	Workflow  string `json:"workflow,omitempty"`
	Step      string `json:"step,omitempty"`
	Path      string `json:"path,omitempty"` // With the iterations: "loop-1[3]/instagram-2".
	Operation string `json:"operation,omitempty"`
}

// Kinds of failures that the interpreter itself makes. The others come from the
// protocol.
const (
	InvalidInput = "invalid_input" // The workflow's author acts.
	Terminated   = "terminated"    // A terminate step said so.
	Internal     = "internal"      // The connector breaks its own contract.
)

// Error returns one sentence: which workflow, step and operation, what, and what
// to do.
func (f *Failure) Error() string {
	var b strings.Builder
	if f.Workflow != "" {
		b.WriteString(f.Workflow + ": ")
	}
	if f.Path != "" {
		b.WriteString("step " + f.Path)
		if f.Operation != "" {
			b.WriteString(" (" + f.Operation + ")")
		}
		b.WriteString(": ")
	}
	if f.Pointer != "" {
		b.WriteString(f.Pointer + ": ")
	}
	b.WriteString(f.Message)
	if f.Advice != "" {
		if !strings.HasSuffix(f.Message, ".") {
			b.WriteString(".")
		}
		b.WriteString(" " + f.Advice)
	}
	return b.String()
}

// datum returns what $.errors.<step> leads to.
func (f *Failure) datum() datum {
	text := func(s string) []byte {
		if s == "" {
			return []byte("null")
		}
		return quote(s)
	}
	return datum{object: members{
		{"kind", text(f.Kind)}, {"message", text(f.Message)}, {"code", text(f.Code)}, {"subcode", text(f.Subcode)},
		{"fbtrace_id", text(f.TraceID)}, {"applied", text(f.Applied)}, {"pointer", text(f.Pointer)},
	}}
}

// invalid is a failure of the step's own input.
func invalid(pointer, format string, args ...any) *Failure {
	return &Failure{Kind: InvalidInput, Applied: "no", Pointer: pointer, Message: fmt.Sprintf(format, args...)}
}
