package http

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/storyloop/storyloop/host"
)

const (
	// MaxRequest bounds the body of a request to the API, in bytes: more than the
	// largest trigger payload and the largest document.
	MaxRequest = 17 << 20
	// doneWithin bounds the work for a request that is no stream.
	doneWithin = 25 * time.Second
	// heartbeat is how often a quiet stream shows that it is alive.
	heartbeat = 15 * time.Second
)

// API is the host's JSON API, below /api/v1, as openapi.json describes it. It
// answers problems as RFC 9457 says, and changes nothing in the JSON of inputs and
// outputs but white space between its tokens.
type API struct {
	Engine      *host.Engine      // Required.
	Credentials map[string]string // Those in the vault, by name the connector that each is for; nil means that documents are not checked for them.
	Switch      Switch            // Required.
	Backup      Backup            // Nil where nothing is kept in a file.
	Processes   func() []Status   // Of connectors that are processes. Nil means that there are none.
	About       About
	Log         *slog.Logger  // Nil means none.
	Closing     chan struct{} // Closed when streams must end, since the host does. Nil means never.
	Heartbeat   time.Duration // Of quiet streams. Zero means 15 s.
}

// Switch turns workflows on and off: what that takes beyond the store, such as
// subscribing at a remote service, is the program's to know.
type Switch interface {
	Enable(ctx context.Context, name string) (host.Definition, error)
	Disable(ctx context.Context, name string) (host.Definition, error)
}

// Backup copies the store to a new file, and names a directory for it that is as
// private as the store's own.
type Backup interface {
	Backup(ctx context.Context, to string) error
	Path() string
}

// About says which host this is.
type About struct {
	Version   string    `json:"version"`
	Instance  string    `json:"instance"` // Another one after each start.
	StartedAt time.Time `json:"started_at"`
	Data      string    `json:"data,omitempty"` // The file that keeps everything; empty means memory.
}

// Status is how a connector's process stands.
type Status struct {
	Name   string `json:"name"`
	State  string `json:"state"`            // "running", "restarting", "broken", "closing" or "closed".
	PID    int    `json:"pid,omitempty"`    // Unless it runs there is none.
	Starts int    `json:"starts"`           // In all.
	Calls  int    `json:"calls"`            // Under way.
	Reason string `json:"reason,omitempty"` // Why the last process ended or did not start.
}

// route is one operation of the API.
type route struct {
	method, path string
	serve        func(w http.ResponseWriter, r *request) error
	stream       bool // It takes as long as it takes.
}

func (a *API) routes() []route {
	return []route{
		{"GET", "/api/v1/openapi.json", a.openAPI, false},
		{"GET", "/api/v1/host", a.about, false},
		{"GET", "/api/v1/runs", a.listRuns, false},
		{"POST", "/api/v1/runs", a.startRun, false},
		{"GET", "/api/v1/runs/{id}", a.showRun, false},
		{"GET", "/api/v1/runs/{id}/steps", a.listSteps, false},
		{"GET", "/api/v1/runs/{id}/step", a.showStep, false},
		{"GET", "/api/v1/runs/{id}/events", a.followRun, true},
		{"POST", "/api/v1/runs/{id}/cancel", a.cancelRun, false},
		{"POST", "/api/v1/runs/{id}/retry", a.retryRun, false},
		{"POST", "/api/v1/runs/{id}/resolve", a.resolveRun, false},
		{"GET", "/api/v1/events", a.followAll, true},
		{"GET", "/api/v1/workflows", a.listWorkflows, false},
		{"POST", "/api/v1/workflows", a.addWorkflow, false},
		{"POST", "/api/v1/check", a.checkDocument, false},
		{"GET", "/api/v1/workflows/{name}", a.showWorkflow, false},
		{"GET", "/api/v1/workflows/{name}/versions", a.listVersions, false},
		{"GET", "/api/v1/workflows/{name}/document", a.exportWorkflow, false},
		{"POST", "/api/v1/workflows/{name}/enable", a.enableWorkflow, false},
		{"POST", "/api/v1/workflows/{name}/disable", a.disableWorkflow, false},
		{"GET", "/api/v1/schedules", a.listSchedules, false},
		{"GET", "/api/v1/polls", a.listPolls, false},
		{"GET", "/api/v1/connectors", a.listConnectors, false},
		{"GET", "/api/v1/connectors/{name}", a.showConnector, false},
		{"GET", "/api/v1/backup", a.backup, true},
	}
}

