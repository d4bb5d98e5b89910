package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

type invokeOptions struct {
	input, credential, token string
	all, sandbox             bool
	timeout                  time.Duration
}

func (a *app) invokeCommand() *cobra.Command {
	var o invokeOptions
	cmd := &cobra.Command{
		Use:   "invoke CONNECTOR OPERATION",
		Short: "Call one operation, once",
		Long: `Invoke makes one call, without retries, and prints its output: JSON, as the
connector gave it. What the call cost goes to standard error.`,
		Example: `  storyloop invoke instagram list_stories --sandbox --credential bluebottle \
      --input '{"page_id":"134895793791914","ig_user_id":"17841405726653026"}'
  storyloop invoke instagram get_media --credential shop --input @input.json
  echo '{"page_id":"1"}' | storyloop invoke instagram list_stories --credential shop --input -`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			input, err := a.readInput(cmd.InOrStdin(), "--input", o.input)
			if err != nil {
				return err
			}
			s, err := a.openStack(cmd.Context(), stackOptions{sandbox: o.sandbox, forget: a.data == ""})
			if err != nil {
				return err
			}
			defer s.close()
			return a.invoke(cmd.Context(), s, args[0], args[1], input, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.input, "input", "{}", "the input as JSON, or @FILE, or - for standard input")
	f.StringVar(&o.credential, "credential", "", "`name` of the credential to use")
	f.StringVar(&o.token, "page-token", "", "go on with the page of this token")
	f.BoolVar(&o.all, "all", false, "fetch every page: prints one JSON value a line")
	f.BoolVar(&o.sandbox, "sandbox", false, "against a local Instagram that is started for the call")
	o.timeout = 5 * time.Minute
	f.Var(length{&o.timeout}, "timeout", "how long the call may take")
	return cmd
}

// maxInput is above what a connector takes, so that the host's own check answers.
const maxInput = 64 << 20

// readInput returns what a flag holds, or the file that it names.
func (a *app) readInput(stdin io.Reader, flag, value string) ([]byte, error) {
	switch path, isFile := strings.CutPrefix(value, "@"); {
	case isFile:
		f, err := os.Open(path)
		if err != nil {
			return nil, usageErrorf("reading %s: %w", flag, err)
		}
		defer f.Close()
		var b bytes.Buffer
		if info, err := f.Stat(); err == nil { // It may be a list of megabytes.
			b.Grow(int(min(max(info.Size(), 0), maxInput)) + bytes.MinRead)
		}
		if _, err := b.ReadFrom(io.LimitReader(f, maxInput)); err != nil {
			return nil, usageErrorf("reading %s: %w", flag, err)
		}
		return b.Bytes(), nil
	case value == "-" && stdin != nil:
		return io.ReadAll(io.LimitReader(stdin, maxInput))
	}
	return []byte(value), nil
}

func (a *app) invoke(ctx context.Context, s *stack, connector, operation string, input []byte, o invokeOptions) error {
	c, ok := s.connectors.Connector(connector)
	if !ok {
		return unknown("connector", connector, s.connectors.Names())
	}
	op, err := findOperation(c.Catalog(), operation)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	call := &connectorv1.Call{Id: "invoke", IdempotencyKey: "invoke"}
	if o.credential != "" {
		if owner, ok := s.vault.Connectors()[o.credential]; ok && owner != connector {
			return usageErrorf("the credential %q is for the connector %s, not for %s", o.credential, owner, connector)
		}
		if call.Credential, err = s.vault.Credential(ctx, o.credential); err != nil {
			return credentialError(o.credential, err)
		}
	}
	req := &connectorv1.InvokeRequest{Call: call, Operation: operation, Input: input, ResumeToken: o.token}
	if op.GetLongRunning() || o.all {
		return a.stream(ctx, c, req)
	}
	resp := c.Invoke(ctx, req)
	a.printCost(resp.GetReport())
	if f := resp.GetFailure(); f != nil {
		return callError(f, resp.GetReport(), call)
	}
	return a.printResult(resp.GetResult())
}

func (a *app) stream(ctx context.Context, c host.Connector, req *connectorv1.InvokeRequest) (err error) {
	c.InvokeStream(ctx, req, func(m *connectorv1.InvokeStreamResponse) {
		switch e := m.GetEvent().(type) {
		case *connectorv1.InvokeStreamResponse_Progress:
			fmt.Fprintln(a.stderr, a.paint(faint, printable(e.Progress.GetMessage())))
		case *connectorv1.InvokeStreamResponse_Failure:
			err = callError(e.Failure, m.GetReport(), req.GetCall())
		case *connectorv1.InvokeStreamResponse_Page:
			err = errors.Join(err, a.printResult(e.Page))
		}
		a.printCost(m.GetReport())
	})
	return err
}

// printResult prints an output: for a person indented, for a pipe as it came.
func (a *app) printResult(r *connectorv1.Result) error {
	for _, d := range r.GetDiagnostics() {
		fmt.Fprintln(a.stderr, a.paint(yellow, printable("warning: "+strings.TrimSpace(d.GetPointer()+" "+d.GetSummary()))))
	}
	if r.GetNextToken() != "" {
		fmt.Fprintln(a.stderr, a.paint(faint, printable("there is more: --page-token "+r.GetNextToken()+" (or --all)")))
	}
	if !json.Valid(r.GetOutput()) {
		return errors.New("the connector's output is not JSON: it has a fault")
	}
	if terminal(a.stdout) {
		return a.printJSON(json.RawMessage(r.GetOutput()))
	}
	_, err := fmt.Fprintf(a.stdout, "%s\n", r.GetOutput())
	return err
}

func (a *app) printCost(r *connectorv1.Report) {
	if r.GetRequests() == 0 {
		return
	}
	line := fmt.Sprintf("%d request(s)", r.GetRequests())
	for _, q := range r.GetQuotas() {
		line += fmt.Sprintf("; %.0f %% of %s of %s used", q.GetUsed()*100, q.GetName(), q.GetSubject())
	}
	fmt.Fprintln(a.stderr, a.paint(faint, line))
}

func findOperation(c *connectorv1.Catalog, name string) (*connectorv1.Operation, error) {
	var names []string
	for _, op := range c.GetOperations() {
		if op.GetName() == name {
			return op, nil
		}
		names = append(names, op.GetName())
	}
	return nil, unknown("operation of "+c.GetName(), name, names)
}

// callError says how a call failed. What nobody else was asked for is the command
// line's fault: an input that does not fit, or no credential.
func callError(f *connectorv1.Failure, report *connectorv1.Report, call *connectorv1.Call) error {
	err := failureError(f)
	unnamed := f.GetKind() == connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED && call.GetCredential() == nil
	if unnamed {
		err = fmt.Errorf("%w\n  name a credential with --credential", err)
	}
	if report.GetRequests() == 0 && (unnamed || f.GetKind() == connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT) {
		return &exitError{exitUsage, err}
	}
	return err
}

// failureError says what went wrong, where, and what the remote service said.
func failureError(f *connectorv1.Failure) error {
	kind := strings.ToLower(strings.TrimPrefix(f.GetKind().String(), "FAILURE_KIND_"))
	text := kind + ": " + f.GetMessage()
	for _, d := range f.GetDiagnostics() {
		said := strings.Contains(f.GetMessage(), d.GetSummary())
		switch {
		case said && d.GetDetail() != "":
			text += "\n  " + strings.TrimSpace(d.GetPointer()+" "+d.GetDetail())
		case !said:
			text += "\n  " + strings.TrimSpace(strings.Join([]string{d.GetPointer(), d.GetSummary(), d.GetDetail()}, " "))
		}
	}
	if u := f.GetUpstream(); u.GetCode() != "" {
		at := fmt.Sprintf("HTTP %d, code %s", u.GetStatus(), u.GetCode())
		if u.GetTraceId() != "" {
			at += ", trace " + u.GetTraceId()
		}
		text += "\n  the remote service said: " + strings.TrimSpace(u.GetMessage()+" ("+at+")")
	}
	if f.GetRetryAfter() != nil {
		text += fmt.Sprintf("\n  try again in %s", f.GetRetryAfter().AsDuration())
	}
	return &exitError{exitFailed, errors.New(text)}
}

func credentialError(name string, err error) error {
	var none *host.NotFoundError
	if errors.As(err, &none) && none.Kind == "credential" {
		return usageErrorf("%w: put it into the credentials file, or use --sandbox, whose credentials are named after its accounts, such as bluebottle", err)
	}
	if errors.As(err, &none) {
		return &exitError{exitUsage, err}
	}
	var failed *host.FailureError
	if errors.As(err, &failed) {
		return fmt.Errorf("credential %s: %w", name, failureError(failed.Failure))
	}
	return err
}
