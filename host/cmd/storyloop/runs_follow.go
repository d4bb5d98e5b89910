package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/storyloop/storyloop/host"

	"github.com/storyloop/storyloop/schemas/validate"
)

func (a *app) runsWatchCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "watch [RUN]",
		Short: "Show a run's progress until it comes to rest, or the ends of all runs",
		Long: `Watch shows what a run does, and ends when the run has ended (exit code 0 or 1) or
waits for a person (3). Interrupted, it leaves the run alone. Without a run it
tells of each that comes to rest, until it is interrupted.

With --json it prints one object a line for each thing that happens.`,
		Example: "  storyloop runs watch 20260131-140500-0a1b2c3d4e\n  storyloop runs watch --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			c, err := a.openClient(ctx, looks)
			if err != nil {
				return err
			}
			defer c.close()
			if len(args) == 0 {
				return a.watchAll(ctx, c)
			}
			var r host.Run
			if err := c.get(ctx, "/api/v1/runs/"+segment(args[0]), &r); err != nil {
				return err
			}
			if c.nobodyRuns(r) {
				return fmt.Errorf("run %s is %s", r.ID, standing(r))
			}
			return a.watch(ctx, c, r.ID)
		},
	}
}

// watch shows a run's progress, and turns how it ended into the exit code.
func (a *app) watch(ctx context.Context, c *client, id string) error {
	p := a.newProgress()
	missed, err := c.events(ctx, "/api/v1/runs/"+segment(id)+"/events", func(e host.Progress) bool {
		if a.json {
			_ = a.printJSON(e)
		} else {
			p.show(e)
		}
		return e.Kind != host.RunEnded
	})
	p.wipe()
	if err != nil {
		return err
	}
	if missed > 0 {
		fmt.Fprintf(a.stderr, "(%d steps were too fast to be shown)\n", missed)
	}
	var r host.Run
	if err := c.get(ctx, "/api/v1/runs/"+segment(id), &r); err != nil {
		return err
	}
	return a.verdict(r)
}

// verdict says how a run came to rest.
func (a *app) verdict(r host.Run) error {
	switch r.State {
	case host.RunSucceeded:
		if !a.json {
			fmt.Fprintf(a.stdout, "%s: %s in %s\n", r.Workflow, a.paintState(r.State), lasted(r))
		}
		return nil
	case host.RunParked:
		return &exitError{exitParked, fmt.Errorf("run %s waits for a person: %s", r.ID, r.Question.Text)}
	case host.RunFailed:
		return &exitError{exitFailed, fmt.Errorf("run %s failed: %w", r.ID, r.Failure)}
	case host.RunCancelled:
		return &exitError{exitFailed, fmt.Errorf("run %s was cancelled", r.ID)}
	}
	return &exitError{exitFailed, fmt.Errorf("run %s is %s: the host ended, and the next one goes on with it", r.ID, r.State)}
}

