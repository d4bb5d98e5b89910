package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

var (
	red    = text.Colors{text.FgRed}
	green  = text.Colors{text.FgGreen}
	yellow = text.Colors{text.FgYellow}
	faint  = text.Colors{text.Faint}
	bold   = text.Colors{text.Bold}
)

// terminal reports whether a person looks at w.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// paint colours a text for a terminal on standard error and leaves it alone
// elsewhere, or where NO_COLOR is set.
func (a *app) paint(c text.Colors, s string) string {
	if !a.colour(a.stderr) {
		return s
	}
	return c.Sprint(s)
}

func (a *app) colour(w io.Writer) bool {
	return terminal(w) && a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb"
}

// printable takes out what would steer a terminal: names and messages may come
// from a connector or from a remote service.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// printTable prints aligned columns on standard output.
func (a *app) printTable(header table.Row, rows []table.Row) {
	t := table.NewWriter()
	t.AppendHeader(header)
	for _, row := range rows {
		for i, cell := range row {
			if text, ok := cell.(string); ok {
				row[i] = printable(text)
			}
		}
		t.AppendRow(row)
	}
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	if a.colour(a.stdout) {
		style.Color.Header = bold
	}
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	fmt.Fprintln(a.stdout, t.Render())
}

// printJSON prints a value as JSON: indented for a person, one line for a pipe.
func (a *app) printJSON(value any) error {
	e := json.NewEncoder(a.stdout)
	e.SetEscapeHTML(false)
	if terminal(a.stdout) {
		e.SetIndent("", "  ")
	}
	return e.Encode(value)
}

func usageErrorf(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}
