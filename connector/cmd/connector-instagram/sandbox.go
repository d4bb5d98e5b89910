package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

func sandboxCommand() connector.Command {
	return connector.Command{
		Name:    "sandbox",
		Summary: "serve a local Instagram on loopback",
		Run: func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
			o, flags, err := parseSandbox(args)
			switch {
			case errors.Is(err, flag.ErrHelp):
				fmt.Fprint(stdout, sandboxUsage)
				flags.SetOutput(stdout)
				flags.PrintDefaults()
				return exitOK
			case err != nil:
				fmt.Fprintf(stderr, "connector-instagram sandbox: %v\nRun “connector-instagram sandbox --help” for the flags.\n", err)
				return exitUsage
			}
			run := o.serve
			if o.printWorld {
				run = o.print
			}
			if err := run(ctx, stdout, stderr); err != nil {
				fmt.Fprintf(stderr, "connector-instagram sandbox: %v\n", err)
				return exitError
			}
			return exitOK
		},
	}
}

// sandboxOptions is what a person may say about the sandbox.
type sandboxOptions struct {
	addr        string
	stories     int
	media       int
	world       string
	callback    string
	verifyToken string
	appID       string
	appSecret   string
	clock       string
	frozen      bool
	attached    bool
	verbose     bool
	printWorld  bool
}

const sandboxUsage = `Serve a local Instagram: the Graph API of both login flavours, the OAuth
dialogs, and a sender of signed webhooks. Its first line of output is one JSON
object that says where it is and what to use: app, accounts, tokens. It serves
until it is interrupted. Everything that only an outsider, time or bad luck can do
is under /__sandbox/ of its address.

Usage:
  connector-instagram sandbox [flags]

Examples:
  connector-instagram sandbox
  connector-instagram sandbox --addr 127.0.0.1:8420 --stories 25
  connector-instagram sandbox --callback http://127.0.0.1:8080/webhooks/instagram/shop --verify-token secret
  connector-instagram sandbox --print-world --clock 2026-08-03T09:00:00Z > world.json
  connector-instagram sandbox --world world.json --clock 2026-08-03T09:00:00Z --frozen

Flags:
`

func parseSandbox(args []string) (sandboxOptions, *flag.FlagSet, error) {
	var o sandboxOptions
	flags := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // what to say, and where, is the command's affair
	flags.StringVar(&o.addr, "addr", "127.0.0.1:0", "`address` to listen on; port 0 picks a free one")
	flags.IntVar(&o.stories, "stories", 0, "live stories of @bluebottle (0: 30)")
	flags.IntVar(&o.media, "media", 0, "posts of @bluebottle (0: 36)")
	flags.StringVar(&o.world, "world", "", "JSON `file` to take the world from, instead of the built-in one")
	flags.StringVar(&o.callback, "callback", "", "`URL` to send webhooks of all fields to, as if it had been set at Meta's dashboard")
	flags.StringVar(&o.verifyToken, "verify-token", "", "verify `token` of the app")
	flags.StringVar(&o.appID, "app-id", "", "`id` of the app")
	flags.StringVar(&o.appSecret, "app-secret", "", "`secret` of the app, of both login flavours")
	flags.StringVar(&o.clock, "clock", "", "`time` that it is in the sandbox, such as 2026-08-03T09:00:00Z (default now)")
	flags.BoolVar(&o.frozen, "frozen", false, "have the clock stand still until it is told otherwise")
	flags.BoolVar(&o.attached, "attached", false, "end when standard input closes, as it does when the program that started the sandbox is gone")
	flags.BoolVar(&o.verbose, "verbose", false, "log webhook deliveries to standard error")
	flags.BoolVar(&o.printWorld, "print-world", false, "print the world as a file for --world, and end; its JSON Schema is at /__sandbox/world-schema")
	if err := flags.Parse(args); err != nil {
		return o, flags, err
	}
	switch {
	case flags.NArg() > 0:
		return o, flags, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.stories < 0 || o.media < 0:
		return o, flags, errors.New("--stories and --media cannot be negative")
	case o.world != "" && (o.stories != 0 || o.media != 0):
		return o, flags, errors.New("--world has stories and media of its own; leave out --stories and --media")
	}
	return o, flags, nil
}

