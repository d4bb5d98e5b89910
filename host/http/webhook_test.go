package http_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	hosthttp "github.com/storyloop/storyloop/host/http"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// shop stands for a connector: it takes what is signed with "right".
type shop struct {
	host.Connector
	err    error
	remark string // On what is not signed, beside what is always said.
	got    *connectorv1.ReceiveRequest
}

func (s *shop) Receive(_ context.Context, r *connectorv1.ReceiveRequest) (*connectorv1.ReceiveResponse, error) {
	if s.err != nil {
		return nil, s.err
	}
	s.got = r
	for _, h := range r.GetHeaders() {
		if h.GetName() == "X-Signature" && h.GetValue() == "right" {
			return &connectorv1.ReceiveResponse{
				Reply:  &connectorv1.HttpReply{Status: 202, Headers: []*connectorv1.Header{{Name: "X-Seen", Value: "yes"}}, Body: []byte("<b>thanks</b>")},
				Events: []*connectorv1.Event{{Id: "1", Trigger: "sold"}},
			}, nil
		}
	}
	return &connectorv1.ReceiveResponse{
		Reply:       &connectorv1.HttpReply{Status: 403},
		Diagnostics: []*connectorv1.Diagnostic{{Code: "forged", Summary: "the signature does not match" + s.remark}},
	}, nil
}

type connectors map[string]host.Connector

func (c connectors) Connector(name string) (host.Connector, bool) {
	found, ok := c[name]
	return found, ok
}
func (c connectors) Names() []string { return nil }

type vault struct{ err error }

func (vault) Credential(context.Context, string) (*connectorv1.Credential, error) { return nil, nil }

func (v vault) App(_ context.Context, connector, name string) (*connectorv1.App, error) {
	if v.err != nil {
		return nil, v.err
	}
	if name != "default" {
		return nil, &host.NotFoundError{Kind: "app registration", Name: name}
	}
	return &connectorv1.App{Config: []byte("s3cr3t-m4rk3r")}, nil
}

type inbox struct {
	mu     sync.Mutex
	err    error
	stored []*connectorv1.Event
}

func (b *inbox) Accept(_ context.Context, _ string, events []*connectorv1.Event) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return 0, b.err
	}
	b.stored = append(b.stored, events...)
	return len(events), nil
}

type setup struct {
	shop  *shop
	inbox *inbox
	vault vault
	log   bytes.Buffer
	told  int
	url   string
}

func serve(t *testing.T, s *setup) {
	t.Helper()
	s.shop, s.inbox = cmpOr(s.shop, &shop{}), cmpOr(s.inbox, &inbox{})
	mux := http.NewServeMux()
	h := &hosthttp.Webhooks{
		Connectors: connectors{"shop": s.shop}, Vault: s.vault, Inbox: s.inbox, Stored: func() { s.told++ },
		Now: func() time.Time { return time.Unix(1_767_225_600, 0) }, Log: slog.New(slog.NewTextHandler(&s.log, nil)),
	}
	h.Register(mux)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	s.url = srv.URL
}

func cmpOr[T any](a, b *T) *T {
	if a != nil {
		return a
	}
	return b
}

func post(t *testing.T, url, signature string, body io.Reader) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, body)
	require.NoError(t, err)
	req.Header.Set("X-Signature", signature)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text), resp.Header
}

func TestWebhooks_StoresThenSendsTheConnectorsReply(t *testing.T) {
	t.Parallel()
	s := &setup{}
	serve(t, s)
	body := `{"a": 1.0, "ä":"\u00e4"}`
	status, text, header := post(t, s.url+"/webhooks/shop/default?x=1&y", "right", strings.NewReader(body))
	assert.Equal(t, 202, status)
	assert.Equal(t, "<b>thanks</b>", text)
	assert.Equal(t, "yes", header.Get("X-Seen"))
	assert.Contains(t, header.Get("Content-Type"), "text/plain", "no browser takes a reply for a page")
	assert.Len(t, s.inbox.stored, 1)
	assert.Equal(t, 1, s.told)
	assert.Equal(t, body, string(s.shop.got.GetBody()), "signatures are over raw bytes")
	assert.Equal(t, "x=1&y", s.shop.got.GetQuery())
	assert.Equal(t, "POST", s.shop.got.GetMethod())
	assert.Equal(t, int64(1_767_225_600), s.shop.got.GetReceivedAt().GetSeconds())
	assert.NotContains(t, s.log.String(), "s3cr3t")
}

