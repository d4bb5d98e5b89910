package sandbox

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// graphTime is how nodes spell a time: no colon in the offset.
const graphTime = "2006-01-02T15:04:05-0700"

// An object is a JSON object that keeps the order of its members, as Meta's answers do.
type object []member

type member struct {
	key   string
	value any
}

// with returns the object with one more member; a nil value is left out, since Meta omits
// keys instead of sending null.
func (o object) with(key string, value any) object {
	if value == nil {
		return o
	}
	return append(o, member{key, value})
}

func (o object) has(key string) bool {
	for _, m := range o {
		if m.key == key {
			return true
		}
	}
	return false
}

// encode appends value as JSON the way Meta writes it: ASCII only, with \/ for a slash. The
// webhook signature is made over such bytes, so a receiver that parses and writes them again
// gets another digest.
func encode(b []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return appendString(b, v)
	case *string: // a node's own text: a pointer goes into an interface without a copy
		return appendString(b, *v)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return appendFloat(b, v)
	case time.Time:
		return appendTime(b, v)
	case *time.Time:
		return appendTime(b, *v)
	case object:
		return appendObject(b, v)
	case []object:
		return appendList(b, v, appendObject)
	case []string:
		return appendList(b, v, appendString)
	case []any:
		return appendList(b, v, encode)
	case json.RawMessage:
		return append(b, v...)
	case *json.RawMessage:
		return append(b, *v...)
	case json.Number:
		return append(b, v...)
	}
	// A value of another type is a bug of this package; the first request shows it.
	panic(fmt.Sprintf("sandbox: add %T to encode", value))
}

// appendTime writes a time as graphTime does, by hand, since lists are full of them.
func appendTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	b = append(b, '"')
	b = appendDigits(append(appendDigits(b, year/100), byte('0'+year/10%10), byte('0'+year%10), '-'), int(month))
	b = appendDigits(append(appendDigits(append(b, '-'), day), 'T'), hour)
	b = appendDigits(append(appendDigits(append(b, ':'), minute), ':'), second)
	return append(b, "+0000\""...)
}

func appendDigits(b []byte, n int) []byte { return append(b, byte('0'+n/10%10), byte('0'+n%10)) }

func appendObject(b []byte, o object) []byte {
	b = append(b, '{')
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, m.key)
		b = append(b, ':')
		b = encode(b, m.value)
	}
	return append(b, '}')
}

func appendList[T any](b []byte, list []T, one func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(b, v)
	}
	return append(b, ']')
}

func appendFloat(b []byte, f float64) []byte {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return strconv.AppendInt(b, int64(f), 10)
	}
	return strconv.AppendFloat(b, f, 'g', -1, 64)
}

// plainByte says which bytes of a string are written as they are.
var plainByte = func() (t [256]bool) {
	for c := 0x20; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\' && c != '/'
	}
	return t
}()

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plainByte[c] {
			i++
			continue
		}
		b = append(b, s[from:i]...)
		if c < utf8.RuneSelf {
			b = appendEscaped(b, c)
			i++
		} else {
			r, n := utf8.DecodeRuneInString(s[i:])
			b = appendRune(b, r)
			i += n
		}
		from = i
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}

func appendEscaped(b []byte, c byte) []byte {
	switch c {
	case '"', '\\', '/':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return appendHex(b, rune(c))
}

func appendRune(b []byte, r rune) []byte {
	if r < 0x10000 {
		return appendHex(b, r)
	}
	r -= 0x10000
	return appendHex(appendHex(b, 0xd800+r>>10), 0xdc00+r&0x3ff)
}

func appendHex(b []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}

// jsonNumber writes an id of digits as a JSON number, without a float in between.
func jsonNumber(id string) json.Number { return json.Number(id) }
