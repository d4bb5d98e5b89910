package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// transaction runs statements on the writing connection. It prepares each once.
type transaction struct {
	conn       *sql.Conn
	queries    map[string]*sql.Stmt
	statements map[string]statement
	args       []driver.NamedValue // Room for those of one statement.

	journals map[string]*journal // By a run's id.
	loops    map[loop]int        // The iterations that this transaction has brought loops to.
	there    map[string]bool     // Runs that it has found or made, and, false, those that it has deleted.
}

// statement is one of the driver's own: what database/sql does around it is not
// needed here, and costs an eighth of an insert.
type statement interface {
	driver.Stmt
	driver.StmtExecContext
}

func newTransaction(conn *sql.Conn) transaction {
	return transaction{
		conn: conn, queries: map[string]*sql.Stmt{}, statements: map[string]statement{},
		journals: map[string]*journal{}, loops: map[loop]int{}, there: map[string]bool{},
	}
}

// exec returns how many rows a statement has changed.
func (t *transaction) exec(query string, args ...any) (changed int64, err error) {
	err = t.conn.Raw(func(conn any) error {
		stmt, err := t.prepare(conn, query)
		if err != nil {
			return err
		}
		if err := t.bind(args); err != nil {
			return err
		}
		defer clear(t.args)
		result, err := stmt.ExecContext(context.Background(), t.args)
		if err != nil {
			return err
		}
		changed, err = result.RowsAffected()
		return err
	})
	return changed, err
}

// row reads a query's only row; false if there is none.
func (t *transaction) row(query string, args []any, to ...any) (bool, error) {
	stmt := t.queries[query]
	if stmt == nil {
		var err error
		if stmt, err = t.conn.PrepareContext(context.Background(), query); err != nil {
			return false, err
		}
		t.queries[query] = stmt
	}
	err := stmt.QueryRowContext(context.Background(), args...).Scan(to...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (t *transaction) close() error {
	var errs []error
	for _, stmt := range t.queries {
		errs = append(errs, stmt.Close())
	}
	errs = append(errs, t.conn.Raw(func(any) error {
		var errs []error
		for _, stmt := range t.statements {
			errs = append(errs, stmt.Close())
		}
		return errors.Join(errs...)
	}))
	return errors.Join(errs...)
}

func (t *transaction) prepare(conn any, query string) (statement, error) {
	if stmt := t.statements[query]; stmt != nil {
		return stmt, nil
	}
	prepared, err := conn.(driver.ConnPrepareContext).PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	stmt := prepared.(statement)
	t.statements[query] = stmt
	return stmt, nil
}

func (t *transaction) bind(args []any) error {
	t.args = t.args[:0]
	for i, arg := range args {
		value, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if err != nil {
			return err
		}
		t.args = append(t.args, driver.NamedValue{Ordinal: i + 1, Value: value})
	}
	return nil
}
