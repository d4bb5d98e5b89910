package sqlite

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// usualDetail is how many bytes the detail of a call that worked has, at most.
const usualDetail = 384

// encode returns what json.Marshal does, at a quarter of the price: an entry is
// written for each step.
func (d *entryDetail) encode() (string, error) {
	var o object
	o.text.Grow(usualDetail)
	o.begin()
	o.string("step", d.Step)
	o.string("connector", d.Connector)
	o.string("operation", d.Operation)
	o.string("items", d.Items)
	o.string("next", d.Next)
	if d.Failure != nil {
		o.value("failure", d.Failure)
	}
	o.attempts("attempts", d.Attempts)
	o.string("resume", d.Resume)
	o.time("until", d.Until)
	o.number("waited_ns", int64(d.Waited))
	o.string("reason", d.Reason)
	if d.Question != nil {
		o.value("question", d.Question)
	}
	o.string("answer", string(d.Answer))
	o.number("before", int64(d.Before))
	o.string("from", d.From)
	o.time("started_at", d.StartedAt)
	o.time("ended_at", d.EndedAt)
	o.end()
	if o.err != nil {
		return "", fmt.Errorf("encoding: %w", o.err)
	}
	return o.text.String(), nil
}

// object is JSON text of an object, under construction. Members that are zero are
// left out.
type object struct {
	text strings.Builder
	more bool  // A member is there.
	err  error // The first.
}

func (o *object) begin() {
	o.text.WriteByte('{')
	o.more = false
}

func (o *object) end() {
	o.text.WriteByte('}')
	o.more = true
}

func (o *object) name(name string) {
	if o.more {
		o.text.WriteByte(',')
	}
	o.more = true
	o.text.WriteByte('"')
	o.text.WriteString(name)
	o.text.WriteString(`":`)
}

func (o *object) string(name, s string) {
	switch {
	case s == "":
	case isPlain(s):
		o.name(name)
		o.text.WriteByte('"')
		o.text.WriteString(s)
		o.text.WriteByte('"')
	default:
		o.value(name, s)
	}
}

func (o *object) number(name string, n int64) {
	if n != 0 {
		o.name(name)
		var room [20]byte
		o.text.Write(strconv.AppendInt(room[:0], n, 10))
	}
}

func (o *object) time(name string, t time.Time) {
	if t.IsZero() {
		return
	}
	var room [len(time.RFC3339Nano)]byte
	text, err := t.AppendText(room[:0])
	if err != nil {
		o.fail(err)
		return
	}
	o.name(name)
	o.text.WriteByte('"')
	o.text.Write(text)
	o.text.WriteByte('"')
}

func (o *object) attempts(name string, all []attempt) {
	if len(all) == 0 {
		return
	}
	o.name(name)
	o.text.WriteByte('[')
	for i := range all {
		if i > 0 {
			o.text.WriteByte(',')
		}
		o.attempt(&all[i])
	}
	o.text.WriteByte(']')
}

func (o *object) attempt(a *attempt) {
	o.begin()
	o.string("id", a.ID)
	o.time("started_at", a.StartedAt)
	o.time("ended_at", a.EndedAt)
	o.number("requests", int64(a.Requests))
	o.string("kind", a.Kind)
	o.string("message", a.Message)
	o.string("upstream", a.Upstream)
	o.string("said", a.Said)
	o.flag("unsure", a.Unsure)
	o.flag("reconcile", a.Reconcile)
	o.end()
}

func (o *object) flag(name string, is bool) {
	if is {
		o.name(name)
		o.text.WriteString("true")
	}
}

// value adds what is rare, or is not as plain as it looks.
func (o *object) value(name string, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		o.fail(err)
		return
	}
	o.name(name)
	o.text.Write(text)
}

func (o *object) fail(err error) {
	if o.err == nil {
		o.err = err
	}
}

// isPlain reports whether JSON has a text as it is.
func isPlain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}
