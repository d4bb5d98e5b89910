package http

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/schemas/validate"
)

// Hooks takes requests to /hooks/{path}, each of which starts a run of the workflow
// that has this path. It stores the request before it replies, and nothing of one
// that it refuses.
//
// Whoever knows a path could start runs. So a workflow names a credential, and
// requests show that they know its secret; see [host.HookKey]. One without a
// credential takes only what comes from this computer, and no other site's page,
// proxy or tunnel has sent.
type Hooks struct {
	Engine HookEngine // Required.
	Vault  host.Vault // Required.
	Near   bool       // Only this computer reaches the address: paths without a credential work.
	Stored func()     // Called after something new was stored. It must not block.
	Now    func() time.Time
	Log    *slog.Logger
}

// HookEngine knows the paths, and stores what comes. It is a [host.Engine].
type HookEngine interface {
	Hook(ctx context.Context, path string) (host.Hook, error)
	AcceptHook(ctx context.Context, h host.Hook, delivery string, body json.RawMessage) (host.Receipt, error)
}

// hookAnswer says what a request has led to.
type hookAnswer struct {
	Event     string `json:"event"`
	Workflow  string `json:"workflow"`
	Run       string `json:"run"`       // It can be asked for as soon as it has begun.
	Duplicate bool   `json:"duplicate"` // The delivery was known: there is no second run.
}

// Register adds the endpoint to a mux.
func (h *Hooks) Register(mux *http.ServeMux) {
	mux.Handle("/hooks/{path...}", h)
}

// HookPath returns the path of a workflow's endpoint.
func HookPath(h host.Hook) string { return "/hooks/" + h.Path }

// ServeHTTP implements http.Handler, for the pattern of [Hooks.Register].
func (h *Hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	r.SetPathValue("connector", host.WebhookConnector) // as the metrics know it
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	answer, err := h.take(ctx, w, r)
	if err == nil {
		h.Log.InfoContext(ctx, "request taken", "workflow", answer.Workflow, "event", answer.Event, "run", answer.Run, "duplicate", answer.Duplicate)
		_ = writeJSON(w, http.StatusAccepted, answer)
		return
	}
	var p *Problem
	if !errors.As(err, &p) {
		h.Log.ErrorContext(ctx, "request cannot be taken", "error", err)
		p = unavailable.problemf("the host cannot take it now: send it again")
	} else {
		h.Log.WarnContext(ctx, "request refused", "path", short(r.PathValue("path")), "status", p.Status, "reason", short(p.Detail))
	}
	writeProblem(w, p)
}

// take stores a request. An error that is no *Problem is the host's trouble.
func (h *Hooks) take(ctx context.Context, w http.ResponseWriter, r *http.Request) (hookAnswer, error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return hookAnswer{}, notAllowed.problemf("a workflow is started by POST, not by %s", r.Method)
	}
	hook, err := h.Engine.Hook(ctx, strings.TrimSuffix(r.PathValue("path"), "/"))
	var missing *host.NotFoundError
	if errors.As(err, &missing) {
		return hookAnswer{}, notFound.problemf("no workflow that is on has this path")
	} else if err != nil {
		return hookAnswer{}, err
	}
	if p := h.near(hook, r); p != nil {
		return hookAnswer{}, p
	}
	body, err := readHook(w, r)
	if err != nil {
		return hookAnswer{}, err
	}
	key, err := h.opens(ctx, hook, r, body)
	if err != nil {
		return hookAnswer{}, err
	}
	if _, err := validate.Decode(body); err != nil {
		return hookAnswer{}, invalidRequest.problemf("the body is %s", err)
	}
	delivery, p := deliveryOf(hook, key, r.Header)
	if p != nil {
		return hookAnswer{}, p
	}
	receipt, err := h.Engine.AcceptHook(ctx, hook, delivery, body)
	if err != nil {
		return hookAnswer{}, err
	}
	if !receipt.Duplicate {
		h.Stored()
	}
	return hookAnswer{receipt.Event, hook.Workflow, receipt.Run, receipt.Duplicate}, nil
}

// near refuses what may come from elsewhere, where no credential keeps it out.
func (h *Hooks) near(hook host.Hook, r *http.Request) *Problem {
	switch {
	case hook.Credential != "":
		return nil
	case !h.Near:
		return forbidden.problemf("others than the host's computer reach this address: name a credential in the workflow's trigger")
	case !LoopbackName(r.Host):
		return forbidden.problemf("without a credential in its trigger a workflow is started only at localhost, 127.0.0.1 and [::1], not at %q", r.Host)
	case forwarded(r):
		return forbidden.problemf("the request comes through a proxy or a tunnel: that takes a credential in the workflow's trigger")
	}
	return sameOrigin(r)
}

// opens checks what a request shows against the hook's credential, and returns that;
// nil for a hook without one.
func (h *Hooks) opens(ctx context.Context, hook host.Hook, r *http.Request, body []byte) (*host.HookKey, error) {
	if hook.Credential == "" {
		return nil, nil
	}
	key, err := HookKey(ctx, h.Vault, hook.Credential)
	if err != nil {
		return nil, err
	}
	if err := key.Opens(r.Header.Get, body, h.Now()); err != nil {
		return nil, unauthenticated.problemf("%s", err)
	}
	return key, nil
}

// HookKey takes a hook's credential out of the vault.
func HookKey(ctx context.Context, vault host.Vault, credential string) (*host.HookKey, error) {
	c, err := vault.Credential(ctx, credential)
	if err != nil {
		return nil, err
	}
	return host.ParseHookKey(c.GetMethod(), c.GetSecret())
}

// readHook reads a body of JSON.
func readHook(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && (!strings.HasPrefix(kind, "application/") || !strings.HasSuffix(kind, "+json")) {
		return nil, notJSON.problemf("send the body as JSON, with the header Content-Type: application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, tooLarge.problemf("the body may have at most %d bytes", MaxBody)
	case err != nil:
		return nil, invalidRequest.problemf("the body ended too early")
	}
	return body, nil
}

// deliveryOf returns what the sender says that tells deliveries apart; empty if it
// says nothing. The workflow's own header comes first, since who repeats a request of
// somebody else could add others; but before it comes what is signed.
func deliveryOf(hook host.Hook, key *host.HookKey, header http.Header) (string, *Problem) {
	const longest = 200
	names := []string{hook.IDHeader, "Webhook-Id", "Idempotency-Key"}
	if key.SignsID() {
		names = []string{"Webhook-Id"}
	}
	for _, name := range names {
		id := header.Get(name)
		if id == "" {
			continue
		}
		if len(id) > longest || strings.ContainsFunc(id, func(c rune) bool { return c < ' ' || c > '~' }) {
			return "", invalidRequest.problemf("the header %s may have at most %d characters, of ASCII", name, longest)
		}
		return id, nil
	}
	return "", nil
}
