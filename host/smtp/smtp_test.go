package smtp_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	server "github.com/emersion/go-smtp"
	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/smtp"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// office is a real mail server on loopback.
type office struct {
	hear func(net.Conn, string) error // Called with each mail, before it is taken; may be nil.

	mu sync.Mutex
	// Guarded by mu.
	taken []taken
}

type taken struct {
	from string
	to   []string
	data string
}

type session struct {
	o    *office
	conn *server.Conn
	in   bool
	mail taken
}

func (o *office) NewSession(c *server.Conn) (server.Session, error) {
	return &session{o: o, conn: c}, nil
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "storyloop" || password != "open-sesame" {
			return server.ErrAuthFailed
		}
		s.in = true
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *server.MailOptions) error {
	if !s.in {
		return server.ErrAuthRequired
	}
	s.mail = taken{from: from}
	return nil
}

func (s *session) Rcpt(to string, _ *server.RcptOptions) error {
	switch {
	case strings.HasPrefix(to, "nobody@"):
		return &server.SMTPError{Code: 550, EnhancedCode: server.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
	case strings.HasPrefix(to, "later@"):
		return &server.SMTPError{Code: 451, EnhancedCode: server.EnhancedCode{4, 7, 1}, Message: "greylisted"}
	}
	s.mail.to = append(s.mail.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mail.data = string(raw)
	if s.o.hear != nil {
		if err := s.o.hear(s.conn.Conn(), s.mail.data); err != nil {
			return err
		}
	}
	s.o.mu.Lock()
	defer s.o.mu.Unlock()
	s.o.taken = append(s.o.taken, s.mail)
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func (o *office) mails() []taken {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.taken
}

// open starts an office and returns how to reach it.
func (o *office) open(t *testing.T, security smtp.Security) smtp.Config {
	t.Helper()
	web := httptest.NewTLSServer(nil) // for its certificate, which is for example.com and 127.0.0.1
	t.Cleanup(web.Close)
	config := &tls.Config{Certificates: web.TLS.Certificates}
	s := server.NewServer(o)
	s.Domain, s.ErrorLog = "localhost", log.New(io.Discard, "", 0)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	if security == smtp.TLS {
		l = tls.NewListener(l, config)
	} else {
		s.TLSConfig = config
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		_ = s.Close()
		_ = l.Close() // the server does not know of it yet if the test was quick
		<-done
	})
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	return smtp.Config{
		RootCAs: roots,
		Host:    "127.0.0.1", Port: port, Security: security, Username: "storyloop", Password: "open-sesame", From: "Storyloop <storyloop@example.com>",
		Now: func() time.Time { return time.Date(2026, 11, 22, 14, 5, 0, 0, time.UTC) },
	}
}

func send(t *testing.T, c smtp.Config, m smtp.Mail) (string, *connectorv1.Failure) {
	t.Helper()
	s, err := smtp.New(c)
	require.NoError(t, err)
	id, err := s.Send(t.Context(), m)
	return id, failureOf(t, err)
}

func failureOf(t *testing.T, err error) *connectorv1.Failure {
	t.Helper()
	if err == nil {
		return nil
	}
	var failed *host.FailureError
	require.ErrorAs(t, err, &failed)
	assert.NotContains(t, err.Error(), "open-sesame")
	return failed.Failure
}

func TestSend(t *testing.T) {
	t.Parallel()
	for _, security := range []smtp.Security{smtp.StartTLS, smtp.TLS} {
		t.Run(string(security), func(t *testing.T) {
			t.Parallel()
			var o office
			id, failure := send(t, o.open(t, security), smtp.Mail{
				ID: "5d41", To: []string{"Ada <ada@example.org>"}, Cc: []string{"bob@example.org"}, Bcc: []string{"carol@example.org"},
				ReplyTo: "shop@example.org", Subject: "Grüße", Text: "Hello", HTML: "<p>Hello</p>",
			})
			require.Nil(t, failure)
			assert.Equal(t, "<5d41@example.com>", id)
			mails := o.mails()
			require.Len(t, mails, 1)
			assert.Equal(t, "storyloop@example.com", mails[0].from)
			assert.Equal(t, []string{"ada@example.org", "bob@example.org", "carol@example.org"}, mails[0].to)
			m, err := mail.ReadMessage(strings.NewReader(mails[0].data))
			require.NoError(t, err)
			assert.Equal(t, id, m.Header.Get("Message-Id"))
			assert.Equal(t, "Sun, 22 Nov 2026 14:05:00 +0000", m.Header.Get("Date"))
			assert.Contains(t, m.Header.Get("Content-Type"), "multipart/alternative")
			assert.NotContains(t, mails[0].data, "carol@")
		})
	}
}

func TestSend_WhatTheServerSays(t *testing.T) {
	t.Parallel()
	var o office
	c := o.open(t, smtp.StartTLS)
	wrongPassword := c
	wrongPassword.Password = "guess"
	strangers := c
	strangers.RootCAs = x509.NewCertPool()
	for name, x := range map[string]struct {
		config smtp.Config
		to     string
		kind   connectorv1.FailureKind
	}{
		"no such mailbox": {c, "nobody@example.org", connectorv1.FailureKind_FAILURE_KIND_REFUSED},
		"greylisted":      {c, "later@example.org", connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE},
		"password":        {wrongPassword, "ada@example.org", connectorv1.FailureKind_FAILURE_KIND_PRECONDITION},
		"certificate":     {strangers, "ada@example.org", connectorv1.FailureKind_FAILURE_KIND_PRECONDITION},
	} {
		_, failure := send(t, x.config, smtp.Mail{ID: "1", To: []string{x.to}, Subject: "s", Text: "t"})
		require.NotNil(t, failure, name)
		assert.Equal(t, x.kind, failure.GetKind(), "%s: %s", name, failure.GetMessage())
		assert.Equal(t, connectorv1.Applied_APPLIED_NO, failure.GetApplied(), name)
	}
	assert.Empty(t, o.mails())
}

func TestSend_TheConnectionBreaksAfterData(t *testing.T) {
	t.Parallel()
	o := office{hear: func(conn net.Conn, _ string) error { return conn.Close() }}
	_, failure := send(t, o.open(t, smtp.StartTLS), smtp.Mail{ID: "1", To: []string{"ada@example.org"}, Subject: "s", Text: "t"})
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, failure.GetKind())
	assert.Equal(t, connectorv1.Applied_APPLIED_UNKNOWN, failure.GetApplied())
}

func TestSend_RefusedAfterData(t *testing.T) {
	t.Parallel()
	o := office{hear: func(net.Conn, string) error { return &server.SMTPError{Code: 554, Message: "spam"} }}
	_, failure := send(t, o.open(t, smtp.StartTLS), smtp.Mail{ID: "1", To: []string{"ada@example.org"}, Subject: "s", Text: "t"})
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_REFUSED, failure.GetKind())
	assert.Equal(t, connectorv1.Applied_APPLIED_NO, failure.GetApplied())
}

