package host

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// report takes in what a call said about quotas.
func (t *throttle) report(connector, credential string, tn *turn, r *connectorv1.Report, now time.Time) {
	if len(r.GetQuotas()) == 0 {
		return
	}
	t.once.Do(t.load)
	who := drawer{connector, credential}
	var changed []savedBudget
	t.mu.Lock()
	for _, q := range r.GetQuotas() {
		key := quotaKey{connector, q.GetName(), q.GetSubject()}
		b := t.budgets[key]
		if b == nil {
			b = newBudget(key, nil)
		}
		t.draw(b, who)
		t.drawn[who] = slices.DeleteFunc(t.drawn[who], func(other *budget) bool { return other.name == b.name && other.counted != nil })
		b.report(q, now)
		changed = b.append(changed)
	}
	if tn != nil {
		tn.reported = true
	}
	t.rouse()
	t.mu.Unlock()
	t.keep(changed)
}

// append adds a budget to those to be saved, if that is worth it.
func (b *budget) append(changed []savedBudget) []savedBudget {
	if s := b.save(); b.worth(s) {
		b.saved = s
		return append(changed, s)
	}
	return changed
}

// keep saves budgets. It waits for nothing: what is lost is reported again.
func (t *throttle) keep(changed []savedBudget) {
	for _, s := range changed {
		raw, err := json.Marshal(s)
		if err == nil {
			key := strings.Join([]string{s.Connector, s.Name, s.Subject}, "/")
			err = t.store.PutValue(context.Background(), quotaScope, key, raw, Written)
		}
		if err != nil {
			t.log.Warn("a quota was not kept", "connector", s.Connector, "quota", s.Name, "error", err)
		}
	}
}

// reason says to people why a call waits.
func (b *budget) reason(now time.Time, credential string) string {
	whose := b.whose()
	if credential != "" {
		whose = "@" + credential
	}
	name := strings.ReplaceAll(b.name, "_", " ")
	used := b.level(now)
	if b.blocked.After(now) {
		used = max(used, b.used)
	}
	return strings.TrimSpace(fmt.Sprintf("%.0f %% of %s %s of %s used", used*100, b.connector, name, whose))
}

// draws reports whether an operation uses a quota up; one that names none may use
// any.
func draws(op *connectorv1.Operation, quota string) bool {
	return len(op.GetQuotas()) == 0 || slices.Contains(op.GetQuotas(), quota)
}
