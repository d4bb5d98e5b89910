package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/storyloop/storyloop/host"
)

// Latest is the format that this program writes.
var Latest = latest

// MaxJournals is of how many runs a store remembers where they are.
const MaxJournals = maxJournals

// Bounds of the redo file, in bytes.
const (
	MaxRedo   = maxRedo
	MaxRecord = maxRecord
)

// RedoRecords returns n records of equal length, from a number on, of which nothing
// but what is before them was committed.
func RedoRecords(salt, from uint64, n int) []byte {
	var text []byte
	for i := range n {
		text = append(text, record(nil, salt, from+uint64(i), from-1, &valueRow{scope: "s", key: "k", value: newBody(json.RawMessage("1"))})...)
	}
	return text
}

// CountRedo returns how many rows are read behind a number.
func CountRedo(text []byte, salt, number uint64) int { return len(parseRedo(text, salt, number)) }

// Sealed returns a record of salt zero and number one with a row of any bytes.
func Sealed(row []byte) []byte {
	return seal(append(append(make([]byte, 4+4+8), 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), row...))
}

// Encode returns an entry's detail as it is written, and as json.Marshal has it.
func Encode(e host.Entry) (written, marshalled string, writing, marshalling error) {
	d := newEntryDetail(e)
	written, writing = d.encode()
	marshalled, marshalling = encode(d)
	return written, marshalled, writing, marshalling
}

// writing returns the connection that writes.
func (s *Store) writing() (conn *sql.Conn, err error) {
	err = s.do(context.Background(), host.Written, func(t *transaction) error {
		conn = t.conn
		return nil
	})
	return conn, err
}

// KeepLog has all that is written stay in the log.
func (s *Store) KeepLog() error {
	s.LimitLog(1 << 40)
	conn, err := s.writing()
	if err == nil {
		_, err = conn.ExecContext(context.Background(), "pragma wal_autocheckpoint = 0")
	}
	return err
}

// LimitPages makes the file as good as full at so many pages, until it is given room.
func (s *Store) LimitPages(n int) (room func() error, err error) {
	conn, err := s.writing()
	limit := func(n int) error {
		_, err := conn.ExecContext(context.Background(), fmt.Sprintf("pragma max_page_count = %d", n))
		return err
	}
	return func() error { return limit(1_000_000) }, errors.Join(err, limit(n))
}

// Hold lets nothing be committed any more.
func (s *Store) Hold() {
	held := make(chan struct{})
	go func() {
		_ = s.do(context.Background(), host.Written, func(*transaction) error {
			close(held)
			select {}
		})
	}()
	<-held
}

// LimitLog sets how large the log may become before readers are held back.
func (s *Store) LimitLog(bytes int64) { s.maxLog = bytes }

// LogPath returns the path of the log.
func (s *Store) LogPath() string { return walOf(s.path) }

// Explain plans a filter's query.
func (s *Store) Explain(f host.RunFilter) (plan []string, err error) {
	query, args := runsQuery(f, moment{1000, 1000})
	err = s.each(context.Background(), "explain query plan "+query, args, func(sc scan) error {
		var id, parent, unused int
		var step string
		err := sc(&id, &parent, &unused, &step)
		plan = append(plan, step)
		return err
	})
	return plan, err
}

// MakeFormat makes a file of an earlier format, or brings one to it.
func MakeFormat(ctx context.Context, path string, format int) error {
	db, err := sql.Open("sqlite", dsn(path, "_auto_vacuum=2"))
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	from, err := formatOf(ctx, conn, path)
	if err != nil {
		return err
	}
	return migrateTo(ctx, conn, path, from, format)
}

// EmptyLog moves everything from the log to the file.
func (s *Store) EmptyLog() error {
	return s.each(context.Background(), "pragma wal_checkpoint(truncate)", nil, func(scan) error { return nil })
}
