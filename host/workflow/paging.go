package workflow

import (
	"encoding/json"
	"fmt"
	"strings"
)

// maxOutput bounds a list put together from pages, in bytes.
const maxOutput = 256 << 20

// call runs an operation: one page, or page after page until there is enough.
func (f *frame) call(c Ctx, path string, s *Step) (json.RawMessage, error) {
	input, err := f.input(s.Input, maxInput)
	if err != nil {
		return nil, err
	}
	page, err := c.Call(Call{Path: path, Step: s, Input: input})
	if err != nil || !s.Paging.All && s.Paging.MaxItems == 0 {
		return page.Output, err
	}
	first := page
	where := strings.Split(first.Items, "/")[1:]
	items, size, err := pageItems(page, where)
	if err != nil {
		return nil, err
	}
	for n := 2; s.Paging.All && page.Next != "" && !enough(s, len(items)); n++ {
		token := page.Next
		if page, err = c.Call(Call{Path: fmt.Sprintf("%s#%d", path, n), Step: s, Input: input, Token: token}); err != nil {
			return nil, err
		}
		if page.Next == token {
			return nil, &Failure{Kind: Internal, Applied: "no", Message: "the connector answers with the same page again and again"}
		}
		more, bytes, err := pageItems(page, where)
		if err != nil {
			return nil, err
		}
		items, size = append(items, more...), size+bytes
		if size > maxOutput {
			return nil, invalid("", "the list is larger than %d MiB; bound it with paging: {max_items: ...}", maxOutput>>20)
		}
	}
	if enough(s, len(items)) {
		items = items[:s.Paging.MaxItems]
	}
	return replace(first.Output, where, joinItems(items, size)), nil
}

func enough(s *Step, n int) bool { return s.Paging.MaxItems > 0 && n >= s.Paging.MaxItems }

func pageItems(page Outcome, where []string) ([]json.RawMessage, int, error) {
	value, ok := page.Output, true
	for _, token := range where {
		if value, ok = rawMember(value, unescapePointer(token)); !ok {
			break
		}
	}
	if !ok || typeName(value) != "a list" {
		return nil, 0, &Failure{Kind: Internal, Applied: "no", Message: fmt.Sprintf("the output holds no list at %q, where the connector's catalog says it does", page.Items)}
	}
	return rawItems(value), len(value), nil
}

func joinItems(items []json.RawMessage, size int) json.RawMessage {
	b := make([]byte, 0, size+2)
	b = append(b, '[')
	for i, item := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, item...)
	}
	return append(b, ']')
}

// replace returns an output with another value at a place.
func replace(output json.RawMessage, where []string, value json.RawMessage) json.RawMessage {
	if len(where) == 0 {
		return value
	}
	b := []byte{'{'}
	eachMember(output, func(key, old json.RawMessage) {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(b, key...), ':')
		if sameName(key, unescapePointer(where[0])) {
			old = replace(old, where[1:], value)
		}
		b = append(b, old...)
	})
	return append(b, '}')
}
