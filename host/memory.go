package host

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
)

// Memory is a [Store] that forgets everything with its process.
type Memory struct {
	mu sync.Mutex
	// Guarded by mu.
	definitions map[string][]Definition // By name, the current one last.
	runs        map[string]*memoryRun
	order       []string // Ids of runs, as they were created.
	events      map[string]Event
	pending     []string                     // Keys of events, as they came.
	values      map[string]map[string][]byte // By scope and key.
	answers     map[[2]string][]byte         // Of steps that have changed a value, by run and path.
}

type memoryRun struct {
	run        Run
	entries    map[string]int // By path: where in journal.
	journal    []Entry
	iterations map[string]int // By loop.
}

var _ Store = (*Memory)(nil)

// NewMemory returns a store that is empty.
func NewMemory() *Memory {
	return &Memory{
		definitions: map[string][]Definition{}, runs: map[string]*memoryRun{}, events: map[string]Event{},
		values: map[string]map[string][]byte{}, answers: map[[2]string][]byte{},
	}
}

// PutDefinition stores a definition as the current one of its name.
func (m *Memory) PutDefinition(_ context.Context, d Definition) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	versions := slices.DeleteFunc(m.definitions[d.Name], func(old Definition) bool { return old.Version == d.Version })
	m.definitions[d.Name] = append(versions, d)
	return nil
}

// Definition returns one version, or the current one.
func (m *Memory) Definition(_ context.Context, name, version string) (Definition, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range slices.Backward(m.definitions[name]) {
		if version == "" || d.Version == version {
			return d, nil
		}
	}
	if version != "" {
		name += "@" + version
	}
	return Definition{}, &NotFoundError{Kind: "workflow", Name: name}
}

// Definitions returns the current version of each.
func (m *Memory) Definitions(context.Context) ([]Definition, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Definition
	for _, versions := range m.definitions {
		all = append(all, versions[len(versions)-1])
	}
	slices.SortFunc(all, func(a, b Definition) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// Versions returns all versions of a definition, the latest first.
func (m *Memory) Versions(_ context.Context, name string) ([]Definition, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	versions := slices.Clone(m.definitions[name])
	if len(versions) == 0 {
		return nil, &NotFoundError{Kind: "workflow", Name: name}
	}
	slices.Reverse(versions)
	slices.SortStableFunc(versions, func(a, b Definition) int { return b.AddedAt.Compare(a.AddedAt) })
	return versions, nil
}

// CreateRun stores a run, unless its id is taken.
func (m *Memory) CreateRun(_ context.Context, r Run) (Run, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old, taken := m.runs[r.ID]; taken {
		return old.run, false, nil
	}
	m.runs[r.ID] = &memoryRun{run: r, entries: map[string]int{}, iterations: map[string]int{}}
	m.order = append(m.order, r.ID)
	return r, true, nil
}

// UpdateRun replaces a run, all but its trigger.
func (m *Memory) UpdateRun(_ context.Context, r Run, _ Durability) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, err := m.find(r.ID)
	if err != nil {
		return err
	}
	r.Trigger = old.run.Trigger
	old.run = r
	return nil
}

// Run returns a run.
func (m *Memory) Run(_ context.Context, id string) (Run, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, err := m.find(id)
	if err != nil {
		return Run{}, err
	}
	return r.run, nil
}

// Runs returns runs, the latest first.
func (m *Memory) Runs(_ context.Context, f RunFilter) ([]Run, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f.Before != "" {
		if _, err := m.find(f.Before); err != nil {
			return nil, err
		}
	}
	limit := f.Limit
	if limit <= 0 {
		limit = 100
	}
	var page []Run
	skip := f.Before != ""
	for _, id := range slices.Backward(m.order) {
		if skip {
			skip = id != f.Before
			continue
		}
		if r := m.runs[id].run; f.matches(r) {
			page = append(page, r)
		}
		if len(page) == limit {
			break
		}
	}
	return page, nil
}

func (f RunFilter) matches(r Run) bool {
	switch {
	case f.Workflow != "" && r.Workflow != f.Workflow,
		len(f.States) > 0 && !slices.Contains(f.States, r.State),
		!f.From.IsZero() && r.CreatedAt.Before(f.From),
		!f.To.IsZero() && !r.CreatedAt.Before(f.To):
		return false
	}
	return true
}

// CountRuns returns how many runs there are in each state.
func (m *Memory) CountRuns(_ context.Context, workflow string) (map[RunState]int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	counts := map[RunState]int{}
	for _, r := range m.runs {
		if workflow == "" || r.run.Workflow == workflow {
			counts[r.run.State]++
		}
	}
	return counts, nil
}

// PutEntry adds an entry, or replaces the one that has its path.
func (m *Memory) PutEntry(_ context.Context, e Entry, _ Durability) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, err := m.find(e.Run)
	if err != nil {
		return err
	}
	e.Attempts = slices.Clone(e.Attempts)
	if e.Loop != "" {
		r.iterations[e.Loop] = max(r.iterations[e.Loop], e.Index+1)
	}
	if at, known := r.entries[e.Path]; known {
		r.journal[at] = e
		return nil
	}
	r.entries[e.Path] = len(r.journal)
	r.journal = append(r.journal, e)
	return nil
}

