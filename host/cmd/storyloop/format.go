package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

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

// duration says how long something took, as exactly as it matters.
func duration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "<1ms"
	case d > time.Minute:
		return d.Round(time.Second).String()
	}
	return d.Round(time.Millisecond).String()
}

// shortly writes a duration such as 15m0s without the zeros at its end.
func shortly(text string) string {
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = strings.TrimSuffix(text, zero[1:])
		}
	}
	return text
}

// printIndented prints JSON with all its digits and escapes as they are.
func (a *app) printIndented(raw json.RawMessage) error {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.stdout, "%s\n", b.Bytes())
	return err
}
