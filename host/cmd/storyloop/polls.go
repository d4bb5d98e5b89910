package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/storyloop/storyloop/host"
)

func (a *app) pollsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "polls",
		Short:   "List what is polled for events, and how that goes",
		Example: "  storyloop polls\n  storyloop polls --json | jq '.polls[] | select(.failures)'",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.listPolls(cmd.Context()) },
	}
}

func (a *app) listPolls(ctx context.Context) error {
	c, err := a.openClient(ctx, runs) // the connectors know what can be polled
	if err != nil {
		return err
	}
	defer c.close()
	var raw json.RawMessage
	if err := c.get(ctx, "/api/v1/polls", &raw); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(raw)
	}
	var list struct{ Polls []host.Poll }
	if err := json.Unmarshal(raw, &list); err != nil {
		return err
	}
	if len(list.Polls) == 0 {
		fmt.Fprintln(a.stdout, "no polls: no workflow that is on has a trigger that can be polled")
		return nil
	}
	var rows []table.Row
	for _, p := range list.Polls {
		state := p.Waits
		if p.Failures > 0 {
			state = fmt.Sprintf("failed %d times: %s: %s", p.Failures, p.Kind, p.Message)
		}
		rows = append(rows, table.Row{p.Connector + " " + p.Trigger, p.Credential, shortly(p.Every), moment(p.Last), moment(p.Next), strings.Join(p.Workflows, ", "), state})
	}
	a.printTable(table.Row{"trigger", "credential", "every", "last", "next", "workflows", "state"}, rows)
	return nil
}
