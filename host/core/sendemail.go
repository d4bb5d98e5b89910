package core

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"time"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Mail is one to be sent.
type Mail struct {
	ID      string   // Left part of its message id: the same for each attempt of a step.
	To      []string // With or without a name: "Ada <ada@example.com>".
	Cc      []string
	Bcc     []string
	ReplyTo string // Empty if answers go to the sender.
	Subject string // One line.
	Text    string // Plain text; empty if there is only HTML.
	HTML    string // Empty if there is only text.
}

// emailInput is the input of send.
type emailInput struct {
	To      []string `json:"to"`
	Cc      []string `json:"cc"`
	Bcc     []string `json:"bcc"`
	ReplyTo string   `json:"reply_to"`
	Subject string   `json:"subject"`
	Text    string   `json:"text"`
	HTML    string   `json:"html"`
}

// sendEmail returns the connector for mail. A mail that was sent cannot be taken
// back, and one that may have been sent is not sent again unasked.
func sendEmail(send func(context.Context, Mail) (string, error)) *builtin {
	op := &connectorv1.Operation{
		Name: "send", Title: "Send", Summary: "Sends an e-mail through the host's mail server.",
		Effect: connectorv1.Effect_EFFECT_WRITE, Idempotency: connectorv1.Idempotency_IDEMPOTENCY_NONE,
		Timeout: durationpb.New(2 * time.Minute),
	}
	return &builtin{
		catalog: catalog("send-email", "Send e-mail", "Sends e-mails.", described("send_email", op)),
		handlers: map[string]handler{"send": func(ctx context.Context, key string, input []byte) (json.RawMessage, error) {
			return sendMail(ctx, send, key, input)
		}},
		checks: map[string]check{"send": plain(addresses)},
	}
}

func sendMail(ctx context.Context, send func(context.Context, Mail) (string, error), key string, input []byte) (json.RawMessage, error) {
	if send == nil {
		return nil, refused(connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, "This host has no mail server in its settings.")
	}
	var in emailInput
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, &host.InputError{Message: err.Error()}
	}
	var wrong error
	addresses(input, func(pointer, _, summary string) {
		if wrong == nil {
			wrong = &host.InputError{Pointer: pointer, Message: summary}
		}
	})
	if wrong != nil {
		return nil, wrong
	}
	m := Mail{ID: messageID(key), To: in.To, Cc: in.Cc, Bcc: in.Bcc, ReplyTo: in.ReplyTo, Subject: in.Subject, Text: in.Text, HTML: in.HTML}
	id, err := send(ctx, m)
	if err != nil {
		var known *host.FailureError
		if !errors.As(err, &known) { // the mail may be out
			err = failed(connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, connectorv1.Applied_APPLIED_UNKNOWN, "The mail may have been sent: %v.", err)
		}
		return nil, err
	}
	return json.Marshal(map[string]string{"message_id": id})
}

// messageID is the same for each attempt, so that mail programs show one mail where
// a person had it sent again.
func messageID(key string) string {
	sum := sha256.Sum256([]byte("storyloop/send-email/" + key))
	return hex.EncodeToString(sum[:16])
}

// addresses checks what a schema cannot: that addresses are ones.
func addresses(input []byte, say func(pointer, code, summary string)) {
	var in emailInput
	if json.Unmarshal(input, &in) != nil {
		return
	}
	for name, list := range map[string][]string{"to": in.To, "cc": in.Cc, "bcc": in.Bcc} {
		for i, a := range list {
			if _, err := mail.ParseAddress(a); err != nil {
				say(fmt.Sprintf("/%s/%d", name, i), "wrong_form", "is no e-mail address such as ada@example.com or Ada <ada@example.com>")
			}
		}
	}
	if in.ReplyTo != "" {
		if _, err := mail.ParseAddress(in.ReplyTo); err != nil {
			say("/reply_to", "wrong_form", "is no e-mail address such as ada@example.com or Ada <ada@example.com>")
		}
	}
}
