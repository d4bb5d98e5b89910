package workflow

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strings"
)

// condition decides which branch of a boolean condition is taken, and takes it.
func (f *frame) condition(c Ctx, prefix string, s *Step) (input, output json.RawMessage, err error) {
	if input, err = f.conditionInput(s); err != nil {
		return nil, nil, err
	}
	result, err := Evaluate(input)
	if err != nil {
		return input, nil, err
	}
	output = json.RawMessage(`{"result":` + string(boolean(result)) + `}`)
	for _, b := range s.Branches {
		if b.Name == string(boolean(result)) {
			return input, output, f.body(c, prefix, b.Steps)
		}
	}
	return input, output, nil
}

// conditionInput resolves the input. A value1 that leads nowhere is left out
// where the comparison asks just that.
func (f *frame) conditionInput(s *Step) (json.RawMessage, error) {
	list := s.Input.Member("conditions")
	if list == nil || list.items == nil {
		return f.input(s.Input, maxControl)
	}
	lenient := *list
	lenient.items = nil
	for _, item := range list.items {
		lenient.items = append(lenient.items, f.forgiving(item))
	}
	in := *s.Input
	in.members = nil
	for _, m := range s.Input.members {
		if m.name == "conditions" {
			m.value = &lenient
		}
		in.members = append(in.members, m)
	}
	return in.resolve(f, maxControl)
}

// forgiving drops a value1 that leads nowhere, if the comparison can do without.
func (f *frame) forgiving(condition *Value) *Value {
	raw, _ := condition.Member("comparison").Constant()
	switch strings.TrimPrefix(unquote(raw), "not_") {
	case "exists", "empty":
	default:
		return condition
	}
	if _, err := condition.Member("value1").resolve(f, maxControl); !isNowhere(err) {
		return condition
	}
	return condition.without("value1")
}

// Evaluate decides a boolean condition by its input, references resolved:
// conditions, and how they must match. The error is a *[Failure].
func Evaluate(input json.RawMessage) (bool, error) {
	var in struct {
		Conditions []struct {
			Value1     json.RawMessage `json:"value1"`
			Comparison string          `json:"comparison"`
			Value2     json.RawMessage `json:"value2"`
		} `json:"conditions"`
		Match string `json:"match"`
	}
	if err := json.Unmarshal(input, &in); err != nil || len(in.Conditions) == 0 {
		return false, invalid("/conditions", "must be a list of conditions, each {value1, comparison, value2}")
	}
	if in.Match != "" && in.Match != "all" && in.Match != "any" {
		return false, invalid("/match", "must be \"all\" or \"any\"")
	}
	any := in.Match == "any"
	for i, c := range in.Conditions {
		ok, err := compare(c.Value1, c.Comparison, c.Value2)
		if err != nil {
			err.Pointer = fmt.Sprintf("/conditions/%d%s", i, err.Pointer)
			return false, err
		}
		if ok == any {
			return any, nil
		}
	}
	return !any, nil
}

// compare compares two values. A nil value is one that is not there.
func compare(a json.RawMessage, comparison string, b json.RawMessage) (bool, *Failure) {
	if name, negated := strings.CutPrefix(comparison, "not_"); negated {
		ok, err := compare(a, name, b)
		return !ok, err
	}
	switch comparison {
	case "exists":
		return a != nil && typeName(a) != "null", nil
	case "empty":
		return isEmpty(a), nil
	case "===":
		return equal(a, b), nil
	case "!==":
		return !equal(a, b), nil
	case ">", "<", ">=", "<=":
		order, err := order(a, b)
		if err != nil {
			return false, err
		}
		switch comparison {
		case ">":
			return order > 0, nil
		case "<":
			return order < 0, nil
		case ">=":
			return order >= 0, nil
		}
		return order <= 0, nil
	case "contains":
		return contains(a, b)
	case "starts_with", "ends_with", "matches":
		return compareText(a, comparison, b)
	}
	return false, invalid("/comparison", "%q is no comparison", comparison)
}

