package sandbox

import (
	"cmp"
	"slices"
	"time"
)

// insightsAfter is how long after its end a story's numbers are sent.
const insightsAfter = time.Hour

// expireStories sends story_insights for the stories that have ended. Those that ended before
// anybody could have listened send nothing.
func (s *Sandbox) expireStories(now time.Time) {
	var ended []*Media
	for _, list := range s.st.stories {
		for _, m := range list {
			if !s.st.reported[m.ID] && !now.Before(m.At.Add(storyLife+insightsAfter)) {
				ended = append(ended, m)
			}
		}
	}
	slices.SortFunc(ended, func(a, b *Media) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	for _, m := range ended {
		s.st.reported[m.ID] = true
		if a := s.st.accounts[m.OwnerID]; a != nil {
			s.notify(a, "story_insights", update{value: storyReport(m)})
		}
	}
}

// storyReport has the old metric names, which the API has dropped since, and -1 for numbers
// below five.
func storyReport(m *Media) object {
	out := object{{"media_id", m.ID}}
	for _, name := range []string{"impressions", "reach", "taps_forward", "taps_back", "exits", "replies"} {
		n := m.Insights[name]
		if n < 5 {
			n = -1
		}
		out = append(out, member{name, n})
	}
	return out
}
