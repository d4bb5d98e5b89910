package operations

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/storyloop/storyloop/connector"
)

// cursor is where a poll stopped: everything before Since, which is a whole second, is
// known, and of what happened from then on the Seen.
type cursor struct {
	Since time.Time `json:"since"`
	Seen  []string  `json:"seen,omitempty"`
}

// startSlack is how long before the first poll its cursor lies: Meta's time of an
// event may be before the time of an answer that does not yet hold it.
const startSlack = time.Minute

// start answers the first poll, at a time by Meta's clock: what there is already is no event.
func start(found []happening, now time.Time) (connector.EventPage, error) {
	to := cursor{Since: now.Add(-startSlack).Truncate(time.Second)}
	for _, h := range found {
		if !h.at.Before(to.Since) {
			to.Seen = append(to.Seen, h.id)
		}
	}
	raw, err := json.Marshal(to)
	return connector.EventPage{Cursor: string(raw)}, err
}

// eventsOf makes events of what happened since a cursor and was not seen.
func eventsOf(found []happening, from cursor) (connector.EventPage, error) {
	slices.SortStableFunc(found, func(a, b happening) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id))
	})
	to, page := from, connector.EventPage{}
	for _, h := range found {
		if !slices.Contains(from.Seen, h.id) {
			page.Events = append(page.Events, h.event())
		}
		if h.at.After(to.Since) {
			to = cursor{Since: h.at}
		}
		if !slices.Contains(to.Seen, h.id) {
			to.Seen = append(to.Seen, h.id)
		}
	}
	raw, err := json.Marshal(to)
	page.Cursor = string(raw)
	return page, err
}
