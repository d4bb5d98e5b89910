package connector

import (
	"context"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// BeginAuthorization starts a flow.
func (s *server) BeginAuthorization(ctx context.Context, req *connectorv1.BeginAuthorizationRequest) (*connectorv1.BeginAuthorizationResponse, error) {
	a, err := s.begin(ctx, req)
	if err != nil {
		return &connectorv1.BeginAuthorizationResponse{Outcome: &connectorv1.BeginAuthorizationResponse_Failure{Failure: s.authFailure(ctx, err)}}, nil
	}
	return &connectorv1.BeginAuthorizationResponse{Outcome: &connectorv1.BeginAuthorizationResponse_Authorization{
		Authorization: &connectorv1.Authorization{Url: a.URL, State: a.State, Session: a.Session},
	}}, nil
}

func (s *server) begin(ctx context.Context, req *connectorv1.BeginAuthorizationRequest) (Authorization, error) {
	m, err := s.method(req.GetMethod(), req.GetApp())
	if err != nil {
		return Authorization{}, err
	}
	if m.Begin == nil {
		return Authorization{}, Invalid("", "no_flow", "%s is not begun in a browser: its form is completed at once", m.Name)
	}
	begin := BeginRequest{App: req.GetApp().GetConfig(), RedirectURL: req.GetRedirectUrl(), Scopes: req.GetScopes()}
	if req.GetCurrent() != nil {
		current := credentialFrom(req.GetCurrent())
		begin.Current = &current
	}
	return m.Begin(ctx, begin)
}

// CompleteAuthorization ends a flow.
func (s *server) CompleteAuthorization(ctx context.Context, req *connectorv1.CompleteAuthorizationRequest) (*connectorv1.CompleteAuthorizationResponse, error) {
	credential, err := s.complete(ctx, req)
	if err != nil {
		return &connectorv1.CompleteAuthorizationResponse{Outcome: &connectorv1.CompleteAuthorizationResponse_Failure{Failure: s.authFailure(ctx, err)}}, nil
	}
	return &connectorv1.CompleteAuthorizationResponse{Outcome: &connectorv1.CompleteAuthorizationResponse_Credential{Credential: credentialTo(credential, req.GetMethod())}}, nil
}

func (s *server) complete(ctx context.Context, req *connectorv1.CompleteAuthorizationRequest) (Credential, error) {
	m, err := s.method(req.GetMethod(), req.GetApp())
	if err != nil {
		return Credential{}, err
	}
	if m.form != nil {
		if wrong := refuse(checked(m.form, req.GetReply(), nil), "The form is not filled in as it should be"); wrong != nil {
			return Credential{}, wrong
		}
	}
	return m.Complete(ctx, CompleteRequest{
		App: req.GetApp().GetConfig(), RedirectURL: req.GetRedirectUrl(), Session: req.GetSession(), Reply: req.GetReply(),
	})
}

// RefreshCredential extends a credential.
func (s *server) RefreshCredential(ctx context.Context, req *connectorv1.RefreshCredentialRequest) (*connectorv1.RefreshCredentialResponse, error) {
	credential, err := s.renew(ctx, req.GetApp(), req.GetCredential(), func(m *boundMethod) renewal { return m.Refresh }, "refreshed")
	if err != nil {
		return &connectorv1.RefreshCredentialResponse{Outcome: &connectorv1.RefreshCredentialResponse_Failure{Failure: s.authFailure(ctx, err)}}, nil
	}
	return &connectorv1.RefreshCredentialResponse{Outcome: &connectorv1.RefreshCredentialResponse_Credential{Credential: credential}}, nil
}

// InspectCredential looks at a credential.
func (s *server) InspectCredential(ctx context.Context, req *connectorv1.InspectCredentialRequest) (*connectorv1.InspectCredentialResponse, error) {
	credential, err := s.renew(ctx, req.GetApp(), req.GetCredential(), func(m *boundMethod) renewal { return m.Inspect }, "inspected")
	if err != nil {
		return &connectorv1.InspectCredentialResponse{Outcome: &connectorv1.InspectCredentialResponse_Failure{Failure: s.authFailure(ctx, err)}}, nil
	}
	return &connectorv1.InspectCredentialResponse{Outcome: &connectorv1.InspectCredentialResponse_Credential{Credential: credential}}, nil
}

type renewal func(ctx context.Context, app Secret, current Credential) (Credential, error)

func (s *server) renew(ctx context.Context, app *connectorv1.App, current *connectorv1.Credential, pick func(*boundMethod) renewal, verb string) (*connectorv1.Credential, error) {
	m, err := s.method(current.GetMethod(), app)
	if err != nil {
		return nil, err
	}
	do := pick(m)
	if do == nil {
		return nil, &Error{Kind: Unauthenticated, Applied: AppliedNo, Message: "A credential of " + m.Title + " cannot be " + verb + " without its owner."}
	}
	credential, err := do(ctx, app.GetConfig(), credentialFrom(current))
	if err != nil {
		return nil, err
	}
	return credentialTo(credential, m.Name), nil
}

// RevokeCredential ends a credential.
func (s *server) RevokeCredential(ctx context.Context, req *connectorv1.RevokeCredentialRequest) (*connectorv1.RevokeCredentialResponse, error) {
	m, err := s.method(req.GetCredential().GetMethod(), req.GetApp())
	if err == nil && m.Revoke != nil {
		err = m.Revoke(ctx, req.GetApp().GetConfig(), credentialFrom(req.GetCredential()))
	}
	if err != nil {
		return &connectorv1.RevokeCredentialResponse{Failure: s.authFailure(ctx, err)}, nil
	}
	return &connectorv1.RevokeCredentialResponse{}, nil
}

// method finds an auth method and checks the operator's registration for it. An
// absent registration passes: not every method needs one.
func (s *server) method(name string, app *connectorv1.App) (*boundMethod, error) {
	m, ok := s.methods[name]
	if !ok {
		return nil, unknownName("auth method", name, keys(s.methods))
	}
	if m.app == nil || len(app.GetConfig()) == 0 {
		return m, nil
	}
	if wrong := refuse(checked(m.app, app.GetConfig(), nil), "The app's registration does not fit "+m.Name); wrong != nil {
		return nil, wrong
	}
	return m, nil
}

func (s *server) authFailure(ctx context.Context, err error) *connectorv1.Failure {
	return failure(ctx, &Call{Log: s.log}, err)
}

func credentialFrom(c *connectorv1.Credential) Credential {
	v := c.GetValidity()
	return Credential{
		Method: c.GetMethod(), Secret: c.GetSecret(), Account: c.GetAccount(), Scopes: c.GetScopes(),
		Validity: Validity{ExpiresAt: timeOf(v.GetExpiresAt()), RefreshAfter: timeOf(v.GetRefreshAfter()), ConsentUntil: timeOf(v.GetConsentUntil())},
	}
}

func credentialTo(c Credential, method string) *connectorv1.Credential {
	return &connectorv1.Credential{
		Method: method, Secret: c.Secret, Account: c.Account, Scopes: c.Scopes,
		Validity: &connectorv1.Validity{
			ExpiresAt:    timestamp(c.Validity.ExpiresAt),
			RefreshAfter: timestamp(c.Validity.RefreshAfter),
			ConsentUntil: timestamp(c.Validity.ConsentUntil),
		},
	}
}
