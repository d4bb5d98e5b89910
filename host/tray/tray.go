// Package tray turns workflows that were exported from Tray (tray.ai, formerly
// tray.io; export version 4) into workflow documents. What has no counterpart
// stays in the document in a form that checks refuse and no run gets past, and is
// listed in a note: nothing is dropped silently, and nothing is made up.
//
// Facts of Tray's format come from Tray's documentation and from exports that
// people have published; where these leave something open the package takes the
// careful reading and notes it.
package tray

// Result is one workflow of an export.
type Result struct {
	// Name is that of the document, unique among the results: made of the title,
	// in the letters that a document's name may have.
	Name string `json:"name"`
	// Title is the workflow's title in Tray.
	Title string `json:"title"`
	// Document is a workflow document in YAML, with comments above what needs a
	// person. [workflow.Parse] accepts it; a check against catalogs refuses it for
	// as long as a note of the severity Error stands.
	Document []byte `json:"-"`
	// Notes are all that is not, or not quite, what it was in Tray.
	Notes []Note `json:"notes"`
}

// Severity says how much a note matters.
type Severity string

// Severities.
const (
	// Info: nothing to do; for the record.
	Info Severity = "info"
	// Warning: it runs, but may do something else than it did in Tray.
	Warning Severity = "warning"
	// Error: it has no counterpart. A person must decide before it can run.
	Error Severity = "error"
)

// Note is something that is not, or not quite, what it was in Tray.
type Note struct {
	Severity Severity `json:"severity"`
	Pointer  string   `json:"pointer"`        // RFC 6901 JSON Pointer into the export.
	Step     string   `json:"step,omitempty"` // Id of the step in the document; "trigger"; empty for the workflow itself.
	Message  string   `json:"message"`        // What it is about.
	Hint     string   `json:"hint,omitempty"` // What to do about it.
}

// Import converts all workflows of an export. The name is that of its file, for
// messages. The error is host/workflow's Problems, with all that is wrong with the
// export itself: not an export, of another version, values that are not wrapped,
// references to roots that there are not. There are no results then.
func Import(name string, export []byte) ([]Result, error) {
	f := &file{name: name, src: export}
	root, err := parse(export)
	if err != nil {
		f.syntax(err)
		return nil, f.problems
	}
	f.root = root
	workflows := f.read()
	var results []Result
	for _, w := range workflows {
		results = append(results, f.convert(w, workflows))
	}
	if len(f.problems) > 0 {
		return nil, f.problems
	}
	return results, nil
}
