package operations

import (
	"context"
	"slices"
	"strings"

	"github.com/storyloop/storyloop/connector"
)

// accessToken is the auth method for people who have a token already, from Meta's
// dashboard or from another program.
func accessToken(a *api) connector.AuthMethod {
	return connector.AuthMethod{
		Name:     pastedToken,
		Title:    "Access token",
		Flow:     connector.Form,
		Scopes:   scopes(append(slices.Clone(facebookScopes), instagramScopes...)),
		Complete: a.completeToken,
		Refresh:  a.refresh,
		Inspect:  a.inspect,
		Revoke:   a.revoke,
	}
}

// completeToken takes a pasted token and asks Meta at once what it is worth.
func (a *api) completeToken(ctx context.Context, r connector.CompleteRequest) (connector.Credential, error) {
	registration, err := readApp(r.App)
	if err != nil {
		return connector.Credential{}, err
	}
	var form struct {
		Token string `json:"access_token"`
	}
	if err := r.Reply.Decode(&form); err != nil {
		return connector.Credential{}, connector.Invalid("", "bad_form", "The form cannot be read.")
	}
	token := strings.TrimSpace(form.Token)
	if token == "" {
		return connector.Credential{}, connector.Invalid("/access_token", "missing_property", "The access token is missing.")
	}
	in, err := a.inspectToken(ctx, registration, token, "")
	if err != nil {
		return connector.Credential{}, failure(err)
	}
	return a.credential(ctx, pastedToken, registration, token, in)
}
