package connectortest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/connector/conformance"
	"github.com/storyloop/storyloop/connector/connectortest"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// The test binary is also the connector: no binary has to be built for a test.
const (
	roleEnv = "CONNECTORTEST_ROLE"
	flawEnv = "CONNECTORTEST_FLAW"
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "connector":
		connector.Main(notes(os.Getenv(flawEnv)))
	case "by hand":
		serveByHand(os.Getenv(flawEnv))
	case "sleeper":
		time.Sleep(time.Minute)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// example configures the checks for the example connector, as an author does.
func example(flaw string) connectortest.Config {
	s := newService()
	credential := func(account string) *connectorv1.Credential {
		return &connectorv1.Credential{Method: "token", Secret: fmt.Appendf(nil, `{"token":%q}`, tokenPrefix+account)}
	}
	return connectortest.Config{
		Path: os.Args[0], Env: []string{roleEnv + "=connector", flawEnv + "=" + flaw},
		Remote: s, Reset: s.reset,
		Settings:   func(url string) json.RawMessage { return fmt.Appendf(nil, `{"base_url":%q}`, url) },
		Credential: credential("anna"), App: []byte(`{"secret":"` + webhookSecret + `"}`),
		Secrets: []string{tokenPrefix, webhookSecret},
		Operations: map[string]connectortest.Operation{
			"list_notes":  {Cases: []connectortest.Case{{Input: json.RawMessage(`{}`)}}},
			"whoami":      {Cases: []connectortest.Case{{Input: json.RawMessage(`{}`)}}},
			"add_note":    {Cases: []connectortest.Case{{Name: "a plain note", Input: json.RawMessage(`{"text":"bread"}`)}}},
			"delete_note": {Cases: []connectortest.Case{{Prepare: func() json.RawMessage { return json.RawMessage(`{"note_id":"101"}`) }}}},
		},
		Triggers: map[string]connectortest.Trigger{
			"note_added": {Happen: func() *connectorv1.ReceiveRequest { return s.add("anna", "from outside") }},
		},
		DeadToken: s.set(&s.dead), Quota: s.set(&s.full),
		Account: func(i int) connectortest.AccountCase {
			account := fmt.Sprintf("account-%02d", i)
			return connectortest.AccountCase{Credential: credential(account), Operation: "whoami", Input: json.RawMessage(`{}`), Want: account}
		},
		Number: &connectortest.NumberCase{Operation: "whoami", Case: connectortest.Case{Input: json.RawMessage(`{}`)}},
		Panic:  &connectortest.Call{Operation: "add_note", Input: json.RawMessage(`{"text":"panic"}`)},
		Handshake: &connectortest.Handshake{
			Request: &connectorv1.ReceiveRequest{Method: "GET", Query: "token=" + verifyToken + "&challenge=1158201444"},
			Wrong:   &connectorv1.ReceiveRequest{Method: "GET", Query: "token=guess&challenge=1158201444"},
			Reply:   "1158201444",
		},
	}
}

func TestRun_ASoundConnectorPasses(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, example(""))
}

// chosen runs only the checks that a test is about, and what they rest on.
type chosen struct {
	*conformance.Sheet
	sentences []string
}

func (c chosen) Run(sentence string, check func(conformance.Reporter)) bool {
	if !slices.Contains(c.sentences, sentence) {
		return true
	}
	return c.Sheet.Run(sentence, check)
}

func failures(t *testing.T, c connectortest.Config, sentences ...string) map[string]string {
	t.Helper()
	sheet := conformance.NewSheet(t.Context())
	conformance.Run(chosen{sheet, append(sentences, "the connector starts and accepts its settings", "every operation does its work")}, c)
	failed := map[string]string{}
	for _, r := range sheet.Results() {
		if r.Status == conformance.Failed {
			check, _, _ := strings.Cut(r.Check, "/")
			failed[check] += strings.Join(r.Findings, "\n")
		}
	}
	return failed
}

func TestRun_AFlawedConnectorFails(t *testing.T) {
	t.Parallel()
	const (
		sound    = "the catalog is sound"
		works    = "every operation does its work"
		trouble  = "a service in trouble is UNAVAILABLE, whatever it quotes"
		lost     = "a write whose answer was lost may have happened"
		slow     = "a slow service is let go at the deadline"
		cancel   = "a cancelled call lets go within a second"
		triggers = "every trigger tells what happens"
		secrets  = "no secret is seen anywhere"
	)
	for _, tt := range []struct{ flaw, check, finding string }{
		{"property without words", sound, "/properties/text has no description"},
		{"wrong example", sound, "its example 1 does not fit it: /note_id"},
		{"changing catalog", "the catalog is the same after another start", "shows another catalog"},
		{"endless list", works, "the list has no end"},
		{"no items", works, "no array at the items pointer /data"},
		{"no options", "every option list that an input looks up answers", "INTERNAL"},
		{"dead token refused", "a dead token is UNAUTHENTICATED", "it was REFUSED"},
		{"quota without time", "a used-up quota is RATE_LIMITED and says until when", "how long to wait"},
		{"second attempt", trouble, "another attempt is the host's to make"},
		{"second attempt", lost, "try again"},
		{"quoted secret", trouble, "holds a secret"},
		{"lost write denied", lost, "should be APPLIED_UNKNOWN"},
		{"lost write forgotten", lost, "should find that it has happened"},
		{"holds on", slow, "still waits for"},
		{"holds on", cancel, "still waits for"},
		{"mixed accounts", "fifty calls for fifty accounts never mix", "its output does not hold"},
		{"float", "a number of 17 digits keeps them all", "was it a float64"},
		{"deadly panic", "a panic in one call spares the others", "was not spared"},
		{"open handshake", "the webhook handshake is answered", "wrong token"},
		{"forged deliveries", "a webhook request that nobody understands does no harm", "brings events"},
		{"forged deliveries", triggers, "a forged delivery is answered with 200"},
		{"ids by the clock", triggers, "the host could not drop it"},
		{"other id by poll", triggers, "would take it for two"},
		{"asks while it receives", triggers, "without the network"},
		{"ends by signal", "a termination signal is the host's business", "SIGTERM ends it"},
		{"leaves a process", "nothing is left when the host ends the connector", "a process that it started lives on"},
		{"secret in the log", secrets, "a line of the log holds a secret"},
		{"secret in the output", secrets, "OperationService/Invoke holds a secret"},
	} {
		t.Run(tt.flaw+": "+tt.check, func(t *testing.T) {
			t.Parallel()
			failed := failures(t, example(tt.flaw), tt.check)
			require.Contains(t, failed, tt.check, "all that failed: %v", failed)
			assert.Contains(t, failed[tt.check], tt.finding)
			for check, why := range failed {
				assert.NotContains(t, why, tokenPrefix, "%s tells a secret itself", check)
			}
		})
	}
}

