package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/storyloop/storyloop/host"
)

// maxSteps is how many steps the API answers at once.
const maxSteps = 1000

// entryStates are the states that a step of a run may be in.
var entryStates = []host.EntryState{
	host.EntryIntent, host.EntryWaiting, host.EntryParked, host.EntryDone, host.EntryFailed, host.EntrySkipped,
}

func (a *app) runsShowCommand() *cobra.Command {
	var path string
	var states []string
	limit := 0
	cmd := &cobra.Command{
		Use:   "show RUN",
		Short: "Show a run and its steps",
		Long: `Show lists what a run has done, in the order in which it was begun: steps, pages of
lists (instagram-1#2), steps in loops (loop-1[3]/instagram-2), and iterations
(loop-1[3]). An iteration that went well has no line of its own where its loop has
only one step, which makes one call; with --step 'loop-1[3]' that step is shown.`,
		Example: `  storyloop runs show 20260131-140500-0a1b2c3d4e
  storyloop runs show 20260131-140500-0a1b2c3d4e --state failed,parked
  storyloop runs show 20260131-140500-0a1b2c3d4e --step 'loop-1[3]/instagram-2' --json | jq .output`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if limit < 1 {
				return usageErrorf("--limit must be 1 at least")
			}
			for _, state := range states {
				if !slices.Contains(entryStates, host.EntryState(state)) {
					return usageErrorf("--state: no step is ever %q; there are: %s", state, stateNames())
				}
			}
			c, err := a.openClient(cmd.Context(), looks)
			if err != nil {
				return err
			}
			defer c.close()
			if path != "" {
				return a.showStep(cmd.Context(), c, args[0], path)
			}
			return a.showRun(cmd.Context(), c, args[0], states, limit)
		},
	}
	f := cmd.Flags()
	f.StringVar(&path, "step", "", "show the step at this `path` with its input and output")
	f.StringSliceVar(&states, "state", nil, "only steps in these states: "+stateNames())
	f.IntVar(&limit, "limit", 100, "how many steps")
	return cmd
}

func stateNames() string {
	var names []string
	for _, state := range entryStates {
		names = append(names, string(state))
	}
	return strings.Join(names, ", ")
}

// history is what of a run's steps was asked for, as the API answers it.
type history struct {
	Steps []json.RawMessage `json:"steps"`
	Next  int64             `json:"next,omitempty"` // Of the page with the first of the rest; zero if these are all.
}

func (a *app) showRun(ctx context.Context, c *client, id string, states []string, limit int) error {
	var raw json.RawMessage
	if err := c.get(ctx, "/api/v1/runs/"+segment(id), &raw); err != nil {
		return err
	}
	all, entries, err := c.history(ctx, id, states, limit)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{"run": raw, "history": all})
	}
	var r host.Run
	if err := json.Unmarshal(raw, &r); err != nil {
		return err
	}
	a.printRunHead(c, r)
	if len(entries) == 0 {
		if len(states) > 0 {
			fmt.Fprintln(a.stdout, "\nno steps in these states")
		}
		return nil
	}
	var rows []table.Row
	for _, e := range entries {
		rows = append(rows, table.Row{e.Path, cmp.Or(e.Operation, "iteration"), painted(a.paintEntry(e.State)), len(e.Attempts), spent(e.StartedAt, e.EndedAt), entryRemark(e)})
	}
	fmt.Fprintln(a.stdout)
	a.printTable(table.Row{"step", "operation", "state", "attempts", "took", ""}, rows)
	if all.Next != 0 {
		fmt.Fprintf(a.stderr, "%s\n", a.paint(faint, fmt.Sprintf("there are more steps: --limit %d shows more, --state failed only what failed", limit*10)))
	}
	return nil
}

// history reads a run's first steps that are in one of the states, or in any if
// there are none, page by page.
func (c *client) history(ctx context.Context, id string, states []string, limit int) (all history, entries []host.Entry, err error) {
	all.Steps = []json.RawMessage{}
	for {
		q := url.Values{"limit": {strconv.Itoa(maxSteps)}}
		if len(states) == 0 {
			q.Set("limit", strconv.Itoa(min(limit-len(entries), maxSteps)))
		}
		from := all.Next
		if from != 0 {
			q.Set("from", strconv.FormatInt(from, 10))
		}
		var page history
		if err := c.get(ctx, "/api/v1/runs/"+segment(id)+"/steps?"+q.Encode(), &page); err != nil {
			return all, nil, err
		}
		for _, raw := range page.Steps {
			var e host.Entry
			if err := json.Unmarshal(raw, &e); err != nil {
				return all, nil, err
			}
			if len(states) == 0 || slices.Contains(states, string(e.State)) {
				all.Steps, entries = append(all.Steps, raw), append(entries, e)
			}
		}
		all.Next = page.Next
		if len(entries) > limit {
			all.Steps, entries, all.Next = all.Steps[:limit], entries[:limit], max(from, 1)
		}
		if all.Next == 0 || len(entries) == limit {
			return all, entries, nil
		}
	}
}

func (a *app) showStep(ctx context.Context, c *client, id, path string) error {
	var raw json.RawMessage
	if err := c.get(ctx, "/api/v1/runs/"+segment(id)+"/step?path="+url.QueryEscape(path), &raw); err != nil {
		return err
	}
	return a.printJSON(raw)
}

func entryRemark(e host.Entry) string {
	switch {
	case e.Question != nil && e.State == host.EntryParked:
		return e.Question.Text
	case e.Failure != nil:
		return e.Failure.Message + said(e)
	case e.From != "":
		return "done by run " + e.From
	}
	if e.State != host.EntryWaiting {
		return ""
	}
	return e.Reason
}

// said returns what the remote service said of a step's failure, if it did.
func said(e host.Entry) string {
	if n := len(e.Attempts); n > 0 && e.Attempts[n-1].Said != "" {
		return " The service said: " + e.Attempts[n-1].Said
	}
	return ""
}

func (a *app) paintEntry(s host.EntryState) string {
	switch s {
	case host.EntryDone:
		return a.paintOut(green, string(s))
	case host.EntryFailed:
		return a.paintOut(red, string(s))
	case host.EntryParked, host.EntryWaiting, host.EntryIntent:
		return a.paintOut(yellow, string(s))
	}
	return string(s)
}
