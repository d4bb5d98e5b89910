package core

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/core/jq"
	"google.golang.org/protobuf/types/known/durationpb"
)

// JQ runs jq programs. Errors of both methods are a *host.InputError where the
// program or its inputs are to blame, a *host.FailureError where they are not, or
// a fault of ours.
type JQ interface {
	// Check reports what is wrong with a program.
	Check(ctx context.Context, program string) error
	// Run returns the one value that a program gives for its inputs, both JSON; null
	// if it gives none. All digits of numbers are kept.
	Run(ctx context.Context, program string, inputs []byte) ([]byte, error)
}

var (
	_ JQ = (*jq.Pool)(nil)
	_ JQ = jq.Local{}
)

// jqTime is the default time-out of steps. Real programs take milliseconds.
const jqTime = 10 * time.Second

// transform returns the connector that reshapes data.
func transform(programs JQ) *builtin {
	if programs == nil {
		programs = jq.Local{}
	}
	op := operation("jq", "jq", "Reshapes data with a jq program.")
	op.Timeout = durationpb.New(jqTime)
	return &builtin{
		catalog: catalog("transform", "Transform", "Reshapes data.", op),
		handlers: map[string]handler{"jq": func(ctx context.Context, _ string, input []byte) (json.RawMessage, error) {
			return runJQ(ctx, programs, input)
		}},
		checks: map[string]check{"jq": func(ctx context.Context, input []byte, say func(pointer, code, summary string)) error {
			return checkJQ(ctx, programs, input, say)
		}},
	}
}

// jqInput is the input of jq.
type jqInput struct {
	Program string          `json:"program"`
	Inputs  json.RawMessage `json:"inputs"`
}

func checkJQ(ctx context.Context, programs JQ, input []byte, say func(pointer, code, summary string)) error {
	var in jqInput
	if json.Unmarshal(input, &in) != nil || in.Program == "" {
		return nil
	}
	err := programs.Check(ctx, in.Program)
	var wrong *host.InputError
	if errors.As(err, &wrong) {
		say(wrong.Pointer, "wrong_form", wrong.Message)
		return nil
	}
	return err
}

// runJQ gives the one value that a program results in. A program that only reads
// its inputs may be run again as often as one likes.
func runJQ(ctx context.Context, programs JQ, input []byte) (json.RawMessage, error) {
	in := jqInput{Inputs: json.RawMessage("{}")}
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, &host.InputError{Message: err.Error()}
	}
	result, err := programs.Run(ctx, in.Program, in.Inputs)
	if err != nil {
		return nil, err
	}
	return bytes.Join([][]byte{[]byte(`{"result":`), result, []byte("}")}, nil), nil
}
