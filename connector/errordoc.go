package connector

import "strings"

// ErrorDoc documents one error of the remote service: what the connector makes of
// it, and what a person can do. It is for the reference page alone; calls return
// an [Error].
type ErrorDoc struct {
	Code     string  // Required. As in Upstream.Code of a failure, such as "190/463"; a range is "200 to 299".
	Kind     Kind    // Who can do something about it.
	Applied  Applied // Of a call that writes: whether it may have happened. A read changes nothing.
	Sentence string  // Required. What is wrong.
	Action   string  // What to do about it.
}

// errorDescription is an ErrorDoc in "describe --json".
type errorDescription struct {
	Code     string `json:"code"`
	Kind     string `json:"kind"`
	Applied  string `json:"applied"`
	Sentence string `json:"sentence"`
	Action   string `json:"action,omitempty"`
}

func describeErrors(docs []ErrorDoc) []errorDescription {
	list := []errorDescription{}
	for _, d := range docs {
		list = append(list, errorDescription{
			Code: d.Code, Kind: enumName(d.Kind.String(), "FAILURE_KIND_"), Applied: enumName(d.Applied.String(), "APPLIED_"),
			Sentence: d.Sentence, Action: d.Action,
		})
	}
	return list
}

// serviceErrors is the heading of the table of errors, and its anchor.
const (
	serviceErrors       = "Errors of the service"
	serviceErrorsAnchor = "#errors-of-the-service"
)

// errorsLink leads from an operation to what may go wrong with it.
func (p *page) errorsLink() {
	if len(p.errors) == 0 {
		p.printf("- What may go wrong: [Errors](#errors).\n")
		return
	}
	p.printf("- What may go wrong: [%s](%s).\n", serviceErrors, serviceErrorsAnchor)
}

// errorTable is the end of the page.
func (p *page) errorTable() {
	if len(p.errors) == 0 {
		return
	}
	p.printf("\n### %s\n\nThe code is the service's own, with its subcode after the slash; a failure carries it as the upstream code. "+
		"A code without a subcode stands for all subcodes that have no row. Whether it may have happened is said for calls that write.\n\n", serviceErrors)
	p.printf("| Code | Kind | May have happened? | What is wrong | What to do |\n|---|---|---|---|---|\n")
	for _, d := range p.errors {
		p.printf("| `%s` | `%s` | %s | %s | %s |\n", d.Code, strings.TrimPrefix(d.Kind.String(), "FAILURE_KIND_"), happened(d.Applied), cell(d.Sentence), cell(d.Action))
	}
}

func happened(a Applied) string {
	switch a {
	case AppliedNo:
		return "no"
	case AppliedYes:
		return "yes, in part or whole"
	}
	return "perhaps"
}
