package connector

import (
	"strings"

	"github.com/storyloop/storyloop/schemas/validate"
)

// shortestSecret bounds what is scrubbed: shorter strings are words, not secrets.
const shortestSecret = 6

// scrub removes a secret's values from a text. Authors should not put them there;
// libraries whose errors they wrap sometimes do.
func scrub(text string, s Secret) string {
	if text == "" || len(s) == 0 {
		return text
	}
	value, err := validate.Decode(s)
	if err != nil {
		return strings.ReplaceAll(text, string(s), mask)
	}
	return scrubValue(text, value)
}

func scrubValue(text string, value any) string {
	switch v := value.(type) {
	case string:
		if len(v) >= shortestSecret && !harmless(v) {
			return strings.ReplaceAll(text, v, mask)
		}
	case []any:
		for _, item := range v {
			text = scrubValue(text, item)
		}
	case map[string]any:
		for _, member := range v {
			text = scrubValue(text, member)
		}
	}
	return text
}

// harmless reports whether a value beside a secret is none itself: an id, or a
// word such as the name of a login.
func harmless(v string) bool {
	digits := strings.Trim(v, "0123456789") == ""
	word := len(v) < 12 && strings.Trim(v, "abcdefghijklmnopqrstuvwxyz_") == ""
	return digits || word
}
