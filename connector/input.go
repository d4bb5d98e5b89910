package connector

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/storyloop/storyloop/schemas/validate"
)

// inputProblems checks an input against its schema and then by the operation's
// own rules, which may rely on the schema.
func inputProblems(schema *validate.Schema, more validator, input []byte, unknown []string) []Problem {
	problems := checked(schema, input, unknown)
	if more == nil || len(problems) > 0 {
		return problems
	}
	known := func(pointer string) bool {
		return !slices.ContainsFunc(unknown, func(u string) bool { return pointer == u || strings.HasPrefix(pointer, u+"/") })
	}
	if len(unknown) > 0 {
		input = without(input, unknown)
	}
	return slices.DeleteFunc(more(input, known), func(p Problem) bool { return !known(p.Pointer) })
}

// checked checks a text against a schema.
func checked(schema *validate.Schema, text []byte, unknown []string) []Problem {
	if len(text) == 0 {
		text = []byte("{}")
	}
	problems, err := schema.CheckKnown(text, unknown)
	if err != nil {
		return []Problem{unchecked(err)}
	}
	var out []Problem
	for _, p := range problems {
		out = append(out, Problem{Pointer: p.Pointer, Code: p.Code, Summary: p.Message, Detail: p.Detail})
	}
	return out
}

// unchecked says why a text could not be checked.
func unchecked(err error) Problem {
	var syntax *validate.SyntaxError
	if errors.As(err, &syntax) {
		return Problem{Code: "not_json", Summary: syntax.Error()}
	}
	return Problem{Code: "not_checked", Summary: err.Error()}
}

// refuse turns errors among problems into one error whose message names them.
func refuse(problems []Problem, what string) *Error {
	var said []string
	for _, p := range problems {
		if p.Warning {
			continue
		}
		line := p.Summary
		if p.Pointer != "" {
			line = p.Pointer + " " + line
		}
		said = append(said, line)
	}
	if len(said) == 0 {
		return nil
	}
	if more := len(said) - 3; more > 0 {
		said = append(said[:3], fmt.Sprintf("and %d more", more))
	}
	return &Error{Kind: InvalidInput, Applied: AppliedNo, Message: what + ": " + strings.TrimSuffix(strings.Join(said, "; "), ".") + ".", Problems: problems}
}

// without removes members that are not known yet, whose values may be of another
// type than the author's struct expects. Items of arrays become null: their
// neighbours' places must stay.
func without(input []byte, unknown []string) []byte {
	value, err := validate.Decode(input)
	if err != nil {
		return input
	}
	for _, pointer := range unknown {
		if pointer != "" {
			value = removed(value, strings.Split(pointer[1:], "/"))
		}
	}
	out, err := json.Marshal(value)
	if err != nil {
		return input
	}
	return out
}

func removed(value any, path []string) any {
	token := strings.NewReplacer("~1", "/", "~0", "~").Replace(path[0])
	switch v := value.(type) {
	case map[string]any:
		member, ok := v[token]
		switch {
		case !ok:
		case len(path) == 1:
			delete(v, token)
		default:
			v[token] = removed(member, path[1:])
		}
	case []any:
		for i := range v {
			if fmt.Sprint(i) != token {
				continue
			}
			if len(path) == 1 {
				v[i] = nil
			} else {
				v[i] = removed(v[i], path[1:])
			}
		}
	}
	return value
}

// unknownName says that there is no such thing, and what there is.
func unknownName(what, name string, known []string) *Error {
	hint := "It has: " + strings.Join(known, ", ") + "."
	if near := validate.Nearest(name, known); near != "" {
		hint = fmt.Sprintf("Did you mean %q?", near)
	}
	e := Invalid("", "unknown_name", "The connector has no %s %q. %s", what, name, hint)
	return e
}

func keys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
