package main

import (
	"encoding/json"
	"errors"
	"net/url"

	"github.com/storyloop/storyloop/connector/conformance"
	"github.com/storyloop/storyloop/operations"
	"github.com/storyloop/storyloop/operations/graph/sandbox"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// conformanceConfig is the connector's whole check against the sandbox: a case of
// each operation and of each trigger, dead tokens, used-up budgets, many accounts.
// It lacks the binary. What it returns beside ends the sandbox.
func conformanceConfig() (conformance.Config, func() error, error) {
	w, err := newWorld()
	if err != nil {
		return conformance.Config{}, nil, err
	}
	triggers, err := w.triggers()
	if err != nil {
		return conformance.Config{}, nil, errors.Join(err, w.close())
	}
	return conformance.Config{
		Remote: w, Reset: w.reset,
		Settings: func(url string) json.RawMessage {
			return encoded(map[string]any{"sandbox_url": url, "container_poll_seconds": 0.01})
		},
		Authorize: w.authorize, App: w.app(),
		Secrets:    []string{marker, w.info.AppSecret, w.info.InstagramAppSecret, w.info.VerifyToken, sandbox.Proof(w.info.AppSecret, w.info.Accounts[0].UserToken)},
		Operations: w.operations(operations.Instagram(version)), Triggers: triggers,
		DeadToken: w.die, Quota: w.useUp, Account: w.account,
		Number: &conformance.NumberCase{Operation: "get_profile", Case: conformance.Case{
			Input: encoded(map[string]string{"ig_user_id": conformance.BigNumber}), Credential: w.many[0],
		}},
		Handshake: w.handshake(),
		NotApplicable: map[conformance.Hook]string{
			conformance.HookPanic: "no input of the connector is known to panic; its tests build one in",
		},
	}, w.close, nil
}

// handshake is Meta's verification request.
func (w *world) handshake() *conformance.Handshake {
	ask := func(token string) *connectorv1.ReceiveRequest {
		return &connectorv1.ReceiveRequest{Method: "GET", Query: url.Values{
			"hub.mode": {"subscribe"}, "hub.challenge": {"1158201444"}, "hub.verify_token": {token},
		}.Encode()}
	}
	return &conformance.Handshake{Request: ask(w.info.VerifyToken), Wrong: ask("guess"), Reply: "1158201444"}
}
