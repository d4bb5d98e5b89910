package operations

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"

	"github.com/storyloop/storyloop/connector"
)

// receive takes one webhook request: it answers the handshake, checks the
// signature over the bytes as they came, and then parses, in that order.
// Source: developers.facebook.com/docs/instagram-platform/webhooks.
func receive(_ context.Context, d connector.Delivery) connector.Receipt {
	a, err := readApp(d.App)
	if err != nil {
		return refuse(http.StatusForbidden, "app_unreadable", "The app's configuration cannot be read.", "Check the app's configuration.")
	}
	switch d.Method {
	case http.MethodGet:
		return handshake(a, d.Query)
	case http.MethodPost:
		return delivery(a, d)
	}
	r := refuse(http.StatusMethodNotAllowed, "bad_method", "A webhook came with a method other than GET and POST.", "Nothing is to be done if it was not Meta.")
	r.Headers = append(r.Headers, connector.Header{Name: "Allow", Value: "GET, POST"})
	return r
}

// handshake answers Meta's question whether the endpoint is ours.
func handshake(a app, query string) connector.Receipt {
	q, err := url.ParseQuery(query)
	if err != nil || q.Get("hub.mode") != "subscribe" {
		return refuse(http.StatusForbidden, "bad_handshake", "A GET request came that is no handshake.", "Nothing is to be done if it was not Meta.")
	}
	if a.VerifyToken == "" {
		return refuse(http.StatusForbidden, "no_verify_token", "The handshake was refused: no verify token is configured.", "Set verify_token in the app's configuration.")
	}
	if !hmac.Equal([]byte(q.Get("hub.verify_token")), []byte(a.VerifyToken)) {
		return refuse(http.StatusForbidden, "wrong_verify_token", "The handshake was refused: its verify token is not ours.", "Use the same verify token at Meta and in the app's configuration.")
	}
	return connector.Receipt{
		Status: http.StatusOK,
		// Plain text, so that no browser takes a challenge for a page.
		Headers: []connector.Header{{Name: "Content-Type", Value: "text/plain; charset=utf-8"}, {Name: "X-Content-Type-Options", Value: "nosniff"}},
		Body:    []byte(q.Get("hub.challenge")),
	}
}

func delivery(a app, d connector.Delivery) connector.Receipt {
	secrets := a.secrets()
	if len(secrets) == 0 {
		return refuse(http.StatusForbidden, "no_app_secret", "A webhook was refused: no app secret is configured to check it with.", "Set app_secret or instagram_app_secret in the app's configuration.")
	}
	if !signed(d, secrets) {
		return refuse(http.StatusForbidden, "bad_signature", "A webhook was refused: its signature is missing or wrong.", "If it was Meta, check the app secrets; otherwise somebody else knows the address.")
	}
	envelopes, err := parseEnvelopes(d.Body)
	if err != nil {
		return refuse(http.StatusBadRequest, "bad_json", "A signed webhook was not JSON of the shape that Meta sends.", "Look at Meta's changelog.")
	}
	reply := connector.Receipt{Status: http.StatusOK}
	for _, e := range envelopes {
		if e.Object != "instagram" {
			return refuse(http.StatusNotFound, "wrong_object", "A webhook came for an object other than “instagram”.", "Remove this callback address from the other object at Meta.")
		}
	}
	for _, e := range envelopes {
		reply.Events = append(reply.Events, events(e, a.Usernames)...)
	}
	return reply
}

// signed reports whether one of the secrets has signed the body.
func signed(d connector.Delivery, secrets []string) bool {
	for _, h := range d.Headers {
		if !strings.EqualFold(h.Name, "X-Hub-Signature-256") {
			continue
		}
		given, err := hex.DecodeString(strings.TrimPrefix(strings.TrimSpace(h.Value), "sha256="))
		if err != nil || len(given) != sha256.Size {
			return false
		}
		for _, secret := range secrets {
			mac := hmac.New(sha256.New, []byte(secret))
			mac.Write(d.Body)
			if hmac.Equal(given, mac.Sum(nil)) {
				return true
			}
		}
		return false
	}
	return false
}

func refuse(status int, code, summary, detail string) connector.Receipt {
	return connector.Receipt{
		Status:   status,
		Problems: []connector.Problem{{Code: code, Summary: summary, Detail: detail}},
	}
}
