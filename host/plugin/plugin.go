// Package plugin runs connectors that are processes of their own. It starts a
// binary, checks what it is and what it offers, hands calls to it, starts it
// again when it breaks, and ends it after its last call.
//
// A connector is somebody else's program. Whatever it does - panics, exits,
// hangs, floods its log, lies in its catalog - ends in a clear answer to the
// caller and a line in the log, and never in the end of the host.
//
// No other package of the host knows go-plugin.
package plugin

import (
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// Config says which binary to run, and how.
type Config struct {
	// Path is the binary. Required.
	Path string
	// SHA256 is what the binary's checksum must be; see [Lock]. Without it
	// nothing is started, unless Unverified is set.
	SHA256 []byte
	// Unverified starts whatever lies at Path. It is for development.
	Unverified bool

	// Env is given to the connector as "NAME=value", beside the few variables of
	// the host's own that it gets anyway: proxies, certificates, time zone, and
	// OpenTelemetry's.
	Env []string
	// Settings are handed to the connector after each start: JSON, valid by its
	// catalog's settings schema, without secrets. Empty means none.
	Settings json.RawMessage
	// Host is the name and version of the host, for outgoing requests.
	Host string

	// Log takes the host's own remarks and what the connector writes. Nil discards.
	Log *slog.Logger
	// Clock paces restarts. Nil means the real one.
	Clock Clock

	// StartTimeout bounds a start, up to the catalog. Zero means 10 s.
	StartTimeout time.Duration
	// CallTimeout bounds a call that has no deadline and whose operation states
	// no timeout. Zero means 60 s.
	CallTimeout time.Duration
	// DrainTimeout is how long Close waits for calls under way. Zero means 30 s.
	DrainTimeout time.Duration

	// RuntimeDir is where the private directory of each process is made. Empty
	// means the system's directory for temporary files, or /tmp where the name
	// of that is too long for a socket.
	RuntimeDir string

	// Traces makes a span for each call, which the connector's own continue. Nil
	// makes none.
	Traces trace.TracerProvider
}

// Clock tells the time and waits.
type Clock interface {
	Now() time.Time
	After(time.Duration) <-chan time.Time
}

// Open starts a connector and returns when it has shown its catalog. The
// connector lives until [Connector.Close], whatever becomes of ctx.
//
// The error is a *ChecksumError or an *UnverifiedError if the binary is not the
// expected one, a *CatalogError if its catalog cannot be used, and a *StartError
// in any other case.
func Open(ctx context.Context, cfg Config) (*Connector, error) {
	path, err := filepath.Abs(cfg.Path) // A bare name would be looked for elsewhere.
	if err != nil {
		return nil, &StartError{Path: cfg.Path, Err: err}
	}
	cfg.Path = path
	cfg = cfg.withDefaults()
	sweep(cfg.RuntimeDir, cfg.Log)
	c := newConnector(cfg)
	first, err := start(ctx, &c.cfg)
	if err != nil {
		return nil, err
	}
	if err := CheckCatalog(first.catalog); err != nil {
		first.end()
		return nil, err
	}
	c.open(first)
	return c, nil
}

func (cfg Config) withDefaults() Config {
	name := strings.TrimSuffix(filepath.Base(cfg.Path), ".exe")
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Log = cfg.Log.With("connector", name)
	if cfg.Clock == nil {
		cfg.Clock = realClock{}
	}
	if cfg.StartTimeout <= 0 {
		cfg.StartTimeout = 10 * time.Second
	}
	if cfg.CallTimeout <= 0 {
		cfg.CallTimeout = time.Minute
	}
	if cfg.DrainTimeout <= 0 {
		cfg.DrainTimeout = 30 * time.Second
	}
	if cfg.RuntimeDir == "" {
		cfg.RuntimeDir = defaultRuntimeDir()
	}
	return cfg
}

type realClock struct{}

func (realClock) Now() time.Time                         { return time.Now() }
func (realClock) After(d time.Duration) <-chan time.Time { return time.After(d) }
