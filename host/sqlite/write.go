package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"github.com/storyloop/storyloop/host"
)

// maxLog is the size of the log, in bytes, from which on readers are held back for
// as long as it takes to empty it. SQLite empties it by itself at a tenth of that,
// when there is a moment without readers.
const maxLog = 40 << 20

// do has the writing goroutine do something, and returns when that is as durable
// as asked for. A write whose context has ended before it was its turn is not
// done; one that was begun is waited for, since its caller must know.
func (s *Store) do(ctx context.Context, d host.Durability, do func(*transaction) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.await(&write{ctx: ctx, do: do, synced: d == host.Synced})
}

// put has a row written. If it is to survive the end of the process only, it need not
// be committed when put returns.
func (s *Store) put(ctx context.Context, d host.Durability, r row) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &write{ctx: ctx, do: r.put, synced: d == host.Synced}
	run := r.forRun()
	known := run == "" || s.known.has(run)
	if known && !w.synced {
		w.row = r
	}
	if !known {
		w.do = func(t *transaction) error {
			if err := r.put(t); err != nil {
				return err
			}
			t.there[run] = true
			return nil
		}
	}
	return s.await(w)
}

func (s *Store) await(w *write) error {
	if err := s.queue.put(w); err != nil {
		return err
	}
	if w.result == nil {
		return nil
	}
	return <-w.result
}

// write is the writing goroutine.
func (s *Store) write(conn *sql.Conn) {
	defer close(s.written)
	w := writer{store: s, conn: conn, tx: newTransaction(conn), full: true}
	var batch []*write
	for more := true; more; {
		batch, more = s.queue.take(append(batch[:0], w.stuck...))
		w.stuck = nil
		if len(batch) == 0 {
			break
		}
		w.commit(batch)
		s.queue.done(batch[len(batch)-1].number, len(w.stuck) > 0)
		w.emptyLog(len(batch))
		clear(batch)
	}
	if n := len(w.stuck); n > 0 {
		s.left = fmt.Errorf("%d writes are kept in %s until the store is opened again: %w", n, redoOf(s.path), w.why)
	}
	if err := errors.Join(w.tx.close(), conn.Close()); err != nil {
		s.log.Warn("the store's writer did not end well", "file", s.path, "error", err)
	}
}

// writer is what the writing goroutine knows.
type writer struct {
	store *Store
	conn  *sql.Conn
	tx    transaction
	full  bool  // synchronous=FULL
	count int   // Writes since the log was looked at.
	log   int64 // Size that the log had when it could not be emptied.

	// Writes that could not be stored, whose callers have not waited. They are tried
	// again before all later ones, so that order holds.
	stuck []*write
	why   error
}

// commit stores a batch of writes, in one transaction if none of them is at fault.
func (w *writer) commit(waiting []*write) {
	batch := make([]*write, 0, len(waiting))
	for _, x := range waiting {
		if err := x.ctx.Err(); err != nil {
			w.answer(x, err)
			continue
		}
		batch = append(batch, x)
	}
	if len(batch) == 0 {
		return
	}
	err := w.try(batch)
	if err == nil {
		for _, x := range batch {
			w.answer(x, nil)
		}
		return
	}
	for _, x := range batch {
		if len(batch) > 1 && len(w.stuck) == 0 {
			err = w.try([]*write{x})
		} else if len(w.stuck) > 0 {
			err = w.why
		}
		var broken *FileError
		if x.result == nil && errors.As(err, &broken) {
			w.store.queue.stick() // before others are answered, and their next writes are made
			w.stuck, w.why = append(w.stuck, x), err
			continue
		}
		w.answer(x, err)
	}
	if len(w.stuck) > 0 {
		w.store.log.Error("writes cannot be stored yet", "file", w.store.path, "writes", len(w.stuck), "error", w.why)
	}
}

// answer tells a write's caller how it went.
func (w *writer) answer(x *write, err error) {
	if x.result != nil {
		x.result <- err
		return
	}
	if err != nil {
		w.store.log.Error("a write was refused", "file", w.store.path, "error", err)
	}
}

// try does writes in one transaction: all or none.
func (w *writer) try(batch []*write) (err error) {
	full, last := false, batch[len(batch)-1].number
	for _, x := range batch {
		full = full || x.synced
	}
	if full != w.full {
		if err := w.synchronous(full); err != nil {
			return err
		}
	}
	if _, err := w.tx.exec("begin immediate"); err != nil {
		return explain(w.store.path, err)
	}
	defer func() {
		if err != nil {
			_, _ = w.tx.exec("rollback") // SQLite may have done so itself
			w.tx.forget()
			err = explain(w.store.path, err)
		}
	}()
	for _, x := range batch {
		if err := x.do(&w.tx); err != nil {
			return err
		}
	}
	if err := w.tx.putLoops(); err != nil {
		return err
	}
	if _, err := w.tx.exec("update redo set number = ?", int64(last)); err != nil {
		return err
	}
	if _, err = w.tx.exec("commit"); err == nil {
		w.store.queue.redo.committed.Store(last)
		w.store.known.learn(w.tx.there)
		clear(w.tx.there)
	}
	return err
}

func (w *writer) synchronous(full bool) error {
	mode := "normal"
	if full {
		mode = "full"
	}
	if _, err := w.conn.ExecContext(context.Background(), "pragma synchronous = "+mode); err != nil {
		return explain(w.store.path, fmt.Errorf("setting how commits are synced: %w", err))
	}
	w.full = full
	return nil
}

// emptyLog empties the log if it has become large, after some writes.
func (w *writer) emptyLog(writes int) {
	if w.count += writes; w.count < 16 { // a look costs as much as a small write
		return
	}
	w.count = 0
	info, err := os.Stat(walOf(w.store.path))
	if err != nil || info.Size() < w.log+w.store.maxLog {
		return
	}
	w.store.gate.Lock()
	defer w.store.gate.Unlock()
	// Who else reads, such as a backup, is not waited for: the log may grow meanwhile.
	var busy, frames, moved int
	_, err = w.conn.ExecContext(context.Background(), "pragma busy_timeout = 50")
	if err == nil {
		err = w.conn.QueryRowContext(context.Background(), "pragma wal_checkpoint(truncate)").Scan(&busy, &frames, &moved)
	}
	if _, err := w.conn.ExecContext(context.Background(), "pragma busy_timeout = 10000"); err != nil {
		w.store.log.Warn("the store's patience was not restored", "file", w.store.path, "error", err)
	}
	w.log = 0
	if err != nil || busy != 0 {
		w.log = info.Size()
	}
}
