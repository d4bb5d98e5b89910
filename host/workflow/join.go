package workflow

import (
	"encoding/json"
	"strings"
)

// Join puts the pages of a list together: the first page, with the items of all.
// It is what a reference to a step with paging sees. Items is the JSON Pointer of
// the list in a page.
func Join(pages []json.RawMessage, items string) (json.RawMessage, error) {
	if len(pages) == 0 {
		return nil, nil
	}
	if len(pages) == 1 {
		return pages[0], nil
	}
	where := strings.Split(items, "/")[1:]
	var all []json.RawMessage
	size := 0
	for _, page := range pages {
		more, n, err := pageItems(Outcome{Output: page, Items: items}, where)
		if err != nil {
			return nil, err
		}
		all, size = append(all, more...), size+n
	}
	return replace(pages[0], where, joinItems(all, size)), nil
}
