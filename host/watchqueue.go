package host

// progressQueue is first in, first out. It uses its memory again: what happens in a
// run of a hundred thousand steps would be more garbage than all else of the run.
type progressQueue struct {
	all  []Progress
	next int // What stands before it has been taken.
}

// keptRoom is how much memory an empty queue keeps, in elements.
const keptRoom = 256

func (q *progressQueue) len() int { return len(q.all) - q.next }

func (q *progressQueue) put(p Progress) {
	if len(q.all) == cap(q.all) && q.next > len(q.all)/2 {
		n := copy(q.all, q.all[q.next:])
		clear(q.all[n:])
		q.all, q.next = q.all[:n], 0
	}
	q.all = append(q.all, p)
}

func (q *progressQueue) take() (Progress, bool) {
	if q.len() == 0 {
		return Progress{}, false
	}
	p := q.all[q.next]
	q.all[q.next] = Progress{} // Which may hold an output.
	q.next++
	switch {
	case q.len() > 0:
	case cap(q.all) > keptRoom:
		*q = progressQueue{}
	default:
		q.all, q.next = q.all[:0], 0
	}
	return p, true
}
