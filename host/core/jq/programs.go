package jq

import "github.com/itchyny/gojq"

// programs keeps programs that were compiled, by their text: a loop runs the same
// one for each item.
type programs map[string]*gojq.Code

// maxPrograms is how many are kept. A host has few; all make room for one more.
const maxPrograms = 64

func (p programs) compiled(text string) (*gojq.Code, error) {
	if code, ok := p[text]; ok {
		return code, nil
	}
	code, err := compile(text)
	if err != nil {
		return nil, err
	}
	if len(p) >= maxPrograms {
		clear(p)
	}
	p[text] = code
	return code, nil
}