// Handler returns the API. It fails only if the document and the code disagree.
// Let a [Guard] protect it.
func (a *API) Handler() (http.Handler, error) {
	if a.Log == nil {
		a.Log = slog.New(slog.DiscardHandler)
	}
	if a.Heartbeat <= 0 {
		a.Heartbeat = heartbeat
	}
	d, err := readDescription()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	allowed := map[string]string{}
	for _, rt := range a.routes() {
		s, err := d.shape(rt.method, rt.path)
		if err != nil {
			return nil, err
		}
		mux.Handle(rt.method+" "+rt.path, a.handle(rt, s))
		if allowed[rt.path] != "" {
			allowed[rt.path] += ", "
		}
		allowed[rt.path] += rt.method
	}
	for path, methods := range allowed {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", methods)
			writeProblem(w, notAllowed.problemf("%s takes %s, not %s", path, methods, r.Method))
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, notFound.problemf("there is nothing at %s; /api/v1/openapi.json says what there is", r.URL.Path))
	})
	return mux, nil
}

// request is a request that has the shape that the document describes.
type request struct {
	*http.Request
	body []byte
}

// handle reads a request, serves it and writes down how that went.
func (a *API) handle(rt route, s shape) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := a.Engine.Clock.Now()
		if !rt.stream {
			ctx, cancel := context.WithTimeout(r.Context(), doneWithin)
			defer cancel()
			r = r.WithContext(ctx)
		}
		err := a.serve(w, r, rt, s)
		log, status := a.Log.With("method", rt.method, "route", rt.path, "run", r.PathValue("id"), "took", a.Engine.Clock.Now().Sub(began)), 0
		if err != nil {
			p := problemOf(err)
			status = p.Status
			writeProblem(w, p)
		}
		switch {
		case status >= http.StatusInternalServerError && r.Context().Err() == nil:
			log.ErrorContext(r.Context(), "request failed", "status", status, "error", err)
		case err != nil:
			log.InfoContext(r.Context(), "request refused", "status", status, "error", err)
		default:
			log.DebugContext(r.Context(), "request served")
		}
	})
}

// serve returns an error only if nothing has been answered yet.
func (a *API) serve(w http.ResponseWriter, r *http.Request, rt route, s shape) error {
	if p := s.checkQuery(r.URL.Query()); p != nil {
		return p
	}
	in := &request{Request: r}
	if r.Method == http.MethodGet {
		return rt.serve(w, in)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxRequest))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return tooLarge.problemf("the body may have at most %d bytes", MaxRequest)
	case err != nil:
		return invalidRequest.problemf("the body ended too early")
	}
	if in.body = body; len(body) == 0 {
		in.body = []byte("{}")
	}
	if s.body == nil {
		return rt.serve(w, in)
	}
	if p := s.checkBody(in.body); p != nil {
		return p
	}
	return rt.serve(w, in)
}

// decode reads the body, which has the shape of v.
func (r *request) decode(v any) error {
	if err := json.Unmarshal(r.body, v); err != nil {
		return fmt.Errorf("reading the body: %w", err)
	}
	return nil
}

// number reads a query parameter that is a whole number from 1 to most; where it
// is not given it is 0.
func (r *request) number(name string, most int64) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || n > most {
		return 0, invalidRequest.problemf("the query parameter %q must be a whole number from 1 to %d", name, most)
	}
	return n, nil
}

// time reads a query parameter that is an RFC 3339 time; where it is not given it
// is zero.
func (r *request) time(name string) (time.Time, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, invalidRequest.problemf("the query parameter %q must be a time such as 2026-01-31T14:05:00Z", name)
	}
	return t, nil
}

// flag reads a query parameter that is true or false.
func (r *request) flag(name string) (bool, error) {
	switch r.URL.Query().Get(name) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, invalidRequest.problemf("the query parameter %q must be true or false", name)
}

func (a *API) openAPI(w http.ResponseWriter, _ *request) error {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(OpenAPI)
	return nil
}

func (a *API) about(w http.ResponseWriter, _ *request) error {
	return writeOK(w, a.About)
}

// writeOK answers with a value. Whoever hung up does not need to be told.
func writeOK(w http.ResponseWriter, value any) error {
	_ = writeJSON(w, http.StatusOK, value)
	return nil
}