func (a *app) watchAll(ctx context.Context, c *client) error {
	if !c.remote {
		return errors.New("no host is running on the data file: storyloop up starts one")
	}
	_, err := c.events(ctx, "/api/v1/events", func(e host.Progress) bool {
		if a.json {
			_ = a.printJSON(e)
			return true
		}
		text := e.At.Local().Format(time.TimeOnly) + "  " + e.Run + "  " + string(e.State)
		if e.Failure != nil {
			text += ": " + e.Failure.Error()
		}
		if e.Question != nil {
			text += ": " + e.Question.Text
		}
		fmt.Fprintln(a.stdout, printable(text))
		return true
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (a *app) runsStartCommand() *cobra.Command {
	var trigger string
	var watch bool
	cmd := &cobra.Command{
		Use:   "start WORKFLOW",
		Short: "Start a run of a stored workflow",
		Example: `  storyloop runs start every-story --watch
  storyloop runs start reply --trigger @event.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			payload, err := a.readInput(cmd.InOrStdin(), "--trigger", trigger)
			if err != nil {
				return err
			}
			if err := validate.Syntax(payload); err != nil {
				return usageErrorf("--trigger is %w", err)
			}
			in := map[string]any{"workflow": args[0], "trigger": json.RawMessage(payload)}
			return a.steer(cmd.Context(), "/api/v1/runs", in, watch)
		},
	}
	cmd.Flags().StringVar(&trigger, "trigger", "{}", "what $.steps.trigger holds: JSON, or @FILE, or - for standard input")
	cmd.Flags().BoolVar(&watch, "watch", false, "show its progress until it comes to rest")
	return cmd
}

func (a *app) runsCancelCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "cancel RUN...",
		Short:   "End runs, wherever they are",
		Example: "  storyloop runs cancel 20260131-140500-0a1b2c3d4e",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, ids []string) error {
			c, err := a.openClient(cmd.Context(), looks)
			if err != nil {
				return err
			}
			defer c.close()
			for _, id := range ids {
				var raw json.RawMessage
				if err := c.do(cmd.Context(), http.MethodPost, "/api/v1/runs/"+segment(id)+"/cancel", nil, &raw); err != nil {
					return err
				}
				if err := a.printCancelled(raw); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// printCancelled says how a run stands after it was to be cancelled: one that had
// ended before stays as it was.
func (a *app) printCancelled(raw json.RawMessage) error {
	var r host.Run
	if err := json.Unmarshal(raw, &r); err != nil {
		return err
	}
	if a.json || !r.State.Ended() || r.State == host.RunCancelled {
		return a.printAnswer(raw)
	}
	fmt.Fprintf(a.stdout, "run %s of %s had ended already: %s\n", r.ID, r.Workflow, a.paintState(r.State))
	return nil
}

func (a *app) runsRetryCommand() *cobra.Command {
	var from, loop string
	var latest, watch bool
	cmd := &cobra.Command{
		Use:   "retry RUN",
		Short: "Do a run again: whole, from the failed step, or a loop's failed iterations",
		Long: `Retry starts a new run that does again what is asked for, and takes over the rest
from the run that has ended.`,
		Example: `  storyloop runs retry 20260131-140500-0a1b2c3d4e
  storyloop runs retry 20260131-140500-0a1b2c3d4e --from failed --watch
  storyloop runs retry 20260131-140500-0a1b2c3d4e --from iterations --loop loop-1`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case from != "whole" && from != "failed" && from != "iterations":
				return usageErrorf("--from must be whole, failed or iterations, not %q", from)
			case from == "iterations" && loop == "":
				return usageErrorf("--from iterations wants --loop: say which loop, such as loop-1")
			}
			in := map[string]any{"from": from, "latest": latest}
			if loop != "" {
				in["loop"] = loop
			}
			return a.steer(cmd.Context(), "/api/v1/runs/"+segment(args[0])+"/retry", in, watch)
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "from", "whole", "what to do again: whole, failed (from the failed step on) or iterations (those of a loop that failed)")
	f.StringVar(&loop, "loop", "", "for --from iterations: the loop's `path`, such as loop-1")
	f.BoolVar(&latest, "latest", false, "take the workflow as it is now instead of as it was")
	f.BoolVar(&watch, "watch", false, "show its progress until it comes to rest")
	return cmd
}

func (a *app) runsResolveCommand() *cobra.Command {
	var watch bool
	var step string
	cmd := &cobra.Command{
		Use:   "resolve RUN repeat|skip",
		Short: "Answer what a parked run asks",
		Long: `A run is parked when only a person can say how it goes on: a write may have
happened, or a credential does not work. Look, then say repeat, and the step is
done again, or skip, and the run goes on without its output. With --step nothing
happens if the run asks about another step by now.`,
		Example: "  storyloop runs resolve 20260131-140500-0a1b2c3d4e skip --step 'loop-1[3]/instagram-2' --watch",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[1] != "repeat" && args[1] != "skip" {
				return usageErrorf("the answer must be repeat or skip, not %q", args[1])
			}
			return a.steer(cmd.Context(), "/api/v1/runs/"+segment(args[0])+"/resolve", map[string]string{"answer": args[1], "path": step}, watch)
		},
	}
	cmd.Flags().StringVar(&step, "step", "", "the `path` of the step that the answer is about, such as instagram-2")
	cmd.Flags().BoolVar(&watch, "watch", false, "show its progress until it comes to rest")
	return cmd
}

// steer sends a command after which a run goes on. Where no host runs it is this
// process in which it does: then it is followed to its end.
func (a *app) steer(ctx context.Context, path string, in any, watch bool) error {
	c, err := a.openClient(ctx, runs)
	if err != nil {
		return err
	}
	defer c.close()
	var raw json.RawMessage
	if err := c.do(ctx, http.MethodPost, path, in, &raw); err != nil {
		return err
	}
	if err := a.printAnswer(raw); err != nil {
		return err
	}
	var r host.Run
	if err := json.Unmarshal(raw, &r); err != nil {
		return err
	}
	if !watch && c.remote {
		return nil
	}
	return a.watch(ctx, c, r.ID)
}
