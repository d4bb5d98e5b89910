package sandbox

import (
	"fmt"
	"strings"
)

// A field is one item of a `fields` parameter: a name, modifiers such as .limit(2), and the
// fields asked of what the name leads to.
type field struct {
	name string
	args []argument
	sub  []field
	open bool // braces were written, perhaps with nothing inside
}

type argument struct{ name, value string }

// arg returns the value of a modifier, "" without it.
func (f *field) arg(name string) string {
	for _, a := range f.args {
		if a.name == name {
			return a.value
		}
	}
	return ""
}

const (
	maxFieldDepth = 10
	maxFields     = 1000
)

// parseFields reads a `fields` text:
//
//	list = item ("," item)*
//	item = name ("." name "(" text ")")* ("{" list "}")?
//
// White space around the parts is allowed, and so is a JSON array of such items, which some
// clients send for every list parameter.
func parseFields(text string) ([]field, error) {
	p := fieldParser{text: jsonList(text)}
	list, err := p.list(0)
	if err != nil {
		return nil, err
	}
	if p.at < len(p.text) {
		return nil, p.errorf("unexpected %q", p.text[p.at])
	}
	return list, nil
}

type fieldParser struct {
	text  string
	at    int
	count int
}

func (p *fieldParser) list(depth int) ([]field, error) {
	if depth > maxFieldDepth {
		return nil, p.errorf("expansion is deeper than %d", maxFieldDepth)
	}
	var list []field
	for {
		p.space()
		if p.ends() { // "a,,b", "a," and "" are read as without the empty item
			if !p.skip(',') {
				return list, nil
			}
			continue
		}
		f, err := p.item(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, f)
		p.space()
		if !p.skip(',') {
			return list, nil
		}
	}
}

func (p *fieldParser) item(depth int) (field, error) {
	if p.count++; p.count > maxFields {
		return field{}, p.errorf("more than %d fields", maxFields)
	}
	name := p.name()
	if name == "" {
		return field{}, p.errorf("a field name is missing")
	}
	f := field{name: name}
	for p.skip('.') {
		a, err := p.argument()
		if err != nil {
			return field{}, err
		}
		f.args = append(f.args, a)
	}
	p.space()
	if !p.skip('{') {
		return f, nil
	}
	f.open = true
	sub, err := p.list(depth + 1)
	if err != nil {
		return field{}, err
	}
	if !p.skip('}') {
		return field{}, p.errorf("%q is not closed with }", name)
	}
	f.sub = sub
	return f, nil
}

func (p *fieldParser) argument() (argument, error) {
	name := p.name()
	if name == "" || !p.skip('(') {
		return argument{}, p.errorf("a modifier is written .name(value)")
	}
	end := strings.IndexByte(p.text[p.at:], ')')
	if end < 0 {
		return argument{}, p.errorf("%q is not closed with )", name)
	}
	value := p.text[p.at : p.at+end]
	p.at += end + 1
	return argument{name, strings.TrimSpace(value)}, nil
}

func (p *fieldParser) name() string {
	from := p.at
	for p.at < len(p.text) && isNameByte(p.text[p.at]) {
		p.at++
	}
	return p.text[from:p.at]
}

func (p *fieldParser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *fieldParser) skip(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// ends says whether no item begins here.
func (p *fieldParser) ends() bool {
	return p.at == len(p.text) || p.text[p.at] == ',' || p.text[p.at] == '}'
}

func (p *fieldParser) errorf(format string, args ...any) error {
	return fmt.Errorf("%s at position %d", fmt.Sprintf(format, args...), p.at)
}

func isNameByte(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// fieldsText writes fields as parseFields reads them, for URLs that lead to the next page of
// an expanded edge.
func fieldsText(list []field) string {
	var b strings.Builder
	writeFields(&b, list)
	return b.String()
}

func writeFields(b *strings.Builder, list []field) {
	for i, f := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(f.name)
		for _, a := range f.args {
			b.WriteString("." + a.name + "(" + a.value + ")")
		}
		if f.open {
			b.WriteByte('{')
			writeFields(b, f.sub)
			b.WriteByte('}')
		}
	}
}
