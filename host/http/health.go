package http

import (
	"context"
	"net/http"
	"time"

	"github.com/storyloop/storyloop/host"
)

// Health answers whether the host is alive and whether it is ready, to whoever
// asks. It tells nothing else.
type Health struct {
	Store     host.Store      // Required.
	Processes func() []Status // Of connectors that are processes. Nil means that there are none.
}

// Register adds /healthz and /readyz to a mux.
func (h *Health) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_ = writeJSON(w, http.StatusOK, readiness{Ready: true, Waiting: []string{}})
	})
	mux.HandleFunc("GET /readyz", h.ready)
}

// readiness says what the host waits for.
type readiness struct {
	Ready   bool     `json:"ready"`
	Waiting []string `json:"waiting"` // "store", and the names of connectors that do not run.
}

func (h *Health) ready(w http.ResponseWriter, r *http.Request) {
	const answerWithin = 2 * time.Second
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	out := readiness{Waiting: []string{}}
	if _, err := h.Store.PendingEvents(ctx, "", 1); err != nil {
		out.Waiting = append(out.Waiting, "store")
	}
	if h.Processes != nil {
		for _, p := range h.Processes() {
			if p.State != "running" {
				out.Waiting = append(out.Waiting, p.Name)
			}
		}
	}
	status := http.StatusOK
	if out.Ready = len(out.Waiting) == 0; !out.Ready {
		status = http.StatusServiceUnavailable
	}
	_ = writeJSON(w, status, out)
}