// Entry returns the entry of a path.
func (m *Memory) Entry(_ context.Context, run, path string) (Entry, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, err := m.find(run)
	if err != nil {
		return Entry{}, false, err
	}
	at, known := r.entries[path]
	if !known {
		return Entry{}, false, nil
	}
	return copied(r.journal[at]), true, nil
}

// Entries returns a run's entries.
func (m *Memory) Entries(_ context.Context, run string, from int64, limit int) ([]Entry, int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, err := m.find(run)
	if err != nil {
		return nil, 0, err
	}
	if from < 0 || limit <= 0 {
		return nil, 0, fmt.Errorf("reading entries of run %s from %d, at most %d", run, from, limit)
	}
	start := min(int(from), len(r.journal))
	end := min(start+limit, len(r.journal))
	var page []Entry
	for _, e := range r.journal[start:end] {
		page = append(page, copied(e))
	}
	if end == len(r.journal) {
		return page, 0, nil
	}
	return page, int64(end), nil
}

// Iterations returns one more than the highest index that has left an entry.
func (m *Memory) Iterations(_ context.Context, run, loop string) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, err := m.find(run)
	if err != nil {
		return 0, err
	}
	return r.iterations[loop], nil
}

// AddEvents stores events and returns the new ones.
func (m *Memory) AddEvents(_ context.Context, events []Event) ([]Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.addEvents(events), nil
}

// AddPolled stores events with where their poll stopped.
func (m *Memory) AddPolled(_ context.Context, events []Event, where ScopedValue) ([]Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.putValue(where.Scope, where.Key, where.Value)
	return m.addEvents(events), nil
}

func (m *Memory) addEvents(events []Event) []Event {
	var fresh []Event
	for _, e := range events {
		key := e.Key()
		if _, known := m.events[key]; known {
			continue
		}
		m.events[key] = e
		m.pending = append(m.pending, key)
		fresh = append(fresh, e)
	}
	return fresh
}

// PendingEvents returns events that are not done, the oldest first.
func (m *Memory) PendingEvents(_ context.Context, after string, limit int) ([]Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var page []Event
	rest := m.pending[slices.Index(m.pending, after)+1:]
	for _, key := range rest[:min(limit, len(rest))] {
		page = append(page, m.events[key])
	}
	return page, nil
}

// DoneEvent marks an event as done.
func (m *Memory) DoneEvent(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.events[key]; !known {
		return &NotFoundError{Kind: "event", Name: key}
	}
	m.pending = slices.DeleteFunc(m.pending, func(k string) bool { return k == key })
	return nil
}

func (m *Memory) find(run string) (*memoryRun, error) {
	r := m.runs[run]
	if r == nil {
		return nil, &NotFoundError{Kind: "run", Name: run}
	}
	return r, nil
}

func copied(e Entry) Entry {
	e.Attempts = slices.Clone(e.Attempts)
	return e
}
