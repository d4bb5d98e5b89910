package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/jedib0t/go-pretty/v6/text"
)

// paintOut colours a text for a terminal on standard output.
func (a *app) paintOut(c text.Colors, s string) string {
	if !a.colour(a.stdout) {
		return s
	}
	return c.Sprint(s)
}

// painted is a cell of a table that has its colours already.
type painted string

// printIndented prints JSON with all its digits and escapes as they are.
func (a *app) printIndented(raw json.RawMessage) error {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.stdout, "%s\n", b.Bytes())
	return err
}
