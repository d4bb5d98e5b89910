package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/trace"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/plugin"
	"github.com/storyloop/storyloop/schemas/validate"
)

// registry holds the connectors that are loaded: the built-in ones, then those
// of the lock file.
type registry struct {
	host.ConnectorList
	plugins []*plugin.Connector
}

// openConnectors starts the connectors of the lock file, all at once, to stand
// beside the built-in ones. The settings are by connector.
func (a *app) openConnectors(ctx context.Context, log *slog.Logger, traces trace.TracerProvider, own host.ConnectorList, settings map[string]json.RawMessage) (*registry, error) {
	r := &registry{ConnectorList: own}
	configs, err := a.connectorConfigs(log, settings)
	if err != nil {
		return nil, err
	}
	opened := make([]*plugin.Connector, len(configs))
	errs := make([]error, len(configs))
	var wg sync.WaitGroup
	for i, cfg := range configs {
		cfg.Traces = traces
		wg.Go(func() { opened[i], errs[i] = plugin.Open(ctx, cfg) })
	}
	wg.Wait()
	for i, c := range opened {
		if c == nil {
			continue
		}
		r.plugins = append(r.plugins, c)
		name := c.Catalog().GetName()
		if _, dup := r.Connector(name); dup {
			errs[i] = fmt.Errorf("%s: there is another connector named %s; remove one from the lock file", configs[i].Path, name)
		}
		r.ConnectorList = append(r.ConnectorList, c)
	}
	if err := errors.Join(errs...); err != nil {
		r.close(ctx)
		var refused *plugin.SettingsError
		if errors.As(err, &refused) {
			err = &exitError{exitUsage, err}
		}
		return nil, err
	}
	return r, nil
}

func (a *app) connectorConfigs(log *slog.Logger, settings map[string]json.RawMessage) ([]plugin.Config, error) {
	path := a.lockPath()
	if _, err := os.Stat(path); err != nil && (a.lockFile != "" || a.getenv("STORYLOOP_LOCK") != "") && len(a.unverified) == 0 {
		return nil, usageErrorf("there is no lock file %s: make one with storyloop connectors lock PATH", path)
	}
	lock, err := plugin.ReadLock(path)
	if err != nil {
		return nil, err
	}
	if err := a.checkSettings(lock, settings); err != nil {
		return nil, err
	}
	config := plugin.Config{Host: "storyloop/" + version, Log: log}
	var configs []plugin.Config
	for _, locked := range lock.Connectors {
		c := config
		c.Path, c.SHA256, c.Settings = locked.Binary(path), locked.Sum(), settings[locked.Name]
		configs = append(configs, c)
	}
	for _, path := range a.unverified {
		c := config
		c.Path, c.Unverified, c.Settings = path, true, settings[connectorName(path)]
		configs = append(configs, c)
	}
	return configs, nil
}

// checkSettings refuses settings that no connector would get.
func (a *app) checkSettings(lock *plugin.Lock, settings map[string]json.RawMessage) error {
	takers := []string{httpClient}
	for _, locked := range lock.Connectors {
		takers = append(takers, locked.Name)
	}
	for _, path := range a.unverified {
		takers = append(takers, connectorName(path))
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if slices.Contains(takers, name) {
			continue
		}
		if near := validate.Nearest(name, takers); near != "" {
			return usageErrorf("--settings: no connector %q takes settings: did you mean %q?", name, near)
		}
		return usageErrorf("--settings: no connector %q takes settings; these do: %s", name, strings.Join(takers, ", "))
	}
	return nil
}

// close lets the calls under way finish and ends the processes, all at once.
func (r *registry) close(ctx context.Context) {
	var wg sync.WaitGroup
	for _, c := range r.plugins {
		wg.Go(func() { _ = c.Close(ctx) })
	}
	wg.Wait()
}
