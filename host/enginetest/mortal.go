package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/storyloop/storyloop/host"
)

// errDead is what a process learns from its store once it has died.
var errDead = errors.New("this process is dead")

// mortal is a store seen from a process that dies after a number of writes:
// nothing that it does later reaches the store.
type mortal struct {
	host.Store

	mu sync.Mutex
	// Guarded by mu.
	left int
	died bool
}

// write reports whether the process still lives for another write.
func (m *mortal) write() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left == 0 {
		m.died = true
		return errDead
	}
	m.left--
	return nil
}

func (m *mortal) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left, m.died = 0, true
}

func (m *mortal) dead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.died
}

func (m *mortal) PutDefinition(ctx context.Context, d host.Definition) error {
	if err := m.write(); err != nil {
		return err
	}
	return m.Store.PutDefinition(ctx, d)
}

func (m *mortal) CreateRun(ctx context.Context, r host.Run) (host.Run, bool, error) {
	if err := m.write(); err != nil {
		return host.Run{}, false, err
	}
	return m.Store.CreateRun(ctx, r)
}

func (m *mortal) UpdateRun(ctx context.Context, r host.Run, d host.Durability) error {
	if err := m.write(); err != nil {
		return err
	}
	return m.Store.UpdateRun(ctx, r, d)
}

func (m *mortal) PutEntry(ctx context.Context, e host.Entry, d host.Durability) error {
	if err := m.write(); err != nil {
		return err
	}
	return m.Store.PutEntry(ctx, e, d)
}

func (m *mortal) AddEvents(ctx context.Context, events []host.Event) ([]host.Event, error) {
	if err := m.write(); err != nil {
		return nil, err
	}
	return m.Store.AddEvents(ctx, events)
}

func (m *mortal) AddPolled(ctx context.Context, events []host.Event, where host.ScopedValue) ([]host.Event, error) {
	if err := m.write(); err != nil {
		return nil, err
	}
	return m.Store.AddPolled(ctx, events, where)
}

func (m *mortal) DoneEvent(ctx context.Context, key string) error {
	if err := m.write(); err != nil {
		return err
	}
	return m.Store.DoneEvent(ctx, key)
}

func (m *mortal) PutValue(ctx context.Context, scope, key string, value json.RawMessage, d host.Durability) error {
	if err := m.write(); err != nil {
		return err
	}
	return m.Store.PutValue(ctx, scope, key, value, d)
}

func (m *mortal) ChangeValue(ctx context.Context, c host.Change) (json.RawMessage, error) {
	if err := m.write(); err != nil {
		return nil, err
	}
	return m.Store.ChangeValue(ctx, c)
}
