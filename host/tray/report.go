package tray

import (
	"fmt"
	"io"
	"strings"
)

// Report writes what an import came to, for people: each workflow with its notes
// in columns, what to do about them and where they are in the export, then a line
// that counts. The error is that of the writer.
func Report(w io.Writer, results []Result) error {
	var b strings.Builder
	counts := map[Severity]int{}
	for _, r := range results {
		fmt.Fprintf(&b, "%s  (%s)\n", r.Name, cut(r.Title, 200))
		width := 0
		for _, n := range r.Notes {
			width = max(width, len(n.Step))
		}
		indent := strings.Repeat(" ", 2+7+2+width+2)
		for _, n := range r.Notes {
			counts[n.Severity]++
			fmt.Fprintf(&b, "  %-7s  %-*s  %s\n", n.Severity, width, n.Step, oneLine(n.Message))
			if n.Hint != "" {
				fmt.Fprintf(&b, "%sdo: %s\n", indent, oneLine(n.Hint))
			}
			if n.Severity != Info {
				fmt.Fprintf(&b, "%sat: %s\n", indent, oneLine(n.Pointer))
			}
		}
		if len(r.Notes) == 0 {
			b.WriteString("  nothing to note\n")
		}
	}
	fmt.Fprintf(&b, "%s: %s, %s, %s\n", many(len(results), "workflow"), many(counts[Error], "error"), many(counts[Warning], "warning"), many(counts[Info], "remark"))
	if counts[Error] > 0 {
		b.WriteString("Errors need a person before a workflow can run.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
