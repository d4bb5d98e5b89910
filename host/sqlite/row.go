package sqlite

import "encoding/binary"

// row is a write that needs nothing but itself, so that it can be done from a record
// of it.
type row interface {
	put(*transaction) error
	size() int      // About how many bytes it has.
	fields(*wire)   // Moves all of it; the order never changes.
	forRun() string // The run without which it is refused; empty if there is none.
}

// newRow returns an empty row of a kind that a record names.
func newRow(kind byte) row {
	switch kind {
	case 'e':
		return &entryRow{}
	case 'r':
		return &runRow{}
	case 'v':
		return &valueRow{}
	}
	return nil
}

func kindOf(r row) byte {
	switch r.(type) {
	case *entryRow:
		return 'e'
	case *runRow:
		return 'r'
	}
	return 'v'
}

func appendRow(to []byte, r row) []byte {
	w := wire{bytes: append(to, kindOf(r))}
	r.fields(&w)
	return w.bytes
}

func parseRow(from []byte) (row, bool) {
	if len(from) == 0 {
		return nil, false
	}
	r := newRow(from[0])
	if r == nil {
		return nil, false
	}
	w := wire{bytes: from[1:], reads: true}
	r.fields(&w)
	return r, !w.bad && len(w.bytes) == 0
}

// wire moves fields into bytes, or out of them.
type wire struct {
	bytes []byte // What was written, or is still to be read.
	reads bool
	bad   bool // What was to be read was not there; fields are empty since.
}

func (w *wire) number(n *int64) {
	if !w.reads {
		w.bytes = binary.AppendVarint(w.bytes, *n)
		return
	}
	value, size := binary.Varint(w.bytes)
	if size <= 0 {
		w.fail()
		return
	}
	*n, w.bytes = value, w.bytes[size:]
}

func (w *wire) flag(is *bool) {
	var n int64
	if *is {
		n = 1
	}
	w.number(&n)
	*is = n == 1
}

func (w *wire) int(n *int) {
	wide := int64(*n)
	w.number(&wide)
	*n = int(wide)
}

func (w *wire) text(s *string) {
	if !w.reads {
		w.bytes = append(binary.AppendUvarint(w.bytes, uint64(len(*s))), *s...)
		return
	}
	*s = string(w.take())
}

func (w *wire) body(b *body) {
	if !w.reads {
		w.bytes = append(binary.AppendUvarint(w.bytes, uint64(len(b.text))), b.text...)
		return
	}
	*b = newBody(w.take())
}

// take reads bytes.
func (w *wire) take() []byte {
	length, size := binary.Uvarint(w.bytes)
	if size <= 0 || length > uint64(len(w.bytes)-size) {
		w.fail()
		return nil
	}
	taken := w.bytes[size : size+int(length)]
	w.bytes = w.bytes[size+int(length):]
	return taken
}

func (w *wire) fail() { w.bad, w.bytes = true, nil }
