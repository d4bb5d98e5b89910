package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/storyloop/storyloop/examples"
	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/workflow"
)

const demoWorkflow = "every-story.yaml"

func (a *app) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show a story loop against a local Instagram",
		Long: `Demo starts a local Instagram and the instagram connector as processes of their
own, lists an account's stories page by page, loops over them, gets each story,
and prints them. It needs no account, no credential and no network.`,
		Example: "  storyloop demo\n  storyloop demo --json | jq length",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context()) },
	}
}

// story is what the demo shows of each.
type story struct {
	ID        string `json:"id"`
	MediaType string `json:"media_type"`
	Timestamp string `json:"timestamp"`
	Permalink string `json:"permalink"`
}

func (a *app) demo(ctx context.Context) error {
	text, err := examples.FS.ReadFile(demoWorkflow)
	if err != nil {
		return err
	}
	doc, err := workflow.Parse(demoWorkflow, text)
	if err != nil {
		return err
	}
	s, err := a.openStack(ctx, stackOptions{sandbox: true, forget: a.data == ""})
	if err != nil {
		return err
	}
	defer s.close()
	if !a.json {
		fmt.Fprintf(a.stderr, "local Instagram at %s\n", s.sandbox.URL)
		for _, c := range s.connectors.plugins {
			fmt.Fprintf(a.stderr, "connector %s %s, process %d\n\n", c.Catalog().GetName(), c.Catalog().GetVersion(), c.Status().PID)
		}
	}
	if err := host.Check(ctx, doc, s.connectors, s.credentials()).Err(); err != nil {
		return err
	}
	run, err := s.runOnce(ctx, doc, nil)
	if err != nil {
		return err
	}
	if run.State != host.RunSucceeded {
		return a.printRun(ctx, s, doc, run)
	}
	stories, pages, err := s.stories(ctx, run.ID)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(stories)
	}
	var rows []table.Row
	for i, one := range stories {
		rows = append(rows, table.Row{i + 1, one.ID, one.MediaType, one.Timestamp, one.Permalink})
	}
	fmt.Fprintln(a.stdout)
	a.printTable(table.Row{"#", "story", "type", "posted", "permalink"}, rows)
	fmt.Fprintf(a.stdout, "\n%d stories in %d pages, %s\n", len(stories), pages, run.EndedAt.Sub(run.StartedAt).Round(1e6))
	return nil
}

// stories reads from the run's history what each iteration got, and how many
// pages the list had.
func (s *stack) stories(ctx context.Context, run string) (stories []story, pages int, err error) {
	var decoding error
	err = s.eachEntry(ctx, run, func(e host.Entry) {
		switch {
		case e.Operation == "list_stories" && len(e.Output) > 0:
			pages++
		case e.Operation == "get_story" && strings.HasPrefix(e.Path, "loop-1["):
			var one story
			if err := json.Unmarshal(e.Output, &one); err != nil {
				decoding = fmt.Errorf("reading %s: %w", e.Path, err)
			}
			stories = append(stories, one)
		}
	})
	if err == nil {
		err = decoding
	}
	return stories, pages, err
}
