package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/storyloop/storyloop/host/workflow"
)

// length is a flag's length of time. It takes days, as workflow documents do.
type length struct{ *time.Duration }

// Set reads what was given.
func (l length) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil {
		d, err = workflow.ParseDuration(text)
	}
	if err == nil {
		*l.Duration = d
	}
	return err
}

// Type is the word for it in the help.
func (length) Type() string { return "duration" }

// flagError says what a flag takes, where the library would say how it is read.
func flagError(_ *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	flag := invalid.GetFlag()
	takes, known := map[string]string{"int": "a whole number", "duration": "a length of time such as 90s, 15m, 72h or 30d", "bool": "true or false"}[flag.Value.Type()]
	if !known {
		return err
	}
	return fmt.Errorf("--%s must be %s, not %q", flag.Name, takes, invalid.GetValue())
}
