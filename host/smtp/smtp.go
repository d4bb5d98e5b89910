package smtp

import (
	"context"
	"fmt"
	"time"

	mail "github.com/wneessen/go-mail"
)

// Mail is one to be sent.
type Mail struct {
	ID      string   // Left part of its message id.
	To      []string // With or without a name: "Ada <ada@example.com>".
	Cc      []string
	Bcc     []string
	ReplyTo string // Empty if answers go to the sender.
	Subject string // One line.
	Text    string // Plain text; empty if there is only HTML.
	HTML    string // Empty if there is only text.
}

// Sender hands mails over to a server. It is safe for concurrent use: each mail has
// a connection of its own.
type Sender struct{ config Config }

// New returns a sender, or what is wrong with the config. It does not connect.
func New(c Config) (*Sender, error) {
	c, err := c.check()
	if err != nil {
		return nil, err
	}
	return &Sender{config: c}, nil
}

// longest bounds a mail where the context does not.
const longest = 5 * time.Minute

// Send returns the message id once the server has taken the mail over for all who
// get it; for none, if it refuses one of them. Its error is a *host.FailureError.
// Where the connection breaks while the server takes the mail over, the mail may
// have been sent.
func (s *Sender) Send(ctx context.Context, m Mail) (messageID string, err error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	id := m.ID + "@" + s.config.domain()
	msg, err := s.message(m, id)
	if err != nil {
		return "", err
	}
	w := &wire{}
	client, err := s.client(w)
	if err != nil {
		return "", unsent(ctx, err)
	}
	stop := context.AfterFunc(ctx, w.cut)
	defer stop()
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		w.cut()
		return "", unsent(ctx, err)
	}
	defer w.cut()
	if err := client.SendWithSMTPClient(conn, msg); err != nil && !msg.IsDelivered() {
		return "", failureOf(ctx, err)
	}
	_ = client.CloseWithSMTPClient(conn) // the mail is out; to say good-bye is a courtesy
	return "<" + id + ">", nil
}

func (s *Sender) client(w *wire) (*mail.Client, error) {
	c := s.config
	options := []mail.Option{
		mail.WithPort(c.Port), mail.WithTimeout(longest), mail.WithTLSConfig(c.tls()), mail.WithoutNoop(), mail.WithDialContextFunc(w.dial(c)),
	}
	switch c.Security {
	case StartTLS:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case TLS: // by dial; with this policy the library looks whether it is so
		options = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic))
	default:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if c.Username != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(c.Username), mail.WithPassword(c.Password))
	}
	client, err := mail.NewClient(c.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("preparing the connection to %s: %w", c.address(), err)
	}
	return client, nil
}
