package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Backup copies the store, as it is when the copy begins, to a file that must not
// be there yet. Writes go on meanwhile. The copy is a store that can be opened; it
// has its name only once it is whole and synced.
func (s *Store) Backup(ctx context.Context, to string) error {
	s.queue.settle()
	return Backup(ctx, s.path, to)
}

// Backup copies a store's file to another, as [Store.Backup] does. It may be in use
// by another process.
func Backup(ctx context.Context, from, to string) error {
	from, err := filepath.Abs(from)
	if err != nil {
		return fmt.Errorf("finding %s: %w", from, err)
	}
	if _, err := os.Stat(from); err != nil {
		return fmt.Errorf("finding the store: %w", err)
	}
	if err := checkHeader(from); err != nil {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("there is a file %s already: name another for the backup", to)
	}
	part, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".part-*") // mode 0600
	if err != nil {
		return explain(to, fmt.Errorf("making the backup's file: %w", err))
	}
	if err := fill(ctx, part, from, to); err != nil {
		return errors.Join(err, part.Close(), os.Remove(part.Name()))
	}
	if err := part.Close(); err != nil {
		return explain(to, fmt.Errorf("closing the backup: %w", err))
	}
	if err := os.Rename(part.Name(), to); err != nil {
		return errors.Join(explain(to, fmt.Errorf("naming the backup: %w", err)), os.Remove(part.Name()))
	}
	return syncDirectory(filepath.Dir(to))
}

// fill writes a copy of a store into a file that is there and empty.
func fill(ctx context.Context, part *os.File, from, to string) error {
	if err := vacuumInto(ctx, from, part.Name()); err != nil {
		return fmt.Errorf("copying the store to %s: %w", to, err)
	}
	if err := part.Sync(); err != nil { // SQLite does not
		return explain(to, fmt.Errorf("syncing the backup: %w", err))
	}
	return nil
}

func vacuumInto(ctx context.Context, from, to string) error {
	db, err := sql.Open("sqlite", dsn(from, "mode=rw", "_busy_timeout=10000"))
	if err != nil {
		return explain(from, err)
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "vacuum into ?", to); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if problem := problemOf(err); problem == NoSpace || problem == NotWritable {
			return explain(to, err)
		}
		return explain(from, err)
	}
	return nil
}
