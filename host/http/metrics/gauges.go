package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/storyloop/storyloop/host"
)

// Process is how a connector's process stands.
type Process struct {
	Name   string
	Up     bool
	Starts int
}

// Observe adds what is looked up whenever somebody asks for the metrics: how many
// runs there are in each state, and how the connectors' processes stand. Call it
// once.
func (m *Metrics) Observe(s host.Store, processes func() []Process) {
	m.registry.MustRegister(&gauges{s, processes})
}

var (
	runs   = description("runs", "Runs that the store holds, by state.", "state")
	up     = description("connector_up", "Whether a connector's process runs.", "connector")
	starts = description("connector_starts_total", "Starts of a connector's process.", "connector")
)

func description(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

type gauges struct {
	store     host.Store
	processes func() []Process
}

// Describe implements [prometheus.Collector].
func (g *gauges) Describe(to chan<- *prometheus.Desc) {
	to <- runs
	to <- up
	to <- starts
}

// Collect implements [prometheus.Collector].
func (g *gauges) Collect(to chan<- prometheus.Metric) {
	const countWithin = 5 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), countWithin)
	defer cancel()
	counts, err := g.store.CountRuns(ctx, "")
	if err != nil {
		to <- prometheus.NewInvalidMetric(runs, err)
		return
	}
	for _, state := range []host.RunState{
		host.RunQueued, host.RunRunning, host.RunWaiting, host.RunParked, host.RunSucceeded, host.RunFailed, host.RunCancelled,
	} {
		to <- prometheus.MustNewConstMetric(runs, prometheus.GaugeValue, float64(counts[state]), string(state))
	}
	for _, p := range g.processes() {
		value := 0.0
		if p.Up {
			value = 1
		}
		to <- prometheus.MustNewConstMetric(up, prometheus.GaugeValue, value, p.Name)
		to <- prometheus.MustNewConstMetric(starts, prometheus.CounterValue, float64(p.Starts), p.Name)
	}
}
