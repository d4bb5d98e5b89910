package graph

import (
	"encoding/json"
	"net/http"
	"sort"
	"strconv"
	"time"
)

// Quota is how much of a budget is used, as Meta's headers say.
type Quota struct {
	Name         string  // "app", "page", or the use case: "instagram", "messenger", "pages".
	Subject      string  // The business object whose budget it is; empty for the app's.
	Used         float64 // 0 to 1 and above: the fullest of what Meta counts.
	BlockedUntil time.Time
	Regain       time.Duration // How long Meta says it blocks; zero if it does not.
}

// Quotas reads the usage headers. Meta sends them only once enough calls were
// made, and adds keys now and then: what is not understood is left out.
// Source: developers.facebook.com/docs/graph-api/overview/rate-limiting.
func Quotas(h http.Header, now time.Time) []Quota {
	var out []Quota
	for _, budget := range []struct{ header, name string }{{"X-App-Usage", "app"}, {"X-Page-Usage", "page"}} {
		var u usage
		if read(h, budget.header, &u) && len(u) > 0 {
			out = append(out, u.quota(budget.name, "", now))
		}
	}
	var cases map[string][]usage
	if !read(h, "X-Business-Use-Case-Usage", &cases) {
		return out
	}
	subjects := make([]string, 0, len(cases))
	for subject := range cases {
		subjects = append(subjects, subject)
	}
	sort.Strings(subjects)
	for _, subject := range subjects {
		for _, u := range cases[subject] {
			var name string
			if json.Unmarshal(u["type"], &name) != nil || name == "" {
				name = "instagram"
			}
			out = append(out, u.quota(name, subject, now))
		}
	}
	return out
}

// read reads a header that is JSON, if it is there.
func read(h http.Header, name string, into any) bool {
	text := h.Get(name)
	return text != "" && json.Unmarshal([]byte(text), into) == nil
}

// usage is one object of a usage header: percentages under keys of their own.
type usage map[string]json.RawMessage

func (u usage) quota(name, subject string, now time.Time) Quota {
	q := Quota{Name: name, Subject: subject}
	for key, raw := range u {
		n, err := strconv.ParseFloat(string(raw), 64)
		if err != nil {
			continue
		}
		if key == "estimated_time_to_regain_access" {
			q.Regain = time.Duration(n * float64(time.Minute))
			continue
		}
		q.Used = max(q.Used, n/100)
	}
	if q.Regain > 0 {
		q.BlockedUntil = now.Add(q.Regain)
	}
	return q
}
