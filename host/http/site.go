package http

import "net/http"

// Site is all that a host serves on its one address. Webhooks and health are for
// everybody; the guard stands before the rest.
type Site struct {
	Webhooks http.Handler // Required. Of /webhooks/ and /hooks/.
	Health   *Health      // Required.
	API      http.Handler // Required.
	Metrics  http.Handler // Required.
	Guard    Guard
}

// Handler returns the site.
func (s Site) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/webhooks/", s.Webhooks)
	mux.Handle("/hooks/", s.Webhooks)
	s.Health.Register(mux)
	mux.Handle("GET /metrics", s.Guard.Protect(s.Metrics))
	mux.Handle("/", s.Guard.Protect(s.API))
	return mux
}
