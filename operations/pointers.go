package operations

import (
	"strconv"
	"strings"
)

// pointerTo builds a JSON Pointer from names and indexes below a base.
func pointerTo(base string, parts ...any) string {
	var b strings.Builder
	b.WriteString(base)
	for _, part := range parts {
		b.WriteByte('/')
		switch p := part.(type) {
		case int:
			b.WriteString(strconv.Itoa(p))
		case string:
			b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(p))
		}
	}
	return b.String()
}
