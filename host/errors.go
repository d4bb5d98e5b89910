package host

import (
	"errors"
	"fmt"
)

// NotFoundError says that there is nothing of that name.
type NotFoundError struct {
	Kind string // What was looked for, such as "credential".
	Name string
}

// Error returns one sentence.
func (e *NotFoundError) Error() string { return fmt.Sprintf("there is no %s %q", e.Kind, e.Name) }

// InputError says what is wrong with an input.
type InputError struct {
	Pointer string // RFC 6901 JSON Pointer into the input; empty means all of it.
	Message string
}

// Error returns one sentence.
func (e *InputError) Error() string {
	if e.Pointer == "" {
		return e.Message
	}
	return e.Pointer + ": " + e.Message
}

// StateError says that something cannot be done as things stand: perhaps they have
// changed since whoever asks for it has looked.
type StateError struct {
	Pointer string // Into the request, to what does not fit; empty means all of it.
	Message string
}

// Error returns one sentence.
func (e *StateError) Error() string { return e.Message }

func isNotFound(err error) bool {
	var missing *NotFoundError
	return errors.As(err, &missing)
}
