// Package smtp hands mails over to the host's mail server.
package smtp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"strings"
	"time"
)

// Security is how a connection is encrypted.
type Security string

// Kinds of security. The zero value is STARTTLS, without which nothing is sent.
const (
	StartTLS Security = "starttls" // The server must offer it. Mostly port 587.
	TLS      Security = "tls"      // From the first byte. Mostly port 465.
	None     Security = "none"     // For a relay on the same machine or network; without a password.
)

// Config is how the host sends mail.
type Config struct {
	Host     string   // Required. Name of the server, as in its certificate.
	Port     int      // Zero means 587, with TLS 465, with None 25.
	Security Security // Empty means StartTLS.
	Username string   // Empty if the server wants none.
	Password string
	From     string         // Required. The sender: "Storyloop <storyloop@example.com>".
	RootCAs  *x509.CertPool // Nil means those of the system.
	Now      func() time.Time
}

// LogValue keeps the password out of logs.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(slog.String("host", c.Host), slog.Int("port", c.Port), slog.String("security", string(c.Security)), slog.String("from", c.From))
}

// String keeps the password out of what is printed.
func (c Config) String() string { return fmt.Sprintf("mail server %s", c.Host) }

// GoString is [Config.String].
func (c Config) GoString() string { return c.String() }

// check fills in what is left out, and says what is wrong.
func (c Config) check() (Config, error) {
	if c.Security == "" {
		c.Security = StartTLS
	}
	ports := map[Security]int{StartTLS: 587, TLS: 465, None: 25}
	standard, ok := ports[c.Security]
	if c.Port == 0 {
		c.Port = standard
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	_, fromErr := mail.ParseAddress(c.From)
	switch {
	case c.Host == "" || strings.ContainsAny(c.Host, "/@ "):
		return c, errors.New("mail settings: host must be the name of the mail server, such as mail.example.com")
	case !ok:
		return c, fmt.Errorf("mail settings: security must be starttls, tls or none, not %q", c.Security)
	case c.Port < 1 || c.Port > 65535:
		return c, fmt.Errorf("mail settings: port must be between 1 and 65535, not %d", c.Port)
	case fromErr != nil:
		return c, errors.New("mail settings: from must be an address, such as Storyloop <storyloop@example.com>")
	case c.Security == None && c.Username != "":
		return c, errors.New("mail settings: a password is never sent unencrypted; set security to starttls or tls")
	case (c.Username == "") != (c.Password == ""):
		return c, errors.New("mail settings: username and password belong together")
	}
	return c, nil
}

func (c Config) tls() *tls.Config {
	return &tls.Config{ServerName: c.Host, RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12}
}

func (c Config) address() string { return net.JoinHostPort(c.Host, fmt.Sprint(c.Port)) }

// domain is the right part of message ids.
func (c Config) domain() string {
	from, err := mail.ParseAddress(c.From)
	if err != nil {
		return c.Host
	}
	return from.Address[strings.LastIndexByte(from.Address, '@')+1:]
}