func TestRun_WhatTheAuthorDoesNotGiveFails(t *testing.T) {
	t.Parallel()
	const declared = "what does not apply is said, with a reason"
	for name, tt := range map[string]struct {
		change         func(*connectortest.Config)
		check, finding string
	}{
		"no case": {func(c *connectortest.Config) { delete(c.Operations, "whoami") },
			"every operation has a case", "operation whoami has no case"},
		"no trigger case": {func(c *connectortest.Config) { c.Triggers = map[string]connectortest.Trigger{"note_added": {}} },
			"every trigger has a case", "nothing happens"},
		"no triggers": {func(c *connectortest.Config) { c.Triggers = nil },
			"every trigger has a case", "Config.Triggers is missing"},
		"no hook": {func(c *connectortest.Config) { c.Panic = nil },
			"a panic in one call spares the others", "Config.Panic is missing"},
		"case of nothing": {func(c *connectortest.Config) { c.Operations["who"] = connectortest.Operation{} },
			declared, `"who", which is not in the catalog`},
		"no reason": {func(c *connectortest.Config) {
			c.Panic, c.NotApplicable = nil, map[connectortest.Hook]string{conformance.HookPanic: " "}
		}, declared, "gives no reason"},
		"both": {func(c *connectortest.Config) {
			c.NotApplicable = map[connectortest.Hook]string{conformance.HookPanic: "it never panics"}
		}, declared, "remove one"},
		"unknown hook": {func(c *connectortest.Config) {
			c.NotApplicable = map[connectortest.Hook]string{"Panik": "a typo"}
		}, declared, `"Panik", which is no hook`},
		"one page": {func(c *connectortest.Config) {
			c.Operations["list_notes"] = connectortest.Operation{Cases: []connectortest.Case{{Credential: c.Account(1).Credential}}, NoExample: "it lists another account"}
		}, "every operation does its work", "no case has a second page"},
		"useless secret": {func(c *connectortest.Config) { c.Secrets = append(c.Secrets, "s3cr3t-elsewhere") },
			"no secret is seen anywhere", "looking for it shows nothing"},
		"no connector": {func(c *connectortest.Config) { c.Path = "/nonexistent/connector" },
			"the connector starts and accepts its settings", "no such file"},
		"wrong settings": {func(c *connectortest.Config) {
			c.Settings = func(string) json.RawMessage { return json.RawMessage(`{"base":1}`) }
		}, "the connector starts and accepts its settings", "/base"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := example("")
			tt.change(&c)
			failed := failures(t, c, tt.check)
			assert.Contains(t, failed[tt.check], tt.finding, "all that failed: %v", failed)
		})
	}
}

func TestRun_TheConnectorMayMakeTheCredential(t *testing.T) {
	t.Parallel()
	c := example("")
	secret := c.Credential.GetSecret()
	c.Credential = nil
	c.Authorize = func(ctx context.Context, auth connectorv1.AuthServiceClient) (*connectorv1.Credential, error) {
		resp, err := auth.CompleteAuthorization(ctx, &connectorv1.CompleteAuthorizationRequest{Method: "token", Reply: secret})
		return resp.GetCredential(), err
	}
	assert.Empty(t, failures(t, c, "a dead token is UNAUTHENTICATED", "no secret is seen anywhere"))
	c.Authorize = func(context.Context, connectorv1.AuthServiceClient) (*connectorv1.Credential, error) {
		return nil, errors.New("nobody is at home")
	}
	assert.Contains(t, failures(t, c)["the connector starts and accepts its settings"], "nobody is at home")
}

func TestRun_WhatDoesNotApplyIsSaid(t *testing.T) {
	t.Parallel()
	c := example("")
	c.Panic, c.NotApplicable = nil, map[connectortest.Hook]string{conformance.HookPanic: "no input makes it panic"}
	const sentence = "a panic in one call spares the others"
	sheet := conformance.NewSheet(t.Context())
	conformance.Run(chosen{sheet, []string{sentence, "the connector starts and accepts its settings"}}, c)
	results := sheet.Results()
	last := results[len(results)-1]
	assert.Equal(t, conformance.NotApplicable, last.Status)
	assert.Equal(t, []string{"it does not apply: no input makes it panic"}, last.Findings)
}
