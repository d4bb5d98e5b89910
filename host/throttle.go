package host

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// throttle keeps calls back while the remote service would refuse them, and paces
// them before that. Quotas of the same connector, name and subject are one budget,
// whichever run's calls use it up. Who must wait does so in turn: each run gets as
// many turns as any other.
type throttle struct {
	store Values
	log   *slog.Logger
	once  sync.Once

	mu sync.Mutex
	// Guarded by mu.
	budgets map[quotaKey]*budget
	drawn   map[drawer][]*budget    // What calls have been seen to draw on.
	queue   []*turn                 // Who waits, by rank.
	ranks   map[string]int          // The last rank of a run's turns, if it is above rank.
	rank    int                     // Of the turn that was granted last.
	took    map[opKey]time.Duration // By one call, lately.
}

// drawer is who draws on budgets: calls for an account. Which budgets these are is
// known from earlier calls, since only the connector knows subjects.
type drawer struct{ connector, credential string }

// turn is a call's right to be made. Its zero value draws on nothing.
type turn struct {
	t        *throttle
	run      string
	who      drawer
	catalog  *connectorv1.Catalog
	op       *connectorv1.Operation
	rank     int
	budgets  []*budget
	queued   bool
	granted  bool
	reported bool
	wake     context.CancelFunc // Ends the sleep that it is in.
}

func newThrottle(store Values, log *slog.Logger) *throttle {
	return &throttle{
		store: store, log: log, budgets: map[quotaKey]*budget{}, drawn: map[drawer][]*budget{},
		ranks: map[string]int{}, took: map[opKey]time.Duration{},
	}
}

// load reads what an earlier process knew.
func (t *throttle) load() {
	values, err := t.store.Values(context.Background(), quotaScope)
	if err != nil {
		t.log.Warn("the quotas that were used before are not known", "error", err)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, v := range values {
		var s savedBudget
		if err := json.Unmarshal(v.Value, &s); err != nil {
			t.log.Warn("a quota cannot be read", "quota", v.Key, "error", err)
			continue
		}
		b := s.budget()
		t.budgets[b.quotaKey] = b
		for _, credential := range b.who {
			who := drawer{b.connector, credential}
			t.drawn[who] = append(t.drawn[who], b)
		}
	}
}

// enter returns a turn that has not been granted yet, or nil if the call draws on
// no budget that is known.
func (t *throttle) enter(run, credential string, catalog *connectorv1.Catalog, op *connectorv1.Operation) *turn {
	t.once.Do(t.load)
	who := drawer{catalog.GetName(), credential}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.drawn[who]) == 0 && len(op.GetQuotas()) == 0 {
		return nil
	}
	tn := &turn{t: t, run: run, who: who, catalog: catalog, op: op}
	if t.find(tn); len(tn.budgets) == 0 {
		return nil
	}
	return tn
}

// find looks up what a call draws on. The caller holds mu.
func (t *throttle) find(tn *turn) {
	tn.budgets = tn.budgets[:0]
	for _, b := range t.drawn[tn.who] {
		if draws(tn.op, b.name) {
			tn.budgets = append(tn.budgets, b)
		}
	}
	for _, name := range tn.op.GetQuotas() {
		if slices.ContainsFunc(tn.budgets, func(b *budget) bool { return b.name == name }) {
			continue
		}
		i := slices.IndexFunc(tn.catalog.GetQuotas(), func(h *connectorv1.QuotaHint) bool { return h.GetName() == name })
		if i < 0 {
			continue
		}
		hint := tn.catalog.GetQuotas()[i]
		if hint.GetCalls() <= 0 || hint.GetWindow().AsDuration() <= 0 {
			continue
		}
		b := newBudget(quotaKey{tn.who.connector, name, "@" + tn.who.credential}, hint)
		b.counted = &counter{window: b.window, most: int(hint.GetCalls())}
		t.draw(b, tn.who)
		tn.budgets = append(tn.budgets, b)
	}
}

