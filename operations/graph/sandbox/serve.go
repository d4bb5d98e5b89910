package sandbox

import (
	"errors"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"
)

// An answer is what goes back to the client.
type answer struct {
	status      int
	header      http.Header
	contentType string // empty: JSON
	body        []byte
	buffered    bool   // the body may be used again once it is sent
	tag         string // ETag
	location    string
	cause       *apiError
	fault       *activeFault
}

const jsonType = "application/json; charset=UTF-8"

// ServeHTTP answers as Meta would, or, under /__sandbox/, as the control API.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, controlPrefix) || r.URL.Path+"/" == controlPrefix {
		s.serveControl(w, r)
		return
	}
	c, err := s.newCall(r)
	a := c.answer(err)
	s.write(w, r, c, a)
	if a.buffered && cap(a.body) < maxKeptBuffer {
		s.buffers.Put(&a.body)
	}
}

// maxKeptBuffer is the largest room for an answer that is used again.
const maxKeptBuffer = 256 << 10

// answer runs the call, unless reading it failed already, and writes it down.
func (c *call) answer(err error) answer {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.members, c.s.addresses = c.s.members[:0], c.s.addresses[:0]
	a := c.locked(err)
	c.record(a)
	return a
}

func (c *call) locked(err error) answer {
	if err == nil {
		err = c.prepare()
	}
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
	if err := c.permit(c.route.scopes(c.flavour)); err != nil {
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
	body, tag := encode(c.s.buffer(), value), ""
	if c.method == http.MethodGet || c.batch {
		tag = etag(body)
		if !c.batch && matchesTag(c.r.Header.Get("If-None-Match"), tag) {
			return answer{status: http.StatusNotModified, header: c.header, tag: tag}
		}
	}
	return answer{status: http.StatusOK, header: c.header, body: body, tag: tag, buffered: true}
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
	if c.token != nil && c.auth != "" { // without a token it is done in the app's name
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
	if a.tag != "" {
		h["Etag"] = []string{a.tag}
	}
	if a.location != "" {
		h.Set("Location", a.location)
	}
	// Clients read Meta's time here: windows and ages are counted by its clock.
	h["Date"] = []string{c.now.UTC().Format(http.TimeFormat)}
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
	b := strconv.AppendUint([]byte{'"'}, uint64(crc32.Checksum(body, castagnoli)), 16)
	b = strconv.AppendInt(append(b, '-'), int64(len(body)), 16)
	return string(append(b, '"'))
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
