package metrics

import (
	"net/http"
	"strconv"
)

// Webhooks returns a handler of /webhooks/{connector}/{name} whose answers are
// counted. Names that a stranger made up are counted together.
func (m *Metrics) Webhooks(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := &status{ResponseWriter: w, code: http.StatusOK}
		next.ServeHTTP(seen, r)
		connector := r.PathValue("connector")
		if connector == "" || seen.code == http.StatusNotFound {
			connector = "unknown"
		}
		m.webhooks.WithLabelValues(connector, strconv.Itoa(seen.code)).Inc()
	})
}

type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// Unwrap is for [http.ResponseController].
func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }
