package operations

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

// inspect asks Meta what a credential is worth now. The secret stays as it is.
func (a *api) inspect(ctx context.Context, appConfig connector.Secret, c connector.Credential) (connector.Credential, error) {
	registration, err := readApp(appConfig)
	if err != nil {
		return connector.Credential{}, err
	}
	k, err := readKey(c.Secret)
	if err != nil {
		return connector.Credential{}, err
	}
	in, err := a.inspectToken(ctx, registration, k.Token, k.Host)
	if err != nil {
		return connector.Credential{}, failure(err)
	}
	if in.account != "" {
		c.Account = in.account
	}
	if in.scopes != nil {
		c.Scopes = understood(in.scopes)
	}
	// What Meta does not tell, the credential knows from when it was made.
	if in.knowsValidity {
		refreshAfter := c.Validity.RefreshAfter
		c.Validity = connector.Validity{ExpiresAt: in.expires, ConsentUntil: in.dataAccessEnds, RefreshAfter: refreshAfter}
	}
	return c, nil
}

// inspection is what Meta says about a token.
type inspection struct {
	host           graph.Host
	userID         string // Of the person with Facebook Login, of the account with Instagram Login.
	account        string
	scopes         []string // Nil if Meta does not say.
	knowsValidity  bool
	issued         time.Time
	expires        time.Time
	dataAccessEnds time.Time
	pageID         string // Set for a Page's token.
}

// inspectToken looks at a token, at the host where it is good. Tokens are opaque:
// where the host is not known, both are asked, the likelier one first.
func (a *api) inspectToken(ctx context.Context, registration app, token string, host graph.Host) (inspection, error) {
	hosts := []graph.Host{graph.Facebook, graph.Instagram}
	if strings.HasPrefix(token, "IG") {
		slices.Reverse(hosts)
	}
	if host != "" {
		hosts = []graph.Host{host}
	}
	var first error
	for _, h := range hosts {
		look := a.inspectFacebook
		if h == graph.Instagram {
			look = a.inspectInstagram
		}
		in, err := look(ctx, registration, token)
		if err == nil {
			return in, nil
		}
		if first == nil {
			first = err
		}
		if e, ok := graphError(err); !ok || e.Class != graph.Unauthenticated {
			return inspection{}, err // not the token's fault
		}
	}
	return inspection{}, first
}

// inspectFacebook asks debug_token, where an app is configured, and the token
// itself.
// Source: developers.facebook.com/docs/graph-api/reference/debug_token.
func (a *api) inspectFacebook(ctx context.Context, registration app, token string) (inspection, error) {
	in := inspection{host: graph.Facebook}
	configured, page := registration.ID != "" && registration.Secret != "", false
	if configured {
		d, err := a.debugToken(ctx, registration, token)
		if err != nil {
			return in, err
		}
		in.scopes, in.knowsValidity = d.Scopes, true
		in.issued, in.expires, in.dataAccessEnds = d.IssuedAt.Time, d.ExpiresAt.Time, d.DataAccessEnds.Time
		page = d.Type == "PAGE"
	}
	me := struct {
		ID, Name string
	}{}
	err := a.ask(ctx, graph.Request{
		Host: graph.Facebook, Path: "/me", Params: url.Values{"fields": {"id,name"}}, Token: token, Proof: proof(registration.Secret, token),
	}, &me)
	if err != nil {
		return in, err
	}
	in.userID, in.account = me.ID, me.Name
	if page {
		in.pageID = me.ID
	}
	if !configured {
		in.scopes = a.permissions(ctx, token)
	}
	return in, nil
}

// debugged is what debug_token says. A time of 0 means never.
type debugged struct {
	Valid          bool            `json:"is_valid"`
	AppID          json.RawMessage `json:"app_id"`
	Type           string          `json:"type"`
	Scopes         []string        `json:"scopes"`
	IssuedAt       unixTime        `json:"issued_at"`
	ExpiresAt      unixTime        `json:"expires_at"`
	DataAccessEnds unixTime        `json:"data_access_expires_at"`
	Error          *struct {
		Code    int `json:"code"`
		Subcode int `json:"subcode"`
	} `json:"error"`
}

func (a *api) debugToken(ctx context.Context, registration app, token string) (debugged, error) {
	var answer struct {
		Data debugged `json:"data"`
	}
	err := a.ask(ctx, graph.Request{
		Host: graph.Facebook, Path: "/debug_token", Params: url.Values{"input_token": {token}},
		Token: registration.ID + "|" + registration.Secret,
	}, &answer)
	if err != nil {
		return debugged{}, err
	}
	if !answer.Data.Valid {
		code, sub := 190, 0
		if e := answer.Data.Error; e != nil {
			code, sub = e.Code, e.Subcode
		}
		return debugged{}, graph.NewError(code, sub)
	}
	if id := text(answer.Data.AppID); id != "" && id != registration.ID {
		return debugged{}, precondition("The token was made for another app than the one that is configured.", "Use a token of the configured app, or configure the token's app.")
	}
	return answer.Data, nil
}

// permissions lists what a user's token may do; nil for a token that cannot say.
func (a *api) permissions(ctx context.Context, token string) []string {
	var answer struct {
		Data []struct {
			Permission string `json:"permission"`
			Status     string `json:"status"`
		} `json:"data"`
	}
	if a.ask(ctx, graph.Request{Host: graph.Facebook, Path: "/me/permissions", Token: token}, &answer) != nil {
		return nil
	}
	granted := []string{}
	for _, p := range answer.Data {
		if p.Status == "granted" {
			granted = append(granted, p.Permission)
		}
	}
	return granted
}

func (a *api) inspectInstagram(ctx context.Context, registration app, token string) (inspection, error) {
	in := inspection{host: graph.Instagram}
	user, err := a.instagramUser(ctx, token, proof(registration.InstagramSecret, token))
	if err != nil {
		return in, err
	}
	in.userID, in.account = text(user.ID), "@"+user.Username
	return in, nil
}

type instagramUser struct {
	ID       json.RawMessage `json:"user_id"`
	Username string          `json:"username"`
}

// instagramUser asks whom a token of Instagram Login belongs to.
func (a *api) instagramUser(ctx context.Context, token, proof string) (instagramUser, error) {
	resp, err := a.graph().Do(ctx, graph.Request{
		Host: graph.Instagram, Path: "/me", Params: url.Values{"fields": {"user_id,username"}}, Token: token, Proof: proof,
	})
	if err != nil {
		return instagramUser{}, err
	}
	return readInstagramUser(resp)
}

// readInstagramUser reads whose token it is. Meta's guide shows the answer inside a
// list, Meta's servers send it bare.
func readInstagramUser(resp *graph.Response) (instagramUser, error) {
	var answer struct {
		instagramUser
		Data []instagramUser `json:"data"`
	}
	err := resp.Decode(&answer)
	if len(answer.Data) > 0 {
		return answer.Data[0], err
	}
	return answer.instagramUser, err
}

// ask sends a request outside of any call.
func (a *api) ask(ctx context.Context, r graph.Request, out any) error {
	resp, err := a.graph().Do(ctx, r)
	if err != nil {
		return err
	}
	return resp.Decode(out)
}
