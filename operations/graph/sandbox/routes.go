package sandbox

import (
	"net/http"
	"slices"
	"strings"
)

// Kinds of nodes, as routes are named after them.
const (
	kindRoot      = ""
	kindUser      = "{user}"
	kindPage      = "{page}"
	kindAccount   = "{ig-user}"
	kindMedia     = "{media}"
	kindComment   = "{comment}"
	kindContainer = "{container}"
	kindHashtag   = "{hashtag}"
	kindThread    = "{conversation}"
	kindMessage   = "{message}"
	kindPerson    = "{igsid}"
	kindApp       = "{app}"
)

type routeKey struct{ kind, edge, method string }

// A route is an operation on a kind of node: what it needs and what answers it.
type route struct {
	name     string
	facebook []need
	insta    []need
	only     hostSet
	budget   budgetKind
	page     bool // wants a Page token
	free     bool // asks for no token
	handle   func(*call) (any, error)
}

type hostSet int

const (
	bothHosts hostSet = iota
	facebookOnly
	instagramOnly
)

// A need is a set of scopes of which one is enough.
type need []string

func (r *route) scopes(f flavour) []need {
	if f == flavourInstagram {
		return r.insta
	}
	return r.facebook
}

func (r *route) on(f flavour) bool {
	return r.only == bothHosts || (r.only == facebookOnly) == (f == flavourFacebook)
}

// needs reads "a b|c": a, and one of b and c.
func needs(text string) []need {
	var list []need
	for item := range strings.FieldsSeq(text) {
		list = append(list, strings.Split(item, "|"))
	}
	return list
}

// resolve finds the node and the route of a call.
func (c *call) resolve() error {
	if len(c.parts) == 0 {
		if c.method == http.MethodPost && c.params.has("batch") && c.flavour == flavourFacebook {
			c.route = c.s.routes[routeKey{kindRoot, "batch", http.MethodPost}]
			return nil
		}
		return c.resolveIDs()
	}
	if r := c.s.routes[routeKey{kindRoot, c.path, c.method}]; r != nil && r.on(c.flavour) {
		c.route = r
		return nil
	}
	parts := c.parts
	if len(parts) == 3 && parts[1] == "permissions" { // DELETE /me/permissions/<name>
		parts = parts[:2]
	}
	if len(parts) > 2 {
		return unknownPath(c, c.path)
	}
	if err := c.find(c.parts[0]); err != nil {
		return err
	}
	edge := ""
	if len(parts) == 2 {
		edge = c.parts[1]
	}
	c.route = c.s.routes[routeKey{c.kind, edge, c.method}]
	if c.route == nil || !c.route.on(c.flavour) {
		c.route = nil
		return c.noRoute(edge)
	}
	if c.route.page && c.token.Kind != PageToken && c.flavour == flavourFacebook {
		return fail(210, "A page access token is required to request this resource.")
	}
	return nil
}

// noRoute is the error for an edge that the node does not have or not for this method.
func (c *call) noRoute(edge string) error {
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		if r := c.s.routes[routeKey{c.kind, edge, m}]; r != nil && r.on(c.flavour) {
			e := notFound(c.method, c.parts[0])
			return e
		}
	}
	return unknownPath(c, edge)
}

// resolveIDs serves GET /?ids=a,b.
func (c *call) resolveIDs() error {
	if c.method != http.MethodGet || !c.params.has("ids") {
		return &apiError{code: 100, kind: "GraphMethodException", message: "Unsupported " + strings.ToLower(c.method) + " request. Please read the Graph API documentation at https://developers.facebook.com/docs/graph-api"}
	}
	c.route = c.s.routes[routeKey{kindRoot, "ids", http.MethodGet}]
	return nil
}

// find sets the node that an id leads to, if the token reaches it.
func (c *call) find(id string) error {
	if id == "me" {
		return c.findMe()
	}
	if c.findOwn(id) || c.findContent(id) || c.findMessaging(id) {
		return nil
	}
	return notFound(c.method, id)
}