func TestWebhooks_RefusedRequestsLeaveNothing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, path, method, signature string
		body                          io.Reader
		setup                         setup
		status                        int
	}{
		{name: "forged", path: "/webhooks/shop/default", signature: "wrong", status: 403},
		{name: "no such connector", path: "/webhooks/shoe/default", signature: "right", status: 404},
		{name: "no such registration", path: "/webhooks/shop/other", signature: "right", status: 404},
		{name: "no such path", path: "/webhooks/shop", signature: "right", status: 404},
		{name: "method", method: "DELETE", path: "/webhooks/shop/default", signature: "right", status: 405},
		{name: "a byte too much", path: "/webhooks/shop/default", signature: "right", body: strings.NewReader(strings.Repeat("x", hosthttp.MaxBody+1)), status: 413},
		{name: "too much, length unsaid", path: "/webhooks/shop/default", signature: "right", body: io.MultiReader(strings.NewReader(strings.Repeat("x", hosthttp.MaxBody+1))), status: 413},
		{name: "connector broken", path: "/webhooks/shop/default", signature: "right", setup: setup{shop: &shop{err: errors.New("gone")}}, status: 503},
		{name: "store broken", path: "/webhooks/shop/default", signature: "right", setup: setup{inbox: &inbox{err: errors.New("disk full")}}, status: 503},
		{name: "vault broken", path: "/webhooks/shop/default", signature: "right", setup: setup{vault: vault{errors.New("locked")}}, status: 503},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &tt.setup
			serve(t, s)
			method := tt.method
			if method == "" {
				method = http.MethodPost
			}
			req, err := http.NewRequest(method, s.url+tt.path, tt.body)
			require.NoError(t, err)
			req.Header.Set("X-Signature", tt.signature)
			resp, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			defer resp.Body.Close()
			assert.Equal(t, tt.status, resp.StatusCode)
			if tt.status == 503 {
				assert.NotEmpty(t, resp.Header.Get("Retry-After"), "it will be sent again")
			}
			assert.Empty(t, s.inbox.stored)
			assert.Zero(t, s.told)
		})
	}
}

func TestWebhooks_BytesThatAreNoText(t *testing.T) {
	t.Parallel()
	s := &setup{}
	serve(t, s)
	req, err := http.NewRequest(http.MethodPost, s.url+"/webhooks/shop/default", strings.NewReader("x"))
	require.NoError(t, err)
	req.Header.Set("X-Signature", "right")
	req.Header.Set("User-Agent", "caf\xe9")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, 202, resp.StatusCode, "a proxy's odd header does not stop a webhook")
	for _, h := range s.shop.got.GetHeaders() {
		assert.True(t, utf8.ValidString(h.GetValue()), h.GetName())
	}
	status, _, _ := post(t, s.url+"/webhooks/shop/default?a=%FF", "right", nil)
	assert.Equal(t, 202, status, "escaped bytes are text")
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET /webhooks/shop/default?a=\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	require.NoError(t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.Contains(t, string(answer), "400 Bad Request")
}

func TestWebhooks_TheLargestBodyPasses(t *testing.T) {
	t.Parallel()
	s := &setup{}
	serve(t, s)
	status, _, _ := post(t, s.url+"/webhooks/shop/default", "right", strings.NewReader(strings.Repeat("x", hosthttp.MaxBody)))
	assert.Equal(t, 202, status)
}

func TestWebhooks_TheLogHoldsLittleOfWhatStrangersSend(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 60_000)
	s := &setup{vault: vault{err: errors.New("broken")}}
	serve(t, s)
	status, _, _ := post(t, s.url+"/webhooks/shop/"+long, "right", strings.NewReader("{}"))
	assert.Equal(t, 503, status)
	assert.Contains(t, s.log.String(), "registration cannot be read")
	assert.Less(t, len(s.log.String()), 1000)

	s = &setup{shop: &shop{remark: long}}
	serve(t, s)
	status, _, _ = post(t, s.url+"/webhooks/shop/default", "wrong", strings.NewReader("{}"))
	assert.Equal(t, 403, status)
	assert.Contains(t, s.log.String(), "webhook remark")
	assert.Less(t, len(s.log.String()), 1000)
}

func TestServe_FinishesRequestsUnderWay(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	entered, release := make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		_, _ = io.WriteString(w, "done")
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- hosthttp.Serve(ctx, l, h, slog.New(slog.DiscardHandler)) }()
	got := make(chan string, 1)
	go func() {
		resp, err := http.Get("http://" + l.Addr().String())
		if err != nil {
			got <- err.Error()
			return
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		got <- string(text)
	}()
	<-entered
	stop()
	close(release)
	assert.Equal(t, "done", <-got)
	assert.NoError(t, <-ended)
}
