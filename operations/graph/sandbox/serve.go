package sandbox

import (
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"strconv"
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

	members   []member // room for the objects of the answer
	addresses []byte   // room for its file addresses
}

// viaKind says how a medium was reached, which decides about some of its fields.
type viaKind int

const (
	viaOwner viaKind = iota
	viaOther
	viaDiscovery
)

// An answer is what goes back to the client.
type answer struct {
	status      int
	header      http.Header
	contentType string // empty: JSON
	body        []byte
	buffered    bool // the body may be used again once it is sent
	location    string
	cause       *apiError
	fault       *activeFault
}

const jsonType = "application/json; charset=UTF-8"

// ServeHTTP answers as Meta would, or, under /__sandbox/, as the control API.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, controlPrefix) {
		s.serveControl(w, r)
		return
	}
	c, err := s.newCall(r)
	if err != nil {
		s.write(w, r, c, c.failed(err))
		return
	}
	a := c.answer()
	s.write(w, r, c, a)
	if a.buffered && cap(a.body) < maxKeptBuffer {
		s.buffers.Put(&a.body)
	}
}

// maxKeptBuffer is the largest room for an answer that is used again.
const maxKeptBuffer = 256 << 10

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

// answer runs the call and writes it down.
func (c *call) answer() answer {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	a := c.locked()
	c.record(a)
	return a
}

func (c *call) locked() answer {
	err := c.prepare()
	fault := c.s.takeFault(c)
	if fault != nil && fault.replaces() {
		a := fault.answer(c)
		a.fault = fault
		return a
	}
	var a answer
	switch {
	case err != nil:
		a = c.failed(err)
	default:
		a = c.run()
	}
	if fault != nil {
		a = fault.after(c, a)
		a.fault = fault
	}
	return a
}

// prepare finds out who asks for what and whether they may.
func (c *call) prepare() error {
	if done, err := c.prepareElsewhere(); done {
		return err
	}
	if !isOAuthPath(c.path) {
		if err := checkVersion(c.version, c.now); err != nil {
			return err
		}
	}
	if err := c.authenticate(); err != nil {
		return err
	}
	if err := c.resolve(); err != nil {
		return err
	}
	if c.route.free {
		return nil
	}
	if err := c.permit(c.route.scopes(c.flavour), c.method); err != nil {
		return err
	}
	return orNil(c.charge(c.budget(), c.budgetOwner()))
}

func (c *call) run() answer {
	value, err := c.route.handle(c)
	if err != nil {
		return c.failed(err)
	}
	if a, ok := value.(answer); ok {
		if a.header == nil {
			a.header = c.header
		}
		return a
	}
	body := encode(c.s.buffer(), value)
	if c.method == http.MethodGet || c.batch {
		tag := etag(body)
		c.setHeader("ETag", tag)
		if !c.batch && matchesTag(c.r.Header.Get("If-None-Match"), tag) {
			return answer{status: http.StatusNotModified, header: c.header}
		}
	}
	return answer{status: http.StatusOK, header: c.header, body: body, buffered: true}
}

// buffer is room for an answer; ServeHTTP gives it back when the answer is sent.
func (s *Sandbox) buffer() []byte {
	if b, ok := s.buffers.Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return make([]byte, 0, 4096)
}

// failed makes the answer for an error.
func (c *call) failed(err error) answer {
	var e *apiError
	if !errors.As(err, &e) {
		c.s.log.Error("request failed", "path", c.path, "error", err)
		e = &apiError{code: 1, message: "An unknown error has occurred.", transient: true}
	}
	trace := c.s.trace()
	c.setHeader("X-Fb-Trace-Id", trace)
	if e.raw == nil && (e.kind == "" || e.kind == "OAuthException") {
		reason := "invalid_request"
		if e.code == 190 {
			reason = "invalid_token"
		}
		c.setHeader("WWW-Authenticate", `OAuth "Facebook Platform" "`+reason+`" "`+headerText(e.message)+`"`)
	}
	return answer{status: e.httpStatus(), header: c.header, body: e.envelope(trace), cause: e}
}

func (c *call) record(a answer) {
	r := Request{
		At: c.now, Method: c.method, Host: c.host, Version: c.version, Path: "/" + c.path,
		Route: c.routeName(), Auth: c.auth, Status: a.status, Batch: c.batch,
	}
	if c.token != nil {
		r.Token = c.token.describe()
	}
	if a.cause != nil {
		r.Code, r.Subcode = a.cause.code, a.cause.subcode
	}
	if a.fault != nil {
		r.Fault = a.fault.Kind
		if !a.fault.answers() {
			r.Status = 0
		}
	}
	c.s.journal.add(r, c.params)
}

func (c *call) routeName() string {
	if c.route != nil {
		return c.route.name
	}
	return c.method + " /" + c.path
}

// write sends an answer, with what a fault does to the connection.
func (s *Sandbox) write(w http.ResponseWriter, r *http.Request, c *call, a answer) {
	if a.fault != nil && !a.fault.let(s, w, r, a) {
		return
	}
	h := w.Header()
	for k, v := range a.header {
		h[k] = v
	}
	if a.location != "" {
		h.Set("Location", a.location)
	}
	h["Facebook-Api-Version"] = []string{c.usedVersion()}
	if h["X-Fb-Trace-Id"] == nil {
		h["X-Fb-Trace-Id"] = []string{s.lockedTrace()}
	}
	h["X-Fb-Debug"], h["X-Fb-Rev"], h["Cache-Control"] = fbDebug, fbRev, noCache
	if a.contentType == "" {
		a.contentType = jsonType
	}
	if a.status != http.StatusNotModified {
		h["Content-Type"] = []string{a.contentType}
		h["Content-Length"] = []string{strconv.Itoa(len(a.body))}
	}
	w.WriteHeader(a.status)
	if a.fault != nil && a.fault.Kind == FaultSlow {
		a.fault.drip(s, w, r, a.body)
		return
	}
	_, _ = w.Write(a.body) // a client that is gone gets no answer
}

// Headers that are the same on every answer.
var (
	fbDebug = []string{"c2FuZGJveA=="}
	fbRev   = []string{"1012345678"}
	noCache = []string{"private, no-cache, no-store, must-revalidate"}
)

func (s *Sandbox) lockedTrace() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trace()
}

// trace returns a new fbtrace_id. It looks like one and is the same in every run.
func (s *Sandbox) trace() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
	s.traces++
	n := s.traces * 0x9e3779b97f4a7c15
	b := [23]byte{0: 'A'}
	for i := 1; i < len(b); i++ {
		b[i] = letters[n>>58]
		n = n<<6 | n>>58 + uint64(i)
	}
	return string(b[:])
}

func etag(body []byte) string {
	return fmt.Sprintf(`"%08x%x"`, crc32.Checksum(body, castagnoli), len(body))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func matchesTag(header, tag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		if strings.TrimPrefix(strings.TrimSpace(one), "W/") == tag {
			return true
		}
	}
	return false
}

func headerText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' {
			return ' '
		}
		return r
	}, s)
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// orNil turns a nil *apiError into a nil error.
func orNil(e *apiError) error {
	if e == nil {
		return nil
	}
	return e
}