func isEmpty(v json.RawMessage) bool {
	switch typeName(v) {
	case "nothing", "null":
		return true
	case "a text":
		return unquote(v) == ""
	case "a list":
		_, n := rawItem(v, 0)
		return n == 0
	case "an object":
		return len(rawNames(v)) == 0
	}
	return false
}

// equal reports whether two values are the same, types included. Numbers are the
// same if they are so exactly, however they are written.
func equal(a, b json.RawMessage) bool {
	kind := typeName(a)
	if kind != typeName(b) {
		return false
	}
	switch kind {
	case "a text":
		return unquote(a) == unquote(b)
	case "a number":
		x, okX := exact(a)
		y, okY := exact(b)
		return okX && okY && x.Cmp(y) == 0
	case "a list":
		x, y := rawItems(a), rawItems(b)
		if len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equal(x[i], y[i]) {
				return false
			}
		}
		return true
	case "an object":
		x, y := membersOf(a), membersOf(b)
		if len(x) != len(y) {
			return false
		}
		for name := range x {
			if other, ok := y[name]; !ok || !equal(x[name], other) {
				return false
			}
		}
		return true
	}
	return strings.TrimSpace(string(a)) == strings.TrimSpace(string(b))
}

func membersOf(object json.RawMessage) map[string]json.RawMessage {
	members := map[string]json.RawMessage{}
	eachMember(object, func(key, value json.RawMessage) { members[unquote(key)] = value })
	return members
}

// exact reads a number without losing a digit. Its exponent has a bound, since
// 1e999999999 would take all memory, and so have its digits, of which a million
// take minutes.
func exact(v json.RawMessage) (*big.Rat, bool) {
	const longest = 10_000
	s := strings.ToLower(strings.TrimSpace(string(v)))
	if len(s) > longest {
		return nil, false
	}
	if _, exponent, ok := strings.Cut(s, "e"); ok && len(strings.TrimLeft(exponent, "+-0")) > 3 {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// order compares two numbers, or two texts letter by letter.
func order(a, b json.RawMessage) (int, *Failure) {
	switch ta, tb := typeName(a), typeName(b); {
	case ta == "a number" && tb == "a number":
		x, okX := exact(a)
		y, okY := exact(b)
		if !okX || !okY {
			return 0, invalid("", "a number is beyond all bounds")
		}
		return x.Cmp(y), nil
	case ta == "a text" && tb == "a text":
		return strings.Compare(unquote(a), unquote(b)), nil
	default:
		return 0, invalid("", "cannot order %s and %s: both must be numbers, or both texts", ta, tb)
	}
}

func contains(a, b json.RawMessage) (bool, *Failure) {
	switch ta := typeName(a); {
	case ta == "a text" && typeName(b) == "a text":
		return strings.Contains(unquote(a), unquote(b)), nil
	case ta == "a list":
		found := false
		eachItem(a, func(item json.RawMessage) { found = found || equal(item, b) })
		return found, nil
	case ta == "an object" && typeName(b) == "a text":
		_, found := rawMember(a, unquote(b))
		return found, nil
	default:
		return false, invalid("/value1", "%s cannot contain %s", ta, typeName(b))
	}
}

func compareText(a json.RawMessage, comparison string, b json.RawMessage) (bool, *Failure) {
	if typeName(a) != "a text" {
		return false, invalid("/value1", "must be a text, not %s", typeName(a))
	}
	if typeName(b) != "a text" {
		return false, invalid("/value2", "must be a text, not %s", typeName(b))
	}
	x, y := unquote(a), unquote(b)
	switch comparison {
	case "starts_with":
		return strings.HasPrefix(x, y), nil
	case "ends_with":
		return strings.HasSuffix(x, y), nil
	}
	re, err := CompilePattern(y)
	if err != nil {
		return false, invalid("/value2", "%v", err)
	}
	return re.MatchString(x), nil
}

// maxPattern bounds a regular expression, in bytes. A repetition of a few letters
// takes thousands of times as much memory.
const maxPattern = 1000

// CompilePattern reads a regular expression of a condition. The error is half a
// sentence about it.
func CompilePattern(pattern string) (*regexp.Regexp, error) {
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("is too long: a regular expression may have %d bytes", maxPattern)
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("is not a regular expression: %w", err)
	}
	return re, nil
}
