package workflow

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a document, for the person who wrote
// it.
type Problem struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"` // From 1; zero where the place is unknown.
	Column  int    `json:"column,omitempty"`
	Pointer string `json:"pointer,omitempty"` // RFC 6901 JSON Pointer into the document; empty means all of it.
	Code    string `json:"code,omitempty"`    // Stable, in snake_case, such as "unknown_operation".
	Message string `json:"message,omitempty"` // What is wrong.
	Hint    string `json:"hint,omitempty"`    // What to do about it, such as `did you mean "list_stories"?`; may be empty.
	Warning bool   `json:"warning,omitempty"` // The document can run all the same.
}

// String returns "file:line:column: pointer: message (hint)".
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Warning {
		b.WriteString("warning: ")
	}
	if p.Pointer != "" {
		b.WriteString(p.Pointer + ": ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString(" (" + p.Hint + ")")
	}
	return b.String()
}

// Problem returns what is wrong with a document at a place in it, or at the closest
// one above that exists.
func (d *Document) Problem(pointer, code, message, hint string) Problem {
	p := parser{doc: d}
	p.report(pointer, code, message, hint)
	return p.problems[0]
}

// Problems is all that is wrong with a document, in the order of its text.
type Problems []Problem

// Error returns one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Err returns ps as an error, or nil if it holds nothing but warnings.
func (ps Problems) Err() error {
	if slices.ContainsFunc(ps, func(p Problem) bool { return !p.Warning }) {
		return ps
	}
	return nil
}

func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		if a.Column != b.Column {
			return a.Column - b.Column
		}
		return strings.Compare(a.Pointer, b.Pointer)
	})
}

// unique drops repetitions from sorted problems.
func (ps Problems) unique() Problems { return slices.Compact(ps) }
