package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/storyloop/storyloop/host"
)

// Value returns a value; false if there is none.
func (s *Store) Value(ctx context.Context, scope, key string) (json.RawMessage, bool, error) {
	var value []byte
	found, err := s.one(ctx, "select value from named_values where scope = ? and key = ?", []any{scope, key}, func(sc scan) error {
		return sc(&value)
	})
	if err != nil {
		return nil, false, fmt.Errorf("reading %s of %s: %w", key, scope, err)
	}
	return value, found, nil
}

// Values returns all values of a scope, by key.
func (s *Store) Values(ctx context.Context, scope string) ([]host.NamedValue, error) {
	var all []host.NamedValue
	err := s.each(ctx, "select key, value from named_values where scope = ? order by key", []any{scope}, func(sc scan) error {
		var v host.NamedValue
		err := sc(&v.Key, (*[]byte)(&v.Value))
		all = append(all, v)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the values of %s: %w", scope, err)
	}
	return all, nil
}

// PutValue stores a value; an empty one deletes it.
func (s *Store) PutValue(ctx context.Context, scope, key string, value json.RawMessage, d host.Durability) error {
	if err := s.put(ctx, d, &valueRow{scope, key, newBody(value)}); err != nil {
		return fmt.Errorf("storing %s of %s: %w", key, scope, err)
	}
	return nil
}

// ChangeValue changes a value, synced, with nobody else in between. A step that has
// done so gets its former answer, and changes nothing: it may be repeated safely
// after its answer was lost.
func (s *Store) ChangeValue(ctx context.Context, c host.Change) (answer json.RawMessage, err error) {
	err = s.do(ctx, host.Synced, func(t *transaction) error {
		var known []byte
		found, err := t.row("select answer from value_changes where run = ? and path = ?", []any{c.Run, c.Path}, &known)
		if err != nil {
			return err
		}
		if answer = known; found {
			return nil
		}
		var old, now json.RawMessage
		if _, err := t.row("select value from named_values where scope = ? and key = ?", []any{c.Scope, c.Key}, (*[]byte)(&old)); err != nil {
			return err
		}
		if now, answer, err = c.Change(old); err != nil {
			return err
		}
		if err := t.putValue(c.Scope, c.Key, now); err != nil {
			return err
		}
		if c.Run == "" {
			return nil
		}
		_, err = t.exec("insert into value_changes (run, path, answer) values (?, ?, ?)", c.Run, c.Path, []byte(answer))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("changing %s of %s: %w", c.Key, c.Scope, err)
	}
	return answer, nil
}

// valueRow is a value on its way into the file.
type valueRow struct {
	scope, key string
	value      body
}

func (r *valueRow) fields(w *wire) {
	w.text(&r.scope)
	w.text(&r.key)
	w.body(&r.value)
}

func (r *valueRow) size() int { return len(r.scope) + len(r.key) + len(r.value.text) }

func (r *valueRow) forRun() string { return "" }

func (r *valueRow) put(t *transaction) error { return t.putValue(r.scope, r.key, r.value.text) }

func (t *transaction) putValue(scope, key string, value []byte) error {
	if len(value) == 0 {
		_, err := t.exec("delete from named_values where scope = ? and key = ?", scope, key)
		return err
	}
	_, err := t.exec("insert into named_values (scope, key, value) values (?, ?, ?) on conflict (scope, key) do update set value = excluded.value",
		scope, key, value)
	return err
}
