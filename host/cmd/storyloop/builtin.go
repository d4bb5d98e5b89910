package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/core"
	"github.com/storyloop/storyloop/host/smtp"
	"github.com/storyloop/storyloop/host/vault"
)

// httpClient is the only built-in connector that takes settings.
const httpClient = "http-client"

// httpSettings are the settings of the built-in http-client.
type httpSettings struct {
	Allow                []string `json:"allow"`
	ProxyFromEnvironment bool     `json:"proxy_from_environment"`
}

// builtIn makes the built-in connectors, with what those need that reach beyond a
// run: to the store and the workers that config names come the mail server, and
// which internal addresses may be reached.
func builtIn(config core.Config, mail *vault.SMTP, settings map[string]json.RawMessage) (host.ConnectorList, error) {
	if raw, ok := settings[httpClient]; ok {
		var h httpSettings
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		if err := d.Decode(&h); err != nil {
			return nil, usageErrorf(`--settings: http-client wants {"allow": ["127.0.0.1", "10.1.0.0/16", "printer.local:8080"], "proxy_from_environment": true or false}, or one of them`)
		}
		config.HTTP = core.HTTP{Allow: h.Allow, ProxyFromEnvironment: h.ProxyFromEnvironment}
	}
	if mail != nil {
		sender, err := smtp.New(smtp.Config{
			Host: mail.Host, Port: mail.Port, Security: smtp.Security(mail.Security),
			Username: mail.Username, Password: mail.Password, From: mail.From,
		})
		if err != nil {
			return nil, &exitError{exitUsage, fmt.Errorf("the smtp part of the credentials file: %w", err)}
		}
		config.SendMail = func(ctx context.Context, m core.Mail) (string, error) { return sender.Send(ctx, smtp.Mail(m)) }
	}
	connectors, err := core.New(config)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	return connectors, nil
}
