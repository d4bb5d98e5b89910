package workflow

import (
	"encoding/json"
	"strings"
)

// Join puts the pages of a list together: the first page, with the items of all.
// It is what a reference to a step with paging sees. Items is the JSON Pointer of
// the list in a page, most is how many items the step wants, if that is not zero.
func Join(pages []json.RawMessage, items string, most int) (json.RawMessage, error) {
	if len(pages) == 0 {
		return nil, nil
	}
	if len(pages) == 1 && (most == 0 || items == "") {
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
	if most > 0 {
		all = all[:min(most, len(all))]
	}
	return replace(pages[0], where, joinItems(all, size)), nil
}
