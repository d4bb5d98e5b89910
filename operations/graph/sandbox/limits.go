package sandbox

import (
	"net/http"
	"strconv"
	"time"
)

// Meta's documented figures for a middling app: 200 calls x daily active users per hour, and
// 4800 x impressions (or engaged users) per 24 hours.
const (
	defaultAppPerHour    = 200 * 1000
	defaultUserPerHour   = 200 * 1000
	defaultPagePerDay    = 4800 * 1000
	defaultAccountPerDay = 4800 * 1000
)

// A budgetKind says which of Meta's budgets a call is charged to.
type budgetKind int

const (
	budgetPlatform budgetKind = iota // by app and user: codes 4 and 17
	budgetAccount                    // Instagram business use case: code 80002
	budgetPage                       // Pages API: code 32
	budgetNone
)

// usage counts calls in rolling windows.
type usage struct {
	limits   Limits
	app      window
	users    map[string]*window
	pages    map[string]*window
	accounts map[string]*window
	bursts   map[string]*window // Send API and Conversations API
}

func newUsage(l Limits) *usage {
	orDefault := func(v *int, figure int) {
		if *v == 0 {
			*v = figure
		}
	}
	orDefault(&l.AppPerHour, defaultAppPerHour)
	orDefault(&l.UserPerHour, defaultUserPerHour)
	orDefault(&l.PagePerDay, defaultPagePerDay)
	orDefault(&l.AccountPerDay, defaultAccountPerDay)
	orDefault(&l.PublishPerDay, 50)
	orDefault(&l.ContainerPerDay, 400)
	orDefault(&l.PrivateRepliesPerHour, 750)
	return &usage{
		limits: l, app: window{length: time.Hour},
		users: map[string]*window{}, pages: map[string]*window{}, accounts: map[string]*window{}, bursts: map[string]*window{},
	}
}

// SetLimits changes the call budgets and forgets what was used of them.
func (s *Sandbox) SetLimits(l Limits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.usage = newUsage(l)
}

// burst charges a small budget such as "calls a second" and says whether it was exhausted.
func (u *usage) burst(key string, limit int, length time.Duration, now time.Time) (exhausted bool) {
	w := windowOf(u.bursts, key, length)
	w.add(now)
	return w.count(now) > limit
}

func windowOf(m map[string]*window, key string, length time.Duration) *window {
	w := m[key]
	if w == nil {
		w = &window{length: length}
		m[key] = w
	}
	return w
}

// A window counts events of its last length of time, in slots of a 24th.
type window struct {
	length time.Duration
	slots  [24]int
	last   int64 // number of the newest slot since the epoch
}

func (w *window) add(now time.Time) {
	w.move(now)
	w.slots[w.last%24]++
}

func (w *window) count(now time.Time) int {
	w.move(now)
	n := 0
	for _, c := range w.slots {
		n += c
	}
	return n
}

// move empties the slots that the time since the last event has left behind.
func (w *window) move(now time.Time) {
	slot := now.UnixNano() / int64(w.length/24)
	if slot-w.last >= 24 || slot < w.last {
		w.slots = [24]int{}
	} else {
		for i := w.last + 1; i <= slot; i++ {
			w.slots[i%24] = 0
		}
	}
	w.last = slot
}

// regain is how long it takes until fewer than limit events are in the window.
func (w *window) regain(now time.Time, limit int) time.Duration {
	count := w.count(now)
	for i := range int64(24) {
		if count < limit {
			return time.Duration(i) * (w.length / 24)
		}
		count -= w.slots[(w.last+1+i)%24]
	}
	return w.length
}

// charge counts the call and refuses it when its budget is used up. Throttled calls count,
// as Meta's do. Usage headers appear once a budget is used to at least one percent.
func (c *call) charge(kind budgetKind, owner string) *apiError {
	u, now := c.s.usage, c.now
	switch kind {
	case budgetAccount:
		w := windowOf(u.accounts, owner, 24*time.Hour)
		w.add(now)
		used, regain := percent(w.count(now), u.limits.AccountPerDay), 0
		if used >= 100 {
			regain = minutes(w.regain(now, u.limits.AccountPerDay))
		}
		c.businessUsage(owner, "instagram", used, regain)
		if w.count(now) > u.limits.AccountPerDay {
			return fail(80002, "There have been too many calls to this Instagram account. Wait a bit and try again. For more info, please refer to https://developers.facebook.com/docs/graph-api/overview/rate-limiting.")
		}
	case budgetPage:
		w := windowOf(u.pages, owner, 24*time.Hour)
		w.add(now)
		if used := percent(w.count(now), u.limits.PagePerDay); used > 0 {
			c.setHeader("X-Page-Usage", usageText(used))
		}
		if w.count(now) > u.limits.PagePerDay {
			return fail(32, "Page request limit reached")
		}
	case budgetPlatform:
		return c.chargePlatform(owner)
	}
	return nil
}

func (c *call) chargePlatform(user string) *apiError {
	u, now := c.s.usage, c.now
	u.app.add(now)
	if used := percent(u.app.count(now), u.limits.AppPerHour); used > 0 {
		c.setHeader("X-App-Usage", usageText(used))
	}
	if u.app.count(now) > u.limits.AppPerHour {
		return fail(4, "Application request limit reached")
	}
	if user == "" {
		return nil
	}
	w := windowOf(u.users, user, time.Hour)
	w.add(now)
	if w.count(now) > u.limits.UserPerHour {
		return fail(17, "User request limit reached")
	}
	return nil
}

func (c *call) businessUsage(owner, kind string, used, regain int) {
	if used == 0 {
		return
	}
	entry := object{{"type", kind}, {"call_count", used}, {"total_cputime", used / 2}, {"total_time", used / 2}, {"estimated_time_to_regain_access", regain}}
	c.setHeader("X-Business-Use-Case-Usage", string(encode(nil, object{{owner, []object{entry}}})))
}

func usageText(used int) string {
	n := strconv.Itoa(used)
	return `{"call_count":` + n + `,"total_time":` + strconv.Itoa(used/2) + `,"total_cputime":` + strconv.Itoa(used/2) + `}`
}

func percent(count, limit int) int { return min(100, count*100/limit) }

func minutes(d time.Duration) int { return max(1, int((d+time.Minute-1)/time.Minute)) }

func (c *call) setHeader(key, value string) {
	if c.header == nil {
		c.header = http.Header{}
	}
	c.header.Set(key, value)
}
