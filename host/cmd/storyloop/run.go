package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/workflow"

	"github.com/storyloop/storyloop/schemas/validate"
)

type runOptions struct {
	sandbox bool
	stories int
	trigger string
}

func (a *app) runCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Run a workflow once and show its progress",
		Long: `Run checks a workflow document, runs it to its end and says how it went. With
--json it prints one object: the run's state, its output if a step gave it one,
and the outputs of the steps outside of loops.`,
		Example: `  storyloop run examples/every-story.yaml --sandbox
  storyloop run mine.yaml --credentials credentials.yaml --json | jq '.steps["loop-1"]'
  storyloop run reply.yaml --trigger @event.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkStories(o.stories, o.sandbox); err != nil {
				return err
			}
			trigger, err := a.readInput(cmd.InOrStdin(), "--trigger", o.trigger)
			if err != nil {
				return err
			}
			if err := validate.Syntax(trigger); err != nil {
				return usageErrorf("--trigger is %w", err)
			}
			s, err := a.openStack(cmd.Context(), stackOptions{sandbox: o.sandbox, stories: o.stories})
			if err != nil {
				return err
			}
			defer s.close()
			doc, err := s.mustLoad(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if doc.Trigger.Connector != "manual" && o.trigger == noTrigger {
				fmt.Fprintf(a.stderr, "%s is started by an event of %s; give one with --trigger\n", doc.Name, doc.Trigger.Connector)
			}
			run, err := s.runOnce(cmd.Context(), doc, trigger)
			if err != nil {
				return err
			}
			return a.printRun(cmd.Context(), s, doc, run)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.sandbox, "sandbox", false, "run against a local Instagram that is started for the run")
	f.IntVar(&o.stories, "stories", 0, "how many stories the sandbox's first account has up (0: its own number)")
	f.StringVar(&o.trigger, "trigger", noTrigger, "what $.steps.trigger holds: JSON, or @FILE, or - for standard input")
	return cmd
}

// noTrigger is what $.steps.trigger holds unless told otherwise.
const noTrigger = "{}"

// runOnce runs a workflow to its end, or until it is parked, showing progress. One
// that is on in the data file stays on.
// When ctx ends the run is cancelled.
func (s *stack) runOnce(ctx context.Context, doc *workflow.Document, trigger json.RawMessage) (host.Run, error) {
	former, err := s.engine.Store.Definition(ctx, doc.Name, "")
	var missing *host.NotFoundError
	if err != nil && !errors.As(err, &missing) {
		return host.Run{}, err
	}
	if _, err := s.engine.Define(ctx, doc, former.Enabled, former.Subject); err != nil {
		return host.Run{}, err
	}
	id := newRunID()
	watcher := s.engine.Watch(id)
	defer watcher.Close()
	if _, _, err := s.engine.Start(ctx, host.StartRequest{Workflow: doc.Name, ID: id, Trigger: trigger}); err != nil {
		return host.Run{}, err
	}
	s.app.newProgress().follow(ctx, watcher)
	if ctx.Err() != nil {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if err := s.engine.Cancel(end, id); err != nil {
			return host.Run{}, err
		}
		return host.Run{}, ctx.Err()
	}
	return s.engine.Wait(ctx, id)
}

// newRunID returns an id that sorts by time.
func newRunID() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails
	return time.Now().UTC().Format("20060102-150405-") + hex.EncodeToString(b[:])
}

// runResult is a run as JSON.
type runResult struct {
	Run      string                     `json:"run"`
	Workflow string                     `json:"workflow"`
	State    host.RunState              `json:"state"`
	Seconds  float64                    `json:"seconds"`
	Failure  *workflow.Failure          `json:"failure,omitempty"`
	Question string                     `json:"question,omitempty"`
	Output   json.RawMessage            `json:"output,omitempty"`
	Steps    map[string]json.RawMessage `json:"steps"`
}

// printRun says how a run went, and turns that into the exit code.
func (a *app) printRun(ctx context.Context, s *stack, doc *workflow.Document, r host.Run) error {
	ended := r.EndedAt
	if ended.IsZero() { // parked: it will go on
		ended = time.Now()
	}
	took := ended.Sub(r.StartedAt).Round(time.Millisecond)
	var verdict error
	question := ""
	switch r.State {
	case host.RunSucceeded:
	case host.RunParked:
		question = r.Question.Text
		verdict = &exitError{exitParked, fmt.Errorf("run %s waits for a person: %s", r.ID, question)}
	default:
		verdict = &exitError{exitFailed, fmt.Errorf("run %s %s: %w%s", r.ID, r.State, r.Failure, s.saidOf(ctx, r))}
	}
	if a.json {
		steps, err := s.outputs(ctx, doc, r.ID)
		if err != nil {
			return err
		}
		if err := a.printJSON(runResult{r.ID, r.Workflow, r.State, took.Seconds(), r.Failure, question, r.Output, steps}); err != nil {
			return err
		}
		return verdict
	}
	if verdict == nil {
		fmt.Fprintf(a.stdout, "%s: %s in %s\n", r.Workflow, r.State, took)
	}
	return verdict
}

// saidOf returns what the remote service said of a run's failure, if it did.
func (s *stack) saidOf(ctx context.Context, r host.Run) string {
	if r.Failure == nil || r.Failure.Path == "" {
		return "" // it failed outside of its steps
	}
	step, err := s.engine.Step(ctx, r.ID, r.Failure.Path)
	if err != nil {
		return ""
	}
	return said(step)
}

// outputs returns what the steps outside of loops gave, by step.
func (s *stack) outputs(ctx context.Context, doc *workflow.Document, run string) (map[string]json.RawMessage, error) {
	pages, items := map[string][]json.RawMessage{}, map[string]string{}
	err := s.eachEntry(ctx, run, func(e host.Entry) {
		if !strings.Contains(e.Path, "[") && len(e.Output) > 0 {
			pages[e.Step] = append(pages[e.Step], e.Output)
			items[e.Step] = e.Items
		}
	})
	if err != nil {
		return nil, err
	}
	steps := map[string]json.RawMessage{}
	for step, outputs := range pages {
		most := 0
		if s, ok := doc.Step(step); ok {
			most = s.Paging.MaxItems
		}
		if steps[step], err = workflow.Join(outputs, items[step], most); err != nil {
			return nil, fmt.Errorf("putting the pages of %s together: %w", step, err)
		}
	}
	return steps, nil
}

func (s *stack) eachEntry(ctx context.Context, run string, f func(host.Entry)) error {
	for from := int64(0); ; {
		entries, next, err := s.engine.History(ctx, run, from, 1000)
		if err != nil {
			return err
		}
		for _, e := range entries {
			f(e)
		}
		if next == 0 {
			return nil
		}
		from = next
	}
}
