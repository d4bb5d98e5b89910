package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path"
	"strconv"
	"time"
)

// Kinds of faults.
const (
	FaultError       = "error"        // an error envelope with Code and Subcode
	FaultStatus      = "status"       // an HTTP status with Body
	FaultEmpty       = "empty"        // 200 without a body
	FaultHTML        = "html"         // an HTML page, as a proxy in trouble sends it
	FaultTruncated   = "truncated"    // the call is done, the JSON answer ends in the middle
	FaultHang        = "hang"         // no answer until the client is gone; the call is not done
	FaultResetBefore = "reset_before" // the connection is reset, the call is not done
	FaultResetAfter  = "reset_after"  // the connection is reset after the call was done
	FaultSlow        = "slow"         // the call is done, the answer comes byte by byte
	FaultLatency     = "latency"      // the call is done, the answer comes late
)

// A Fault is bad luck on demand: it strikes calls that match, a number of times.
type Fault struct {
	Kind string `json:"kind"`

	// Method, Route and Path say which calls it strikes; empty ones match every call. Route
	// is a name as in the journal ("GET /{ig-user}/stories"); Path is a pattern of
	// path.Match without host and version ("/*/stories").
	Method string `json:"method,omitempty"`
	Route  string `json:"route,omitempty"`
	Path   string `json:"path,omitempty"`
	// Skip lets that many matching calls pass first; Times is how many are struck then, 0
	// for one, -1 for all.
	Skip  int `json:"skip,omitempty"`
	Times int `json:"times,omitempty"`

	// Of kind error. Message is made up when empty.
	Code      int    `json:"code,omitempty"`
	Subcode   int    `json:"subcode,omitempty"`
	Message   string `json:"message,omitempty"`
	Type      string `json:"type,omitempty"`
	Transient bool   `json:"transient,omitempty"`
	// After has an error or status answered after the call was done.
	After bool `json:"after,omitempty"`

	// Of kinds error, status and html: the HTTP status, 0 for the usual one.
	Status int `json:"status,omitempty"`
	// Body of kind status; ContentType defaults to text/plain.
	Body        string            `json:"body,omitempty"`
	ContentType string            `json:"content_type,omitempty"`
	Header      map[string]string `json:"header,omitempty"`

	// Delay in milliseconds of real time: before the answer (latency) or after every byte
	// (slow).
	Delay int `json:"delay_ms,omitempty"`
}

// check says what is wrong with a fault.
func (f *Fault) check() error {
	switch f.Kind {
	case FaultError:
		if f.Code == 0 {
			return errors.New("code: an error fault needs Meta's error code")
		}
	case FaultStatus:
		if f.Status < 200 || f.Status > 599 {
			return fmt.Errorf("status: %d is not an HTTP status from 200 to 599", f.Status)
		}
	case FaultEmpty, FaultHTML, FaultTruncated, FaultHang, FaultResetBefore, FaultResetAfter:
	case FaultSlow, FaultLatency:
		if f.Delay <= 0 {
			return fmt.Errorf("delay_ms: a %s fault needs a delay", f.Kind)
		}
	default:
		return fmt.Errorf("kind: %q is none of error, status, empty, html, truncated, hang, reset_before, reset_after, slow, latency", f.Kind)
	}
	if _, err := path.Match(f.Path, ""); err != nil {
		return fmt.Errorf("path: %q is not a pattern: %w", f.Path, err)
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		return fmt.Errorf("status: %d is not an HTTP status from 200 to 599", f.Status)
	}
	return nil
}

// An activeFault is a fault with what is left of it.
type activeFault struct {
	Fault
	skip, left int
}

// AddFault has a fault strike calls from now on. Faults are tried in the order in which they
// were added; one call is struck by one fault.
func (s *Sandbox) AddFault(f Fault) error {
	if err := f.check(); err != nil {
		return fmt.Errorf("adding a fault: %w", err)
	}
	times := f.Times
	if times == 0 {
		times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &activeFault{f, f.Skip, times})
	return nil
}

