package sqlite

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
)

// maxInline is the length, in bytes, up to which JSON stays in its row: a page of
// the file. More would go to pages of its own there as well.
const maxInline = 4096

// body is JSON on its way into the file. It is a copy: a write may be done after
// its caller has gone on.
type body struct {
	text []byte
	hash []byte // Nil if it stays in its row.
}

func newBody(text json.RawMessage) body {
	b := body{text: bytes.Clone(text)}
	if len(text) > maxInline {
		sum := sha256.Sum256(text)
		b.hash = sum[:]
	}
	return b
}

// keep returns what goes into the two columns of a body. A large one it stores,
// unless that is there.
func (t *transaction) keep(b body) (inline, id any, err error) {
	switch {
	case len(b.text) == 0:
		return nil, nil, nil
	case b.hash == nil:
		return b.text, nil, nil
	}
	var known int64
	found, err := t.row("select id from bodies where hash = ?", []any{b.hash}, &known)
	if err != nil || found {
		return nil, known, err
	}
	_, err = t.row("insert into bodies (hash, body) values (?, ?) returning id", []any{b.hash, b.text}, &known)
	return nil, known, err
}
