package graph

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// usage is one object of a usage header: percentages under keys of their own, the
// highest of which counts.
type usage struct {
	keys    int
	used    float64
	regain  time.Duration
	useCase string
}

// UnmarshalJSON reads an object. Nearly every answer brings some, and a map of each
// would take more than all else that is done with the answer's headers.
func (u *usage) UnmarshalJSON(object []byte) error {
	if u.readFlat(object) {
		return nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil {
		return err
	}
	*u = usage{}
	for key, value := range members {
		u.add([]byte(key), value)
	}
	return nil
}

// readFlat reads an object of numbers and plain strings, which is what Meta sends.
// It returns false for all else: what is cut in two at a comma of its own is neither
// a number nor a string.
func (u *usage) readFlat(object []byte) bool {
	inside, opened := bytes.CutPrefix(bytes.TrimSpace(object), []byte("{"))
	inside, closed := bytes.CutSuffix(inside, []byte("}"))
	if !opened || !closed {
		return false
	}
	for member := range bytes.SplitSeq(inside, []byte(",")) {
		key, value, _ := bytes.Cut(member, []byte(":"))
		key, plain := unquoted(key)
		value = bytes.TrimSpace(value)
		if _, word := unquoted(value); !plain || !word && !isNumber(value) {
			return false
		}
		u.add(key, value)
	}
	return true
}

func (u *usage) add(key, value []byte) {
	u.keys++
	if string(key) == "type" {
		u.useCase = useCase(value)
	}
	n, err := strconv.ParseFloat(string(value), 64)
	switch {
	case err != nil: // What is not understood is left out.
	case string(key) == "estimated_time_to_regain_access":
		u.regain = time.Duration(n * float64(time.Minute))
	default:
		u.used = max(u.used, n/100)
	}
}

func useCase(value []byte) string {
	if inside, plain := unquoted(value); plain {
		return string(inside)
	}
	var name string
	_ = json.Unmarshal(value, &name)
	return name
}

// isNumber reports whether a value of JSON is one.
func isNumber(value []byte) bool {
	return len(value) > 0 && (value[0] == '-' || value[0] >= '0' && value[0] <= '9')
}

// unquoted returns what a string says that is of ASCII, without escapes.
func unquoted(text []byte) (inside []byte, plain bool) {
	text = bytes.TrimSpace(text)
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return nil, false
	}
	inside = text[1 : len(text)-1]
	return inside, bytes.IndexFunc(inside, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) < 0
}
