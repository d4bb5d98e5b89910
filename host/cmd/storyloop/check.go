package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/workflow"
)

// maxDocument bounds a workflow document, in bytes.
const maxDocument = 4 << 20

func (a *app) checkCommand() *cobra.Command {
	var sandbox bool
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Say what is wrong with workflow documents",
		Long: `Check reads workflow documents and compares them with the workflow schema and with
the catalogs of the connectors. It prints one line for each problem: where, what,
and what was probably meant. Credentials are compared with those of your credentials
file, if it holds any, or with the sandbox's.`,
		Example: `  storyloop check examples/*.yaml --sandbox
  storyloop check --json my.yaml | jq '.[].message'`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			s, err := a.openStack(cmd.Context(), stackOptions{sandbox: sandbox, forget: true})
			if err != nil {
				return err
			}
			defer s.close()
			return a.check(cmd.Context(), s, files)
		},
	}
	cmd.Flags().BoolVar(&sandbox, "sandbox", false, "with the credentials of a local Instagram, as run --sandbox has them")
	return cmd
}

// problemLine is a problem as JSON.
type problemLine struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Pointer string `json:"pointer"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Warning bool   `json:"warning,omitempty"`
}

func (a *app) check(ctx context.Context, s *stack, files []string) error {
	var all workflow.Problems
	var docs []*workflow.Document
	var wrong error
	var unread []error
	for _, file := range files {
		doc, problems, err := s.load(ctx, file, s.credentials())
		if err != nil {
			unread = append(unread, err)
			continue
		}
		if doc != nil {
			problems = append(problems, host.CheckHook(doc, docs, environment)...)
			docs = append(docs, doc)
		}
		if problems.Err() != nil {
			wrong = &exitError{code: exitUsage}
		}
		all = append(all, problems...)
		for _, p := range problems {
			if !a.json {
				fmt.Fprintln(a.stdout, p)
			}
		}
		if !a.json && len(problems) == 0 {
			fmt.Fprintf(a.stdout, "%s: ok\n", file)
		}
	}
	if a.json {
		if err := a.printJSON(problemLines(all)); err != nil {
			return err
		}
	}
	if len(unread) > 0 {
		return &exitError{exitUsage, errors.Join(unread...)}
	}
	return wrong
}

func problemLines(problems workflow.Problems) []problemLine {
	lines := []problemLine{}
	for _, p := range problems {
		lines = append(lines, problemLine{p.File, p.Line, p.Column, p.Pointer, p.Code, p.Message, p.Hint, p.Warning})
	}
	return lines
}

// load reads and checks a document. Problems are what is wrong with it; the error
// is for a file that cannot be read.
func (s *stack) load(ctx context.Context, file string, credentials map[string]string) (*workflow.Document, workflow.Problems, error) {
	text, err := readFile(file)
	if err != nil {
		return nil, nil, &exitError{exitUsage, err}
	}
	doc, err := workflow.Parse(file, text)
	var problems workflow.Problems
	switch {
	case errors.As(err, &problems):
		return nil, problems, nil
	case err != nil:
		return nil, nil, err
	}
	return doc, host.Check(ctx, doc, s.connectors, credentials), nil
}

// mustLoad is load for a document that is about to run.
func (s *stack) mustLoad(ctx context.Context, file string) (*workflow.Document, error) {
	doc, problems, err := s.load(ctx, file, s.vault.Connectors())
	if err != nil {
		return nil, err
	}
	if err := problems.Err(); err != nil {
		if s.app.json {
			if err := s.app.printJSON(map[string]any{"problems": problemLines(problems)}); err != nil {
				return nil, err
			}
		}
		err = fmt.Errorf("%s cannot be run:\n%w", file, err)
		if path, _ := s.app.credentialsPath(); len(s.vault.Connectors()) == 0 && wantCredentials(problems) {
			err = fmt.Errorf("%w\nthere are no credentials: put them into %s, or use --sandbox", err, path)
		}
		return nil, &exitError{exitUsage, err}
	}
	for _, p := range problems {
		fmt.Fprintln(s.app.stderr, p)
	}
	return doc, nil
}

func wantCredentials(problems workflow.Problems) bool {
	return slices.ContainsFunc(problems, func(p workflow.Problem) bool {
		return p.Code == "missing_credential" || p.Code == "unknown_credential"
	})
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err != nil {
		return nil, err // with the path
	}
	if len(text) > maxDocument {
		return nil, fmt.Errorf("%s has more than %d bytes: it is no workflow document", path, maxDocument)
	}
	return text, nil
}
