package core

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/itchyny/gojq"
	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/storyloop/storyloop/schemas/validate"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	// jqTime bounds a program that is called without a deadline, and is the default
	// of steps. Real ones take milliseconds.
	jqTime = 10 * time.Second
	// maxJQOutput bounds what a program gives, in bytes of JSON.
	maxJQOutput = 8 << 20
)

// transform returns the connector that reshapes data.
func transform() *builtin {
	jq := operation("jq", "jq", "Reshapes data with a jq program.")
	jq.Timeout = durationpb.New(jqTime)
	return &builtin{
		catalog:  catalog("transform", "Transform", "Reshapes data.", jq),
		handlers: map[string]handler{"jq": runJQ},
		checks:   map[string]check{"jq": checkJQ},
	}
}

// jqInput is the input of jq.
type jqInput struct {
	Program string          `json:"program"`
	Inputs  json.RawMessage `json:"inputs"`
}

func checkJQ(input []byte, say func(pointer, code, summary string)) {
	var in jqInput
	if json.Unmarshal(input, &in) != nil || in.Program == "" {
		return
	}
	if _, err := compileJQ(in.Program); err != nil {
		say("/program", "wrong_form", err.Error())
	}
}

// compileJQ reads a program. It has no access to files, to the environment or to
// other inputs: the library gives them only where it is told to.
func compileJQ(program string) (*gojq.Code, error) {
	query, err := gojq.Parse(program)
	var syntax *gojq.ParseError
	if errors.As(err, &syntax) {
		line, column := place(program, syntax.Offset-len(syntax.Token))
		return nil, fmt.Errorf("is not a jq program: line %d, column %d: %w", line, column, err)
	}
	if err == nil {
		var code *gojq.Code
		if code, err = gojq.Compile(query); err == nil {
			return code, nil
		}
	}
	return nil, fmt.Errorf("is not a jq program: %w", err)
}

// place returns the line and the column of an offset, from 1.
func place(text string, offset int) (line, column int) {
	before := text[:min(max(offset, 0), len(text))]
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
}

// runJQ gives the one value that a program results in. A program that only reads
// its inputs may be run again as often as one likes.
func runJQ(ctx context.Context, _ string, input []byte) (json.RawMessage, error) {
	in := jqInput{Inputs: json.RawMessage("{}")}
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, &host.InputError{Message: err.Error()}
	}
	inputs, err := validate.Decode(in.Inputs) // all digits of numbers are kept
	if err != nil {
		return nil, &host.InputError{Pointer: "/inputs", Message: err.Error()}
	}
	code, err := compileJQ(in.Program)
	if err != nil {
		return nil, &host.InputError{Pointer: "/program", Message: err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, jqTime*6)
	defer cancel()
	m, done := withinMemory(ctx, 8*uint64(len(in.Inputs))) // decoded, JSON takes several times as much
	defer done()
	value, err := one(code.RunWithContext(m, inputs))
	switch cause := context.Cause(m); {
	case errors.Is(cause, context.DeadlineExceeded):
		return nil, &host.InputError{Pointer: "/program", Message: "the program did not end in time; is it a loop that never ends?"}
	case errors.Is(cause, errMemory):
		// It may have been the others: another attempt tells.
		return nil, refused(connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, "%v", errMemory)
	case cause != nil:
		return nil, refused(connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, "The program was cut off.")
	case err != nil:
		return nil, err
	}
	if room := maxJQOutput; !fits(value, &room, 0) {
		return nil, &host.InputError{Pointer: "/program", Message: fmt.Sprintf("the result is larger than %d MiB, or nested too deep", maxJQOutput>>20)}
	}
	result, err := gojq.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("writing the result of a jq program: %w", err)
	}
	return bytes.Join([][]byte{[]byte(`{"result":`), result, []byte("}")}, nil), nil
}

// one returns the one value of a program; nil if there is none.
func one(values gojq.Iter) (any, error) {
	value, ok := values.Next()
	if err, isErr := value.(error); isErr {
		return nil, jqError(err)
	}
	if !ok {
		return nil, nil
	}
	switch next, more := values.Next(); {
	case !more:
		return value, nil
	default:
		if err, isErr := next.(error); isErr {
			return nil, jqError(err)
		}
		return nil, &host.InputError{Pointer: "/program", Message: "the program gives more than one value; put it into [ ] to get a list of them"}
	}
}

// jqError says what went wrong while a program ran.
func jqError(err error) error {
	var halt *gojq.HaltError
	if errors.As(err, &halt) {
		return &host.InputError{Pointer: "/program", Message: "the program halts; use error(\"why\") to fail, or empty for no value"}
	}
	return &host.InputError{Pointer: "/program", Message: "the program failed: " + err.Error()}
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
