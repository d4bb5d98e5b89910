package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
)

// redo writes what a process that was killed has left in the redo file, and makes
// another for this one.
func (s *Store) redo(ctx context.Context, conn *sql.Conn) (_ *redo, err error) {
	var salt, number int64
	if err := conn.QueryRowContext(ctx, "select salt, number from redo").Scan(&salt, &number); err != nil {
		return nil, fmt.Errorf("reading which writes are to be done again: %w", err)
	}
	rows, err := readRedo(s.path, uint64(salt), uint64(number))
	if err != nil {
		return nil, fmt.Errorf("reading the writes that are to be done again: %w", err)
	}
	var fresh [8]byte
	_, _ = rand.Read(fresh[:]) // never fails
	salt = int64(binary.LittleEndian.Uint64(fresh[:]))
	t := newTransaction(conn)
	defer func() { err = errors.Join(err, t.close()) }()
	if err := s.redoRows(&t, rows, salt); err != nil {
		_, _ = t.exec("rollback") // if it had begun
		return nil, fmt.Errorf("doing %d writes again: %w", len(rows), err)
	}
	if len(rows) > 0 {
		s.log.Info("writes of a process that was killed were done again", "file", s.path, "writes", len(rows))
	}
	return openRedo(s.path, uint64(salt))
}

func (s *Store) redoRows(t *transaction, rows []row, salt int64) error {
	if _, err := t.exec("begin immediate"); err != nil {
		return err
	}
	for _, r := range rows {
		err := explain(s.path, r.put(t))
		var broken *FileError
		if errors.As(err, &broken) {
			return err
		}
		if err != nil { // as it was when it was made, and was refused then
			s.log.Warn("a write of a process that was killed was refused", "file", s.path, "error", err)
		}
	}
	if err := t.putLoops(); err != nil {
		return err
	}
	if _, err := t.exec("update redo set salt = ?, number = 0", salt); err != nil {
		return err
	}
	_, err := t.exec("commit")
	return err
}
