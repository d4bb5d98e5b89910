package graph

import (
	"encoding/json"
	"net/http"
	"sort"
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
		if text := []byte(h.Get(budget.header)); json.Valid(text) && u.UnmarshalJSON(text) == nil && u.keys > 0 {
			out = append(out, u.quota(budget.name, "", now))
		}
	}
	text := h.Get("X-Business-Use-Case-Usage")
	if text == "" {
		return out
	}
	var cases map[string][]usage
	if json.Unmarshal([]byte(text), &cases) != nil {
		return out
	}
	subjects := make([]string, 0, len(cases))
	for subject := range cases {
		subjects = append(subjects, subject)
	}
	sort.Strings(subjects)
	for _, subject := range subjects {
		for _, u := range cases[subject] {
			name := u.useCase
			if name == "" {
				name = "instagram"
			}
			out = append(out, u.quota(name, subject, now))
		}
	}
	return out
}

func (u usage) quota(name, subject string, now time.Time) Quota {
	q := Quota{Name: name, Subject: subject, Used: u.used, Regain: u.regain}
	if q.Regain > 0 {
		q.BlockedUntil = now.Add(q.Regain)
	}
	return q
}
