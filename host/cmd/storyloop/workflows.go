package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/storyloop/storyloop/host/workflow"
)

// workflowLine is a workflow as the API answers it.
type workflowLine struct {
	Name    string    `json:"name"`
	Version string    `json:"version"`
	Title   string    `json:"title"`
	Enabled bool      `json:"enabled"`
	File    string    `json:"file"`
	AddedAt time.Time `json:"added_at"`
	Trigger struct {
		Connector string   `json:"connector"`
		Triggers  []string `json:"triggers"`
		Path      string   `json:"path"`
	} `json:"trigger"`
}

func (w workflowLine) startedBy() string {
	return strings.TrimSpace(w.Trigger.Connector + " " + strings.Join(w.Trigger.Triggers, ", ") + w.Trigger.Path)
}

func (w workflowLine) state() string {
	if w.Enabled {
		return "on"
	}
	return "off"
}

func (a *app) workflowsCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "workflows",
		Short: "List, add and switch stored workflows",
		Example: `  storyloop workflows add reply.yaml --enable
  storyloop workflows list
  storyloop workflows export reply > reply.json`,
	}, a.workflowsListCommand(), a.workflowsShowCommand(), a.workflowsAddCommand(), a.workflowsExportCommand(),
		a.workflowsTurnCommand("enable", "Let events and schedules start runs of workflows"),
		a.workflowsTurnCommand("disable", "Let events and schedules start no more runs of workflows"))
}

func (a *app) workflowsListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List stored workflows",
		Example: "  storyloop workflows list --json | jq '.workflows[] | select(.enabled)'",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.listWorkflows(cmd.Context(), "/api/v1/workflows") },
	}
}

func (a *app) listWorkflows(ctx context.Context, path string) error {
	c, err := a.openClient(ctx, looks)
	if err != nil {
		return err
	}
	defer c.close()
	var raw json.RawMessage
	if err := c.get(ctx, path, &raw); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(raw)
	}
	var list struct{ Workflows []workflowLine }
	if err := json.Unmarshal(raw, &list); err != nil {
		return err
	}
	if len(list.Workflows) == 0 {
		fmt.Fprintln(a.stdout, "no workflows; add one with: storyloop workflows add FILE")
		return nil
	}
	var rows []table.Row
	for _, w := range list.Workflows {
		rows = append(rows, table.Row{w.Name, w.state(), w.startedBy(), w.Version, moment(w.AddedAt), w.Title})
	}
	a.printTable(table.Row{"workflow", "state", "started by", "version", "added", "title"}, rows)
	return nil
}

func (a *app) workflowsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show WORKFLOW",
		Short:   "Show the versions of a workflow, the latest first",
		Example: "  storyloop workflows show every-story",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.listWorkflows(cmd.Context(), "/api/v1/workflows/"+segment(args[0])+"/versions")
		},
	}
}

func (a *app) workflowsExportCommand() *cobra.Command {
	var version string
	cmd := &cobra.Command{
		Use:     "export WORKFLOW",
		Short:   "Print a workflow's document, as it can be added again",
		Example: "  storyloop workflows export every-story > every-story.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.openClient(cmd.Context(), looks)
			if err != nil {
				return err
			}
			defer c.close()
			var raw json.RawMessage
			path := "/api/v1/workflows/" + segment(args[0]) + "/document"
			if version != "" {
				path += "?version=" + url.QueryEscape(version)
			}
			if err := c.get(cmd.Context(), path, &raw); err != nil {
				return err
			}
			return a.printIndented(raw)
		},
	}
	cmd.Flags().StringVar(&version, "version", "", "which version; the current one if it is not given")
	return cmd
}

// workflowsAddCommand adds documents after the same checks as `check`.
func (a *app) workflowsAddCommand() *cobra.Command {
	var enable bool
	cmd := &cobra.Command{
		Use:   "add FILE...",
		Short: "Store workflow documents, or new versions of them",
		Long: `Add checks workflow documents, as check does, and stores them. A new version of a
workflow that is on is on too. Runs go on in the version with which they began.`,
		Example: "  storyloop workflows add examples/every-story.yaml\n  storyloop workflows add reply.yaml --enable",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			c, err := a.openClient(cmd.Context(), adds)
			if err != nil {
				return err
			}
			defer c.close()
			for _, file := range files {
				if err := a.addWorkflow(cmd.Context(), c, file, enable); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&enable, "enable", false, "also let events and schedules start runs of them")
	return cmd
}

func (a *app) addWorkflow(ctx context.Context, c *client, file string, enable bool) error {
	text, err := readFile(file)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	var raw json.RawMessage
	in := map[string]any{"text": string(text), "file": file, "enable": enable}
	if err := c.do(ctx, http.MethodPost, "/api/v1/workflows", in, &raw); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(raw)
	}
	var added struct {
		Workflow workflowLine
		Warnings workflow.Problems
	}
	if err := json.Unmarshal(raw, &added); err != nil {
		return err
	}
	for _, p := range added.Warnings {
		fmt.Fprintln(a.stderr, p)
	}
	w := added.Workflow
	fmt.Fprintf(a.stdout, "%s: %s is stored as version %s and is %s\n", file, w.Name, w.Version, w.state())
	return nil
}

func (a *app) workflowsTurnCommand(verb, short string) *cobra.Command {
	return &cobra.Command{
		Use:     verb + " WORKFLOW...",
		Short:   short,
		Example: "  storyloop workflows " + verb + " reply-to-mention",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			c, err := a.openClient(cmd.Context(), looks)
			if err != nil {
				return err
			}
			defer c.close()
			for _, name := range names {
				var raw json.RawMessage
				if err := c.do(cmd.Context(), http.MethodPost, "/api/v1/workflows/"+segment(name)+"/"+verb, nil, &raw); err != nil {
					return err
				}
				if err := a.printTurned(c, raw); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (a *app) printTurned(c *client, raw json.RawMessage) error {
	if a.json {
		return a.printJSON(raw)
	}
	var w workflowLine
	if err := json.Unmarshal(raw, &w); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s is %s\n", w.Name, w.state())
	if !c.remote && w.Enabled {
		fmt.Fprintln(a.stderr, a.paint(faint, "no host is running: storyloop up takes its events in"))
	}
	return nil
}
