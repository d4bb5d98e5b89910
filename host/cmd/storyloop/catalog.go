package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/storyloop/storyloop/host/core"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/storyloop/storyloop/schemas/validate"
)

func (a *app) catalogCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "catalog [CONNECTOR] [OPERATION | TRIGGER]",
		Short: "Show what connectors offer",
		Example: `  storyloop catalog
  storyloop catalog instagram
  storyloop catalog instagram list_stories
  storyloop catalog instagram list_stories --json | jq .input_schema`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			log, err := a.log()
			if err != nil {
				return err
			}
			settings, err := a.connectorSettings()
			if err != nil {
				return err
			}
			connectors, err := a.openConnectors(cmd.Context(), log, nil, core.Connectors(), settings)
			if err != nil {
				return err
			}
			defer connectors.close(cmd.Context())
			switch len(args) {
			case 0:
				return a.showConnectors(connectors)
			case 1:
				catalog, err := findCatalog(connectors, args[0])
				if err != nil {
					return err
				}
				return a.showCatalog(catalog)
			default:
				catalog, err := findCatalog(connectors, args[0])
				if err != nil {
					return err
				}
				return a.showEntry(catalog, args[1])
			}
		},
	}
}

func findCatalog(r *registry, name string) (*connectorv1.Catalog, error) {
	c, ok := r.Connector(name)
	if !ok {
		return nil, unknown("connector", name, r.Names())
	}
	return c.Catalog(), nil
}

// unknown says that there is no such thing, and what was probably meant.
func unknown(kind, name string, known []string) error {
	if near := validate.Nearest(name, known); near != "" {
		return usageErrorf("there is no %s %q: did you mean %q?", kind, name, near)
	}
	return usageErrorf("there is no %s %q; there are: %s", kind, name, strings.Join(known, ", "))
}

type connectorLine struct {
	Name       string `json:"name"`
	Version    string `json:"version"`
	Title      string `json:"title"`
	Operations int    `json:"operations"`
	Triggers   int    `json:"triggers"`
}

func (a *app) showConnectors(r *registry) error {
	var lines []connectorLine
	var rows []table.Row
	for _, name := range r.Names() {
		c, _ := r.Connector(name)
		cat := c.Catalog()
		l := connectorLine{name, cat.GetVersion(), cat.GetTitle(), len(cat.GetOperations()), len(cat.GetTriggers())}
		lines = append(lines, l)
		rows = append(rows, table.Row{l.Name, l.Version, l.Operations, l.Triggers, l.Title})
	}
	if a.json {
		return a.printJSON(lines)
	}
	a.printTable(table.Row{"connector", "version", "operations", "triggers", "title"}, rows)
	return nil
}

type entryLine struct {
	Kind         string          `json:"kind"` // "operation" or "trigger".
	Name         string          `json:"name"`
	Title        string          `json:"title"`
	Summary      string          `json:"summary"`
	Description  string          `json:"description,omitempty"`
	Effect       string          `json:"effect,omitempty"`
	Paginated    bool            `json:"paginated,omitempty"`
	ItemsPointer string          `json:"items_pointer,omitempty"`
	LongRunning  bool            `json:"long_running,omitempty"`
	Reconcilable bool            `json:"reconcilable,omitempty"`
	Scopes       []string        `json:"scopes,omitempty"`
	Deprecation  string          `json:"deprecation,omitempty"`
	InputSchema  json.RawMessage `json:"input_schema,omitempty"`
	OutputSchema json.RawMessage `json:"output_schema,omitempty"`
}

func entries(c *connectorv1.Catalog) []entryLine {
	var all []entryLine
	for _, op := range c.GetOperations() {
		all = append(all, entryLine{
			Kind: "operation", Name: op.GetName(), Title: op.GetTitle(), Summary: op.GetSummary(), Description: op.GetDescription(),
			Effect: effect(op.GetEffect()), Paginated: op.GetPaginated(), ItemsPointer: op.GetItemsPointer(),
			LongRunning: op.GetLongRunning(), Reconcilable: op.GetReconcilable(), Scopes: op.GetScopes(), Deprecation: op.GetDeprecation(),
			InputSchema: op.GetInputSchema(), OutputSchema: op.GetOutputSchema(),
		})
	}
	for _, t := range c.GetTriggers() {
		all = append(all, entryLine{
			Kind: "trigger", Name: t.GetName(), Title: t.GetTitle(), Summary: t.GetSummary(), Description: t.GetDescription(),
			Scopes: t.GetScopes(), Deprecation: t.GetDeprecation(), InputSchema: t.GetInputSchema(), OutputSchema: t.GetOutputSchema(),
		})
	}
	return all
}

func effect(e connectorv1.Effect) string {
	if e == connectorv1.Effect_EFFECT_UNSPECIFIED {
		e = connectorv1.Effect_EFFECT_DESTRUCTIVE
	}
	return strings.ToLower(strings.TrimPrefix(e.String(), "EFFECT_"))
}

// consequences says what an operation does, and what its callers reckon with.
func (e entryLine) consequences() string {
	words := e.Effect
	if e.Paginated {
		words += ", in pages"
	}
	if e.LongRunning {
		words += ", may take minutes"
	}
	if e.Reconcilable {
		words += ", can be looked for when its answer was lost"
	}
	return words
}

func (a *app) showCatalog(c *connectorv1.Catalog) error {
	all := entries(c)
	if a.json {
		return a.printJSON(all)
	}
	var rows []table.Row
	for _, e := range all {
		what := e.Effect
		if e.Kind == "trigger" {
			what = "trigger"
		}
		rows = append(rows, table.Row{e.Name, what, e.Summary})
	}
	a.printTable(table.Row{c.GetName() + " " + c.GetVersion(), "", ""}, rows)
	return nil
}

func (a *app) showEntry(c *connectorv1.Catalog, name string) error {
	all := entries(c)
	i := slices.IndexFunc(all, func(e entryLine) bool { return e.Name == name })
	if i < 0 {
		var names []string
		for _, e := range all {
			names = append(names, e.Name)
		}
		return unknown("operation or trigger of "+c.GetName(), name, names)
	}
	e := all[i]
	if a.json {
		return a.printJSON(e)
	}
	fmt.Fprintf(a.stdout, "%s (%s)\n%s\n", e.Title, e.Name, e.Summary)
	if e.Description != "" {
		fmt.Fprintf(a.stdout, "\n%s\n", e.Description)
	}
	if e.Effect != "" {
		fmt.Fprintf(a.stdout, "\nEffect: %s\n", e.consequences())
	}
	if len(e.Scopes) > 0 {
		fmt.Fprintf(a.stdout, "\nScopes: %s\n", strings.Join(e.Scopes, ", "))
	}
	for _, part := range []struct {
		name   string
		schema json.RawMessage
	}{{"Input", e.InputSchema}, {"Output", e.OutputSchema}} {
		rows, err := schemaRows(part.schema)
		if err != nil {
			return fmt.Errorf("reading the schema of %s: %w", e.Name, err)
		}
		if len(rows) > 0 {
			fmt.Fprintln(a.stdout)
			a.printTable(table.Row{part.name, "type", "", "title"}, rows)
		}
	}
	return nil
}
