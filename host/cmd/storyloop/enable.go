package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/storyloop/storyloop/host"
	hosthttp "github.com/storyloop/storyloop/host/http"
	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// reach says how others reach a host.
type reach struct {
	url  string // Its public form, without a path.
	near bool   // Only this computer does.
}

// newReach returns how a listener is reached. Whoever gave its address a public
// form wants others to reach it, whatever it listens on.
func newReach(listener net.Listener, publicURL string) reach {
	r := reach{url: "http://" + listener.Addr().String(), near: hosthttp.Loopback(listener.Addr())}
	if publicURL != "" {
		u, err := url.Parse(publicURL)
		r = reach{strings.TrimRight(publicURL, "/"), r.near && err == nil && hosthttp.LoopbackName(u.Host)}
	}
	return r
}

// enabler turns workflows on and off in a running host.
type enabler struct {
	stack *stack
	reach reach
}

// Enable subscribes to a workflow's events and lets them start runs of it.
func (e *enabler) Enable(ctx context.Context, name string) (host.Definition, error) {
	return e.enableStored(ctx, name, map[string]string{})
}

func (e *enabler) enableStored(ctx context.Context, name string, webhooks map[string]string) (host.Definition, error) {
	d, err := e.stack.engine.Store.Definition(ctx, name, "")
	if err != nil {
		return d, err
	}
	doc, err := workflow.Parse(cmp.Or(d.File, d.Name), d.Document)
	if err == nil {
		err = e.enable(ctx, doc, webhooks)
	}
	var exit *exitError
	var missing *host.NotFoundError
	if errors.As(err, &exit) || errors.As(err, &missing) {
		err = hosthttp.Conflict(err) // what it needs is not there
	}
	if err != nil {
		return d, err
	}
	return e.stack.engine.Store.Definition(ctx, name, "")
}

// Disable lets events start no more runs. The subscription stays: other workflows
// may need it, and events that nobody wants do nothing.
func (e *enabler) Disable(ctx context.Context, name string) (host.Definition, error) {
	return e.stack.engine.Enable(ctx, name, false)
}

// enable subscribes to a workflow's events, as far as they come by webhook, and lets
// them start runs of it. It adds the URL that they come to, by connector.
func (e *enabler) enable(ctx context.Context, doc *workflow.Document, webhooks map[string]string) error {
	s, t := e.stack, doc.Trigger
	c, ok := s.connectors.Connector(t.Connector)
	if !ok {
		return unknown("connector", t.Connector, s.connectors.Names())
	}
	if err := e.checkHook(ctx, doc); err != nil {
		return err
	}
	if err := checkSchedule(doc); err != nil {
		return err
	}
	var triggers []*connectorv1.Trigger
	polled := false
	for _, trigger := range t.Triggers(c.Catalog()) {
		polled = polled || trigger.GetPollable()
		if trigger.GetWebhook() {
			triggers = append(triggers, trigger)
		}
	}
	var credential *connectorv1.Credential
	if t.Credential != "" || (polled || len(triggers) > 0) && len(c.Catalog().GetAuthMethods()) > 0 {
		var err error
		if credential, err = s.vault.Credential(ctx, t.Credential); err != nil {
			return fmt.Errorf("%s: %w", doc.Name, credentialError(t.Credential, err))
		}
	}
	if len(triggers) == 0 { // polling begins with the definition
		_, err := s.engine.Define(ctx, doc, true, "")
		return err
	}
	callback := e.reach.url + hosthttp.Path(t.Connector, registration)
	webhooks[t.Connector] = callback
	app, err := s.vault.App(ctx, t.Connector, registration)
	if err != nil {
		return fmt.Errorf("%s: its webhooks need an app registration in the credentials file: %w", doc.Name, err)
	}
	input, err := doc.TriggerInput(environment(doc.Env))
	if err != nil {
		return fmt.Errorf("%s: %w", doc.Name, err)
	}
	// All triggers of a workflow have one input, and so one subject.
	var subject string
	for _, trigger := range triggers {
		id := "subscribe/" + doc.Name + "/" + trigger.GetName()
		resp := c.Subscribe(ctx, &connectorv1.SubscribeRequest{
			Call: &connectorv1.Call{Id: id, IdempotencyKey: id, Credential: credential},
			App:  app, Trigger: trigger.GetName(), Input: input, CallbackUrl: callback,
		})
		if f := resp.GetFailure(); f != nil {
			return fmt.Errorf("%s: subscribing to %s: %w", doc.Name, trigger.GetName(), failureError(f))
		}
		subject = resp.GetSubscription().GetSubject()
	}
	_, err = s.engine.Define(ctx, doc, true, subject)
	return err
}

