package sandbox

import (
	"net/http"
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