func TestSend_CancelCutsTheConversation(t *testing.T) {
	t.Parallel()
	hears, leave := make(chan struct{}), make(chan struct{})
	o := office{hear: func(net.Conn, string) error {
		close(hears)
		<-leave
		return errors.New("too late")
	}}
	c := o.open(t, smtp.StartTLS)
	t.Cleanup(func() { close(leave) })
	s, err := smtp.New(c)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-hears
		cancel()
	}()
	_, err = s.Send(ctx, smtp.Mail{ID: "1", To: []string{"ada@example.org"}, Subject: "s", Text: "t"})
	assert.Equal(t, connectorv1.Applied_APPLIED_UNKNOWN, failureOf(t, err).GetApplied())
}

func TestSend_NothingIsSlippedIn(t *testing.T) {
	t.Parallel()
	var o office
	c := o.open(t, smtp.StartTLS)
	for pointer, m := range map[string]smtp.Mail{
		"/subject":  {To: []string{"ada@example.org"}, Subject: "s\r\nBcc: eve@example.org"},
		"/to/0":     {To: []string{"ada@example.org\r\nBcc: eve@example.org"}, Subject: "s"},
		"/cc/1":     {To: []string{"ada@example.org"}, Cc: []string{"a@example.org", "\"a\nb\" <b@example.org>"}, Subject: "s"},
		"/reply_to": {To: []string{"ada@example.org"}, ReplyTo: "a@example.org\nX: y", Subject: "s"},
		"/to":       {Subject: "s"},
	} {
		_, failure := send(t, c, m)
		require.NotNil(t, failure, pointer)
		assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, failure.GetKind())
		assert.Equal(t, pointer, failure.GetDiagnostics()[0].GetPointer())
	}
	assert.Empty(t, o.mails())
}

func TestNew_SettingsOfNonsense(t *testing.T) {
	t.Parallel()
	good := smtp.Config{Host: "mail.example.com", From: "a@example.com", Username: "u", Password: "open-sesame"}
	_, err := smtp.New(good)
	require.NoError(t, err)
	for want, change := range map[string]func(*smtp.Config){
		"host must be":           func(c *smtp.Config) { c.Host = "" },
		"security must be":       func(c *smtp.Config) { c.Security = "ssl" },
		"port must be":           func(c *smtp.Config) { c.Port = 70000 },
		"from must be":           func(c *smtp.Config) { c.From = "me" },
		"never sent unencrypted": func(c *smtp.Config) { c.Security = smtp.None },
		"belong together":        func(c *smtp.Config) { c.Username = "" },
	} {
		c := good
		change(&c)
		_, err := smtp.New(c)
		assert.ErrorContains(t, err, want)
	}
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v %v", good, good, good, good.LogValue()), "open-sesame")
}
