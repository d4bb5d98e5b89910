package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// maxReaders is how many queries run at once; more wait for their turn, in order.
const maxReaders = 8

// scan reads the columns of a row.
type scan func(to ...any) error

// errEnough ends a query before its last row.
var errEnough = errors.New("enough")

// each calls row for each row of a query. It sees all writes whose calls have
// returned. A query that was begun is not interrupted: none takes long.
func (s *Store) each(ctx context.Context, query string, args []any, row func(scan) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.queue.settle()
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.closed {
		return ErrClosed
	}
	return explain(s.path, s.rows(query, args, row))
}

// one reads a query's only row; false if there is none.
func (s *Store) one(ctx context.Context, query string, args []any, row func(scan) error) (bool, error) {
	found := false
	err := s.each(ctx, query, args, func(sc scan) error {
		found = true
		return row(sc)
	})
	return found && err == nil, err
}

func (s *Store) rows(query string, args []any, row func(scan) error) error {
	stmt, err := s.queries.prepare(query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(context.Background(), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		err := row(rows.Scan)
		if errors.Is(err, errEnough) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return rows.Err()
}

// statements prepares each query of the readers once.
type statements struct {
	db *sql.DB

	mu      sync.Mutex
	byQuery map[string]*sql.Stmt // guarded by mu
}

func (st *statements) prepare(query string) (*sql.Stmt, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if stmt := st.byQuery[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := st.db.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	if st.byQuery == nil {
		st.byQuery = map[string]*sql.Stmt{}
	}
	st.byQuery[query] = stmt
	return stmt, nil
}

func (st *statements) close() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	var errs []error
	for _, stmt := range st.byQuery {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(errs...)
}