func (c *call) findMe() error {
	switch c.token.Kind {
	case UserToken:
		c.kind, c.node = kindUser, c.s.st.users[c.token.UserID]
	case PageToken:
		c.setPage(c.s.st.pages[c.token.PageID])
	case InstagramToken:
		c.setAccount(c.s.st.accounts[c.token.AccountID])
	default:
		return fail(2500, "An active access token must be used to query information about the current user.")
	}
	return nil
}

// findOwn finds users, Pages, accounts and the app.
func (c *call) findOwn(id string) bool {
	st := c.s.st
	if c.flavour == flavourInstagram {
		a := st.accounts[id]
		if a == nil {
			a = st.byScopedID[id]
		}
		return a != nil && c.reaches(a) && c.setAccount(a)
	}
	if a := st.accounts[id]; a != nil && c.reaches(a) {
		return c.setAccount(a)
	}
	if p := st.pages[id]; p != nil && c.reachesPage(p) {
		return c.setPage(p)
	}
	if u := st.users[id]; u != nil && u.ID == c.token.UserID {
		c.kind, c.node = kindUser, u
		return true
	}
	if id == c.s.app.ID {
		c.kind, c.node = kindApp, c.s.app
		return true
	}
	return false
}

// findContent finds media, comments, containers and hashtags.
func (c *call) findContent(id string) bool {
	st := c.s.st
	if m := st.media[id]; m != nil {
		a := st.accounts[m.OwnerID]
		return c.belongs(kindMedia, m, a) && c.mediaVisible(m)
	}
	if cm := st.comments[id]; cm != nil {
		m := st.media[cm.MediaID]
		return m != nil && c.belongs(kindComment, cm, st.accounts[m.OwnerID])
	}
	if ct := st.containers[id]; ct != nil {
		return c.belongs(kindContainer, ct, ct.account)
	}
	if h := st.hashtags[id]; h != nil && c.flavour == flavourFacebook {
		c.kind, c.node = kindHashtag, h
		return c.token.Kind != AppToken
	}
	return false
}

// findMessaging finds conversations, messages and people.
func (c *call) findMessaging(id string) bool {
	st := c.s.st
	if t := st.threads[id]; t != nil {
		return c.belongs(kindThread, t, st.accounts[t.AccountID])
	}
	if m, ok := st.messages[id]; ok {
		return c.belongs(kindMessage, m, st.accounts[m.thread.AccountID])
	}
	if p, ok := st.scoped[id]; ok {
		return c.belongs(kindPerson, p, p.account)
	}
	return false
}

func (c *call) belongs(kind string, node any, a *Account) bool {
	if a == nil || !c.reaches(a) {
		return false
	}
	c.kind, c.node, c.account = kind, node, a
	c.page = c.s.st.pages[a.PageID]
	return true
}

func (c *call) setAccount(a *Account) bool {
	c.kind, c.node, c.account = kindAccount, a, a
	c.page = c.s.st.pages[a.PageID]
	return true
}

func (c *call) setPage(p *Page) bool {
	c.kind, c.node, c.page = kindPage, p, p
	c.account = c.s.st.accounts[p.AccountID]
	return true
}

// reaches says whether the token's holder may act for an account.
func (c *call) reaches(a *Account) bool {
	switch c.token.Kind {
	case InstagramToken:
		return c.token.AccountID == a.ID
	case PageToken:
		return a.PageID != "" && c.token.PageID == a.PageID
	case UserToken:
		u := c.s.st.users[c.token.UserID]
		return a.PageID != "" && u != nil && slices.Contains(u.Pages, a.PageID)
	}
	return false
}

func (c *call) reachesPage(p *Page) bool {
	switch c.token.Kind {
	case PageToken:
		return c.token.PageID == p.ID
	case UserToken:
		u := c.s.st.users[c.token.UserID]
		return u != nil && slices.Contains(u.Pages, p.ID)
	}
	return false
}

// permit checks scopes, each for the account or Page that it is about.
func (c *call) permit(wanted []need, method string) error {
	for _, n := range wanted {
		if !slices.ContainsFunc(n, func(scope string) bool { return c.token.grants(scope, c.target(scope)) }) {
			return missingScope(n[0], method)
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

func missingScope(scope, method string) error {
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

func (c *call) isTokenExchange() bool { return c.isFree() }
