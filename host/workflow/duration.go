package workflow

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// maxDuration bounds what a workflow may wait at once.
const maxDuration = 400 * 24 * time.Hour

var days = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)d`)

// ParseDuration reads a duration such as "1h30m" or "2d12h". It takes the units d,
// h, m, s and ms, and nothing negative.
func ParseDuration(s string) (time.Duration, error) {
	var total time.Duration
	rest := s
	if m := days.FindStringSubmatch(rest); m != nil {
		hours, err := time.ParseDuration(m[1] + "h")
		if err != nil || hours > maxDuration/24 {
			return 0, tooLong(s)
		}
		total, rest = 24*hours, rest[len(m[0]):]
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil || strings.ContainsAny(rest, "+-") {
			return 0, fmt.Errorf("%q is not a duration such as 90s, 1h30m or 2d", s)
		}
		total += d
	}
	if s == "" {
		return 0, fmt.Errorf("a duration is empty; write one such as 90s, 1h30m or 2d")
	}
	if total > maxDuration {
		return 0, tooLong(s)
	}
	return total, nil
}

func tooLong(s string) error {
	return fmt.Errorf("%q is longer than %d days", s, maxDuration/(24*time.Hour))
}
