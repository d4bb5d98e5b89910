package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/storyloop/storyloop/host/plugin"
)

func (a *app) connectorsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "connectors",
		Short: "List the connectors of the lock file, or lock new ones",
		Example: `  storyloop connectors
  storyloop connectors --json | jq '.connectors[] | select(.state != "ok")'
  storyloop connectors lock ./bin/connector-instagram`,
		Args: noCommand,
		RunE: func(*cobra.Command, []string) error { return a.listConnectors() },
	}
	var quiet bool
	lock := &cobra.Command{
		Use:   "lock [PATH...]",
		Short: "Write down the checksums of binaries that you trust",
		Long: `Lock starts each binary once, reads its catalog, and writes its name, version and
SHA-256 into the lock file. A host starts only what is locked, and only if its
checksum is still the same. Without a path it locks every connector-* beside
this program.`,
		Example: `  storyloop connectors lock
  storyloop connectors lock ./bin/connector-instagram`,
		RunE: func(cmd *cobra.Command, paths []string) error { return a.lockConnectors(cmd.Context(), paths, quiet) },
	}
	lock.Flags().BoolVar(&quiet, "quiet", false, "print nothing if all goes well")
	cmd.AddCommand(lock)
	return cmd
}

// lockedList is the lock file as JSON, with how its binaries are.
type lockedList struct {
	Connectors []lockedLine `json:"connectors"`
}

type lockedLine struct {
	plugin.Locked
	State string `json:"state"` // "ok", or why a host would not start it.
}

func (a *app) listConnectors() error {
	lock, err := plugin.ReadLock(a.lockPath())
	if err != nil {
		return err
	}
	list := lockedList{Connectors: []lockedLine{}}
	var rows []table.Row
	for _, c := range lock.Connectors {
		state := "ok"
		if err := plugin.Verify(c.Binary(a.lockPath()), c.Sum()); err != nil {
			state = err.Error()
		}
		list.Connectors = append(list.Connectors, lockedLine{c, state})
		rows = append(rows, table.Row{c.Name, c.Version, c.Path, state})
	}
	if a.json {
		return a.printJSON(list)
	}
	if len(rows) == 0 {
		fmt.Fprintf(a.stdout, "%s names no connector; add one with: storyloop connectors lock PATH\n", a.lockPath())
		return nil
	}
	a.printTable(table.Row{"connector", "version", "path", "state"}, rows)
	return nil
}

func (a *app) lockConnectors(ctx context.Context, paths []string, quiet bool) error {
	if len(paths) == 0 {
		found, err := filepath.Glob(filepath.Join(programDir(), "connector-*"))
		if err != nil {
			return err
		}
		if paths = executables(found); len(paths) == 0 {
			return usageErrorf("there is no connector-* beside this program: name a path")
		}
	}
	lockPath := a.lockPath()
	lock, err := plugin.ReadLock(lockPath)
	if err != nil {
		return err
	}
	log, err := a.log()
	if err != nil {
		return err
	}
	for _, path := range paths {
		// The sum is taken before the start: what is locked is what was looked at.
		sum, err := plugin.Sum(path)
		if err != nil {
			return err
		}
		c, err := plugin.Open(ctx, plugin.Config{Path: path, SHA256: sum, Host: "storyloop/" + version, Log: log})
		if err != nil {
			return err
		}
		lock.Accept(c.Catalog(), relative(lockPath, path), sum)
		if err := c.Close(ctx); err != nil {
			return err
		}
		if !quiet && !a.json {
			fmt.Fprintf(a.stdout, "locked %s %s  sha256 %x\n", c.Catalog().GetName(), c.Catalog().GetVersion(), sum)
		}
	}
	if err := lock.Write(lockPath); err != nil || !a.json || quiet {
		return err
	}
	return a.printJSON(lock)
}

// relative expresses a binary's path as seen from the lock file, so that the two
// can be moved together.
func relative(lockPath, path string) string {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	dir, err := filepath.Abs(filepath.Dir(lockPath))
	if err != nil {
		return absolute
	}
	if rel, err := filepath.Rel(dir, absolute); err == nil && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return absolute
}

func executables(paths []string) []string {
	var out []string
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			out = append(out, p)
		}
	}
	return out
}

// connectorName guesses a connector's name from its binary's, for what must be
// known before it is started.
func connectorName(path string) string {
	name := strings.TrimSuffix(filepath.Base(path), ".exe")
	return strings.TrimPrefix(name, "connector-")
}

// instagramBinary finds the connector that carries the sandbox.
func (a *app) instagramBinary() (string, error) {
	for _, path := range a.unverified {
		if connectorName(path) == "instagram" {
			return path, nil
		}
	}
	lock, err := plugin.ReadLock(a.lockPath())
	if err != nil {
		return "", err
	}
	for _, c := range lock.Connectors {
		if c.Name != "instagram" {
			continue
		}
		path := c.Binary(a.lockPath())
		return path, plugin.Verify(path, c.Sum())
	}
	return "", errors.New("the sandbox is part of the instagram connector, which is not in the lock file: add it with: storyloop connectors lock PATH")
}
