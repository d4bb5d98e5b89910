package workflow

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ohler55/ojg/jp"
)

// Ref is a reference to a value that is known when its step runs: an RFC 9535
// JSONPath below one of five roots, in which names may hold plain hyphens.
type Ref struct {
	Text string // As it was written: "$.steps.instagram-1.data".
	Root string // steps, errors, env, config or run.
	Name string // The step or variable after the root; empty below config and run.

	path []segment // What follows, if it leads to one value at most.
	expr jp.Expr   // What follows, if it selects a list of values.
}

// segment is one step of a path that leads to one value.
type segment struct {
	name    string
	index   int
	isIndex bool
}

func (s segment) String() string {
	if s.isIndex {
		return "[" + strconv.Itoa(s.index) + "]"
	}
	return "." + s.name
}

// RefError says what is wrong with the text of a reference.
type RefError struct {
	Text    string
	Offset  int // Of the first byte that is wrong.
	Message string
}

// Error returns the message, with the place where it helps.
func (e *RefError) Error() string {
	if e.Offset <= 0 {
		return fmt.Sprintf("the reference %s %s", e.Text, e.Message)
	}
	return fmt.Sprintf("the reference %s %s at character %d", e.Text, e.Message, utf8.RuneCountInString(e.Text[:min(e.Offset, len(e.Text))])+1)
}

// roots are what a reference may begin with; true if a name must follow.
var roots = map[string]bool{"steps": true, "errors": true, "env": true, "config": false, "run": false}

// ParseRef reads a reference.
func ParseRef(s string) (*Ref, error) {
	fail := func(offset int, format string, args ...any) (*Ref, error) {
		return nil, &RefError{s, offset, fmt.Sprintf(format, args...)}
	}
	if !strings.HasPrefix(s, "$") {
		return fail(0, "does not begin with $")
	}
	plain, places, err := plainHyphens(s)
	if err != nil {
		return nil, err
	}
	expr, err := jp.ParseString(plain)
	if err != nil {
		message, offset := pathError(err)
		return fail(places[min(max(offset, 0), len(places)-1)], "is not a path: %s", message)
	}
	for _, f := range expr[min(1, len(expr)):] {
		switch f.(type) {
		case jp.Child, jp.Nth, jp.Wildcard, jp.Descent, jp.Slice, jp.Union, *jp.Filter:
		default:
			return fail(0, "holds what JSONPath does not have")
		}
	}
	if len(expr) > 0 {
		if _, ok := expr[len(expr)-1].(jp.Descent); ok {
			return fail(0, "ends in dots")
		}
	}
	if len(expr) < 2 {
		return fail(0, "needs a root: $.steps, $.config, $.env, $.run or $.errors; to write a text that begins with $. double the $")
	}
	root, _ := expr[1].(jp.Child)
	needsName, known := roots[string(root)]
	if !known {
		return fail(0, "has an unknown root: use $.steps, $.config, $.env, $.run or $.errors; to write a text that begins with $. double the $")
	}
	r := &Ref{Text: s, Root: string(root)}
	rest := expr[2:]
	if needsName {
		if len(rest) == 0 {
			return fail(0, "must name what it means, as in $.%s.name", root)
		}
		name, ok := rest[0].(jp.Child)
		if !ok {
			return fail(0, "must name what it means, as in $.%s.name", root)
		}
		r.Name, rest = string(name), rest[1:]
	}
	if r.path, known = singular(rest); !known {
		r.expr = append(jp.Expr{jp.Root('$')}, rest...)
	}
	return r, nil
}

// Singular reports whether the reference leads to one value at most. Otherwise it
// selects a list of values.
func (r *Ref) Singular() bool { return r.expr == nil }

func singular(expr jp.Expr) ([]segment, bool) {
	path := make([]segment, 0, len(expr))
	for _, f := range expr {
		switch f := f.(type) {
		case jp.Child:
			path = append(path, segment{name: string(f)})
		case jp.Nth:
			path = append(path, segment{index: int(f), isIndex: true})
		default:
			return nil, false
		}
	}
	return path, true
}

// plainHyphens writes names that hold hyphens in brackets, as the library wants
// them, and returns for each byte of the result where it came from. It refuses
// what must not be left to the library's leniency.
func plainHyphens(s string) (string, []int, error) {
	var b strings.Builder
	places := make([]int, 0, len(s)+16)
	write := func(text string, from int) {
		b.WriteString(text)
		for range len(text) {
			places = append(places, from)
		}
	}
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '[':
			end, err := bracket(s, i)
			if err != nil {
				return "", nil, err
			}
			for j := i; j < end; j++ {
				write(s[j:j+1], j)
			}
			i = end
		case c == '.':
			start := i + 1
			end := start
			for end < len(s) && isName(s[end]) {
				end++
			}
			switch name := s[start:end]; {
			case !strings.Contains(name, "-"):
				write(s[i:end], i)
			case strings.HasSuffix(b.String(), "."): // below a descent: ..name
				write(".['"+name+"']", i)
			default:
				write("['"+name+"']", i)
			}
			i = end
		case c == '$' && i == 0, c == '*':
			write(s[i:i+1], i)
			i++
		default:
			return "", nil, &RefError{s, i, fmt.Sprintf("has an unexpected %q", firstRune(s[i:]))}
		}
	}
	return b.String(), append(places, len(s)), nil
}

// bracket returns where the bracket that opens at i has closed.
func bracket(s string, i int) (int, error) {
	depth, start := 0, i
	for ; i < len(s); i++ {
		switch s[i] {
		case '[', '(':
			depth++
			if depth > 20 {
				return 0, &RefError{s, i, "is nested too deeply"}
			}
		case ']', ')':
			if depth--; depth == 0 {
				return i + 1, nil
			}
		case '\'', '"':
			q := s[i]
			for i++; i < len(s) && s[i] != q; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		case '$':
			return 0, &RefError{s, i, "has a second $: within brackets only @ may be used"}
		}
	}
	return 0, &RefError{s, start, "has a bracket that is not closed"}
}

func isName(c byte) bool {
	return c == '_' || c == '-' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

// pathErrorForm is how the library says where a path is wrong: only in its text.
var pathErrorForm = regexp.MustCompile(`^(.*) at (\d+) in `)

func pathError(err error) (message string, offset int) {
	m := pathErrorForm.FindStringSubmatch(err.Error())
	if m == nil {
		return err.Error(), 0
	}
	offset, err = strconv.Atoi(m[2])
	if err != nil {
		offset = 0
	}
	return m[1], offset - 1
}

// NowhereError says that a path leads nowhere in the values at hand.
type NowhereError struct {
	Ref     *Ref
	Message string // "step instagram-1 has no data.nme".
	Hint    string // "did you mean \"name\"?".
}

// Error returns one sentence: path, step, closest names.
func (e *NowhereError) Error() string {
	s := fmt.Sprintf("%s leads nowhere: %s", e.Ref.Text, e.Message)
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

func isNowhere(err error) bool {
	var nowhere *NowhereError
	return errors.As(err, &nowhere)
}
