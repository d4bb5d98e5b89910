package validate

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf8"
)

// deepest bounds how far values lie within each other.
const deepest = 100

// passes bounds how often a text is read, all in all: schemas may lead to others so
// that each value is asked for by ever more of them.
const passes = 32

// longest bounds the digits of a number. One that is longer may be beyond 64 bits.
const longest = 18

// fits reports whether text is JSON and fits for certain. If it does not, nothing
// is known yet.
func (s *shape) fits(text []byte) bool {
	g := glance{text: text}
	return utf8.Valid(text) && g.value(s) && g.next() == 0 && g.at == len(text)
}

// glance is one pass over a text. Its methods step over what they are named after,
// and report whether that was there and fits; nothing is read on where one does not.
type glance struct {
	text  []byte
	at    int
	depth int
	again int // Bytes that were read more than once.
}

func (g *glance) value(s *shape) bool {
	if g.depth++; s.open || g.depth > deepest {
		return false
	}
	first := g.next()
	start := g.at
	if !g.as(s, first) {
		return false
	}
	for _, also := range s.also {
		g.again += g.at - start
		g.at = start
		if g.again > passes*len(g.text) || !g.value(also) {
			return false
		}
	}
	g.depth--
	return true
}

// as steps over a value of which the first byte is known.
func (g *glance) as(s *shape, first byte) bool {
	switch first {
	case '{':
		return s.kinds&isObject != 0 && g.object(s)
	case '[':
		return s.kinds&isArray != 0 && g.array(s)
	case '"':
		return s.kinds&isString != 0 && g.string(s)
	case 't':
		return s.kinds&isBoolean != 0 && g.word("true")
	case 'f':
		return s.kinds&isBoolean != 0 && g.word("false")
	case 'n':
		return s.kinds&isNull != 0 && g.word("null")
	default:
		return g.number(s)
	}
}

func (g *glance) object(s *shape) bool {
	g.at++
	if g.next() == '}' {
		g.at++
		return s.required == 0
	}
	for there := uint64(0); ; g.at++ {
		if g.next() != '"' {
			return false
		}
		name, plain, ok := g.quoted()
		if !ok || !plain || g.next() != ':' {
			return false
		}
		g.at++
		p, known := s.properties[string(name)]
		if !p.listed && s.closed {
			return false
		}
		if !known {
			p.shape = s.others
		}
		there |= p.bit
		if !g.value(p.shape) {
			return false
		}
		switch g.next() {
		case ',':
		case '}':
			g.at++
			return there == s.required
		default:
			return false
		}
	}
}

func (g *glance) array(s *shape) bool {
	g.at++
	if g.next() == ']' {
		g.at++
		return s.minItems <= 0
	}
	for n := 1; ; n++ {
		if !g.value(s.items) {
			return false
		}
		switch g.next() {
		case ',':
			g.at++
		case ']':
			g.at++
			return n >= s.minItems && n <= s.maxItems && (!s.unique || n == 1)
		default:
			return false
		}
	}
}

func (g *glance) string(s *shape) bool {
	inside, plain, ok := g.quoted()
	if !ok || s.literal {
		return ok
	}
	if !plain {
		return false
	}
	if s.minLength >= 0 || s.maxLength >= 0 {
		n := utf8.RuneCount(inside)
		if n < s.minLength || s.maxLength >= 0 && n > s.maxLength {
			return false
		}
	}
	if len(s.enum) > 0 && !slices.Contains(s.enum, string(inside)) {
		return false
	}
	return (s.pattern == nil || s.pattern.Match(inside)) && (s.format == nil || s.format(string(inside)))
}

// quoted steps over a string. It is plain if its bytes are what it says.
func (g *glance) quoted() (inside []byte, plain, ok bool) {
	plain = true
	start := g.at + 1
	for i := start; i < len(g.text); i++ {
		switch c := g.text[i]; {
		case c == '"':
			g.at = i + 1
			return g.text[start:i], plain, true
		case c < ' ':
			return nil, false, false
		case c == '\\':
			plain = false
			if i++; i == len(g.text) {
				return nil, false, false
			}
			if g.text[i] == 'u' {
				if i += 4; i >= len(g.text) || !hexadecimal(g.text[i-3:i+1]) {
					return nil, false, false
				}
			} else if bytes.IndexByte([]byte(`"\/bfnrt`), g.text[i]) < 0 {
				return nil, false, false
			}
		}
	}
	return nil, false, false
}

// number steps over a whole number, or over any that is only asked for its kind. It
// stops before an exponent, behind which nothing fits.
func (g *glance) number(s *shape) bool {
	start := g.at
	if g.peek() == '-' {
		g.at++
	}
	first := g.at
	if !g.digits() || g.text[first] == '0' && g.at-first > 1 {
		return false
	}
	if g.peek() == '.' {
		g.at++
		return s.kinds&isFraction != 0 && !s.bounded && g.digits() && g.at-start <= longest
	}
	if s.kinds&isInteger == 0 || g.at-start > longest {
		return false
	}
	if !s.bounded {
		return true
	}
	n, err := strconv.ParseInt(string(g.text[start:g.at]), 10, 64)
	return err == nil && n >= s.low && n <= s.high
}

func (g *glance) digits() bool {
	start := g.at
	for c := g.peek(); c >= '0' && c <= '9'; c = g.peek() {
		g.at++
	}
	return g.at > start
}

func (g *glance) word(w string) bool {
	ok := len(g.text)-g.at >= len(w) && string(g.text[g.at:g.at+len(w)]) == w
	g.at += len(w)
	return ok
}

// next steps over white space, and returns the byte behind it.
func (g *glance) next() byte {
	for {
		switch c := g.peek(); c {
		case ' ', '\t', '\n', '\r':
			g.at++
		default:
			return c
		}
	}
}

// peek returns the next byte, or 0 at the end.
func (g *glance) peek() byte {
	if g.at < len(g.text) {
		return g.text[g.at]
	}
	return 0
}

func hexadecimal(digits []byte) bool {
	for _, c := range digits {
		if (c < '0' || c > '9') && (c|' ' < 'a' || c|' ' > 'f') {
			return false
		}
	}
	return true
}
