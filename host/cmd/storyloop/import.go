package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/storyloop/storyloop/host/tray"
	"github.com/storyloop/storyloop/host/workflow"
)

func (a *app) importCommand() *cobra.Command {
	var dir string
	var force bool
	fromTray := &cobra.Command{
		Use:   "tray EXPORT.json",
		Short: "Turn a Tray export (version 4) into workflow documents",
		Long: `Tray reads a workflow or project that was exported from Tray, writes each workflow
as a document into a directory, and lists all that has no counterpart here.
Nothing is dropped silently: what could not be converted is kept so that
storyloop check names it.`,
		Example: `  storyloop import tray export.json --dir workflows
  storyloop import tray export.json --json | jq '.[].notes'`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.importTray(args[0], dir, force) },
	}
	fromTray.Flags().StringVar(&dir, "dir", ".", "`directory` to write the documents into")
	fromTray.Flags().BoolVar(&force, "force", false, "replace documents that are there")
	return group(&cobra.Command{
		Use:     "import",
		Short:   "Turn other systems' workflows into documents",
		Example: "  storyloop import tray export.json --dir workflows",
	}, fromTray)
}

// importedLine is an imported workflow as JSON.
type importedLine struct {
	Name  string      `json:"name"`
	Title string      `json:"title"`
	File  string      `json:"file"`
	Notes []tray.Note `json:"notes"`
}

func (a *app) importTray(file, dir string, force bool) error {
	export, err := readFile(file)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	results, err := tray.Import(file, export)
	var problems workflow.Problems
	switch {
	case errors.As(err, &problems):
		return &exitError{exitUsage, fmt.Errorf("%s cannot be imported:\n%w", file, err)}
	case err != nil:
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the directory: %w", err)
	}
	lines := []importedLine{}
	for _, r := range results {
		path := filepath.Join(dir, r.Name+".yaml")
		if err := writeNew(path, r.Document, force); err != nil {
			return err
		}
		lines = append(lines, importedLine{r.Name, r.Title, path, r.Notes})
	}
	if a.json {
		return a.printJSON(lines)
	}
	for _, l := range lines {
		fmt.Fprintf(a.stdout, "wrote %s\n", l.File)
	}
	return tray.Report(a.stdout, results)
}

// writeNew writes a file that is not there yet.
func writeNew(path string, text []byte, force bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o644)
	if errors.Is(err, os.ErrExist) {
		return usageErrorf("%s is there already: use another --dir, or --force", path)
	}
	if err != nil {
		return fmt.Errorf("writing a document: %w", err)
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
