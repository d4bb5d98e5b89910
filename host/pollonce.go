package host

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// pollWithin bounds one poll, which may go through many pages of the remote service.
const pollWithin = 5 * time.Minute

// once makes one poll when it is its turn. Exactly one of its results is set, unless
// ctx has ended.
func (g *polling) once(ctx context.Context) (*connectorv1.EventPage, *connectorv1.Failure) {
	c, ok := g.e.Connectors.Connector(g.Connector)
	if !ok {
		return nil, &connectorv1.Failure{
			Kind: connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, Message: fmt.Sprintf("The connector %q is not loaded.", g.Connector),
		}
	}
	tn := g.turn(ctx, c.Catalog())
	defer func() { tn.leave(g.e.Clock.Now()) }()
	if ctx.Err() != nil {
		return nil, nil
	}
	credential, failure := g.credential(ctx)
	if failure != nil {
		return nil, failure
	}
	g.made++
	id := fmt.Sprintf("poll/%s/%d-%d", g.key, g.e.Clock.Now().Unix(), g.made)
	resp, failure := g.ask(ctx, c, &connectorv1.PollRequest{
		Call:    &connectorv1.Call{Id: id, IdempotencyKey: id, Credential: credential},
		Trigger: g.Trigger, Input: g.input, Cursor: g.state.Cursor,
	})
	g.e.throttle.report(g.Connector, g.Credential, tn, resp.GetReport(), g.e.Clock.Now())
	return resp.GetPage(), failure
}

// turn waits until the throttle lets a call through: each poll takes turns with the
// runs, as one run more. Nil draws on no budget.
func (g *polling) turn(ctx context.Context, catalog *connectorv1.Catalog) *turn {
	tn := g.e.throttle.enter("poll/"+g.key, g.Credential, catalog, nil)
	for tn != nil && ctx.Err() == nil {
		sleep, wake := context.WithCancel(ctx)
		until, reason := tn.ask(g.e.Clock.Now(), wake)
		if until.IsZero() {
			wake()
			break
		}
		if g.state.Waits == "" {
			g.state.Next, g.state.Waits = until, reason
			g.save(ctx, Written)
		}
		_ = g.e.Clock.SleepUntil(sleep, until)
		wake()
	}
	return tn
}

// credential takes the account's credential out of the vault.
func (g *polling) credential(ctx context.Context) (*connectorv1.Credential, *connectorv1.Failure) {
	if g.Credential == "" {
		return nil, nil
	}
	err := error(&NotFoundError{Kind: "credential", Name: g.Credential})
	if g.e.Vault != nil {
		var c *connectorv1.Credential
		if c, err = g.e.Vault.Credential(ctx, g.Credential); err == nil {
			return c, nil
		}
	}
	f, known := refusedCredential(err)
	if !known {
		g.log().Error("the vault cannot be read", "error", err)
	}
	return nil, f
}

// refresh renews the credential, if that takes no person.
func (g *polling) refresh(ctx context.Context) bool {
	r, ok := g.e.Vault.(Refresher)
	if !ok || g.Credential == "" {
		return false
	}
	_, err := r.Refresh(ctx, g.Credential)
	return err == nil
}

// ask calls the connector when there is a place, and survives its bugs.
func (g *polling) ask(ctx context.Context, c Connector, req *connectorv1.PollRequest) (resp *connectorv1.PollResponse, f *connectorv1.Failure) {
	select {
	case g.places <- struct{}{}:
	case <-ctx.Done():
		return nil, nil
	}
	defer func() {
		<-g.places
		if p := recover(); p != nil {
			g.log().Error("a poll panicked", "panic", p, "stack", string(debug.Stack()))
			f = &connectorv1.Failure{
				Kind: connectorv1.FailureKind_FAILURE_KIND_INTERNAL, Message: fmt.Sprintf("The connector %s has a fault.", g.Connector),
			}
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, pollWithin)
	defer cancel()
	resp = c.Poll(ctx, req)
	if resp.GetPage() == nil && resp.GetFailure() == nil {
		return resp, &connectorv1.Failure{Message: fmt.Sprintf("The connector %s gave neither events nor a failure.", g.Connector)}
	}
	return resp, resp.GetFailure()
}
