package host

import (
	"context"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// Connector is what the host asks of a connector, be it a process or built in.
// Its methods are safe for concurrent use and make one attempt.
//
// A connector that broke or went away is an answer like any other where the
// answer has room for a failure: kind UNAVAILABLE, applied UNKNOWN. The methods
// whose answer has none return an error instead.
type Connector interface {
	// Catalog returns what the connector offers. It is constant; do not change it.
	Catalog() *connectorv1.Catalog

	Validate(context.Context, *connectorv1.ValidateRequest) (*connectorv1.ValidateResponse, error)
	Invoke(context.Context, *connectorv1.InvokeRequest) *connectorv1.InvokeResponse
	// InvokeStream calls each with every message in order, on the caller's
	// goroutine; a failure is the last of them. It returns when the stream ends.
	InvokeStream(ctx context.Context, req *connectorv1.InvokeRequest, each func(*connectorv1.InvokeStreamResponse))
	Reconcile(context.Context, *connectorv1.ReconcileRequest) *connectorv1.ReconcileResponse
	ListOptions(context.Context, *connectorv1.ListOptionsRequest) *connectorv1.ListOptionsResponse

	BeginAuthorization(context.Context, *connectorv1.BeginAuthorizationRequest) *connectorv1.BeginAuthorizationResponse
	CompleteAuthorization(context.Context, *connectorv1.CompleteAuthorizationRequest) *connectorv1.CompleteAuthorizationResponse
	RefreshCredential(context.Context, *connectorv1.RefreshCredentialRequest) *connectorv1.RefreshCredentialResponse
	InspectCredential(context.Context, *connectorv1.InspectCredentialRequest) *connectorv1.InspectCredentialResponse
	RevokeCredential(context.Context, *connectorv1.RevokeCredentialRequest) *connectorv1.RevokeCredentialResponse

	Subscribe(context.Context, *connectorv1.SubscribeRequest) *connectorv1.SubscribeResponse
	Unsubscribe(context.Context, *connectorv1.UnsubscribeRequest) *connectorv1.UnsubscribeResponse
	Receive(context.Context, *connectorv1.ReceiveRequest) (*connectorv1.ReceiveResponse, error)
	Poll(context.Context, *connectorv1.PollRequest) *connectorv1.PollResponse
}

// Connectors finds a connector by its name.
type Connectors interface {
	// Connector returns false if no connector of that name is loaded.
	Connector(name string) (Connector, bool)
	// Names returns all names in the order in which to show them.
	Names() []string
}

// Vault holds what must not be seen. Nothing that it returns may be logged.
type Vault interface {
	// Credential returns a *NotFoundError if there is none of that name.
	Credential(ctx context.Context, name string) (*connectorv1.Credential, error)
	// App returns one of the operator's registrations for a connector; name is
	// also the last part of its webhook URL. It returns a *NotFoundError if there
	// is none of that name.
	App(ctx context.Context, connector, name string) (*connectorv1.App, error)
}
