package sandbox

import (
	"strconv"
	"strings"
	"time"
)

// defaultVersion answers requests without a version in their path.
const defaultVersion = "v25.0"

// newestVersion is what the error for a dead version recommends.
const newestVersion = defaultVersion

// sunsets are the documented ends of versions
// (developers.facebook.com/docs/graph-api/changelog/versions).
var sunsets = map[string]time.Time{
	"v3.2":  time.Date(2021, time.May, 4, 0, 0, 0, 0, time.UTC),
	"v20.0": time.Date(2026, time.September, 24, 0, 0, 0, 0, time.UTC),
	"v21.0": time.Date(2027, time.January, 21, 0, 0, 0, 0, time.UTC),
	"v22.0": time.Date(2027, time.May, 20, 0, 0, 0, 0, time.UTC),
	"v23.0": time.Date(2027, time.October, 8, 0, 0, 0, 0, time.UTC),
	"v24.0": time.Date(2028, time.February, 18, 0, 0, 0, 0, time.UTC),
	"v25.0": time.Date(2028, time.July, 29, 0, 0, 0, 0, time.UTC),
}

// checkVersion refuses a version whose documented end has come. Versions without a
// documented end are served, because clients in the wild send all of them (v2.6 to v24.0).
func checkVersion(version string, now time.Time) *apiError {
	end, known := sunsets[version]
	if !known || now.Before(end) {
		return nil
	}
	return fail(2635, "You are calling a deprecated version of the API. Please update to the latest version: %s.", newestVersion)
}

// parseVersion reads "v25.0" as 250, for comparisons; ok is false for anything else.
func parseVersion(segment string) (number int, ok bool) {
	rest, found := strings.CutPrefix(segment, "v")
	major, minor, dotted := strings.Cut(rest, ".")
	if !found || !dotted || len(minor) != 1 || len(major) > 3 {
		return 0, false
	}
	a, err := strconv.Atoi(major)
	if err != nil || major[0] < '0' || major[0] > '9' {
		return 0, false
	}
	if minor[0] < '0' || minor[0] > '9' {
		return 0, false
	}
	return a*10 + int(minor[0]-'0'), true
}
