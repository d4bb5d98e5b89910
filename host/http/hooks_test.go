package http_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	hosthttp "github.com/storyloop/storyloop/host/http"
	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

const hookSecret = "a-text-that-nobody-guesses"

// hookVault holds the credentials "shop" and "standard".
type hookVault struct{ host.Vault }

func (hookVault) Credential(_ context.Context, name string) (*connectorv1.Credential, error) {
	switch name {
	case "shop":
		return &connectorv1.Credential{Method: host.HookHMAC, Secret: []byte(`{"secret":"` + hookSecret + `"}`)}, nil
	case "standard":
		secret := base64.StdEncoding.EncodeToString([]byte(hookSecret))
		return &connectorv1.Credential{Method: host.HookStandard, Secret: []byte(`{"secret":"` + secret + `"}`)}, nil
	}
	return nil, &host.NotFoundError{Kind: "credential", Name: name}
}

// fullStore has no room for events.
type fullStore struct{ host.Store }

func (fullStore) AddEvents(context.Context, []host.Event) ([]host.Event, error) {
	return nil, errors.New("disk full")
}

// hookHost is an engine with workflows that requests start: "orders" from this
// computer, "shop" with a signature, and "off", which is not on.
type hookHost struct {
	engine *host.Engine
	log    bytes.Buffer
	told   int
	url    string
}

func serveHooks(t *testing.T, near bool, store host.Store) *hookHost {
	t.Helper()
	h := &hookHost{}
	h.engine = host.NewEngine(host.Setup{Store: store, Connectors: host.ConnectorList{}, Vault: hookVault{}})
	t.Cleanup(func() { _ = h.engine.Close(context.Background()) })
	for _, text := range []string{
		`{name: orders, trigger: {connector: webhook, input: {id_header: X-Delivery}}, steps: []}`,
		`{name: signed, trigger: {connector: webhook, credential: shop, input: {path: shop/orders}}, steps: []}`,
		`{name: named, trigger: {connector: webhook, credential: shop, input: {id_header: X-Delivery}}, steps: []}`,
		`{name: standard, trigger: {connector: webhook, credential: standard, input: {id_header: X-Delivery}}, steps: []}`,
		`{name: keyless, trigger: {connector: webhook, credential: nobody}, steps: []}`,
		`{name: "off", trigger: {connector: webhook}, steps: []}`,
	} {
		doc, err := workflow.Parse("test.yaml", []byte(text))
		require.NoError(t, err)
		_, err = h.engine.Define(t.Context(), doc, doc.Name != "off", "")
		require.NoError(t, err)
	}
	mux := http.NewServeMux()
	(&hosthttp.Hooks{
		Engine: h.engine, Vault: hookVault{}, Near: near, Stored: func() { h.told++ },
		Now: time.Now, Log: slog.New(slog.NewTextHandler(&h.log, nil)),
	}).Register(mux)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	h.url = srv.URL
	return h
}

// send posts JSON with more headers, as name and value.
func (h *hookHost) send(t *testing.T, path string, body io.Reader, header ...string) (int, http.Header, []byte) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, h.url+path, body)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		if header[i] == "Method" {
			req.Method = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, resp.Header, answer
}

type hookAnswer struct {
	Event, Workflow, Run string
	Duplicate            bool
}

func (h *hookHost) must(t *testing.T, path, body string, header ...string) hookAnswer {
	t.Helper()
	status, _, raw := h.send(t, path, strings.NewReader(body), header...)
	require.Equal(t, 202, status, "%s", raw)
	var a hookAnswer
	require.NoError(t, json.Unmarshal(raw, &a))
	return a
}

func (h *hookHost) runs(t *testing.T) []host.Run {
	t.Helper()
	require.NoError(t, h.engine.Dispatch(t.Context()))
	runs, err := h.engine.Store.Runs(t.Context(), host.RunFilter{})
	require.NoError(t, err)
	return runs
}

func signature(body string) string {
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write([]byte(body))
	return fmt.Sprintf("sha256=%x", mac.Sum(nil))
}

func TestHooks_TheBodyStartsARun(t *testing.T) {
	t.Parallel()
	h := serveHooks(t, true, host.NewMemory())
	body := `{"order": 17841405726653027123, "price": 1.00, "text":"\u00e9<b>"}`
	a := h.must(t, "/hooks/orders", body)
	assert.Equal(t, "orders", a.Workflow)
	assert.False(t, a.Duplicate)
	assert.Equal(t, 1, h.told)
	runs := h.runs(t)
	require.Len(t, runs, 1)
	assert.Equal(t, a.Run, runs[0].ID, "the answer names the run before it has begun")
	assert.Equal(t, a.Event, runs[0].Event)
	assert.Equal(t, body, string(runs[0].Trigger), "all digits and escapes stay")

	a = h.must(t, "/hooks/shop/orders", body, "X-Hub-Signature-256", signature(body), "Host", "hooks.example.com", "X-Forwarded-For", "203.0.113.7")
	assert.Equal(t, "signed", a.Workflow, "what is signed may come from anywhere")
	h.must(t, "/hooks/orders/", `[1]`, "Content-Type", "application/cloudevents+json; charset=utf-8")
	assert.Len(t, h.runs(t), 3)
	assert.NotContains(t, h.log.String(), hookSecret)
}

