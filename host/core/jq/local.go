package jq

import (
	"context"
	"errors"
)

// Local runs programs in this very process, each for [MaxTime] at most. It looks
// after the heap between any two instructions of a program, which ends what grows
// by accident. Who means harm can still end the process: by one instruction that
// takes all memory, say, or a value nested deep enough. Its zero value is ready.
type Local struct{}

// Check reports what is wrong with a program: a *host.InputError.
func (Local) Check(_ context.Context, program string) error {
	_, err := compile(program)
	return err
}

// Run returns the one value that a program gives for its inputs, both JSON. Errors
// are those of [Pool.Run].
func (Local) Run(ctx context.Context, program string, inputs []byte) ([]byte, error) {
	value, err := decode(inputs)
	if err != nil {
		return nil, err
	}
	code, err := compile(program)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, MaxTime)
	defer cancel()
	allowed := left(ctx)
	m, done := withinMemory(ctx, 8*uint64(len(inputs))) // decoded, JSON takes several times as much
	defer done()
	result, err := run(m, code, value)
	switch cause := context.Cause(m); {
	case errors.Is(cause, context.DeadlineExceeded):
		return nil, late(allowed)
	case errors.Is(cause, errMemory):
		// It may have been the others: another attempt tells.
		return nil, unavailable("%v", errMemory)
	case cause != nil:
		return nil, cutOff()
	}
	return result, err
}
