package workflow

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/ohler55/ojg/jp"
)

// Bounds on what a path may select. Wildcards below wildcards select the same value
// many times over, and filters look at it as often.
const (
	maxSelected      = 1_000_000 // Values, at any point of the path.
	maxLooked        = 5_000_000 // Values on the way, selected or not. A filter looks at a million a second.
	maxSelectedBytes = maxOutput
	maxSelectable    = 500       // Values within values.
	maxBuilt         = 2_000_000 // Values of what a path with wildcards begins at. Each takes about 160 bytes meanwhile.
)

// selection returns the list of what a path with wildcards, slices or filters
// selects. The bytes are taken from the original.
func (r *Ref) selection(raw json.RawMessage) (list json.RawMessage, err error) {
	defer func() {
		if p := recover(); p != nil { // the library, on a filter that makes no sense
			list, err = nil, &NowhereError{r, "the path cannot be applied to this value", ""}
		}
	}()
	deepest, values := extent(raw)
	if deepest > maxSelectable {
		return nil, invalid("", "%s selects of a value that is nested more than %d deep", r.Text, maxSelectable)
	}
	if values > maxBuilt {
		return nil, invalid("", "%s selects of a value that holds more than %d values; loop over it instead", r.Text, maxBuilt)
	}
	selected, looked := []*selectable{newSelectable(raw)}, 0
	for _, f := range r.expr[1:] {
		var next []*selectable
		for _, s := range selected {
			_, descent := f.(jp.Descent)
			if looked += s.within(descent || descends(f)); looked > maxLooked {
				return nil, invalid("", "%s looks at more than %d values", r.Text, maxLooked)
			}
			if descent {
				next = s.appendAll(next)
			} else {
				next = append(next, s.children(f)...)
			}
			if len(next) > maxSelected {
				return nil, invalid("", "%s selects more than %d values", r.Text, maxSelected)
			}
		}
		selected = next
	}
	items, size := make([]json.RawMessage, len(selected)), 0
	for i, s := range selected {
		items[i] = s.raw
		if size += len(s.raw); size > maxSelectedBytes {
			return nil, invalid("", "%s selects more than %d MiB", r.Text, maxSelectedBytes>>20)
		}
	}
	return joinItems(items, size), nil
}

// selectable is a value that a path may select: as it stands in the text, and as
// the library wants it.
type selectable struct {
	raw     json.RawMessage
	decoded any
	all     int                    // Values, this one and those in it.
	items   []*selectable          // Of a list.
	names   []string               // Of an object, in the order of the text.
	members map[string]*selectable // Of an object.
}

var _ jp.Keyed = (*selectable)(nil)

func newSelectable(raw json.RawMessage) *selectable {
	s := &selectable{raw: raw, all: 1}
	switch typeName(raw) {
	case "an object":
		s.decoded, s.members = s, map[string]*selectable{}
		eachMember(raw, func(key, value json.RawMessage) {
			name := unquote(key)
			if _, ok := s.members[name]; !ok {
				s.names = append(s.names, name)
			}
			s.members[name] = newSelectable(value)
			s.all += s.members[name].all
		})
	case "a list":
		list := []any{}
		eachItem(raw, func(value json.RawMessage) {
			item := newSelectable(value)
			s.items, list = append(s.items, item), append(list, item.decoded)
			s.all += item.all
		})
		s.decoded = list
	default:
		s.decoded = decode(raw)
	}
	return s
}

// descends reports whether a filter looks at all that is in a value.
func descends(f jp.Frag) bool {
	filter, ok := f.(*jp.Filter)
	return ok && strings.Contains(filter.String(), "..")
}

// within returns how many values a step of a path looks at here.
func (s *selectable) within(descent bool) int {
	if descent {
		return s.all
	}
	return 1 + len(s.items) + len(s.names)
}

// children returns what a step of a path selects. The library says where; of what a
// filter selects it does so in an order of its own.
func (s *selectable) children(f jp.Frag) []*selectable {
	var found []*selectable
	for _, location := range (jp.Expr{jp.Root('$'), f}).Locate(s.decoded, 0) {
		if child := s.child(location[len(location)-1]); child != nil {
			found = append(found, child)
		}
	}
	if _, ok := f.(*jp.Filter); ok {
		place := make(map[*selectable]int, len(s.items)+len(s.names))
		for i, item := range s.items {
			place[item] = i
		}
		for i, name := range s.names {
			place[s.members[name]] = i
		}
		slices.SortStableFunc(found, func(a, b *selectable) int { return place[a] - place[b] })
	}
	return found
}

func (s *selectable) child(f jp.Frag) *selectable {
	switch f := f.(type) {
	case jp.Child:
		return s.members[string(f)]
	case jp.Nth:
		i := int(f)
		if i < 0 {
			i += len(s.items)
		}
		if i >= 0 && i < len(s.items) {
			return s.items[i]
		}
	}
	return nil
}

// appendAll appends the value and all in it that hold others, in the order of the
// text, as far as that may go.
func (s *selectable) appendAll(all []*selectable) []*selectable {
	if len(all) > maxSelected || s.items == nil && s.members == nil {
		return all
	}
	all = append(all, s)
	for _, item := range s.items {
		all = item.appendAll(all)
	}
	for _, name := range s.names {
		all = s.members[name].appendAll(all)
	}
	return all
}

// What the library asks of an object, so that a wildcard selects in the order of
// the text and never in that of a map.

// ValueForKey returns a member.
func (s *selectable) ValueForKey(key string) (any, bool) {
	member, ok := s.members[key]
	if !ok {
		return nil, false
	}
	return member.decoded, true
}

// Keys returns the names in the order of the text.
func (s *selectable) Keys() []string { return s.names }

// SetValueForKey does nothing: a path only reads.
func (s *selectable) SetValueForKey(string, any) {}

// RemoveValueForKey does nothing: a path only reads.
func (s *selectable) RemoveValueForKey(string) {}

// decode makes of a value that holds no others what the library filters: numbers
// become int64 where they fit, so that ids compare digit by digit.
func decode(raw json.RawMessage) any {
	switch typeName(raw) {
	case "a text":
		return unquote(raw)
	case "a boolean":
		return string(raw) == "true"
	case "a number":
		return number(string(raw))
	}
	return nil
}

func number(s string) any {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	f, _, err := big.ParseFloat(s, 10, 64, big.ToNearestEven)
	if err != nil {
		return nil
	}
	v, _ := f.Float64()
	return v
}
