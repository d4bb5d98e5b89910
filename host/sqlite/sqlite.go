// Package sqlite keeps what a host must not forget in one SQLite file:
// definitions of workflows, runs and their journal, the inbox, and named values.
//
// One goroutine writes. It takes all writes that wait, in the order in which they
// were made, and commits them together; so many callers share the cost of one
// commit, and none ever meets a lock. Readers have connections of their own and
// see every write whose call has returned.
//
// What a write survives is decided for each. The file is in WAL mode, where a commit
// appends to a log that is read back up to its last whole transaction. With
// synchronous=FULL the log has been synced to the disk when the commit returns, and
// all that was written to it before with it: so a commit that holds a [host.Synced]
// write is made with FULL, and a power cut loses at most the latest writes that asked
// for less, never one from the middle.
//
// A [host.Written] write must survive no more than the end of the process. It is put
// into a redo file, which hands it to the operating system, and its caller goes on;
// soon after it is committed with others, with synchronous=NORMAL. Who opens the store
// after a kill commits what that file has and the store has not.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/storyloop/storyloop/host"
)

// Options are settings of a store. The zero value is useful.
type Options struct {
	Log *slog.Logger // Nil discards.
}

// Store is a store on one file. Its methods are safe for concurrent use.
type Store struct {
	path string
	log  *slog.Logger
	lock *lock

	writer  *sql.DB // Its one connection is used by the writing goroutine alone.
	readers *sql.DB
	queries statements
	queue   *queue
	maxLog  int64
	written chan struct{} // Closed when the writing goroutine has ended.
	left    error         // Why recorded writes could not be committed, if some were not. Set before written is closed.
	known   known

	// Readers hold it shared. Exclusively it is held to empty the log, which readers
	// that follow each other without a gap would put off for ever; and to close.
	gate   sync.RWMutex
	closed bool // guarded by gate
}

var _ host.Store = (*Store)(nil)

// Open opens the store on a file, and makes the file and its directory if they are
// not there. The store is this process's alone until it is closed or the process
// ends. Problems with the file are a *FileError.
func Open(ctx context.Context, path string, o Options) (_ *Store, err error) {
	path, err = prepareFile(path)
	if err != nil {
		return nil, err
	}
	l, err := lockFile(path)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, log: o.Log, lock: l, queue: newQueue(), maxLog: maxLog, written: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.release())
		}
	}()
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := checkBeside(path); err != nil {
		return nil, err
	}
	// fullfsync matters on macOS alone: without it a sync stops at the disk's cache.
	s.writer, err = sql.Open("sqlite", dsn(path, "_busy_timeout=10000", "_auto_vacuum=2", "_journal_mode=WAL", "_synchronous=FULL",
		"_pragma=fullfsync(1)", "_pragma=checkpoint_fullfsync(1)", "_dqs=0"))
	if err != nil {
		return nil, explain(path, err)
	}
	conn, err := s.writer.Conn(ctx)
	if err != nil {
		return nil, explain(path, err)
	}
	if err := migrate(ctx, conn, path); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if s.readers, err = sql.Open("sqlite", dsn(path, "_busy_timeout=10000", "_dqs=0", "_query_only=1")); err != nil {
		return nil, errors.Join(explain(path, err), conn.Close())
	}
	s.readers.SetMaxOpenConns(maxReaders)
	s.readers.SetMaxIdleConns(maxReaders)
	s.queries.db = s.readers
	if s.queue.redo, err = s.redo(ctx, conn); err != nil {
		return nil, errors.Join(explain(path, err), conn.Close())
	}
	go s.write(conn)
	return s, nil
}

// Close stores what is queued and gives the file free. The store cannot be used
// afterwards. An error says that some writes are only beside the file as yet.
func (s *Store) Close() error {
	if !s.queue.close() {
		return nil
	}
	<-s.written
	s.gate.Lock()
	defer s.gate.Unlock()
	s.closed = true
	return errors.Join(s.left, s.queue.redo.close(), s.release())
}

// Path returns the file's path, absolute and without links.
func (s *Store) Path() string { return s.path }

func (s *Store) release() error {
	var errs []error
	if s.readers != nil {
		errs = append(errs, s.queries.close(), s.readers.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.Close()) // last: it empties the log and removes it
	}
	return errors.Join(append(errs, s.lock.release())...)
}

// ErrClosed says that the store was closed.
var ErrClosed = errors.New("the store is closed")

// walOf returns the path of a file's log.
func walOf(path string) string { return filepath.Clean(path) + "-wal" }
