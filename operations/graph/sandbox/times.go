package sandbox

import (
	"strconv"
	"strings"
	"time"
)

// timeLayouts are the spellings of a time that clients send. The last but one is what
// JavaScript makes of a Date in a URL; its name of the zone in brackets is cut off before.
var timeLayouts = []string{
	time.RFC3339, graphTime, "2006-01-02T15:04:05", time.DateTime, time.DateOnly,
	time.RFC1123, time.RFC1123Z, "Mon Jan 02 2006 15:04:05 GMT-0700", "Mon Jan 02 2006",
}

// parseTime reads a time parameter: unix seconds, one of the usual spellings, or words that
// PHP's strtotime knows, such as "yesterday" and "-7 days".
func parseTime(name, value string, now time.Time) (time.Time, error) {
	value = strings.TrimSpace(value)
	if value == "" {
		return time.Time{}, nil
	}
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		return time.Unix(n, 0).UTC(), nil
	}
	text, _, _ := strings.Cut(value, " (")
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	if t, ok := timeInWords(strings.ToLower(value), now); ok {
		return t.UTC(), nil
	}
	return time.Time{}, badParam("Param %s must be a unix timestamp or a date", name)
}

// timeInWords reads one word for a moment, and any number of steps from there: "yesterday",
// "-7 days", "2 weeks ago", "last month", "today +9 hours".
func timeInWords(text string, now time.Time) (time.Time, bool) {
	words := strings.Fields(separated(text))
	if len(words) == 0 {
		return time.Time{}, false
	}
	at, named := namedTime(words[0], now)
	if named {
		words = words[1:]
	}
	for len(words) > 0 {
		count, ok := stepCount(words[0])
		if !ok || len(words) < 2 {
			return time.Time{}, false
		}
		unit := words[1]
		if words = words[2:]; len(words) > 0 && words[0] == "ago" {
			count, words = -count, words[1:]
		}
		if at, ok = moved(at, count, unit); !ok {
			return time.Time{}, false
		}
	}
	return at, true
}

// separated puts a space between a number and its unit: "-7days".
func separated(text string) string {
	var b strings.Builder
	digit := false
	for _, r := range text {
		if digit && r >= 'a' && r <= 'z' {
			b.WriteByte(' ')
		}
		digit = r >= '0' && r <= '9'
		b.WriteRune(r)
	}
	return b.String()
}

func namedTime(word string, now time.Time) (t time.Time, named bool) {
	midnight := now.UTC().Truncate(24 * time.Hour)
	switch word {
	case "now":
		return now, true
	case "today", "midnight":
		return midnight, true
	case "noon":
		return midnight.Add(12 * time.Hour), true
	case "yesterday":
		return midnight.AddDate(0, 0, -1), true
	case "tomorrow":
		return midnight.AddDate(0, 0, 1), true
	}
	return now, false
}

// maxSteps is far more than anybody steps; beyond, dates would overflow.
const maxSteps = 100_000

func stepCount(word string) (int, bool) {
	switch word {
	case "last", "previous":
		return -1, true
	case "next":
		return 1, true
	}
	n, err := strconv.Atoi(word)
	return n, err == nil && -maxSteps <= n && n <= maxSteps
}

func moved(t time.Time, count int, unit string) (time.Time, bool) {
	switch strings.TrimSuffix(unit, "s") {
	case "sec", "second":
		return t.Add(time.Duration(count) * time.Second), true
	case "min", "minute":
		return t.Add(time.Duration(count) * time.Minute), true
	case "hour":
		return t.Add(time.Duration(count) * time.Hour), true
	case "day":
		return t.AddDate(0, 0, count), true
	case "week":
		return t.AddDate(0, 0, 7*count), true
	case "month":
		return t.AddDate(0, count, 0), true
	case "year":
		return t.AddDate(count, 0, 0), true
	}
	return t, false
}
