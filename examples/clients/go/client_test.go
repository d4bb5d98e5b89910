package clients_test

import (
	"context"
	"net"
	"net/http"
	"strings"

	fb "github.com/huandu/facebook/v2"
	"github.com/stretchr/testify/require"
)

const version = "v25.0"

// meta is an HTTP client to which every host of Meta is the sandbox. It opens a plain
// connection where it would speak TLS; the requests on it are those that Meta would get,
// with Meta's name in the Host header.
func (s *sandbox) meta() *http.Client {
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(s.URL, "http://"))
	}
	transport := &http.Transport{DialContext: dial, DialTLSContext: dial}
	s.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// app is the client's app. Its calls without a user go to the sandbox too.
func (s *sandbox) app() *fb.App {
	app := fb.New(s.AppID, s.AppSecret)
	app.SetSession(&fb.Session{HttpClient: s.meta(), Version: version})
	return app
}

// session is the client with a token.
func (s *sandbox) session(token string) *fb.Session {
	session := s.app().Session(token)
	session.HttpClient, session.Version = s.meta(), version
	return session
}

// user is the client with the shop's user token.
func (s *sandbox) user() *fb.Session { return s.session(s.shop().UserToken) }

// into reads a field of an answer.
func (s *sandbox) into(r fb.Result, field string, target any) {
	s.Helper()
	require.NoError(s, r.DecodeField(field, target))
}