func TestHooks_RepeatedDeliveries(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"Webhook-Id", "Idempotency-Key", "X-Delivery"} {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			h := serveHooks(t, true, host.NewMemory())
			first := h.must(t, "/hooks/orders", `{}`, header, "msg_1")
			second := h.must(t, "/hooks/orders", `{}`, header, "msg_1")
			assert.Equal(t, first.Run, second.Run)
			assert.True(t, second.Duplicate)
			assert.Equal(t, 1, h.told)
			h.must(t, "/hooks/orders", `{}`, header, "msg_2")
			if header != "X-Delivery" {
				a := h.must(t, "/hooks/shop/orders", `{}`, header, "msg_1", "X-Hub-Signature-256", signature(`{}`))
				assert.False(t, a.Duplicate, "ids of another path are others")
				return
			}
			assert.Len(t, h.runs(t), 2)
		})
	}
	h := serveHooks(t, true, host.NewMemory())
	assert.NotEqual(t, h.must(t, "/hooks/orders", `{}`).Run, h.must(t, "/hooks/orders", `{}`).Run, "without an id each is another")
}

// Whoever has seen a signed request could send it again with a header that nobody
// has signed.
func TestHooks_TheHeaderThatCountsIsTheTriggersOwn(t *testing.T) {
	t.Parallel()
	h := serveHooks(t, true, host.NewMemory())
	signed := []string{"X-Hub-Signature-256", signature(`{}`)}
	first := h.must(t, "/hooks/named", `{}`, append(signed, "X-Delivery", "1")...)
	for _, header := range []string{"Webhook-Id", "Idempotency-Key"} {
		again := h.must(t, "/hooks/named", `{}`, append(signed, "X-Delivery", "1", header, "2")...)
		assert.True(t, again.Duplicate, header)
		assert.Equal(t, first.Run, again.Run, header)
	}
	assert.False(t, h.must(t, "/hooks/named", `{}`, append(signed, "Webhook-Id", "3")...).Duplicate)
	assert.True(t, h.must(t, "/hooks/named", `{}`, append(signed, "Webhook-Id", "3")...).Duplicate, "without its own")
}

