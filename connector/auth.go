package connector

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// AuthMethod is one way to authenticate.
type AuthMethod struct {
	Name   string // Required. Stable, in snake_case, such as "facebook_login".
	Title  string // Required. Name for people.
	Flow   Flow   // Required.
	Scopes []Scope

	// Begin returns where to send a person. Required for OAuth2Code.
	Begin func(context.Context, BeginRequest) (Authorization, error)
	// Complete turns what came back, or a filled form, into a credential. Required.
	Complete func(context.Context, CompleteRequest) (Credential, error)
	// Refresh extends a credential without a person, where that can be done.
	Refresh func(ctx context.Context, app Secret, current Credential) (Credential, error)
	// Inspect asks the remote service what a credential is worth now. Required.
	Inspect func(ctx context.Context, app Secret, current Credential) (Credential, error)
	// Revoke takes the consent back, and succeeds if there is none.
	Revoke func(ctx context.Context, app Secret, current Credential) error
}

// Flow is how a person authenticates.
type Flow = connectorv1.AuthFlow

// Flows.
const (
	OAuth2Code = connectorv1.AuthFlow_AUTH_FLOW_OAUTH2_CODE // A browser goes out and comes back.
	Form       = connectorv1.AuthFlow_AUTH_FLOW_FORM        // A person fills in a form.
)

// Scope is one permission.
type Scope struct {
	Name    string // At the remote service.
	Summary string // What it allows, for people.
	Default bool   // Ask for it unless told otherwise.
}

// BeginRequest starts a flow.
type BeginRequest struct {
	App         Secret
	RedirectURL string
	Scopes      []string
	Current     *Credential // Set to renew: the same account is expected to come back.
}

// Authorization is a flow under way.
type Authorization struct {
	URL     string // For the person's browser.
	State   string // The "state" parameter in URL.
	Session Secret // What Complete needs, such as a PKCE verifier.
}

// CompleteRequest ends a flow.
type CompleteRequest struct {
	App         Secret
	RedirectURL string
	Session     Secret
	Reply       Secret // The query with which the browser came back, or the form as JSON.
}

// Credential is what acts for an account.
type Credential struct {
	Method   string // AuthMethod by name.
	Secret   Secret // Opaque to the host.
	Account  string // For people: "@bluebottle".
	Scopes   []string
	Validity Validity
}

// Validity says until when a credential works. A zero time means never.
type Validity struct {
	ExpiresAt    time.Time // When it stops working.
	RefreshAfter time.Time // From when Refresh is worth a call.
	ConsentUntil time.Time // When a person must consent again whatever is refreshed.
}

// Secret is JSON that must not be seen. It prints, logs and marshals as a mask;
// [Secret.Decode] is the way in.
type Secret []byte

const mask = "[secret]"

// Decode reads the secret into out.
func (s Secret) Decode(out any) error {
	if len(s) == 0 {
		return fmt.Errorf("no secret was given")
	}
	if err := json.Unmarshal(s, out); err != nil {
		// The cause may quote the secret.
		return fmt.Errorf("the secret is not JSON of the expected shape")
	}
	return nil
}

// String returns a mask.
func (s Secret) String() string { return mask }

// GoString returns a mask.
func (s Secret) GoString() string { return mask }

// Format writes a mask, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, mask) }

// LogValue returns a mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalJSON returns a mask.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(mask) }
