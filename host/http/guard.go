package http

import (
	"crypto/sha256"
	"crypto/subtle"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Guard lets requests through to the API that may come through, and no others.
//
// A token in the header "Authorization: Bearer" opens it. On a loopback address
// that can be done without; then the guard keeps out what a web page could make a
// browser on this computer send: requests to another name than this computer's
// (a name that was pointed here, DNS rebinding), requests that come from another
// page, and bodies that a form could hold. It also keeps out what a proxy or a
// tunnel hands on.
//
// Each answer tells browsers not to guess its type and not to show it in a frame.
type Guard struct {
	Tokens   []string // Any of them opens. Empty ones never do.
	Required bool     // Nothing goes without a token. For addresses that are not loopback, it must be set.
}

// Protect returns a handler that hands on what may come through.
func (g Guard) Protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		if p := g.check(r); p != nil {
			writeProblem(w, p)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (g Guard) check(r *http.Request) *Problem {
	given := r.Header.Get("Authorization")
	switch {
	case given != "" && !g.opens(given):
		return unauthenticated.problemf("the token in the header Authorization is not this host's")
	case given == "" && g.Required:
		return unauthenticated.problemf("send the host's token in the header Authorization, as: Bearer TOKEN")
	case given == "" && !LoopbackName(r.Host):
		return forbidden.problemf("without a token this host answers only to localhost, 127.0.0.1 and [::1], not to %q", r.Host)
	case given == "" && forwarded(r):
		return forbidden.problemf("the request comes through a proxy or a tunnel: that takes a token")
	}
	if p := sameOrigin(r); p != nil {
		return p
	}
	// Of the methods that change something, a form has this one alone; for others a
	// browser asks first, and is told that no path has them.
	if r.Method != http.MethodPost {
		return nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return notJSON.problemf("send the header Content-Type: application/json, also where there is no body, and a body as JSON")
	}
	return nil
}

// opens compares in a time that tells nothing about the tokens, not even their
// length.
func (g Guard) opens(header string) bool {
	scheme, given, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return false
	}
	sum, found := sha256.Sum256([]byte(strings.TrimSpace(given))), 0
	for _, token := range g.Tokens {
		if token != "" {
			own := sha256.Sum256([]byte(token))
			found |= subtle.ConstantTimeCompare(sum[:], own[:])
		}
	}
	return found == 1
}

// sameOrigin refuses what a browser says that another site's page has sent.
func sameOrigin(r *http.Request) *Problem {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return forbidden.problemf("the request comes from another site's page")
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return nil
	}
	if u, err := url.Parse(origin); err != nil || !strings.EqualFold(u.Host, r.Host) {
		return forbidden.problemf("the request comes from a page of %s", origin)
	}
	return nil
}

// forwarded reports whether a proxy or a tunnel has handed a request on. What
// comes from this address may be from anywhere then. Unless it is told otherwise,
// nginx says nothing of itself and asks for the name that it connects to, but
// speaks HTTP/1.0.
func forwarded(r *http.Request) bool {
	if !r.ProtoAtLeast(1, 1) {
		return true
	}
	for name := range r.Header { // also one that says nothing
		if strings.HasPrefix(name, "X-Forwarded-") || slices.Contains([]string{"Forwarded", "X-Real-Ip", "Via"}, name) {
			return true
		}
	}
	return false
}

// LoopbackName reports whether a Host header, with or without a port, can only mean
// this computer.
func LoopbackName(header string) bool {
	name := header
	if h, _, err := net.SplitHostPort(header); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if strings.EqualFold(name, "localhost") {
		return true
	}
	ip := net.ParseIP(name)
	return ip != nil && ip.IsLoopback()
}

// Loopback reports whether only this computer reaches an address that is
// listened on.
func Loopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
