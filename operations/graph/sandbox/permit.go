package sandbox

import (
	"slices"
	"strings"
)

// permit checks scopes, each for the account or Page that it is about.
func (c *call) permit(wanted []need) error {
	for _, n := range wanted {
		if !slices.ContainsFunc(n, func(scope string) bool { return c.token.grants(scope, c.target(scope)) }) {
			return missingScope(n[0])
		}
	}
	if end := c.token.DataAccessEnds; !end.IsZero() && !c.now.Before(end) && len(wanted) > 0 {
		return fail(10, "The user's permission to access their data has expired. The user must authorize the app again.")
	}
	return nil
}

// target is what a granular scope is about: a Page for pages_*, else the account.
func (c *call) target(scope string) string {
	if strings.HasPrefix(scope, "pages_") {
		if c.page != nil {
			return c.page.ID
		}
		return ""
	}
	if c.account != nil {
		return c.account.ID
	}
	return ""
}

func missingScope(scope string) error {
	if strings.HasPrefix(scope, "pages_") {
		return fail(200, "Requires %s permission to manage the object.", scope)
	}
	return fail(10, "Application does not have permission for this action. Requires %s permission.", scope)
}

// budget is what the call is charged to. Looking at other accounts is charged to the platform.
func (c *call) budget() budgetKind {
	if c.kind == kindAccount && strings.Contains(c.params.get("fields"), "business_discovery") {
		return budgetPlatform
	}
	return c.route.budget
}

// budgetOwner is whose budget a call is charged to.
func (c *call) budgetOwner() string {
	switch c.budget() {
	case budgetAccount:
		if c.account != nil {
			return c.account.ID
		}
	case budgetPage:
		if c.page != nil {
			return c.page.ID
		}
	}
	if c.token.Kind == InstagramToken {
		return c.token.AccountID
	}
	return c.token.UserID
}

// authenticate finds the token. A token in the parameters wins over the header: Postman sends
// the user's in the header and the Page's in the query.
func (c *call) authenticate() error {
	text, auth := c.params.get("access_token"), "parameter"
	if text == "" {
		text, auth = bearer(c.r.Header.Get("Authorization"))
	}
	if c.isFree() {
		c.token = &Token{Kind: AppToken}
		return nil
	}
	if text == "" {
		if len(c.parts) > 0 && c.parts[0] == "me" {
			return fail(2500, "An active access token must be used to query information about the current user.")
		}
		return &apiError{code: 104, message: "An access token is required to request this resource."}
	}
	c.auth = auth
	t, err := c.s.token(text)
	if err != nil {
		return err
	}
	if t.flavour() != c.flavour && t.Kind != AppToken {
		return badToken("Cannot parse access token")
	}
	c.token = t
	if err := t.check(c.now); err != nil {
		return err
	}
	return orNil(c.checkProof())
}

func bearer(header string) (token, auth string) {
	scheme, rest, found := strings.Cut(header, " ")
	switch strings.ToLower(scheme) {
	case "bearer", "oauth":
		if found {
			return strings.TrimSpace(rest), strings.ToLower(scheme)
		}
	}
	return "", ""
}

// token finds a token by its text. App tokens are APP_ID|APP_SECRET.
func (s *Sandbox) token(text string) (*Token, error) {
	if t := s.st.tokens[text]; t != nil {
		return t, nil
	}
	id, secret, isApp := strings.Cut(text, "|")
	if isApp && id == s.app.ID && secret == s.app.Secret || isApp && id == s.app.InstagramID && secret == s.app.InstagramSecret {
		return &Token{Value: text, Kind: AppToken}, nil
	}
	if isApp {
		return nil, badToken("Cannot get application info due to a system error.")
	}
	return nil, badToken("Cannot parse access token")
}

// isFree says whether the path is an endpoint that authenticates by other means.
func (c *call) isFree() bool {
	r := c.s.routes[routeKey{kindRoot, c.path, c.method}]
	return r != nil && r.free && r.on(c.flavour)
}
