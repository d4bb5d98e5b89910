package host

import (
	"time"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// What is assumed of a budget as long as nothing better is known.
const (
	usualWindow = time.Hour // In which the remote service forgets what was used.
	usualCost   = 1. / 200  // Of one call.
	ease        = 0.75      // From here on calls are paced.
	fullPause   = time.Minute
)

// budget is how full one quota is. The remote service's reports count; between them
// each call adds what it costs, and what was used is forgotten evenly over the
// window. A quota that is never reported, and is known from the catalog alone, is
// counted by the host itself.
type budget struct {
	quotaKey
	used    float64   // 0 to 1 and above,
	seen    time.Time // at this time.
	blocked time.Time // The remote service refuses until then.
	last    time.Time // A call was let through last.
	going   int       // Calls that are under way.

	cost   float64 // What one call uses.
	window time.Duration
	base   float64 // What was used when
	calls  int     // this many calls had not been made yet: from both follows the cost.

	counted *counter // Instead of all that, where there are no reports.

	who   []string // Credentials that draw on it.
	saved savedBudget
}

type quotaKey struct{ connector, name, subject string }

func newBudget(key quotaKey, hint *connectorv1.QuotaHint) *budget {
	b := &budget{quotaKey: key, cost: usualCost, window: usualWindow}
	if hint.GetCalls() > 0 && hint.GetWindow().AsDuration() > 0 {
		b.window, b.cost = hint.GetWindow().AsDuration(), 1/float64(hint.GetCalls())
	}
	return b
}

// report takes in what the remote service says.
func (b *budget) report(q *connectorv1.Quota, now time.Time) {
	used := max(q.GetUsed(), 0)
	b.calls++
	const step = 0.01 // Services report whole percents.
	switch grown := used - b.base; {
	case b.seen.IsZero() || grown < 0:
		b.base, b.calls = used, 0
	case grown >= step:
		b.cost = (b.cost + grown/float64(b.calls)) / 2
		b.base, b.calls = used, 0
	default:
		b.cost = min(b.cost, step/float64(b.calls))
	}
	b.used, b.seen, b.blocked = used, now, time.Time{}
	if until := q.GetBlockedUntil(); until != nil && until.AsTime().After(now) {
		b.blocked = until.AsTime()
	}
}

// level is how full the budget is now, with the calls that are under way.
func (b *budget) level(now time.Time) float64 {
	if b.counted != nil {
		return float64(b.counted.count(now)) * b.cost
	}
	forgotten := float64(max(now.Sub(b.seen), 0)) / float64(b.window)
	return max(b.used-forgotten, 0) + float64(b.going)*b.cost
}

// ready says when the next call may be made: now, or when a pace is kept that does
// not run into the limit. The gap between calls grows from nothing to what the
// budget can sustain, and beyond that as it gets full.
func (b *budget) ready(now time.Time) time.Time {
	if b.blocked.After(now) {
		return b.blocked
	}
	if b.counted != nil {
		return b.counted.free(now)
	}
	at := now
	if next := b.last.Add(b.gap(now)); next.After(at) {
		at = next
	}
	return at
}

func (b *budget) gap(now time.Time) time.Duration {
	x := (b.level(now) - ease) / (1 - ease)
	switch {
	case b.seen.IsZero() || x <= 0:
		return 0
	case x >= 1:
		return fullPause
	}
	return min(time.Duration(x/(1-x)*b.cost*float64(b.window)), fullPause)
}

// take counts a call that begins.
func (b *budget) take(now time.Time) {
	b.going++
	b.last = now
	if b.counted != nil {
		b.counted.add(now)
	}
}

// give counts a call that has ended, whether a report told of it or not.
func (b *budget) give(now time.Time, reported bool) {
	b.going--
	if b.counted == nil && !reported && !b.seen.IsZero() {
		b.used, b.seen = max(b.level(now)-float64(b.going)*b.cost, 0)+b.cost, now
	}
}

// savedBudget is a budget in the store. Its members keep their names for ever.
type savedBudget struct {
	Connector   string    `json:"connector"`
	Name        string    `json:"name"`
	Subject     string    `json:"subject"`
	Used        float64   `json:"used"`
	SeenAt      time.Time `json:"seen_at,omitzero"`
	Blocked     time.Time `json:"blocked_until,omitzero"`
	Cost        float64   `json:"cost"`
	Window      float64   `json:"window_s"`
	Credentials []string  `json:"credentials,omitempty"`
	Counted     []int     `json:"counted,omitempty"` // Calls in each part of the window,
	Part        int64     `json:"part,omitempty"`    // the last of which has this number.
}

func (b *budget) save() savedBudget {
	s := savedBudget{
		Connector: b.connector, Name: b.name, Subject: b.subject, Used: b.used, SeenAt: b.seen, Blocked: b.blocked,
		Cost: b.cost, Window: b.window.Seconds(), Credentials: b.who,
	}
	if b.counted != nil {
		s.Counted, s.Part = append([]int(nil), b.counted.parts[:]...), b.counted.part
	}
	return s
}

// worth reports whether what has changed since a budget was saved is worth to be
// saved again.
func (b *budget) worth(s savedBudget) bool {
	old := b.saved
	if len(s.Counted) > 0 {
		return b.window >= fullPause && (len(old.Counted) == 0 || s.Part != old.Part)
	}
	changed := s.Used - old.Used
	return old.SeenAt.IsZero() || !s.Blocked.Equal(old.Blocked) || len(s.Credentials) != len(old.Credentials) ||
		changed >= 0.01 || changed <= -0.01 || s.SeenAt.Sub(old.SeenAt) >= fullPause
}

func (s savedBudget) budget() *budget {
	b := &budget{
		quotaKey: quotaKey{s.Connector, s.Name, s.Subject}, used: s.Used, seen: s.SeenAt, blocked: s.Blocked,
		cost: s.Cost, window: time.Duration(s.Window * float64(time.Second)), base: s.Used, who: s.Credentials, saved: s,
	}
	if b.cost <= 0 || b.window <= 0 {
		b.cost, b.window = usualCost, usualWindow
	}
	if len(s.Counted) == parts+1 {
		b.counted = &counter{window: b.window, most: int(1/b.cost + 0.5), part: s.Part}
		copy(b.counted.parts[:], s.Counted)
	}
	return b
}
