package metrics

import (
	"context"
	"strings"
	"time"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// Connectors returns connectors whose calls are counted.
func (m *Metrics) Connectors(c host.Connectors) host.Connectors { return &connectors{c, m} }

type connectors struct {
	host.Connectors
	m *Metrics
}

func (c *connectors) Connector(name string) (host.Connector, bool) {
	found, ok := c.Connectors.Connector(name)
	if !ok {
		return nil, false
	}
	return &connector{found, name, c.m}, true
}

type connector struct {
	host.Connector
	name string
	m    *Metrics
}

func (c *connector) Invoke(ctx context.Context, req *connectorv1.InvokeRequest) *connectorv1.InvokeResponse {
	began := time.Now()
	resp := c.Connector.Invoke(ctx, req)
	c.report(req.GetOperation(), resp.GetReport())
	c.ended(req.GetOperation(), began, resp.GetFailure())
	return resp
}

func (c *connector) InvokeStream(ctx context.Context, req *connectorv1.InvokeRequest, each func(*connectorv1.InvokeStreamResponse)) {
	began := time.Now()
	var failure *connectorv1.Failure
	c.Connector.InvokeStream(ctx, req, func(m *connectorv1.InvokeStreamResponse) {
		c.report(req.GetOperation(), m.GetReport())
		failure = m.GetFailure()
		each(m)
	})
	c.ended(req.GetOperation(), began, failure)
}

func (c *connector) Reconcile(ctx context.Context, req *connectorv1.ReconcileRequest) *connectorv1.ReconcileResponse {
	resp := c.Connector.Reconcile(ctx, req)
	c.report(req.GetOperation(), resp.GetReport())
	return resp
}

func (c *connector) Receive(ctx context.Context, req *connectorv1.ReceiveRequest) (*connectorv1.ReceiveResponse, error) {
	resp, err := c.Connector.Receive(ctx, req)
	c.unsound(resp.GetEvents())
	return resp, err
}

func (c *connector) Poll(ctx context.Context, req *connectorv1.PollRequest) *connectorv1.PollResponse {
	resp := c.Connector.Poll(ctx, req)
	c.unsound(resp.GetPage().GetEvents())
	c.report(req.GetTrigger(), resp.GetReport())
	c.m.polls.WithLabelValues(c.name, req.GetTrigger(), outcome(resp.GetFailure())).Inc()
	return resp
}

// unsound counts the events that the inbox leaves out.
func (c *connector) unsound(events []*connectorv1.Event) {
	for _, ev := range events {
		if host.CheckEvent(ev) != nil {
			c.m.events.WithLabelValues(c.name, "unsound").Inc()
		}
	}
}

func outcome(f *connectorv1.Failure) string {
	if f == nil {
		return "ok"
	}
	return strings.ToLower(strings.TrimPrefix(f.GetKind().String(), "FAILURE_KIND_"))
}

func (c *connector) ended(operation string, began time.Time, f *connectorv1.Failure) {
	c.m.attempts.WithLabelValues(c.name, operation, outcome(f)).Inc()
	c.m.calls.WithLabelValues(c.name, operation).Observe(time.Since(began).Seconds())
}

func (c *connector) report(operation string, r *connectorv1.Report) {
	if n := r.GetRequests(); n > 0 {
		c.m.requests.WithLabelValues(c.name, operation).Add(float64(n))
	}
	for _, q := range r.GetQuotas() {
		c.m.quotas.WithLabelValues(c.name, q.GetName(), q.GetSubject()).Set(q.GetUsed())
	}
}
