package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/storyloop/storyloop/host"
)

func (a *app) schedulesCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "schedules",
		Short:   "List when workflows are due",
		Example: "  storyloop schedules\n  storyloop schedules --json | jq '.schedules[].next'",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.listSchedules(cmd.Context()) },
	}
}

func (a *app) listSchedules(ctx context.Context) error {
	c, err := a.openClient(ctx, looks)
	if err != nil {
		return err
	}
	defer c.close()
	var raw json.RawMessage
	if err := c.get(ctx, "/api/v1/schedules", &raw); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(raw)
	}
	var list struct{ Schedules []host.Schedule }
	if err := json.Unmarshal(raw, &list); err != nil {
		return err
	}
	if len(list.Schedules) == 0 {
		fmt.Fprintln(a.stdout, "no schedules: no workflow that is on has the trigger schedule, or no host has run since it was added")
		return nil
	}
	var rows []table.Row
	for _, s := range list.Schedules {
		rows = append(rows, table.Row{s.Workflow, rule(s.Input), moment(s.Next), moment(s.Last), s.LastRun})
	}
	a.printTable(table.Row{"workflow", "when", "next", "last", "run"}, rows)
	return nil
}

// rule says for people when a schedule is due.
func rule(in host.ScheduleInput) string {
	if in.Every != "" {
		return "every " + in.Every
	}
	return in.Cron + " " + cmp.Or(in.TimeZone, "UTC")
}
