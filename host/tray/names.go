package tray

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	notName       = regexp.MustCompile(`[^a-z0-9]+`)
	notIdentifier = regexp.MustCompile(`[^A-Za-z0-9_-]+`)
	connectorForm = regexp.MustCompile(`^[a-z0-9]+([_-][a-z0-9]+)*$`)
	variableForm  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,199}$`)
)

// slug makes a name of a title: lower-case letters, digits and hyphens.
func slug(title, otherwise string) string {
	s := notName.ReplaceAllString(strings.ToLower(title), "-")
	s = strings.Trim(s[:min(len(s), 80)], "-")
	if s == "" {
		return otherwise
	}
	return s
}

// identifier makes a step's id of its name in Tray. Nearly always they are the
// same.
func identifier(name string) string {
	s := notIdentifier.ReplaceAllString(name, "-")
	if s == "" || !(s[0] >= 'A' && s[0] <= 'Z' || s[0] >= 'a' && s[0] <= 'z') {
		s = "step-" + s
	}
	return s[:min(len(s), 50)]
}

// unique returns the name, or with a number behind it if it is taken, and takes
// it.
func unique(name string, taken map[string]bool) string {
	free := name
	for i := 2; taken[free]; i++ {
		free = fmt.Sprintf("%s-%d", name, i)
	}
	taken[free] = true
	return free
}

// secretName matches names whose values are likely secrets. A false alarm costs a
// line by hand; a secret in a document is there for good.
var secretName = regexp.MustCompile(`(?i)(secret|passw|passphrase|token|api[_ -]?key|credential|private[_ -]?key|authorization|cookie|signature|bearer)`)

// cut shortens a text for a message.
func cut(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return oneLine(s)
	}
	return oneLine(string(runes[:most])) + "…"
}

func quoted(s string) string { return strconv.Quote(cut(s, 200)) }