// announcement is the first line of output.
type announcement struct {
	URL      string `json:"url"`
	Control  string `json:"control"`
	Now      string `json:"now"`
	Callback string `json:"callback,omitempty"`
	sandbox.Info
}

func (o sandboxOptions) serve(ctx context.Context, stdout, stderr io.Writer) (err error) {
	if o.attached {
		attached, end := context.WithCancel(ctx)
		defer end()
		ctx = attached
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // returns when the other side is gone
			end()
		}()
	}
	s, err := o.build(stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()

	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	url := "http://" + listener.Addr().String()
	line := announcement{URL: url, Control: url + "/__sandbox/", Now: s.Clock().Now().Format(time.RFC3339), Callback: o.callback, Info: s.Info()}
	if err := json.NewEncoder(stdout).Encode(line); err != nil {
		return errors.Join(fmt.Errorf("saying where the sandbox is: %w", err), server.Close(), ended(<-served))
	}
	select {
	case err := <-served:
		return ended(err)
	case <-ctx.Done():
		return errors.Join(server.Close(), ended(<-served))
	}
}

// ended is nil for a server that was closed on purpose.
func ended(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serving: %w", err)
}

// print writes the world that a sandbox with these options would begin with.
func (o sandboxOptions) print(_ context.Context, stdout, _ io.Writer) error {
	now, err := o.now()
	if err != nil {
		return err
	}
	world, err := o.makeWorld(now)
	if err != nil {
		return err
	}
	return world.Print(stdout)
}

// build makes the sandbox.
func (o sandboxOptions) build(stderr io.Writer) (*sandbox.Sandbox, error) {
	now, err := o.now()
	if err != nil {
		return nil, err
	}
	clock := sandbox.NewRunningClock(now)
	if o.frozen {
		clock = sandbox.NewClock(now)
	}
	world, err := o.makeWorld(now)
	if err != nil {
		return nil, err
	}
	options := sandbox.Options{World: world, Clock: clock}
	if o.verbose {
		options.Log = slog.New(slog.NewTextHandler(stderr, nil))
	}
	s, err := sandbox.New(options)
	if err != nil {
		return nil, fmt.Errorf("making the sandbox: %w", err)
	}
	if o.callback != "" {
		if err := s.SetCallback(o.callback, world.App.VerifyToken); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// now is what time it is in the sandbox at its start.
func (o sandboxOptions) now() (time.Time, error) {
	if o.clock == "" {
		return time.Now(), nil
	}
	t, err := time.Parse(time.RFC3339, o.clock)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading --clock: %q is not a time such as 2026-08-03T09:00:00Z", o.clock)
	}
	return t, nil
}

// makeWorld reads or builds the world, with the app that the flags name.
func (o sandboxOptions) makeWorld(now time.Time) (*sandbox.World, error) {
	world, err := o.readWorld(now)
	if err != nil {
		return nil, err
	}
	if o.verifyToken != "" {
		world.App.VerifyToken = o.verifyToken
	}
	if o.appID != "" {
		world.App.ID = o.appID
	}
	if o.appSecret != "" {
		world.App.Secret, world.App.InstagramSecret = o.appSecret, o.appSecret
	}
	return world, nil
}

func (o sandboxOptions) readWorld(now time.Time) (*sandbox.World, error) {
	if o.world == "" {
		return sandbox.Seed{At: now, Stories: o.stories, Media: o.media}.World(), nil
	}
	f, err := os.Open(o.world)
	if err != nil {
		return nil, fmt.Errorf("opening the world: %w", err)
	}
	defer f.Close()
	return sandbox.LoadWorld(f)
}
