package host

import (
	"fmt"
	"sync"
	"time"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// fullPause is how long a used-up quota is left alone when the remote service
// does not say until when.
const fullPause = time.Minute

// throttle keeps calls back while the remote service would refuse them. Quotas of
// the same connector, name and subject are one, whichever call reports them. The
// zero value keeps back nothing.
type throttle struct {
	mu sync.Mutex
	// Guarded by mu.
	blocked map[quotaKey]blockage
	drawn   map[drawer]map[quotaKey]bool // Which quotas calls have been seen to draw on.
}

type quotaKey struct{ connector, name, subject string }

type blockage struct {
	until time.Time
	used  float64
}

// drawer is who draws on quotas: an operation for an account. Which quotas these
// are is known from its earlier calls, since only the connector knows subjects.
type drawer struct{ connector, credential string }

// report takes in what a call said about quotas.
func (t *throttle) report(connector, credential string, r *connectorv1.Report, now time.Time) {
	if len(r.GetQuotas()) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.blocked == nil {
		t.blocked, t.drawn = map[quotaKey]blockage{}, map[drawer]map[quotaKey]bool{}
	}
	who := drawer{connector, credential}
	if t.drawn[who] == nil {
		t.drawn[who] = map[quotaKey]bool{}
	}
	for _, q := range r.GetQuotas() {
		key := quotaKey{connector, q.GetName(), q.GetSubject()}
		t.drawn[who][key] = true
		switch {
		case q.GetBlockedUntil() != nil && q.GetBlockedUntil().AsTime().After(now):
			t.blocked[key] = blockage{q.GetBlockedUntil().AsTime(), q.GetUsed()}
		case q.GetUsed() >= 1:
			t.blocked[key] = blockage{now.Add(fullPause), q.GetUsed()}
		default:
			delete(t.blocked, key)
		}
	}
}

// wait says until when a call must wait, and why; zero if it need not.
func (t *throttle) wait(connector, credential string, op *connectorv1.Operation, now time.Time) (until time.Time, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key := range t.drawn[drawer{connector, credential}] {
		b, ok := t.blocked[key]
		if !ok || !b.until.After(now) || !draws(op, key.name) {
			continue
		}
		if b.until.After(until) {
			until = b.until
			reason = fmt.Sprintf("%.0f %% of %s of %s used", b.used*100, key.name, key.subject)
		}
	}
	return until, reason
}

// draws reports whether an operation uses a quota up; one that names none may use
// any.
func draws(op *connectorv1.Operation, quota string) bool {
	for _, name := range op.GetQuotas() {
		if name == quota {
			return true
		}
	}
	return len(op.GetQuotas()) == 0
}
