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

func isNotFound(err error) bool {
	var missing *NotFoundError
	return errors.As(err, &missing)
}
