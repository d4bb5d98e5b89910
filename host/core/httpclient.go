package core

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"google.golang.org/protobuf/types/known/durationpb"
)

// maxHTTPTime bounds a request, its redirects and its answer.
const maxHTTPTime = 5 * time.Minute

// HTTP is what the connector http-client may reach. Its zero value is the public
// internet, without a proxy.
type HTTP struct {
	// Allow lists internal addresses that may be reached all the same: CIDRs
	// ("10.1.0.0/16"), addresses, or hosts by name, which are then trusted with
	// whatever they resolve to ("printer.local", "printer.local:8080").
	Allow []string
	// ProxyFromEnvironment uses HTTP_PROXY, HTTPS_PROXY and NO_PROXY. The proxy's
	// own address may have to be allowed. It is the proxy then that resolves names,
	// and that must refuse internal addresses.
	ProxyFromEnvironment bool
}

// webClient makes requests to other services.
type webClient struct {
	guard     *guard
	transport http.RoundTripper
}

// httpClient returns the connector for other services.
func httpClient(c HTTP) (*builtin, error) {
	g, err := newGuard(c.Allow)
	if err != nil {
		return nil, err
	}
	t := &http.Transport{
		DialContext: g.dial, ForceAttemptHTTP2: true, MaxIdleConns: 100, MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second,
		TLSHandshakeTimeout: 30 * time.Second, MaxResponseHeaderBytes: 1 << 20,
	}
	if c.ProxyFromEnvironment {
		t.Proxy = http.ProxyFromEnvironment
	}
	w := &webClient{guard: g, transport: t}
	get := &connectorv1.Operation{
		Name: "get", Title: "Get", Summary: "Reads from another service by HTTP.",
		Effect: connectorv1.Effect_EFFECT_READ, Idempotency: connectorv1.Idempotency_IDEMPOTENCY_INHERENT, Timeout: durationpb.New(maxHTTPTime),
	}
	request := &connectorv1.Operation{
		Name: "request", Title: "Request", Summary: "Sends an HTTP request to another service.",
		Effect: connectorv1.Effect_EFFECT_DESTRUCTIVE, Idempotency: connectorv1.Idempotency_IDEMPOTENCY_NONE, Timeout: durationpb.New(maxHTTPTime),
	}
	return &builtin{
		catalog: catalog("http-client", "HTTP client", "Calls other services by HTTP.", described("http_get", get), described("http_request", request)),
		handlers: map[string]handler{
			"get": func(ctx context.Context, _ string, input []byte) (json.RawMessage, error) {
				return w.send(ctx, http.MethodGet, input)
			},
			"request": func(ctx context.Context, _ string, input []byte) (json.RawMessage, error) {
				return w.send(ctx, http.MethodPost, input)
			},
		},
		checks: map[string]check{"get": plain(w.check), "request": plain(w.check)},
	}, nil
}

func (w *webClient) check(input []byte, say func(pointer, code, summary string)) {
	var in webInput
	if json.Unmarshal(input, &in) != nil {
		return
	}
	var wrong *host.InputError
	if _, err := w.target(in.URL); in.URL != "" && errors.As(err, &wrong) {
		say(wrong.Pointer, "wrong_form", wrong.Message)
	}
	if _, err := in.timeout(); errors.As(err, &wrong) {
		say(wrong.Pointer, "wrong_form", wrong.Message)
	}
	for name := range in.Headers {
		if err := headerAllowed(name); errors.As(err, &wrong) {
			say(wrong.Pointer, "not_allowed", wrong.Message)
		}
	}
}

// target reads a URL that may be called.
func (w *webClient) target(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, &host.InputError{Pointer: "/url", Message: "is not a URL such as https://api.example.com/v1/orders"}
	}
	if u.User != nil {
		return nil, &host.InputError{Pointer: "/url", Message: "must hold no user name and password; send them in the header Authorization"}
	}
	if err := w.guard.literal(u); err != nil {
		return nil, &host.InputError{Pointer: "/url", Message: err.Error()}
	}
	u.Fragment = ""
	return u, nil
}

// send makes a request and reads the answer.
func (w *webClient) send(ctx context.Context, method string, input []byte) (json.RawMessage, error) {
	in := webInput{Method: method, MaxBytes: 1 << 20, MaxRedirects: 5, Response: "auto", BodyType: "json"}
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, &host.InputError{Message: err.Error()}
	}
	u, err := w.target(in.URL)
	if err != nil {
		return nil, err
	}
	timeout, err := in.timeout()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	t := &trip{in: in}
	req, err := in.request(t.watch(ctx), u)
	if err != nil {
		return nil, err
	}
	client := http.Client{Transport: w.transport, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		return w.follow(t, next, via)
	}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, t.failure(ctx, err)
	}
	defer resp.Body.Close()
	return t.answer(ctx, resp)
}

// redirectError says why a redirect is not followed.
type redirectError struct{ message string }

func (e *redirectError) Error() string { return e.message }

// follow decides about a redirect. What may hold secrets stays with the service
// that it was meant for.
func (w *webClient) follow(t *trip, next *http.Request, via []*http.Request) error {
	if t.in.MaxRedirects == 0 {
		return http.ErrUseLastResponse
	}
	if len(via) > t.in.MaxRedirects {
		return &redirectError{"the service redirects more than " + plural(t.in.MaxRedirects, "time")}
	}
	if _, err := w.target(next.URL.String()); err != nil {
		var wrong *host.InputError
		if errors.As(err, &wrong) {
			return &redirectError{"the service redirects to a URL that " + wrong.Message}
		}
		return err
	}
	next.Header.Del("Referer") // it would tell the query
	away := false
	for _, r := range slices.Concat(via[1:], []*http.Request{next}) {
		away = away || !sameOrigin(r.URL, via[0].URL)
	}
	if !away {
		return nil
	}
	if next.Body != nil && next.Body != http.NoBody {
		return &redirectError{"the service wants the body to be sent to another host; call that host itself"}
	}
	for name := range next.Header {
		if !harmless[name] {
			next.Header.Del(name)
		}
	}
	return nil
}

// harmless are the headers that another host may see.
var harmless = map[string]bool{"Accept": true, "Accept-Language": true, "User-Agent": true}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && a.Hostname() == b.Hostname() && portOf(a) == portOf(b)
}

// timeout of the whole request.
func (in webInput) timeout() (time.Duration, error) {
	if in.Timeout == "" {
		return 30 * time.Second, nil
	}
	d, err := workflow.ParseDuration(in.Timeout)
	if err != nil || d <= 0 || d > maxHTTPTime {
		return 0, &host.InputError{Pointer: "/timeout", Message: "must be a duration such as 30s, of 5m at most"}
	}
	return d, nil
}
