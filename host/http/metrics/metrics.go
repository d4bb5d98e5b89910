// Package metrics counts what a host does, in Prometheus' text format. It looks at
// what goes between the engine, its store and its connectors, so that none of them
// knows that it is counted.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are a host's. Make them with [New].
type Metrics struct {
	registry *prometheus.Registry

	runsEnded *prometheus.CounterVec
	steps     *prometheus.CounterVec
	waits     *prometheus.CounterVec
	attempts  *prometheus.CounterVec
	calls     *prometheus.HistogramVec
	requests  *prometheus.CounterVec
	quotas    *prometheus.GaugeVec
	webhooks  *prometheus.CounterVec
	events    *prometheus.CounterVec
	polls     *prometheus.CounterVec
	found     *prometheus.CounterVec
	writes    *prometheus.HistogramVec
}

// callBuckets reach from a built-in connector's answer to a long publication, in
// seconds.
var callBuckets = []float64{.001, .005, .025, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}

// writeBuckets reach from a write that is only recorded to a disk in trouble, in
// seconds.
var writeBuckets = []float64{.00001, .0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5}

// New returns metrics in a registry of their own.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		runsEnded: counter("runs_ended_total", "Runs that have ended, by how.",
			"workflow", "state"),
		steps: counter("steps_total", "Steps that are over: done, failed or skipped.",
			"connector", "operation", "outcome"),
		waits: counter("waits_total", "Waits of steps: for quotas, for another attempt, or since they are asleep.",
			"connector", "operation"),
		attempts: counter("attempts_total", "Calls of operations. The outcome is ok, or the kind of failure.",
			"connector", "operation", "outcome"),
		calls: histogram("call_duration_seconds", "How long calls of operations took.", callBuckets,
			"connector", "operation"),
		requests: counter("remote_requests_total", "Requests that connectors made to remote services, by operation or by the trigger that was polled.",
			"connector", "operation"),
		quotas: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "quota_used_ratio",
			Help: "How much of a remote service's quota is used, as last reported; 1 is all."},
			[]string{"connector", "quota", "subject"}),
		webhooks: counter("webhooks_total", "Webhook requests, by the status they were answered with.",
			"connector", "status"),
		events: counter("events_total", "Events from connectors: new ones, duplicates, and unsound ones that were left out.",
			"connector", "known"),
		polls: counter("polls_total", "Polls for events. The outcome is ok, or the kind of failure.",
			"connector", "trigger", "outcome"),
		found: counter("polled_events_total", "Events that polls found: new ones, and those that a webhook had brought.",
			"connector", "known"),
		writes: histogram("store_write_duration_seconds", "How long the store took for a write, by what it must survive.", writeBuckets,
			"durability"),
	}
	m.registry.MustRegister(
		m.runsEnded, m.steps, m.waits, m.attempts, m.calls, m.requests, m.quotas, m.webhooks, m.events, m.polls, m.found, m.writes,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

const namespace = "storyloop"

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}
