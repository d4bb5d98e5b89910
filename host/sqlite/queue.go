package sqlite

import (
	"context"
	"sync"
	"time"
)

const (
	maxBatch = 512  // Writes in one commit.
	maxQueue = 1024 // Writes that wait; who makes more waits for room.

	// patience is how long writes for which nobody waits are kept for those that come
	// after them: each commit costs as much as several writes.
	patience = 5 * time.Millisecond
)

// write is one caller's write.
type write struct {
	ctx    context.Context
	do     func(*transaction) error // May be done again if the commit did not succeed.
	synced bool
	row    row        // What may be recorded, so that the caller need not wait; else nil.
	result chan error // Nil if the caller does not wait, since there is a record.
	number uint64
}

// queue holds writes in the order in which they were made. Those for which nobody
// waits are also in the redo file, in the same order.
type queue struct {
	mu sync.Mutex
	// Guarded by mu.
	redo      *redo
	waiting   []*write
	last      uint64 // Number of the last write.
	unawaited uint64 // Number of the last write whose caller has not waited.
	tried     uint64 // All writes up to this number were tried.
	stuck     bool   // Writes whose callers have not waited could not be stored yet.
	due       bool   // What waits is to be written now.
	timed     bool   // It will be due when patience is over.
	closed    bool
	timer     *time.Timer

	work     sync.Cond // There is something due, or never will be.
	room     sync.Cond
	progress sync.Cond // tried has grown.
}

func newQueue() *queue {
	q := &queue{}
	q.work.L, q.room.L, q.progress.L = &q.mu, &q.mu, &q.mu
	return q
}

// put adds a write, and gives it a result if the caller must wait: because it cannot
// be recorded, or because earlier writes of others that did not wait are stuck, and
// nobody must be told of success then.
func (q *queue) put(w *write) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) >= maxQueue && !q.closed {
		q.room.Wait()
	}
	if q.closed {
		return ErrClosed
	}
	q.last++
	w.number = q.last
	if w.row != nil && !q.stuck && q.redo.add(w.number, w.row) {
		w.ctx = context.Background() // it is done even if the caller ends
		q.unawaited = w.number
	} else {
		w.result = make(chan error, 1)
	}
	q.waiting = append(q.waiting, w)
	switch {
	case w.result != nil || len(q.waiting) >= maxBatch:
		q.hurry()
	case !q.timed:
		q.timed = true
		q.wind()
	}
	return nil
}

// hurry has what waits written now. The caller holds mu.
func (q *queue) hurry() {
	if len(q.waiting) > 0 {
		q.due = true
		q.work.Signal()
	}
}

// wind has tick called when patience is over. The caller holds mu.
func (q *queue) wind() {
	if q.timer == nil {
		q.timer = time.AfterFunc(patience, q.tick)
		return
	}
	q.timer.Reset(patience)
}

func (q *queue) tick() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.timed = false
	q.hurry()
}

// take waits for writes that are due and appends them to batch, with those that
// were made before them. It returns false when there will be no more.
func (q *queue) take(batch []*write) ([]*write, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.due && !q.closed {
		q.work.Wait()
	}
	n := min(len(q.waiting), maxBatch)
	batch = append(batch, q.waiting[:n]...)
	rest := copy(q.waiting, q.waiting[n:])
	clear(q.waiting[rest:])
	q.waiting, q.due = q.waiting[:rest], rest > 0
	q.room.Broadcast()
	return batch, n > 0 || !q.closed
}

// stick says that a write whose caller has not waited could not be stored.
func (q *queue) stick() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stuck = true
}

// done says that all writes up to a number were tried.
func (q *queue) done(number uint64, stuck bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tried, q.stuck = number, stuck
	q.progress.Broadcast()
}

// settle returns when all writes whose calls have returned were tried.
func (q *queue) settle() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for number := q.unawaited; q.tried < number; {
		q.hurry()
		q.progress.Wait()
	}
}

// close lets no more writes in. It returns false if it was closed before.
func (q *queue) close() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.closed = true
	q.work.Broadcast()
	q.room.Broadcast()
	return true
}
