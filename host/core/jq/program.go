package jq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/itchyny/gojq"
	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/schemas/validate"
)

// compile reads a program. It has no access to files, to the environment or to
// other inputs: the library gives them only where it is told to.
func compile(program string) (code *gojq.Code, err error) {
	defer recovered(&err)
	query, err := gojq.Parse(program)
	var syntax *gojq.ParseError
	if errors.As(err, &syntax) {
		line, column := place(program, syntax.Offset-len(syntax.Token))
		return nil, wrong("is not a jq program: line %d, column %d: %v", line, column, err)
	}
	if err == nil {
		if code, err = gojq.Compile(query); err == nil {
			return code, nil
		}
	}
	return nil, wrong("is not a jq program: %v", err)
}

// place returns the line and the column of an offset, from 1.
func place(text string, offset int) (line, column int) {
	before := text[:min(max(offset, 0), len(text))]
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
}

// decode reads inputs. All digits of numbers are kept.
func decode(inputs []byte) (any, error) {
	if len(inputs) > MaxInput {
		return nil, &host.InputError{Pointer: "/inputs", Message: fmt.Sprintf("the inputs have %d bytes; at most %d are allowed", len(inputs), MaxInput)}
	}
	value, err := validate.Decode(inputs)
	if err != nil {
		return nil, &host.InputError{Pointer: "/inputs", Message: err.Error()}
	}
	return value, nil
}

// run gives the one value that a program results in, as JSON.
func run(ctx context.Context, code *gojq.Code, inputs any) (result []byte, err error) {
	defer recovered(&err)
	value, err := one(code.RunWithContext(ctx, inputs))
	if err != nil {
		return nil, err
	}
	if room := MaxOutput; fits(value, &room, 0) {
		if result, err = gojq.Marshal(value); err != nil {
			return nil, fmt.Errorf("writing the result of a jq program: %w", err)
		}
	}
	if result == nil || len(result) > MaxOutput { // Escapes take room, too.
		return nil, wrong("the result is larger than %d MiB, or nested too deep", MaxOutput>>20)
	}
	return result, nil
}

// one returns the one value of a program; nil if there is none.
func one(values gojq.Iter) (any, error) {
	value, ok := values.Next()
	if err, isErr := value.(error); isErr {
		return nil, failure(err)
	}
	if !ok {
		return nil, nil
	}
	switch next, more := values.Next(); {
	case !more:
		return value, nil
	default:
		if err, isErr := next.(error); isErr {
			return nil, failure(err)
		}
		return nil, wrong("the program gives more than one value; put it into [ ] to get a list of them")
	}
}

// failure says what went wrong while a program ran.
func failure(err error) error {
	var halt *gojq.HaltError
	if errors.As(err, &halt) {
		return wrong("the program halts; use error(\"why\") to fail, or empty for no value")
	}
	text := err.Error()
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "..."
	}
	return wrong("the program failed: %s", text)
}

// wrong returns an error that the program is to blame for.
func wrong(format string, args ...any) *host.InputError {
	return &host.InputError{Pointer: "/program", Message: fmt.Sprintf(format, args...)}
}

// recovered turns a panic of the library into an error: a program that is strange
// enough finds one. What it panics with may quote data.
func recovered(err *error) {
	if recover() != nil {
		*err = wrong("the program asks for something that cannot be calculated, such as a value too large for this computer")
	}
}

// fits takes the size of a value, as JSON at least, off room, and stops when there
// is none left.
func fits(value any, room *int, depth int) bool {
	const deepest = 1000
	if depth > deepest {
		return false
	}
	switch v := value.(type) {
	case string:
		*room -= len(v) + 2
	case json.Number:
		*room -= len(v)
	case *big.Int: // ten bits are three digits
		*room -= v.BitLen() * 3 / 10
	case []any:
		*room -= 2 + len(v)
		for _, item := range v {
			if *room < 0 || !fits(item, room, depth+1) {
				return false
			}
		}
	case map[string]any:
		*room -= 2
		for name, member := range v {
			*room -= len(name) + 4
			if *room < 0 || !fits(member, room, depth+1) {
				return false
			}
		}
	default:
		*room -= 4
	}
	return *room >= 0
}
