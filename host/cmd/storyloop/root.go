package main

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// app is what all commands share.
type app struct {
	getenv         func(string) string
	stdout, stderr io.Writer

	json        bool
	logLevel    string
	lockFile    string
	unverified  []string
	credentials string
	settings    string
	data        string
	inMemory    bool // --data is given, and empty.

	parsed bool // The command line was understood.
}

func (a *app) root() *cobra.Command {
	root := group(&cobra.Command{
		Use:   "storyloop",
		Short: "Run loop-collection workflows over connectors",
		Long: `storyloop loads connectors, runs workflow documents and takes webhooks in.

Exit codes: 0 done; 1 a run or an operation failed, or it could not be done as
things stand; 2 the command line or a document is wrong; 3 a run waits for a
person; 130 interrupted.`,
		Example: `  storyloop demo
  storyloop check examples/*.yaml --sandbox
  storyloop run examples/every-story.yaml --sandbox
  storyloop catalog instagram list_stories`,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRun: func(cmd *cobra.Command, _ []string) {
			a.parsed = true
			a.inMemory = cmd.Flags().Changed("data") && a.data == ""
		},
	}, a.demoCommand(), a.runCommand(), a.checkCommand(), a.catalogCommand(), a.invokeCommand(), a.upCommand(), a.connectorsCommand(),
		a.runsCommand(), a.workflowsCommand(), a.schedulesCommand(), a.pollsCommand(), a.backupCommand(), a.importCommand())
	root.SetFlagErrorFunc(flagError)
	f := root.PersistentFlags()
	f.BoolVar(&a.json, "json", false, "print JSON for programs instead of text for people")
	f.StringVar(&a.logLevel, "log-level", "warn", "what to log on standard error: debug, info, warn or error")
	f.StringVar(&a.lockFile, "lock", "", "lock file that names the connectors and their checksums (default: $STORYLOOP_LOCK, or connectors.lock beside this program)")
	f.StringArrayVar(&a.unverified, "unverified", nil, "also load the connector at this `path`, whatever its checksum: for development (repeatable)")
	f.StringVar(&a.credentials, "credentials", "", "file with credentials and app registrations (default: $STORYLOOP_CREDENTIALS, or storyloop/credentials.yaml in your configuration directory)")
	f.StringVar(&a.data, "data", "", "`file` that keeps workflows, runs and events (default: $STORYLOOP_DATA, or storyloop/storyloop.db in your configuration directory; run keeps nothing without it, or with ''; invoke uses one only if it is named here)")
	f.StringVar(&a.settings, "settings", "", `settings by connector as JSON, or @FILE, such as {"instagram": {"graph_version": "v25.0"}}`)
	return root
}

// group makes a command that only holds others: alone it shows its help, and what
// it does not hold is an error.
func group(cmd *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	cmd.Args = noCommand
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(commands...)
	return cmd
}

// noCommand refuses what a group does not hold.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return unknown("command of "+cmd.CommandPath(), args[0], names)
}

// log returns the host's own log: JSON lines on standard error.
func (a *app) log() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(a.logLevel)); err != nil {
		return nil, usageErrorf("--log-level must be debug, info, warn or error, not %q", a.logLevel)
	}
	return slog.New(slog.NewJSONHandler(a.stderr, &slog.HandlerOptions{Level: level})), nil
}

// lockPath returns the lock file to use.
func (a *app) lockPath() string {
	if a.lockFile != "" {
		return a.lockFile
	}
	if path := a.getenv("STORYLOOP_LOCK"); path != "" {
		return path
	}
	return filepath.Join(programDir(), "connectors.lock")
}

// credentialsPath returns the credentials file, and whether it was asked for and
// so must exist.
func (a *app) credentialsPath() (path string, must bool) {
	if a.credentials != "" {
		return a.credentials, true
	}
	if path := a.getenv("STORYLOOP_CREDENTIALS"); path != "" {
		return path, true
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", false
	}
	return filepath.Join(dir, "storyloop", "credentials.yaml"), false
}

// dataPath returns the file that keeps what a host must not forget; empty means
// memory. A host that is to be left running keeps things by default, and is not talked
// out of it by an empty --data, which may be an unset variable's.
func (a *app) dataPath(keep bool) (string, error) {
	if a.data != "" || a.inMemory && !keep {
		return a.data, nil
	}
	if path := a.getenv("STORYLOOP_DATA"); path != "" || !keep {
		return path, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", usageErrorf("there is no configuration directory to keep runs in: name a file with --data")
	}
	return filepath.Join(dir, "storyloop", "storyloop.db"), nil
}

// programDir is where this program lies, and its connectors beside it.
func programDir() string {
	path, err := os.Executable()
	if err != nil {
		return "."
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return filepath.Dir(path)
}
