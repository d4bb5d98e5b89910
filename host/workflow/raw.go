package workflow

import (
	"encoding/json"
	"strings"
)

// The functions below walk JSON without decoding it, so that what they return is
// what the remote service sent: digits, order and spelling kept. They expect
// valid JSON; on anything else they find nothing, but do no harm.

// member returns the value of a member of an object. The last of several with
// the same name wins, as in encoding/json.
func rawMember(object json.RawMessage, name string) (json.RawMessage, bool) {
	var found json.RawMessage
	eachMember(object, func(key, value json.RawMessage) {
		if sameName(key, name) {
			found = value
		}
	})
	return found, found != nil
}

// element returns an item of an array, and how many there are. A negative index
// counts from the end.
func rawItem(array json.RawMessage, index int) (item json.RawMessage, count int) {
	if index < 0 {
		n := 0
		eachItem(array, func(json.RawMessage) { n++ })
		if index += n; index < 0 {
			return nil, n
		}
	}
	eachItem(array, func(value json.RawMessage) {
		if count == index {
			item = value
		}
		count++
	})
	return item, count
}

func rawItems(array json.RawMessage) []json.RawMessage {
	items := []json.RawMessage{}
	eachItem(array, func(value json.RawMessage) { items = append(items, value) })
	return items
}

// rawIndex counts the items of an array and gives access to each. It keeps no more
// than where they begin: a list may have a hundred thousand.
func rawIndex(array json.RawMessage) (count int, item func(i int) json.RawMessage) {
	eachSpan(array, func(int, int) { count++ })
	starts := make([]uint32, 0, count)
	eachSpan(array, func(start, _ int) { starts = append(starts, uint32(start)) })
	return count, func(i int) json.RawMessage {
		start := int(starts[i])
		end := skipValue(array, start)
		return array[start:end:end]
	}
}

func rawNames(object json.RawMessage) []string {
	var names []string
	eachMember(object, func(key, _ json.RawMessage) { names = append(names, unquote(key)) })
	return names
}

func eachMember(object json.RawMessage, f func(key, value json.RawMessage)) {
	i := skipSpace(object, 0)
	if i >= len(object) || object[i] != '{' {
		return
	}
	for i = skipSpace(object, i+1); i < len(object) && object[i] == '"'; {
		end := skipValue(object, i)
		key := object[i:end]
		if i = skipSpace(object, end); i >= len(object) || object[i] != ':' {
			return
		}
		i = skipSpace(object, i+1)
		end = skipValue(object, i)
		f(key, object[i:end:end])
		if i = skipSpace(object, end); i >= len(object) || object[i] != ',' {
			return
		}
		i = skipSpace(object, i+1)
	}
}

func eachItem(array json.RawMessage, f func(value json.RawMessage)) {
	eachSpan(array, func(start, end int) { f(array[start:end:end]) })
}

// eachSpan calls f with where each item of an array begins and ends.
func eachSpan(array json.RawMessage, f func(start, end int)) {
	i := skipSpace(array, 0)
	if i >= len(array) || array[i] != '[' {
		return
	}
	for i = skipSpace(array, i+1); i < len(array) && array[i] != ']'; {
		end := skipValue(array, i)
		if end == i {
			return
		}
		f(i, end)
		if i = skipSpace(array, end); i >= len(array) || array[i] != ',' {
			return
		}
		i = skipSpace(array, i+1)
	}
}

// skipValue returns where the value that begins at i ends.
func skipValue(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = skipString(b, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
			i++
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
			i++
			continue
		default:
			for i++; i < len(b) && strings.IndexByte("{}[],: \t\r\n\"", b[i]) < 0; i++ {
			}
		}
		if depth == 0 {
			return i
		}
	}
	return i
}

func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

func sameName(key json.RawMessage, name string) bool {
	if len(key) >= 2 && strings.IndexByte(string(key), '\\') < 0 {
		return string(key[1:len(key)-1]) == name
	}
	return unquote(key) == name
}

func unquote(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// typeName names the type of a value for people.
func typeName(raw json.RawMessage) string {
	i := skipSpace(raw, 0)
	if i >= len(raw) {
		return "nothing"
	}
	switch raw[i] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a text"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}

// extent returns how deep values are nested, and how many there are at most: an
// empty list counts for one more.
func extent(raw json.RawMessage) (deepest, values int) {
	depth := 0
	values = 1
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			i = skipValue(raw, i) - 1
		case '[', '{':
			depth++
			deepest = max(deepest, depth)
			values++
		case ',':
			values++
		case ']', '}':
			depth--
		}
	}
	return deepest, values
}