func TestHooks_TheHeaderThatIsSignedCounts(t *testing.T) {
	t.Parallel()
	h := serveHooks(t, true, host.NewMemory())
	at := fmt.Sprint(time.Now().Unix())
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write([]byte("msg_1." + at + ".{}"))
	signed := []string{"Webhook-Id", "msg_1", "Webhook-Timestamp", at, "Webhook-Signature", "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))}
	assert.False(t, h.must(t, "/hooks/standard", `{}`, append(signed, "X-Delivery", "1")...).Duplicate)
	assert.True(t, h.must(t, "/hooks/standard", `{}`, append(signed, "X-Delivery", "2")...).Duplicate)
}

func TestHooks_TheLogHoldsLittleOfWhatStrangersSend(t *testing.T) {
	t.Parallel()
	h := serveHooks(t, true, host.NewMemory())
	long := strings.Repeat("x", 60_000)
	status, _, _ := h.send(t, "/hooks/"+long, strings.NewReader("{}"))
	assert.Equal(t, 404, status)
	status, _, _ = h.send(t, "/hooks/orders", strings.NewReader("{}"), "Origin", "https://"+long)
	assert.Equal(t, 403, status)
	assert.Equal(t, 2, strings.Count(h.log.String(), "request refused"))
	assert.Less(t, h.log.Len(), 1500)
}

func TestHooks_RefusedRequestsLeaveNothing(t *testing.T) {
	t.Parallel()
	near, far := true, false
	large := strings.Repeat(" ", hosthttp.MaxBody) + "1"
	for _, tt := range []struct {
		name   string
		near   bool
		path   string
		body   io.Reader
		header []string
		status int
		detail string
	}{
		{"no such path", near, "/hooks/order", strings.NewReader("{}"), nil, 404, "no workflow"},
		{"no path", near, "/hooks/", strings.NewReader("{}"), nil, 404, "no workflow"},
		{"a workflow that is off", near, "/hooks/off", strings.NewReader("{}"), nil, 404, "no workflow"},
		{"a workflow's name that is not its path", near, "/hooks/signed", strings.NewReader("{}"), nil, 404, "no workflow"},
		{"method", near, "/hooks/orders", nil, []string{"Method", "GET"}, 405, "by POST"},
		{"a form", near, "/hooks/orders", strings.NewReader("a=b"), []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "as JSON"},
		{"no type", near, "/hooks/orders", strings.NewReader("{}"), []string{"Content-Type", ""}, 415, "as JSON"},
		{"not JSON", near, "/hooks/orders", strings.NewReader(`{"a":`), nil, 400, "not JSON: line 1"},
		{"two values", near, "/hooks/orders", strings.NewReader(`{} {}`), nil, 400, "not JSON"},
		{"not UTF-8", near, "/hooks/orders", strings.NewReader("\"\xff\""), nil, 400, "not UTF-8"},
		{"empty", near, "/hooks/orders", nil, nil, 400, "empty"},
		{"a byte too much", near, "/hooks/orders", strings.NewReader(large), nil, 413, "1048576"},
		{"too much, length unsaid", near, "/hooks/orders", io.MultiReader(strings.NewReader(large)), nil, 413, "1048576"},
		{"an id that is no text", near, "/hooks/orders", strings.NewReader("{}"), []string{"Webhook-Id", "caf\xe9"}, 400, "ASCII"},
		{"a long id", near, "/hooks/orders", strings.NewReader("{}"), []string{"Idempotency-Key", strings.Repeat("x", 201)}, 400, "200"},
		{"from elsewhere", far, "/hooks/orders", strings.NewReader("{}"), nil, 403, "name a credential"},
		{"a name that was pointed here", near, "/hooks/orders", strings.NewReader("{}"), []string{"Host", "evil.example"}, 403, "evil.example"},
		{"through a tunnel", near, "/hooks/orders", strings.NewReader("{}"), []string{"X-Forwarded-For", "203.0.113.7"}, 403, "tunnel"},
		{"another site's page", near, "/hooks/orders", strings.NewReader("{}"), []string{"Origin", "https://evil.example"}, 403, "evil.example"},
		{"not signed", near, "/hooks/shop/orders", strings.NewReader("{}"), nil, 401, "X-Hub-Signature-256"},
		{"forged", near, "/hooks/shop/orders", strings.NewReader("{}"), []string{"X-Hub-Signature-256", signature("[]")}, 401, "X-Hub-Signature-256"},
		{"signed, not JSON", near, "/hooks/shop/orders", strings.NewReader("{"), []string{"X-Hub-Signature-256", signature("{")}, 400, "not JSON"},
		{"a secret that is not there", near, "/hooks/keyless", strings.NewReader("{}"), nil, 503, "again"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := serveHooks(t, tt.near, host.NewMemory())
			status, header, answer := h.send(t, tt.path, tt.body, tt.header...)
			assert.Equal(t, tt.status, status, "%s", answer)
			assert.Equal(t, "application/problem+json", header.Get("Content-Type"))
			var p hosthttp.Problem
			require.NoError(t, json.Unmarshal(answer, &p))
			assert.Contains(t, p.Detail, tt.detail)
			assert.Equal(t, tt.status == 401, strings.Contains(p.Title, "signature"), p.Title)
			assert.Zero(t, h.told)
			assert.Empty(t, h.runs(t))
			assert.NotContains(t, h.log.String()+string(answer), hookSecret)
		})
	}
}

func TestHooks_NothingIsAcknowledgedThatIsNotStored(t *testing.T) {
	t.Parallel()
	h := serveHooks(t, true, fullStore{host.NewMemory()})
	status, header, _ := h.send(t, "/hooks/orders", strings.NewReader("{}"))
	assert.Equal(t, 503, status)
	assert.NotEmpty(t, header.Get("Retry-After"))
	assert.Zero(t, h.told)
}

func TestHooks_TheLargestBodyPasses(t *testing.T) {
	t.Parallel()
	h := serveHooks(t, true, host.NewMemory())
	h.must(t, "/hooks/orders", strings.Repeat(" ", hosthttp.MaxBody-1)+"1")
}

func TestHooks_FollowTheirWorkflows(t *testing.T) {
	t.Parallel()
	h := serveHooks(t, true, host.NewMemory())
	ctx := t.Context()
	_, err := h.engine.Enable(ctx, "orders", false)
	require.NoError(t, err)
	status, _, _ := h.send(t, "/hooks/orders", strings.NewReader("{}"))
	assert.Equal(t, 404, status, "it is off")

	taker, err := workflow.Parse("taker.yaml", []byte(`{name: taker, trigger: {connector: webhook, input: {path: orders}}, steps: []}`))
	require.NoError(t, err)
	_, err = h.engine.Define(ctx, taker, true, "")
	require.NoError(t, err)
	assert.Equal(t, "taker", h.must(t, "/hooks/orders", "{}").Workflow)
	_, err = h.engine.Enable(ctx, "orders", true)
	var taken *host.HookTakenError
	require.ErrorAs(t, err, &taken)
	assert.Equal(t, host.HookTakenError{Path: "orders", Workflow: "taker"}, *taken)
	_, err = h.engine.Define(ctx, taker, true, "")
	assert.NoError(t, err, "its own path is no other's")

	hooks, err := h.engine.Hooks(ctx)
	require.NoError(t, err)
	var paths []string
	for _, hook := range hooks {
		paths = append(paths, hosthttp.HookPath(hook))
	}
	assert.Equal(t, []string{"/hooks/keyless", "/hooks/named", "/hooks/orders", "/hooks/shop/orders", "/hooks/standard"}, paths)
}
