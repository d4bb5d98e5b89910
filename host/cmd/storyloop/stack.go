package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/core"
	"github.com/storyloop/storyloop/host/core/jq"
	"github.com/storyloop/storyloop/host/http/metrics"
	"github.com/storyloop/storyloop/host/sqlite"
	"github.com/storyloop/storyloop/host/vault"
	"github.com/storyloop/storyloop/proto/telemetry"
)

// stack is a running host: connectors, credentials, engine, and perhaps a local
// Instagram.
type stack struct {
	app        *app
	log        *slog.Logger
	traces     *telemetry.Tracing // Nil unless the environment asks for traces.
	sandbox    *sandbox           // Nil without one.
	connectors *registry
	jq         *jq.Pool
	vault      *vault.Vault
	engine     *host.Engine
	file       *sqlite.Store // Nil where things are kept in memory.
	known      bool          // There are credentials, so names can be checked.
}

type stackOptions struct {
	sandbox  bool
	stories  int              // In the sandbox; zero means its own number.
	callback string           // For the sandbox's webhooks.
	keep     bool             // Runs are kept in a file unless told otherwise.
	forget   bool             // Nothing is kept, whatever file is named.
	metrics  *metrics.Metrics // Nil counts nothing.
}

// flushLimit bounds how long the last traces may take when the host ends.
const flushLimit = 2 * time.Second

// openStack starts everything, or nothing.
func (a *app) openStack(ctx context.Context, o stackOptions) (_ *stack, err error) {
	log, err := a.log()
	if err != nil {
		return nil, err
	}
	s := &stack{app: a, log: log}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	s.traces, err = telemetry.Open(ctx, telemetry.Config{
		Service: "storyloop", Version: version, Getenv: a.getenv, Log: log, TraceID: host.TraceID,
	})
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	s.log = s.traces.Log(log)
	path, must := a.credentialsPath()
	contents, err := vault.Read(path, must)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	s.known = len(contents.Credentials) > 0
	settings, err := a.connectorSettings()
	if err != nil {
		return nil, err
	}
	if o.sandbox {
		if s.sandbox, err = a.startSandbox(ctx, o.stories, o.callback); err != nil {
			return nil, err
		}
		// Against a local Instagram only its own credentials are of use, and a real
		// one must not be sent there. What opens our own addresses stays.
		hookKeys := contents.Of(host.WebhookConnector)
		contents, s.known = s.sandbox.contents(), true
		maps.Copy(contents.Credentials, hookKeys)
		if settings["instagram"], err = s.sandbox.settings(settings["instagram"]); err != nil {
			return nil, err
		}
	}
	store, err := s.openStore(ctx, o)
	if err != nil {
		return nil, err
	}
	if s.jq, err = jqPool(log); err != nil {
		return nil, err
	}
	own, err := builtIn(core.Config{Values: store, JQ: s.jq}, contents.SMTP, settings)
	if err != nil {
		return nil, err
	}
	if s.connectors, err = a.openConnectors(ctx, s.log, s.traces.Provider(), own, settings); err != nil {
		return nil, err
	}
	s.vault = vault.New(contents, s.connectors)
	if s.sandbox == nil {
		s.vault.Follow(path, s.log)
	}
	setup := host.Setup{Store: store, Connectors: s.connectors, Vault: s.vault, Log: s.log, Traces: s.traces.Provider()}
	if o.metrics != nil {
		setup.Store, setup.Connectors = o.metrics.Store(store), o.metrics.Connectors(s.connectors)
	}
	s.engine = host.NewEngine(setup)
	return s, nil
}

func (s *stack) openStore(ctx context.Context, o stackOptions) (host.Store, error) {
	if o.forget {
		return host.NewMemory(), nil
	}
	keep := o.keep && !o.sandbox
	path, err := s.app.dataPath(keep)
	if err != nil {
		return nil, err
	}
	if path == "" {
		return host.NewMemory(), nil
	}
	s.file, err = sqlite.Open(ctx, path, sqlite.Options{Log: s.log})
	var file *sqlite.FileError
	if errors.As(err, &file) && file.Problem == sqlite.InUse && !keep {
		return nil, fmt.Errorf("%w, or --data '' to run in memory", err)
	}
	if err != nil {
		return nil, err
	}
	return s.file, nil
}

// connectorSettings reads the settings by connector.
func (a *app) connectorSettings() (map[string]json.RawMessage, error) {
	settings := map[string]json.RawMessage{}
	if a.settings == "" {
		return settings, nil
	}
	text, err := a.readInput(nil, "--settings", a.settings)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &settings); err != nil {
		return nil, usageErrorf(`--settings must be a JSON object by connector, such as {"instagram": {"graph_version": "v25.0"}}`)
	}
	return settings, nil
}

// credentials returns those to check documents against, by name the connector that
// each is for; nil if there is nothing to check against.
func (s *stack) credentials() map[string]string {
	if !s.known {
		return nil
	}
	return s.vault.Connectors()
}

// close ends everything in the order in which one needs the other.
func (s *stack) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	if s.engine != nil {
		if err := s.engine.Close(ctx); err != nil {
			s.log.Warn("runs were cut off", "error", err)
		}
	}
	sent := make(chan struct{})
	go func() { // while the connectors do the same
		defer close(sent)
		s.traces.Close(flushLimit)
	}()
	if s.connectors != nil {
		s.connectors.close(ctx)
	}
	<-sent
	if s.jq != nil {
		s.jq.Close()
	}
	if s.file != nil {
		if err := s.file.Close(); err != nil {
			s.log.Error("closing the data file", "error", err)
		}
	}
	if s.sandbox != nil {
		s.sandbox.close()
	}
}
