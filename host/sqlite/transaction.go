package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// transaction runs statements on the writing connection. It prepares each once.
type transaction struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt
}

// exec returns how many rows a statement has changed.
func (t *transaction) exec(query string, args ...any) (int64, error) {
	stmt, err := t.prepare(query)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// row reads a query's only row; false if there is none.
func (t *transaction) row(query string, args []any, to ...any) (bool, error) {
	stmt, err := t.prepare(query)
	if err != nil {
		return false, err
	}
	err = stmt.QueryRowContext(context.Background(), args...).Scan(to...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (t *transaction) prepare(query string) (*sql.Stmt, error) {
	if stmt := t.statements[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := t.conn.PrepareContext(context.Background(), query)
	if err == nil {
		t.statements[query] = stmt
	}
	return stmt, err
}

func (t *transaction) close() error {
	var errs []error
	for _, stmt := range t.statements {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(errs...)
}
