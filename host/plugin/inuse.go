package plugin

import (
	"context"
	"fmt"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// Status is what an operator wants to know of a connector.
type Status struct {
	State  State
	PID    int   // Zero unless it runs.
	Starts int   // In all.
	Calls  int   // Under way.
	Last   error // Why the last process ended or did not start; nil if all went well.
}

// acquire returns a running process and counts a call on it. It waits for one
// while there is hope.
func (c *Connector) acquire(ctx context.Context) (*process, *connectorv1.Failure) {
	for {
		c.mu.Lock()
		state, p, changed, last := c.state, c.process, c.changed, c.last
		if state == Running && !p.child.dying() {
			p.calls++
			c.mu.Unlock()
			return p, nil
		}
		c.mu.Unlock()
		switch state {
		case Broken:
			return nil, absent("The connector is broken and is not started again until an operator has mended or replaced it, and reset it or restarted the host.", last)
		case Closing, Closed:
			return nil, absent("The connector was closed by the host.", nil)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, absent("The connector is being started again and was not ready in time.", last)
		}
	}
}

// absent is the failure of a call that never left.
func absent(message string, why error) *connectorv1.Failure {
	f := &connectorv1.Failure{Kind: unavailable, Applied: notApplied, Message: message}
	if why != nil {
		f.Diagnostics = []*connectorv1.Diagnostic{{
			Severity: connectorv1.Severity_SEVERITY_WARNING, Code: "not_running",
			Summary: "Why the connector does not run.", Detail: why.Error(),
		}}
	}
	return f
}

func (c *Connector) release(p *process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p.calls--
	if c.state >= Closing {
		c.announce()
	}
}

// Reset starts a broken connector anew: calls wait for it again from now on. It
// does nothing to any other.
func (c *Connector) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != Broken {
		return
	}
	c.state, c.starts, c.last = Restarting, nil, nil
	c.announce()
	c.reset <- struct{}{} // There is room: nobody else was in this state since it was read.
}

// Status tells how the connector is.
func (c *Connector) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Status{State: c.state, Starts: c.total, Last: c.last}
	if c.process != nil {
		s.PID, s.Calls = c.process.child.pid(), c.process.calls
	}
	return s
}

// Close waits for the calls under way, as long as ctx and Config.DrainTimeout
// allow, and ends the process. It returns an error if calls were cut off. A
// second Close waits for the first.
func (c *Connector) Close(ctx context.Context) error {
	c.mu.Lock()
	if c.state >= Closing {
		c.mu.Unlock()
		<-c.done
		return nil
	}
	c.state = Closing
	c.announce()
	c.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, c.cfg.DrainTimeout)
	defer cancel()
	cut := c.drain(ctx)
	c.stop()
	<-c.done
	c.enter(Closed, nil, nil)
	if cut > 0 {
		return fmt.Errorf("closing connector %s: %d calls were not finished in time and were cut off", c.catalog.GetName(), cut)
	}
	return nil
}

// drain waits for the calls under way and returns how many are left.
func (c *Connector) drain(ctx context.Context) int {
	for {
		c.mu.Lock()
		calls, changed := 0, c.changed
		if c.process != nil {
			calls = c.process.calls
		}
		c.mu.Unlock()
		if calls == 0 {
			return 0
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return calls
		}
	}
}
