package host

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
)

// Value returns a value; false if there is none.
func (m *Memory) Value(_ context.Context, scope, key string) (json.RawMessage, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, found := m.values[scope][key]
	return bytes.Clone(value), found, nil
}

// Values returns all values of a scope, by key.
func (m *Memory) Values(_ context.Context, scope string) ([]NamedValue, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []NamedValue
	for _, key := range slices.Sorted(maps.Keys(m.values[scope])) {
		all = append(all, NamedValue{Key: key, Value: bytes.Clone(m.values[scope][key])})
	}
	return all, nil
}

// PutValue stores a value; an empty one deletes it.
func (m *Memory) PutValue(_ context.Context, scope, key string, value json.RawMessage, _ Durability) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.putValue(scope, key, value)
	return nil
}

// ChangeValue changes a value, once for each step.
func (m *Memory) ChangeValue(_ context.Context, c Change) (json.RawMessage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	step := [2]string{c.Run, c.Path}
	if answer, known := m.answers[step]; known && c.Run != "" {
		return bytes.Clone(answer), nil
	}
	now, answer, err := c.Change(bytes.Clone(m.values[c.Scope][c.Key]))
	if err != nil {
		return nil, err
	}
	m.putValue(c.Scope, c.Key, now)
	if c.Run != "" {
		m.answers[step] = bytes.Clone(answer)
	}
	return answer, nil
}

func (m *Memory) putValue(scope, key string, value []byte) {
	if len(value) == 0 {
		delete(m.values[scope], key)
		return
	}
	if m.values[scope] == nil {
		m.values[scope] = map[string][]byte{}
	}
	m.values[scope][key] = bytes.Clone(value)
}

// Prune forgets what a retention says.
func (m *Memory) Prune(_ context.Context, r Retention) (Pruned, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var p Pruned
	kept := map[string]int{}
	var stay []string
	for _, id := range slices.Backward(m.order) {
		run := m.runs[id]
		kept[run.run.Workflow]++
		if !run.run.State.Ended() || !run.run.EndedAt.Before(r.RunsBefore) || kept[run.run.Workflow] <= r.KeepRuns {
			stay = append(stay, id)
			continue
		}
		p.Runs, p.Entries = p.Runs+1, p.Entries+int64(len(run.journal))
		delete(m.runs, id)
		delete(m.values, RunScope(id))
		maps.DeleteFunc(m.answers, func(step [2]string, _ []byte) bool { return step[0] == id })
	}
	slices.Reverse(stay)
	m.order = stay
	for key, e := range m.events {
		if e.ReceivedAt.Before(r.EventsBefore) && !slices.Contains(m.pending, key) {
			p.Events++
			delete(m.events, key)
		}
	}
	return p, nil
}
