package operations

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

// api is what all operations share: the settings of the process.
type api struct {
	version string // The connector's.
	current atomic.Pointer[config]
	// transport keeps enough connections for a host that makes many calls at once,
	// and none so long that Meta has closed it.
	transport *http.Transport
}

// config is what a host has set.
type config struct {
	graph *graph.Client
	poll  time.Duration // Between two looks at a container that is being processed.
}

func newAPI(version string) *api {
	a := &api{version: version, transport: http.DefaultTransport.(*http.Transport).Clone()}
	a.transport.MaxIdleConnsPerHost, a.transport.IdleConnTimeout = 64, 30*time.Second
	a.current.Store(&config{graph: &graph.Client{UserAgent: a.userAgent(""), Transport: a.transport}, poll: 5 * time.Second})
	return a
}

// configure takes the settings, which have passed their schema.
func (a *api) configure(s connector.Settings) error {
	settings := struct {
		Version string   `json:"graph_version"`
		Sandbox string   `json:"sandbox_url"`
		Poll    *float64 `json:"container_poll_seconds"`
	}{}
	if err := json.Unmarshal(s.JSON, &settings); err != nil {
		return fmt.Errorf("reading the settings: %w", err)
	}
	c := &config{
		graph: &graph.Client{Version: settings.Version, Sandbox: settings.Sandbox, UserAgent: a.userAgent(s.Host), Transport: a.transport},
		poll:  5 * time.Second,
	}
	if settings.Poll != nil {
		c.poll = time.Duration(*settings.Poll * float64(time.Second))
	}
	if err := c.graph.Check(); err != nil {
		return fmt.Errorf("checking the settings: %w", err)
	}
	a.current.Store(c)
	return nil
}

// userAgent names the connector, and the host that drives it.
func (a *api) userAgent(host string) string {
	agent := "connector-instagram/" + a.version
	printable := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, host)
	return strings.TrimSpace(agent + " " + printable)
}

// graph returns the client as the settings want it.
func (a *api) graph() *graph.Client { return a.current.Load().graph }
