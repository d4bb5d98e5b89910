package http

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/storyloop/storyloop/host"
)

// Health answers whether the host is alive and whether it is ready, to whoever
// asks. It tells nothing else.
type Health struct {
	Store     host.Store      // Required.
	Processes func() []Status // Of connectors that are processes. Nil means that there are none.
	Now       func() time.Time

	mu sync.Mutex
	// Guarded by mu.
	tried   time.Time // When the store was last asked to write.
	written error     // What came of that.
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
	if _, err := h.Store.PendingEvents(ctx, "", 1); err != nil || h.write(ctx) != nil {
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

// write finds out whether the store can write, by a small write that waits for the disk.
// However often it is asked, it makes one in a while: so the disk does not wear. It
// is not cut off with the request of whoever happens to be the first to ask.
func (h *Health) write(ctx context.Context) error {
	const (
		every  = 10 * time.Second
		within = 2 * time.Second
	)
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.Now()
	if since := now.Sub(h.tried); since >= 0 && since < every {
		return h.written
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	at, err := json.Marshal(now)
	if err == nil {
		err = h.Store.PutValue(ctx, "health", "written", at, host.Synced)
	}
	h.tried, h.written = now, err
	return err
}