// ClearFaults ends all faults.
func (s *Sandbox) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// takeFault finds the fault that strikes a call and counts it.
func (s *Sandbox) takeFault(c *call) *activeFault {
	for _, f := range s.faults {
		if f.left == 0 || !f.matches(c) {
			continue
		}
		if f.skip > 0 {
			f.skip--
			continue
		}
		if f.left > 0 {
			f.left--
		}
		return f
	}
	return nil
}

func (f *activeFault) matches(c *call) bool {
	if f.Method != "" && f.Method != c.method || f.Route != "" && f.Route != c.routeName() {
		return false
	}
	if f.Path == "" {
		return true
	}
	ok, _ := path.Match(f.Path, "/"+c.path)
	return ok
}

// replaces says whether the call is not done at all.
func (f *activeFault) replaces() bool {
	switch f.Kind {
	case FaultError, FaultStatus, FaultEmpty, FaultHTML:
		return !f.After
	case FaultHang, FaultResetBefore:
		return true
	}
	return false
}

// answers says whether the client gets an answer at all.
func (f *activeFault) answers() bool {
	return f.Kind != FaultHang && f.Kind != FaultResetBefore && f.Kind != FaultResetAfter
}

// answer is what the client gets instead of the call's answer.
func (f *activeFault) answer(c *call) answer {
	for k, v := range f.Header {
		c.setHeader(k, v)
	}
	switch f.Kind {
	case FaultError:
		message := f.Message
		if message == "" {
			message = "(#" + strconv.Itoa(f.Code) + ") An error was asked for"
			if f.Code == 190 {
				message = deadToken(f.Subcode).message
			}
		}
		return c.failed(&apiError{status: f.Status, code: f.Code, subcode: f.Subcode, kind: f.Type, message: message, transient: f.Transient})
	case FaultStatus:
		kind := f.ContentType
		if kind == "" {
			kind = "text/plain; charset=utf-8"
		}
		return answer{status: f.Status, header: c.header, contentType: kind, body: []byte(f.Body)}
	case FaultHTML:
		status := f.Status
		if status == 0 {
			status = http.StatusBadGateway
		}
		return answer{status: status, header: c.header, contentType: "text/html; charset=utf-8", body: []byte("<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Sorry, something went wrong.</h1></body></html>")}
	}
	return answer{status: http.StatusOK, header: c.header}
}

// let does what the fault does to the connection; false means that no answer is to be sent.
func (f *activeFault) let(s *Sandbox, w http.ResponseWriter, r *http.Request, a answer) bool {
	switch f.Kind {
	case FaultHang:
		select {
		case <-r.Context().Done():
		case <-s.ctx.Done():
		}
		panic(http.ErrAbortHandler)
	case FaultResetBefore, FaultResetAfter:
		reset(w)
		return false
	case FaultLatency:
		return f.pause(s, r.Context())
	}
	return true
}

// after replaces the answer of a call that was done.
func (f *activeFault) after(c *call, a answer) answer {
	switch f.Kind {
	case FaultError, FaultStatus, FaultEmpty, FaultHTML:
		return f.answer(c)
	case FaultTruncated:
		a.body = a.body[:len(a.body)/2]
	}
	return a
}

func (f *activeFault) pause(s *Sandbox, ctx context.Context) bool {
	t := time.NewTimer(time.Duration(f.Delay) * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-s.ctx.Done():
	}
	return false
}

// drip sends a body byte by byte.
func (f *activeFault) drip(s *Sandbox, w http.ResponseWriter, r *http.Request, body []byte) {
	flush := http.NewResponseController(w)
	for i := range body {
		if _, err := w.Write(body[i : i+1]); err != nil {
			return
		}
		_ = flush.Flush() // a writer that cannot flush sends it all at the end
		if !f.pause(s, r.Context()) {
			return
		}
	}
}

// reset ends the connection with a TCP reset where it can, else without an answer.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
