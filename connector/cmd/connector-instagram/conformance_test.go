package main

import (
	"encoding/json"
	"net/url"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/connector/conformance"
	"github.com/storyloop/storyloop/connector/connectortest"
	"github.com/storyloop/storyloop/operations"
	"github.com/storyloop/storyloop/operations/graph/sandbox"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	catalog := catalogOf(t)
	connectortest.Run(t, connectortest.Config{
		Path: os.Args[0], Env: []string{roleEnv + "=fragile connector"},
		Remote: w, Reset: w.reset,
		Settings: func(url string) json.RawMessage {
			return encoded(map[string]any{"sandbox_url": url, "container_poll_seconds": 0.01})
		},
		Authorize: w.authorize, App: w.app(),
		Secrets:    []string{marker, w.info.AppSecret, w.info.InstagramAppSecret, w.info.VerifyToken, sandbox.Proof(w.info.AppSecret, w.info.Accounts[0].UserToken)},
		Operations: w.operations(catalog), Triggers: w.triggers(),
		DeadToken: w.die, Quota: w.useUp, Account: w.account,
		Number: &connectortest.NumberCase{Operation: "get_profile", Case: connectortest.Case{
			Input: encoded(map[string]string{"ig_user_id": conformance.BigNumber}), Credential: w.many[0],
		}},
		Handshake: w.handshake(),
		Panic:     &connectortest.Call{Operation: "get_hashtag", Input: encoded(map[string]string{"hashtag_id": fatalHashtag})},
	})
}

// fatalHashtag makes the fragile connector panic.
const fatalHashtag = "17841593700000666"

// fragile is the connector with a fault of the kind that nobody knows of: one input
// of one operation makes it panic.
func fragile() connector.Spec {
	spec := operations.Instagram(version)
	for i, op := range spec.Operations {
		if op.Name != "get_hashtag" {
			continue
		}
		spec.Operations[i] = connector.Validate(op, func(in struct {
			ID string `json:"hashtag_id"`
		}, _ connector.Known) []connector.Problem {
			if in.ID == fatalHashtag {
				panic("a hashtag that was never thought of")
			}
			return nil
		})
	}
	return spec
}

func TestCatalog_IsTheOneThatWasReviewed(t *testing.T) {
	t.Parallel()
	connectortest.Golden(t, "testdata/catalog.golden.json", catalogOf(t))
}

// catalogOf asks a process of the connector what it offers.
func catalogOf(t testing.TB) *connectorv1.Catalog {
	t.Helper()
	resp, err := connectorv1.NewConnectorServiceClient(dial(t, startByHand(t)).cc).GetCatalog(t.Context(), &connectorv1.GetCatalogRequest{})
	require.NoError(t, err)
	return resp.GetCatalog()
}

// handshake is Meta's verification request.
func (w *world) handshake() *connectortest.Handshake {
	ask := func(token string) *connectorv1.ReceiveRequest {
		return &connectorv1.ReceiveRequest{Method: "GET", Query: url.Values{
			"hub.mode": {"subscribe"}, "hub.challenge": {"1158201444"}, "hub.verify_token": {token},
		}.Encode()}
	}
	return &connectortest.Handshake{Request: ask(w.info.VerifyToken), Wrong: ask("guess"), Reply: "1158201444"}
}