// checkHook refuses an address of a workflow's own that nobody could open, or
// anybody.
func (e *enabler) checkHook(ctx context.Context, doc *workflow.Document) error {
	if doc.Trigger.Connector != host.WebhookConnector {
		return nil
	}
	hook, err := host.ReadHook(doc, environment(doc.Env))
	switch {
	case err != nil:
		return usageErrorf("%s: its trigger's input: %w", doc.Name, err)
	case hook.Credential != "":
		if _, err := hosthttp.HookKey(ctx, e.stack.vault, hook.Credential); err != nil {
			return &exitError{exitUsage, fmt.Errorf("%s: the credential %s does not open an address: %w", doc.Name, hook.Credential, err)}
		}
	case !e.reach.near:
		return usageErrorf("%s: others than this computer reach %s, and could start it: name a credential of the connector %s in its trigger",
			doc.Name, e.reach.url+hosthttp.HookPath(hook), host.WebhookConnector)
	}
	return nil
}

// checkSchedule refuses one that would never start a run: what is in it may come from
// the environment.
func checkSchedule(doc *workflow.Document) error {
	if doc.Trigger.Connector != host.ScheduleConnector {
		return nil
	}
	input, err := doc.TriggerInput(environment(doc.Env))
	if err == nil {
		_, err = host.ParseSchedule(input)
	}
	if err != nil {
		return usageErrorf("%s: its trigger's input: %w", doc.Name, err)
	}
	return nil
}

// hooks returns the URLs of the workflows that a request starts.
func (e *enabler) hooks(ctx context.Context) (map[string]string, error) {
	all, err := e.stack.engine.Hooks(ctx)
	urls := map[string]string{}
	for _, h := range all {
		urls[h.Workflow] = e.reach.url + hosthttp.HookPath(h)
	}
	return urls, err
}

// environment returns the variables that a document may see.
func environment(names []string) map[string]string {
	env := map[string]string{}
	for _, name := range names {
		if value, ok := os.LookupEnv(name); ok {
			env[name] = value
		}
	}
	return env
}

// again subscribes for the workflows that were on when the host ended last. One
// that cannot be is told and stays on: its remote service may be back next time. It
// adds the URLs that their events come to, as enable does.
func (e *enabler) again(ctx context.Context, but []string, webhooks map[string]string) (names []string, err error) {
	definitions, err := e.stack.engine.Store.Definitions(ctx)
	if err != nil {
		return nil, err
	}
	told := map[string]bool{}
	for _, name := range but {
		told[name] = true
	}
	for _, d := range definitions {
		if !d.Enabled || told[d.Name] {
			continue
		}
		if _, err := e.enableStored(ctx, d.Name, webhooks); err != nil {
			e.stack.log.Error("a workflow's events may not come", "workflow", d.Name, "error", err)
			fmt.Fprintf(e.stack.app.stderr, "%s: its events may not come: %v\n", d.Name, err)
		}
		names = append(names, d.Name)
	}
	return names, nil
}

// offline turns workflows on and off in a data file that no host runs on. The next
// one that does subscribes to their events.
type offline struct{ engine *host.Engine }

// Enable implements [hosthttp.Switch].
func (o offline) Enable(ctx context.Context, name string) (host.Definition, error) {
	return o.engine.Enable(ctx, name, true)
}

// Disable implements [hosthttp.Switch].
func (o offline) Disable(ctx context.Context, name string) (host.Definition, error) {
	return o.engine.Enable(ctx, name, false)
}
