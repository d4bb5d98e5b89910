package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/storyloop/storyloop/host"
)

// maxRuns is how many runs the API answers at once.
const maxRuns = 1000

func (a *app) runsCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "runs",
		Short: "List, follow and steer runs",
		Long: `Runs talks to the host that runs on the data file (storyloop up). Where none does it
reads the file itself; a run that it starts then ends with the command, or goes on
in the next host.`,
		Example: `  storyloop runs list --state failed
  storyloop runs show 20260131-140500-0a1b2c3d4e
  storyloop runs watch 20260131-140500-0a1b2c3d4e`,
	}, a.runsListCommand(), a.runsShowCommand(), a.runsWatchCommand(), a.runsStartCommand(),
		a.runsCancelCommand(), a.runsRetryCommand(), a.runsResolveCommand())
}

func (a *app) runsListCommand() *cobra.Command {
	q, states, limit := url.Values{}, []string{}, 0
	var workflow, before, since string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List runs, the latest first",
		Example: `  storyloop runs list --workflow every-story
  storyloop runs list --state parked,waiting
  storyloop runs list --since 2026-01-31T00:00:00Z --json | jq '.runs[].id'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := time.Parse(time.RFC3339, since); since != "" && err != nil {
				return usageErrorf("--since must be a time such as 2026-01-31T14:05:00Z, not %q", since)
			}
			if limit < 1 || limit > maxRuns {
				return usageErrorf("--limit must be from 1 to %d; --before shows the next page", maxRuns)
			}
			for name, value := range map[string]string{"workflow": workflow, "before": before, "from": since, "state": strings.Join(states, ",")} {
				if value != "" {
					q.Set(name, value)
				}
			}
			q.Set("limit", strconv.Itoa(limit))
			return a.listRuns(cmd.Context(), q)
		},
	}
	f := cmd.Flags()
	f.StringVar(&workflow, "workflow", "", "only runs of this workflow")
	f.StringSliceVar(&states, "state", nil, "only runs in these states: queued, running, waiting, parked, succeeded, failed, cancelled")
	f.StringVar(&since, "since", "", "only runs that were created at this `time` or later, such as 2026-01-31T14:05:00Z")
	f.StringVar(&before, "before", "", "only runs that were created before this `run`: the next page")
	f.IntVar(&limit, "limit", 20, fmt.Sprintf("how many, %d at most", maxRuns))
	return cmd
}

func (a *app) listRuns(ctx context.Context, q url.Values) error {
	c, err := a.openClient(ctx, looks)
	if err != nil {
		return err
	}
	defer c.close()
	var raw json.RawMessage
	if err := c.get(ctx, "/api/v1/runs?"+q.Encode(), &raw); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(raw)
	}
	var list struct {
		Runs []host.Run
		Next string
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return err
	}
	if len(list.Runs) == 0 {
		if name := q.Get("workflow"); name != "" { // Nor a misspelt one.
			var known json.RawMessage
			if err := c.get(ctx, "/api/v1/workflows/"+segment(name), &known); err != nil {
				return err
			}
		}
		fmt.Fprintln(a.stdout, "no runs")
		return nil
	}
	var rows []table.Row
	for _, r := range list.Runs {
		rows = append(rows, table.Row{r.ID, r.Workflow, painted(a.paintState(r.State)), moment(r.CreatedAt), lasted(r), remark(r)})
	}
	a.printTable(table.Row{"run", "workflow", "state", "created", "took", ""}, rows)
	if slices.ContainsFunc(list.Runs, c.nobodyRuns) {
		fmt.Fprintln(a.stderr, a.paint(faint, "no host is running: storyloop up goes on with what is not over"))
	}
	if list.Next != "" {
		fmt.Fprintf(a.stderr, "%s\n", a.paint(faint, "more: --before "+list.Next))
	}
	return nil
}

// nobodyRuns reports whether a run is under way by its record only: its host has
// ended. What is parked waits for a person, and not for a host.
func (c *client) nobodyRuns(r host.Run) bool {
	return !c.remote && !r.State.Ended() && r.State != host.RunParked
}

// standing is how a run stands that nobody runs.
func standing(r host.Run) string {
	return string(r.State) + ", and no host is running: storyloop up goes on with it"
}

func (a *app) printRunHead(c *client, r host.Run) {
	say := func(name, value string) {
		if value != "" {
			fmt.Fprintf(a.stdout, "%-10s %s\n", name, printable(value))
		}
	}
	say("run", r.ID)
	say("workflow", r.Workflow+" (version "+r.Version+")")
	if c.nobodyRuns(r) {
		say("state", standing(r))
	} else {
		say("state", string(r.State))
	}
	say("created", moment(r.CreatedAt))
	say("took", lasted(r))
	say("because of", because(r))
	if r.Forecast != nil && !r.State.Ended() {
		say("forecast", r.Forecast.Text)
	}
	say("remark", remark(r))
	if r.Question != nil {
		say("answer", fmt.Sprintf("storyloop runs resolve %s repeat|skip --step '%s'", r.ID, r.Question.Path))
	}
}

func because(r host.Run) string {
	switch r.Origin.Kind {
	case host.ByEvent:
		return "event " + r.Event
	case host.BySchedule:
		return "schedule, due " + moment(r.Origin.Due)
	case host.ByCall:
		return "a call by run " + r.Origin.Run
	case host.ByAgain:
		return "run " + r.Origin.Run + ", done again: " + string(r.Origin.Again)
	}
	return ""
}

// printAnswer prints a run that has been steered.
func (a *app) printAnswer(raw json.RawMessage) error {
	if a.json {
		return a.printJSON(raw)
	}
	var r host.Run
	if err := json.Unmarshal(raw, &r); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "run %s of %s: %s\n", r.ID, r.Workflow, a.paintState(r.State))
	return nil
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

func lasted(r host.Run) string { return spent(r.StartedAt, r.EndedAt) }

func spent(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return ""
	}
	return duration(to.Sub(from))
}

// remark is what is to be known of a run beside its state.
func remark(r host.Run) string {
	switch {
	case r.Question != nil:
		return r.Question.Text
	case r.Failure != nil:
		return r.Failure.Error()
	}
	return r.Waits(time.Now())
}

func (a *app) paintState(s host.RunState) string {
	switch s {
	case host.RunSucceeded:
		return a.paintOut(green, string(s))
	case host.RunFailed:
		return a.paintOut(red, string(s))
	case host.RunParked, host.RunWaiting:
		return a.paintOut(yellow, string(s))
	}
	return string(s)
}
