package host

import (
	"fmt"
	"strings"
	"time"

	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// foresee says what a loop that is about to begin will take: how many calls, how
// much room their budgets have, and when it will be done. The calls of branches and
// of loops within are not known beforehand and not counted. Nil means that the loop
// makes no calls that are known.
func (x *execution) foresee(l *workflow.Loop, iterations int) *Forecast {
	if l.Forever || iterations <= 0 {
		return nil
	}
	f := &Forecast{Loop: l.Path, Iterations: iterations}
	needs := map[*budget]int{}
	var each time.Duration
	t := x.e.throttle
	t.once.Do(t.load)
	for _, s := range l.Step.Steps {
		conn, ok := x.e.Connectors.Connector(s.Connector)
		if !ok || s.Control() {
			continue
		}
		op, ok := workflow.FindOperation(conn.Catalog(), s.Operation)
		if !ok {
			continue
		}
		f.Calls += iterations
		t.mu.Lock()
		tn := turn{t: t, who: drawer{conn.Catalog().GetName(), s.Credential}, catalog: conn.Catalog(), op: op}
		t.find(&tn)
		for _, b := range tn.budgets {
			needs[b] += iterations
		}
		each += t.took[opKey{conn.Catalog().GetName(), op.GetName()}]
		t.mu.Unlock()
	}
	if f.Calls == 0 {
		return nil
	}
	now := x.e.Clock.Now()
	if took := each * time.Duration(iterations) / time.Duration(l.Concurrency); took > 0 {
		f.DoneAt = now.Add(took)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	whose := ""
	for b, calls := range needs {
		left, done := b.foresee(calls, now)
		if f.Quota != "" && !done.After(f.DoneAt) {
			continue
		}
		f.Connector, f.Quota, f.Subject, f.Used, f.Left = b.connector, b.name, b.subject, b.level(now), left
		whose = b.whose()
		if done.After(f.DoneAt) {
			f.DoneAt = done
		}
	}
	f.say(now, whose)
	return f
}

// foresee returns for how many calls there is room now, and when so many calls can
// have been made.
func (b *budget) foresee(calls int, now time.Time) (left int, done time.Time) {
	done = now
	if b.blocked.After(now) {
		done = b.blocked
	} else {
		left = max(int((1-b.level(now))/b.cost+1e-6), 0)
	}
	if over := calls - left; over > 0 {
		return left, done.Add(time.Duration(float64(over) * b.cost * float64(b.window)))
	}
	return left, done
}

// whose names a budget's owner to people.
func (b *budget) whose() string {
	if len(b.who) == 1 && b.who[0] != "" {
		return "@" + b.who[0]
	}
	return b.subject
}

func (f *Forecast) say(now time.Time, whose string) {
	f.Text = fmt.Sprintf("%d iterations with %d calls or more", f.Iterations, f.Calls)
	if f.Quota != "" {
		f.Text += fmt.Sprintf("; room for %d now: %.0f %% of %s %s of %s used", f.Left, f.Used*100, f.Connector, strings.ReplaceAll(f.Quota, "_", " "), whose)
	}
	if f.DoneAt.IsZero() {
		return
	}
	form := "15:04"
	if f.DoneAt.Sub(now) > 20*time.Hour {
		form = "2006-01-02 15:04"
	}
	f.Text += "; done at about " + f.DoneAt.In(now.Location()).Format(form)
}

// opKey names an operation.
type opKey struct{ connector, operation string }

// spent remembers how long calls of an operation take.
func (t *throttle) spent(conn string, op *connectorv1.Operation, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := opKey{conn, op.GetName()}
	if old := t.took[key]; old > 0 {
		took = (9*old + took) / 10
	}
	t.took[key] = took
}

// forecast tells what a loop will take, and keeps it in the run if no other loop is
// around.
func (x *execution) forecast(l *workflow.Loop, iterations int) (*Forecast, error) {
	f := x.foresee(l, iterations)
	if f == nil || strings.Contains(l.Path, "[") {
		return f, nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.run.Forecast = f
	if err := x.e.Store.UpdateRun(x.lasting, x.run, Written); err != nil {
		return f, &storeError{err}
	}
	return f, nil
}