// draw notes that calls for an account draw on a budget.
func (t *throttle) draw(b *budget, who drawer) {
	t.budgets[b.quotaKey] = b
	if !slices.Contains(t.drawn[who], b) {
		t.drawn[who] = append(t.drawn[who], b)
		b.who = append(b.who, who.credential)
	}
}

// ask grants a turn, or says until when to wait, and why. The sleep is to end early
// when wake is called.
func (tn *turn) ask(now time.Time, wake context.CancelFunc) (until time.Time, reason string) {
	t := tn.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if !tn.queued {
		t.find(tn)
	}
	var tightest *budget
	for _, b := range tn.budgets {
		if at := b.ready(now); at.After(now) && at.After(until) {
			until, tightest = at, b
		}
	}
	ahead, in := t.ahead(tn)
	if tightest == nil && ahead == 0 {
		t.grant(tn, now)
		return time.Time{}, ""
	}
	if ahead > 0 {
		b := cmp.Or(in, tightest)
		at := b.ready(now).Add(time.Duration(ahead) * max(b.gap(now), time.Second))
		if at.After(until) {
			until, tightest = at, b
		}
	}
	if !tn.queued {
		t.enqueue(tn)
	}
	tn.wake = wake
	return until, tightest.reason(now, tn.who.credential)
}

// ahead counts the turns that come before this one in a budget of its own.
func (t *throttle) ahead(tn *turn) (n int, in *budget) {
	for _, other := range t.queue {
		if other == tn || !tn.queued && other.rank > t.next(tn.run) {
			break
		}
		for _, b := range other.budgets {
			if slices.Contains(tn.budgets, b) {
				n, in = n+1, b
				break
			}
		}
	}
	return n, in
}

// next is the rank of a run's next turn: one after its last, so that turns of runs
// alternate, and never before those that have been granted.
func (t *throttle) next(run string) int { return max(t.ranks[run], t.rank) + 1 }

func (t *throttle) enqueue(tn *turn) {
	tn.rank, tn.queued = t.next(tn.run), true
	t.ranks[tn.run] = tn.rank
	at, _ := slices.BinarySearchFunc(t.queue, tn.rank, func(other *turn, rank int) int {
		if other.rank <= rank {
			return -1
		}
		return 1
	})
	t.queue = slices.Insert(t.queue, at, tn)
}

func (t *throttle) grant(tn *turn, now time.Time) {
	tn.granted = true
	for _, b := range tn.budgets {
		b.take(now)
	}
	if tn.queued {
		t.rank = max(t.rank, tn.rank)
		t.dequeue(tn)
	}
}

func (t *throttle) dequeue(tn *turn) {
	tn.queued = false
	if i := slices.Index(t.queue, tn); i >= 0 {
		t.queue = slices.Delete(t.queue, i, i+1)
	}
	if len(t.queue) == 0 {
		clear(t.ranks)
	}
	t.rouse()
}

// rouse wakes those who are the first to wait for all of their budgets, since what
// they wait for may have come.
func (t *throttle) rouse() {
	claimed := map[*budget]bool{}
	for _, tn := range t.queue {
		first := true
		for _, b := range tn.budgets {
			first = first && !claimed[b]
			claimed[b] = true
		}
		if first && tn.wake != nil {
			tn.wake()
		}
	}
}

// leave ends a turn, whether it was granted or given up. Nil is fine.
func (tn *turn) leave(now time.Time) {
	if tn == nil {
		return
	}
	t := tn.t
	t.mu.Lock()
	var changed []savedBudget
	if tn.queued {
		t.dequeue(tn)
	}
	if tn.granted {
		tn.granted = false
		for _, b := range tn.budgets {
			b.give(now, tn.reported)
			changed = b.append(changed)
		}
	}
	t.mu.Unlock()
	t.keep(changed)
}
