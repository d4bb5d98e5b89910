package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	hosthttp "github.com/storyloop/storyloop/host/http"
	"github.com/storyloop/storyloop/host/http/metrics"
	"github.com/storyloop/storyloop/host/plugin"
)

// api returns the API over a stack.
func (s *stack) api(o hosthttp.API) (http.Handler, error) {
	o.Engine, o.Log, o.Processes, o.Credentials = s.engine, s.log, s.processes, s.credentials()
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
// than this computer reach the address, through a proxy too, only commands beside
// the data file may use the API: they find their token there.
func (t *site) handler(listener net.Listener, hooks http.Handler) (http.Handler, error) {
	t.file = hostFile{Address: nearby(listener.Addr()), Token: newSecret(), Instance: newSecret(), PID: os.Getpid()}
	api, err := t.stack.api(hosthttp.API{Switch: t.on, About: hosthttp.About{Instance: t.file.Instance}, Closing: t.closing})
	if err != nil {
		return nil, err
	}
	t.metrics.Observe(t.stack.engine.Store, t.processes)
	return hosthttp.Site{
		Webhooks: hosthttp.Traced(t.stack.traces.Provider(), t.metrics.Webhooks(hooks)),
		Health:   &hosthttp.Health{Store: t.stack.engine.Store, Processes: t.stack.processes, Now: time.Now},
		API:      api,
		Metrics:  t.metrics.Handler(),
		Guard: hosthttp.Guard{
			Tokens:   []string{t.token, t.file.Token},
			Required: t.token != "" || !t.on.reach.near,
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
			return "", usageErrorf("%s can be read by others than you (mode %04o): run chmod 600 %s", file, info.Mode().Perm(), file)
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
