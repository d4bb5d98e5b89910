package validate

import (
	"net/url"
	"strconv"
	"strings"
)

// at returns the value at an RFC 6901 JSON Pointer.
func at(value any, pointer string) (any, bool) {
	if pointer == "" {
		return value, true
	}
	for _, token := range strings.Split(pointer[1:], "/") {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		switch v := value.(type) {
		case map[string]any:
			member, ok := v[token]
			if !ok {
				return nil, false
			}
			value = member
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			value = v[i]
		default:
			return nil, false
		}
	}
	return value, true
}

// join appends a property's name to a JSON Pointer.
func join(pointer, name string) string {
	return pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// within reports whether pointer is base or leads on from it.
func within(pointer, base string) bool {
	return pointer == base || strings.HasPrefix(pointer, base+"/")
}

// unescape undoes the percent-escaping that the library adds to pointers.
func unescape(pointer string) string {
	if plain, err := url.PathUnescape(pointer); err == nil {
		return plain
	}
	return pointer
}
