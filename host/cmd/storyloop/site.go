package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/storyloop/storyloop/host"
	hosthttp "github.com/storyloop/storyloop/host/http"
	"github.com/storyloop/storyloop/host/http/metrics"
	"github.com/storyloop/storyloop/host/plugin"
	"github.com/storyloop/storyloop/host/workflow"
)

// api returns the API over a stack.
func (s *stack) api(o hosthttp.API) (http.Handler, error) {
	o.Engine, o.Log, o.Processes, o.Credentials = s.engine, s.log, s.processes, s.credentialNames()
	o.About.Version, o.About.StartedAt = version, time.Now()
	if s.file != nil {
		o.Backup, o.About.Data = s.file, s.file.Path()
	}
	return o.Handler()
}

// processes says how the connectors that are processes stand.
func (s *stack) processes() []hosthttp.Status {
	var all []hosthttp.Status
	if s.connectors == nil {
		return nil
	}
	for _, c := range s.connectors.plugins {
		st := c.Status()
		line := hosthttp.Status{Name: c.Catalog().GetName(), State: st.State.String(), PID: st.PID, Starts: st.Starts, Calls: st.Calls}
		if st.Last != nil {
			line.Reason = st.Last.Error()
		}
		all = append(all, line)
	}
	return all
}

// site is what `up` serves.
type site struct {
	stack   *stack
	metrics *metrics.Metrics
	token   string // The operator's; empty without one.
	on      *enabler
	file    hostFile
	closing chan struct{} // Closed when streams must end.
}

// handler puts the site together. Without an operator's token, and where others
// than this computer reach the address, only commands beside the data file may use
// the API: they find their token there.
func (t *site) handler(listener net.Listener, hooks http.Handler) (http.Handler, error) {
	t.file = hostFile{Address: nearby(listener.Addr()), Token: newSecret(), Instance: newSecret(), PID: os.Getpid()}
	api, err := t.stack.api(hosthttp.API{Switch: t.on, About: hosthttp.About{Instance: t.file.Instance}, Closing: t.closing})
	if err != nil {
		return nil, err
	}
	t.metrics.Observe(t.stack.engine.Store, t.processes)
	return hosthttp.Site{
		Webhooks: t.metrics.Webhooks(hooks),
		Health:   &hosthttp.Health{Store: t.stack.engine.Store, Processes: t.stack.processes},
		API:      api,
		Metrics:  t.metrics.Handler(),
		Guard: hosthttp.Guard{
			Tokens:   []string{t.token, t.file.Token},
			Required: t.token != "" || !hosthttp.Loopback(listener.Addr()),
		},
	}.Handler(), nil
}

func (t *site) processes() []metrics.Process {
	var all []metrics.Process
	for _, c := range t.stack.connectors.plugins {
		st := c.Status()
		all = append(all, metrics.Process{Name: c.Catalog().GetName(), Up: st.State == plugin.Running, Starts: st.Starts})
	}
	return all
}

// announce lets commands on this computer find the host, until the returned
// function is called.
func (t *site) announce() (withdraw func(), err error) {
	if t.stack.file == nil {
		return func() {}, nil // no other process can know of what is in memory
	}
	data := t.stack.file.Path()
	if err := t.file.write(data); err != nil {
		return nil, err
	}
	return func() {
		if err := t.file.remove(data); err != nil {
			t.stack.log.Warn("the host's file was not removed", "error", err)
		}
	}, nil
}

// apiToken returns the operator's token; empty if none is set.
func (a *app) apiToken(file string) (string, error) {
	token := a.getenv("STORYLOOP_API_TOKEN")
	if file != "" {
		info, err := os.Stat(file)
		if err != nil {
			return "", &exitError{exitUsage, fmt.Errorf("reading the API's token: %w", err)}
		}
		if info.Mode().Perm()&0o077 != 0 {
			return "", usageErrorf("%s can be read by others than its owner: run chmod go-rwx on it", file)
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			return "", &exitError{exitUsage, fmt.Errorf("reading the API's token: %w", err)}
		}
		token = string(raw)
	}
	token = strings.TrimSpace(token)
	const shortest = 16
	if file != "" && token == "" || token != "" && len(token) < shortest {
		return "", usageErrorf("the API's token must have at least %d characters", shortest)
	}
	return token, nil
}

// enabler turns workflows on and off in a running host.
type enabler struct {
	stack     *stack
	publicURL string
}

// Enable subscribes to a workflow's events and lets them start runs of it.
func (e *enabler) Enable(ctx context.Context, name string) (host.Definition, error) {
	d, err := e.stack.engine.Store.Definition(ctx, name, "")
	if err != nil {
		return d, err
	}
	doc, err := workflow.Parse(d.Name, d.Document)
	if err == nil {
		err = e.stack.enable(ctx, doc, e.publicURL, map[string]string{})
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

// again subscribes for the workflows that were on when the host ended last. One
// that cannot be is told and stays on: its remote service may be back next time.
func (e *enabler) again(ctx context.Context, but []string) (names []string, err error) {
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
		if _, err := e.Enable(ctx, d.Name); err != nil {
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
