package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// front stands before the author's fake. What it does to a request is what a
// network and a service in trouble do; the fake need not know of it.
type front struct {
	next http.Handler
	url  string

	mu      sync.Mutex // Guards what follows.
	mode    mode
	strike  int // In mode loseAnswer: which of the requests that write, from 1.
	all     int
	writes  int
	held    int
	numbers int           // Requests that held BigNumber.
	changed chan struct{} // Closed at each change of held.
	release chan struct{} // Closed to let held requests pass.
}

type mode int

const (
	pass       mode = iota
	hold            // Requests wait until they are released or given up.
	quote           // 500, with the whole request in the body.
	loseAnswer      // The fake acts, and its answer is replaced by a 500.
	cutOff          // The fake acts, and the connection breaks.
)

// serveFront serves the author's fake on loopback until close is called.
func serveFront(next http.Handler, target string) (f *front, stop func(), err error) {
	if next == nil && target != "" {
		u, err := url.Parse(target)
		if err != nil || u.Host == "" {
			return nil, nil, errors.New("Config.RemoteURL is not a URL")
		}
		next = httputil.NewSingleHostReverseProxy(u)
	}
	if next == nil {
		next = http.NotFoundHandler()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, fmt.Errorf("serving the fake: %w", err)
	}
	f = &front{next: next, url: "http://" + l.Addr().String(), changed: make(chan struct{}), release: make(chan struct{})}
	server := &http.Server{Handler: f, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // It ends when stop closes it.
	}()
	return f, func() { f.set(pass, 0); _ = server.Close(); <-done }, nil
}

// ServeHTTP handles a request by the mode.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // The connector has given it up.
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	m, struck, release := f.note(r, body)
	switch {
	case m == hold:
		f.hold(r, release)
		if r.Context().Err() != nil {
			return
		}
		f.next.ServeHTTP(w, r)
	case m == quote:
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, "cannot handle %s %s\n%v\n%s", r.Method, r.URL, r.Header, body)
	case struck:
		f.next.ServeHTTP(&discard{header: http.Header{}}, r)
		if m == cutOff {
			panic(http.ErrAbortHandler) // net/http's way to break a connection
		}
		http.Error(w, "internal server error", http.StatusInternalServerError)
	default:
		f.next.ServeHTTP(w, r)
	}
}

func (f *front) note(r *http.Request, body []byte) (m mode, struck bool, release chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all++
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		f.writes++
		struck = (f.mode == loseAnswer || f.mode == cutOff) && f.writes >= f.strike
	}
	if strings.Contains(r.URL.String(), BigNumber) || bytes.Contains(body, []byte(BigNumber)) {
		f.numbers++
	}
	return f.mode, struck, f.release
}

func (f *front) hold(r *http.Request, release chan struct{}) {
	f.count(1)
	defer f.count(-1)
	select {
	case <-r.Context().Done():
	case <-release:
	}
}

func (f *front) count(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held += n
	close(f.changed)
	f.changed = make(chan struct{})
}

// set changes the mode, begins to count anew, and lets go what was held.
func (f *front) set(m mode, strike int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mode, f.strike = m, strike
	f.all, f.writes, f.numbers = 0, 0, 0
	close(f.release)
	f.release = make(chan struct{})
}

// counts returns how many requests came since the last set.
func (f *front) counts() (all, writes, numbers int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.all, f.writes, f.numbers
}

// awaitHeld waits until a request is held, or until none is, or until stop.
func (f *front) awaitHeld(some bool, stop <-chan struct{}) bool {
	for {
		f.mu.Lock()
		held, changed := f.held, f.changed
		f.mu.Unlock()
		if (held > 0) == some {
			return true
		}
		select {
		case <-changed:
		case <-stop:
			return false
		}
	}
}

// discard takes an answer that nobody will get.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}
