package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/storyloop/storyloop/host"
	hosthttp "github.com/storyloop/storyloop/host/http"
	"github.com/storyloop/storyloop/host/http/metrics"
	"github.com/storyloop/storyloop/host/workflow"
)

// registration is the name of the app registration whose webhooks are subscribed.
const registration = "default"

func (a *app) upCommand() *cobra.Command {
	var o upOptions
	cmd := &cobra.Command{
		Use:   "up [FILE...]",
		Short: "Take webhooks and run workflows until told to stop",
		Long: `Up checks the workflow documents, subscribes to the events that trigger them,
takes webhooks in, polls for events that come by none, and runs the workflows. It
goes on until it is interrupted.
What an earlier process left unfinished in the data file goes on, and workflows of
it that are on stay on. With --sandbox there is no data file unless --data names one.

It serves webhooks, /healthz and /readyz to everybody, and the JSON API (see
/api/v1/openapi.json) and /metrics to this computer. Others, and all where
--public-url says that others come, need the operator's token: --api-token-file,
or $STORYLOOP_API_TOKEN. A workflow with the trigger
webhook is started by requests to /hooks/ and its path, from this computer or with
the secret that its credential names.

Traces go to the OpenTelemetry collector that $OTEL_EXPORTER_OTLP_ENDPOINT names,
if it names one; OpenTelemetry's other variables say how.

With --json its first line of output is one JSON object: where it listens, the
data file, webhook URLs, those that start a workflow and, with --sandbox, the sandbox's URL,
app id, app secret and verify token. Each line after it is a run that came to rest.`,
		Example: `  storyloop up examples/reply-to-mention.yaml --sandbox
  storyloop up *.yaml --addr :8080 --public-url https://hooks.example.com`,
		RunE: func(cmd *cobra.Command, files []string) error { return a.up(cmd.Context(), files, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.addr, "addr", "127.0.0.1:0", "`address` to listen on")
	o.keep = 30 * 24 * time.Hour
	f.Var(length{&o.keep}, "keep", "how long ended runs are kept, such as 72h or 30d; the latest 20 of each workflow stay longer; 0 keeps all for ever")
	f.StringVar(&o.publicURL, "public-url", "", "how the remote service reaches this host (default: http:// and the address)")
	f.StringVar(&o.apiToken, "api-token-file", "", "`file` with the token that opens the JSON API (default: $STORYLOOP_API_TOKEN)")
	f.BoolVar(&o.sandbox, "sandbox", false, "with a local Instagram that is started beside")
	f.IntVar(&o.stories, "stories", 0, "how many stories the sandbox's first account has up (0: its own number)")
	return cmd
}

// upLine is the first line of output.
type upLine struct {
	Address   string            `json:"address"`
	Webhooks  map[string]string `json:"webhooks"`        // URL by connector.
	Hooks     map[string]string `json:"hooks,omitempty"` // URL by workflow, of those that a request starts.
	Workflows []string          `json:"workflows"`
	Resumed   int               `json:"resumed"` // Runs that an earlier process left unfinished.
	Data      string            `json:"data"`    // The file that keeps all; empty if only memory does.
	Sandbox   *sandboxLine      `json:"sandbox,omitempty"`
}

// sandboxLine says how to drive the sandbox. Its secrets open nothing.
type sandboxLine struct {
	URL         string `json:"url"`
	AppID       string `json:"app_id"`
	AppSecret   string `json:"app_secret"`
	VerifyToken string `json:"verify_token"`
}

func (a *app) up(ctx context.Context, files []string, o upOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	token, err := a.apiToken(o.apiToken)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	defer listener.Close()
	counted := metrics.New()
	s, err := a.openStack(ctx, stackOptions{sandbox: o.sandbox, stories: o.stories, keep: true, metrics: counted})
	if err != nil {
		return err
	}
	defer s.close()
	var docs []*workflow.Document
	for _, file := range files {
		doc, err := s.mustLoad(ctx, file)
		if err != nil {
			return err
		}
		docs = append(docs, doc)
	}

	wake := make(chan struct{}, 1)
	stored := func() {
		select {
		case wake <- struct{}{}:
		default: // it is awake
		}
	}
	mux, on := http.NewServeMux(), &enabler{s, newReach(listener, o.publicURL)}
	(&hosthttp.Webhooks{Connectors: s.connectors, Vault: s.vault, Inbox: s.engine, Stored: stored, Now: time.Now, Log: s.log}).Register(mux)
	(&hosthttp.Hooks{Engine: s.engine, Vault: s.vault, Near: on.reach.near, Stored: stored, Now: time.Now, Log: s.log}).Register(mux)
	line := upLine{Address: "http://" + listener.Addr().String(), Webhooks: map[string]string{}}
	served := make(chan error, 1)
	serving, stop := context.WithCancel(ctx)
	defer stop()
	web := &site{stack: s, metrics: counted, token: token, on: on, closing: make(chan struct{})}
	handler, err := web.handler(listener, mux)
	if err != nil {
		return err
	}
	context.AfterFunc(serving, func() { close(web.closing) })
	go func() { served <- hosthttp.Serve(serving, listener, handler, s.log) }()
	defer func() { stop(); <-served }()

	for _, doc := range docs {
		if err := on.enable(ctx, doc, line.Webhooks); err != nil {
			return err
		}
		line.Workflows = append(line.Workflows, doc.Name)
	}
	again, err := on.again(ctx, line.Workflows, line.Webhooks)
	if err != nil {
		return err
	}
	line.Workflows = append(line.Workflows, again...)
	if line.Hooks, err = on.hooks(ctx); err != nil {
		return err
	}
	watcher := s.engine.Watch("") // before the first run can end
	defer watcher.Close()
	// What an earlier process left unfinished goes on.
	resumed, err := s.engine.Resume(ctx)
	if err != nil {
		return err
	}
	line.Resumed = resumed
	if s.file != nil {
		line.Data = s.file.Path()
	}
	if s.sandbox != nil {
		line.Sandbox = &sandboxLine{s.sandbox.URL, s.sandbox.AppID, s.sandbox.AppSecret, s.sandbox.VerifyToken}
	}
	var beside sync.WaitGroup
	beside.Go(func() { s.dispatch(serving, wake) })
	beside.Go(func() { _ = s.engine.RunSchedules(serving) }) // it logs what goes wrong
	beside.Go(func() { _ = s.engine.RunPolls(serving, stored) })
	beside.Go(func() { _ = s.engine.RunHalted(serving) })
	beside.Go(func() { s.retain(serving, o.keep) })
	defer func() { stop(); beside.Wait() }()
	withdraw, err := web.announce()
	if err != nil {
		return err
	}
	defer withdraw()
	if token == "" && !on.reach.near {
		fmt.Fprintln(a.stderr, a.paint(faint, "API and metrics are closed to programs: open them with a token in STORYLOOP_API_TOKEN, or --api-token-file"))
	}
	if err := a.printUp(line); err != nil {
		return err
	}
	return a.attend(ctx, s, watcher, served)
}

// dispatch starts the runs of events that were stored, until ctx ends. What it
// cannot start stays in the inbox.
func (s *stack) dispatch(ctx context.Context, wake chan struct{}) {
	const pause = 5 * time.Second
	for {
		var again <-chan time.Time
		if err := s.engine.Dispatch(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("events wait in the inbox", "error", err, "again_in", pause)
			again = time.After(pause)
		}
		select {
		case <-wake:
		case <-again:
		case <-ctx.Done():
			return
		}
	}
}

func (a *app) printUp(line upLine) error {
	if a.json {
		raw, err := json.Marshal(line)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.stdout, "%s\n", raw)
		return err
	}
	fmt.Fprintf(a.stdout, "listening on %s\n", line.Address)
	for _, connector := range slices.Sorted(maps.Keys(line.Webhooks)) {
		fmt.Fprintf(a.stdout, "webhooks of %s: %s\n", connector, line.Webhooks[connector])
	}
	for _, name := range slices.Sorted(maps.Keys(line.Hooks)) {
		fmt.Fprintf(a.stdout, "requests that start %s: %s\n", name, line.Hooks[name])
	}
	for _, w := range line.Workflows {
		fmt.Fprintf(a.stdout, "workflow %s is on\n", w)
	}
	if line.Resumed > 0 {
		fmt.Fprintf(a.stdout, "runs that were unfinished and go on: %d\n", line.Resumed)
	}
	if line.Data != "" {
		fmt.Fprintf(a.stdout, "data is kept in %s\n", line.Data)
	} else {
		fmt.Fprintln(a.stdout, "nothing is kept when this process ends; with --data FILE it is, and other commands find this host")
	}
	if line.Sandbox != nil {
		fmt.Fprintf(a.stdout, "local Instagram at %s\n", line.Sandbox.URL)
	}
	return nil
}

// attend reports runs until ctx ends.
func (a *app) attend(ctx context.Context, s *stack, watcher *host.Watcher, served chan error) error {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			e, ok := watcher.Next(ctx)
			if !ok {
				return
			}
			if e.Kind == host.RunEnded {
				a.printEnded(ctx, s, e)
			}
		}
	}()
	var err error
	select {
	case err = <-served:
		served <- err
	case <-ctx.Done():
	}
	watcher.Close()
	<-ended
	return err
}

// endedLine is a run that came to rest, as JSON.
type endedLine struct {
	Run      string            `json:"run"`
	Workflow string            `json:"workflow"`
	State    host.RunState     `json:"state"`
	Failure  *workflow.Failure `json:"failure,omitempty"`
}

func (a *app) printEnded(ctx context.Context, s *stack, e host.Progress) {
	r, err := s.engine.Store.Run(ctx, e.Run)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			s.log.Error("run cannot be read", "run", e.Run, "error", err)
		}
		return
	}
	if a.json {
		_ = a.printJSON(endedLine{r.ID, r.Workflow, r.State, r.Failure})
		return
	}
	text := fmt.Sprintf("%s  %-24s %-9s %s", time.Now().Format(time.TimeOnly), r.Workflow, r.State, r.ID)
	if r.Failure != nil {
		text += ": " + r.Failure.Error()
	}
	if r.Question != nil {
		text += ": " + r.Question.Text
	}
	fmt.Fprintln(a.stdout, text)
}
