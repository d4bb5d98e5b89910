package operations

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// metaLayout is how Meta writes times in nodes: without a colon in the offset.
const metaLayout = "2006-01-02T15:04:05-0700"

// parseTime reads a time as Meta writes it, or as everybody else does.
func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{metaLayout, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// setTime sets a parameter to the seconds since 1970, which Meta reads everywhere.
// The input has passed its schema, so it is a date and time or empty.
func setTime(params url.Values, name, value string) {
	if t, ok := parseTime(value); ok {
		params.Set(name, strconv.FormatInt(t.Unix(), 10))
	}
}

// unixTime is a time as webhooks write it: a number or a string of seconds, or of
// milliseconds.
type unixTime struct{ time.Time }

// UnmarshalJSON reads all four forms; what it cannot read is no time.
func (u *unixTime) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	if err != nil || n <= 0 {
		return nil
	}
	if n > 1e11 { // seconds will not get there before the year 5138
		u.Time = time.UnixMilli(n).UTC()
		return nil
	}
	u.Time = time.Unix(n, 0).UTC()
	return nil
}

// MarshalJSON writes RFC 3339, as the payloads of events have it.
func (u unixTime) MarshalJSON() ([]byte, error) { return json.Marshal(u.Time.Format(time.RFC3339)) }
