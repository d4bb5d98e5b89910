package plugin

import (
	"context"
	"errors"
	"io"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

var _ host.Connector = (*Connector)(nil)

// Catalog returns what the connector offers. It is constant; do not change it.
func (c *Connector) Catalog() *connectorv1.Catalog { return c.catalog }

// Validate returns a *CallError if the connector did not answer.
func (c *Connector) Validate(ctx context.Context, req *connectorv1.ValidateRequest) (*connectorv1.ValidateResponse, error) {
	resp, f := call(ctx, c, req, func(ctx context.Context, p *process) (*connectorv1.ValidateResponse, error) {
		return p.operations.Validate(ctx, req)
	})
	if f != nil {
		return nil, &CallError{f}
	}
	return resp, nil
}

// Invoke makes one attempt at an operation.
func (c *Connector) Invoke(ctx context.Context, req *connectorv1.InvokeRequest) *connectorv1.InvokeResponse {
	resp, f := call(ctx, c, req, func(ctx context.Context, p *process) (*connectorv1.InvokeResponse, error) {
		return p.invoke(ctx, req)
	})
	if f != nil {
		return &connectorv1.InvokeResponse{Outcome: &connectorv1.InvokeResponse_Failure{Failure: f}, Report: resp.GetReport()}
	}
	return resp
}

// InvokeStream makes one attempt at an operation and calls each with everything
// on the way. Where the attempt is cut off, the last message is a failure that
// carries the last token that came, so that another attempt can go on from there.
func (c *Connector) InvokeStream(ctx context.Context, req *connectorv1.InvokeRequest, each func(*connectorv1.InvokeStreamResponse)) {
	ctx, span := c.begin(ctx, req)
	token, last := "", (*connectorv1.InvokeStreamResponse)(nil)
	f := c.do(ctx, req, func(ctx context.Context, p *process) error {
		ctx, cancel := context.WithCancel(ctx) // Ends the stream, if it goes on after its failure.
		defer cancel()
		stream, err := p.operations.InvokeStream(ctx, req)
		for err == nil {
			var msg *connectorv1.InvokeStreamResponse
			if msg, err = stream.Recv(); err != nil {
				break
			}
			p.cleanse(msg.GetFailure())
			if t := msg.GetPage().GetNextToken() + msg.GetProgress().GetResumeToken(); t != "" {
				token = t // One of the two is empty.
			}
			last = msg
			each(msg)
			if msg.GetFailure() != nil {
				return nil
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	})
	end(span, f, last)
	if f != nil {
		f.ResumeToken = token
		each(&connectorv1.InvokeStreamResponse{Event: &connectorv1.InvokeStreamResponse_Failure{Failure: f}})
	}
}

// Reconcile asks whether a write whose answer was lost has happened.
func (c *Connector) Reconcile(ctx context.Context, req *connectorv1.ReconcileRequest) *connectorv1.ReconcileResponse {
	resp, f := call(ctx, c, req, func(ctx context.Context, p *process) (*connectorv1.ReconcileResponse, error) {
		return p.operations.Reconcile(ctx, req)
	})
	if f != nil {
		return &connectorv1.ReconcileResponse{Outcome: &connectorv1.ReconcileResponse_Failure{Failure: f}, Report: resp.GetReport()}
	}
	return resp
}

// ListOptions asks for choices.
func (c *Connector) ListOptions(ctx context.Context, req *connectorv1.ListOptionsRequest) *connectorv1.ListOptionsResponse {
	resp, f := call(ctx, c, req, func(ctx context.Context, p *process) (*connectorv1.ListOptionsResponse, error) {
		return p.operations.ListOptions(ctx, req)
	})
	if f != nil {
		return &connectorv1.ListOptionsResponse{Outcome: &connectorv1.ListOptionsResponse_Failure{Failure: f}, Report: resp.GetReport()}
	}
	return resp
}

// BeginAuthorization asks where to send a person.
func (c *Connector) BeginAuthorization(ctx context.Context, req *connectorv1.BeginAuthorizationRequest) *connectorv1.BeginAuthorizationResponse {
	resp, f := call(ctx, c, req, func(ctx context.Context, p *process) (*connectorv1.BeginAuthorizationResponse, error) {
		return p.auth.BeginAuthorization(ctx, req)
	})
	if f != nil {
		return &connectorv1.BeginAuthorizationResponse{Outcome: &connectorv1.BeginAuthorizationResponse_Failure{Failure: f}}
	}
	return resp
}

// CompleteAuthorization turns what came back into a credential.
func (c *Connector) CompleteAuthorization(ctx context.Context, req *connectorv1.CompleteAuthorizationRequest) *connectorv1.CompleteAuthorizationResponse {
	resp, f := call(ctx, c, req, func(ctx context.Context, p *process) (*connectorv1.CompleteAuthorizationResponse, error) {
		return p.auth.CompleteAuthorization(ctx, req)
	})
	if f != nil {
		return &connectorv1.CompleteAuthorizationResponse{Outcome: &connectorv1.CompleteAuthorizationResponse_Failure{Failure: f}}
	}
	return resp
}

// RefreshCredential extends a credential.
func (c *Connector) RefreshCredential(ctx context.Context, req *connectorv1.RefreshCredentialRequest) *connectorv1.RefreshCredentialResponse {
	resp, f := call(ctx, c, req, func(ctx context.Context, p *process) (*connectorv1.RefreshCredentialResponse, error) {
		return p.auth.RefreshCredential(ctx, req)
	})
	if f != nil {
		return &connectorv1.RefreshCredentialResponse{Outcome: &connectorv1.RefreshCredentialResponse_Failure{Failure: f}}
	}
	return resp
}

// InspectCredential asks what a credential is worth now.
func (c *Connector) InspectCredential(ctx context.Context, req *connectorv1.InspectCredentialRequest) *connectorv1.InspectCredentialResponse {
	resp, f := call(ctx, c, req, func(ctx context.Context, p *process) (*connectorv1.InspectCredentialResponse, error) {
		return p.auth.InspectCredential(ctx, req)
	})
	if f != nil {
		return &connectorv1.InspectCredentialResponse{Outcome: &connectorv1.InspectCredentialResponse_Failure{Failure: f}}
	}
	return resp
}

// RevokeCredential takes a consent back.
func (c *Connector) RevokeCredential(ctx context.Context, req *connectorv1.RevokeCredentialRequest) *connectorv1.RevokeCredentialResponse {
	resp, f := call(ctx, c, req, func(ctx context.Context, p *process) (*connectorv1.RevokeCredentialResponse, error) {
		return p.auth.RevokeCredential(ctx, req)
	})
	if f != nil {
		return &connectorv1.RevokeCredentialResponse{Failure: f}
	}
	return resp
}

// Subscribe asks for events.
func (c *Connector) Subscribe(ctx context.Context, req *connectorv1.SubscribeRequest) *connectorv1.SubscribeResponse {
	resp, f := call(ctx, c, req, func(ctx context.Context, p *process) (*connectorv1.SubscribeResponse, error) {
		return p.triggers.Subscribe(ctx, req)
	})
	if f != nil {
		return &connectorv1.SubscribeResponse{Outcome: &connectorv1.SubscribeResponse_Failure{Failure: f}, Report: resp.GetReport()}
	}
	return resp
}

// Unsubscribe undoes Subscribe.
func (c *Connector) Unsubscribe(ctx context.Context, req *connectorv1.UnsubscribeRequest) *connectorv1.UnsubscribeResponse {
	resp, f := call(ctx, c, req, func(ctx context.Context, p *process) (*connectorv1.UnsubscribeResponse, error) {
		return p.triggers.Unsubscribe(ctx, req)
	})
	if f != nil {
		return &connectorv1.UnsubscribeResponse{Failure: f}
	}
	return resp
}

// Receive returns a *CallError if the connector did not answer.
func (c *Connector) Receive(ctx context.Context, req *connectorv1.ReceiveRequest) (*connectorv1.ReceiveResponse, error) {
	resp, f := call(ctx, c, req, func(ctx context.Context, p *process) (*connectorv1.ReceiveResponse, error) {
		return p.triggers.Receive(ctx, req)
	})
	if f == nil && resp.GetReply() == nil {
		f = noOutcome(req)
	}
	if f != nil {
		return nil, &CallError{f}
	}
	return resp, nil
}

// Poll looks for events.
func (c *Connector) Poll(ctx context.Context, req *connectorv1.PollRequest) *connectorv1.PollResponse {
	resp, f := call(ctx, c, req, func(ctx context.Context, p *process) (*connectorv1.PollResponse, error) {
		return p.triggers.Poll(ctx, req)
	})
	if f != nil {
		return &connectorv1.PollResponse{Outcome: &connectorv1.PollResponse_Failure{Failure: f}, Report: resp.GetReport()}
	}
	return resp
}
