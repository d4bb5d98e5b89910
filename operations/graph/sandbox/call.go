package sandbox

import (
	"net/http"
	"strings"
	"time"
)

// Hosts of Meta that the sandbox stands for.
const (
	hostGraphFacebook  = "graph.facebook.com"
	hostGraphInstagram = "graph.instagram.com"
	hostFacebook       = "www.facebook.com"
	hostInstagram      = "www.instagram.com"
	hostInstagramAPI   = "api.instagram.com"
	hostUpload         = "rupload.facebook.com"
	hostCDN            = "scontent.cdninstagram.com"
	hostMessageCDN     = "lookaside.fbsbx.com"
)

// hosts maps what a client may call a host to the host. The seed documents use the intern
// name; m.facebook.com is where phones are sent to log in.
var hosts = map[string]string{
	hostGraphFacebook: hostGraphFacebook, "graph.intern.facebook.com": hostGraphFacebook,
	"graph-video.facebook.com": hostGraphFacebook,
	hostGraphInstagram:         hostGraphInstagram,
	hostFacebook:               hostFacebook, "facebook.com": hostFacebook, "m.facebook.com": hostFacebook,
	hostInstagram: hostInstagram, "instagram.com": hostInstagram,
	hostInstagramAPI: hostInstagramAPI, hostUpload: hostUpload,
	hostCDN: hostCDN, hostMessageCDN: hostMessageCDN,
}

// A call is one request on its way through the sandbox, also an item of a batch.
type call struct {
	s       *Sandbox
	r       *http.Request
	now     time.Time
	host    string
	origin  string // scheme and authority by which the client reached us
	named   bool   // the Host header names the host, so URLs need no prefix
	flavour flavour
	version string // as sent; empty without one
	number  int    // 250 for v25.0
	method  string
	path    string // without host and version, no leading slash
	parts   []string
	params  params
	batch   bool

	token   *Token
	auth    string
	kind    string // what the first part of the path leads to
	node    any
	account *Account // the account that the node belongs to
	page    *Page    // its Page, where the call goes by a Page
	route   *route
	via     viaKind
	header  http.Header

	received int64 // bytes of an upload

	cdnBase []byte // beginning and end of file addresses, made once a call
	cdnEnd  string
}

// viaKind says how a medium was reached, which decides about some of its fields.
type viaKind int

const (
	viaOwner viaKind = iota
	viaOther
	viaDiscovery
)

// newCall reads a request. The call is usable for an error answer in any case.
func (s *Sandbox) newCall(r *http.Request) (*call, error) {
	c := &call{s: s, r: r, now: s.clock.Now(), method: r.Method}
	c.split()
	if c.host == hostUpload {
		c.params = params{} // the body is the video
		c.readUpload()
		return c, nil
	}
	p, err := readParams(r)
	if err != nil {
		c.params = params{}
		return c, badParam("%s", upperFirst(err.Error()))
	}
	c.params = p
	if m := strings.ToUpper(p.get("method")); r.Method == http.MethodPost && (m == http.MethodDelete || m == http.MethodGet || m == http.MethodPost) {
		c.method = m // clients without DELETE send POST with method=DELETE
	}
	return c, nil
}

// split finds host, version and path. Slashes are collapsed, because clients build paths such
// as ///me/accounts from an empty version.
func (c *call) split() {
	c.origin = origin(c.r)
	parts := splitPath(c.r.URL.Path)
	name := strings.ToLower(c.r.Host)
	if host, _, found := strings.Cut(name, ":"); found {
		name = host
	}
	c.host, c.named = hosts[name]
	if !c.named {
		c.host = hostGraphFacebook
	}
	if len(parts) > 0 && !c.named {
		if host := hosts[strings.ToLower(parts[0])]; host != "" {
			c.host, parts = host, parts[1:]
		}
	}
	if c.host == hostGraphInstagram || c.host == hostInstagram || c.host == hostInstagramAPI {
		c.flavour = flavourInstagram
	}
	c.takeVersion(parts)
}

// takeVersion splits a leading version off the path.
func (c *call) takeVersion(parts []string) {
	c.number, _ = parseVersion(defaultVersion)
	if len(parts) > 0 {
		if n, ok := parseVersion(parts[0]); ok {
			c.version, c.number, parts = parts[0], n, parts[1:]
		}
	}
	c.parts = parts
	c.path = strings.Join(parts, "/")
}

func splitPath(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

func origin(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || hosts[strings.ToLower(r.Host)] != "" {
		scheme = "https"
	}
	if forwarded := r.Header.Get("X-Forwarded-Proto"); forwarded == "https" {
		scheme = forwarded
	}
	return scheme + "://" + r.Host
}

// base is the URL of a host as this client reaches it, without a slash at the end.
func (c *call) base(host string) string {
	if c.named {
		return "https://" + host
	}
	if host == hostGraphFacebook && !strings.HasPrefix(strings.TrimLeft(c.r.URL.Path, "/"), hostGraphFacebook) {
		return c.origin
	}
	return c.origin + "/" + host
}

// usedVersion is the version that the call is answered by.
func (c *call) usedVersion() string {
	if c.version == "" {
		return defaultVersion
	}
	return c.version
}
