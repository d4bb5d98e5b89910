package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/connector/conformance"
	"github.com/storyloop/storyloop/connector/connectortest"
	"github.com/storyloop/storyloop/operations"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	c, end, err := conformanceConfig()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, end()) })
	c.Path, c.Env = os.Args[0], []string{roleEnv + "=fragile connector"}
	delete(c.NotApplicable, conformance.HookPanic)
	c.Panic = &connectortest.Call{Operation: "get_hashtag", Input: encoded(map[string]string{"hashtag_id": fatalHashtag})}
	connectortest.Run(t, c)
}

// The subcommand checks what the test above does, but for the panic.
func TestConformanceCommand_RunsTheWholeKit(t *testing.T) {
	t.Parallel()
	out, err := command("conformance").CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Contains(t, string(out), " 0 fail, 1 do not apply here\n")
}

func TestConformanceCommand_FailsWithoutACase(t *testing.T) {
	t.Parallel()
	cmd := command("conformance")
	cmd.Env = append(cmd.Env, roleEnv+"=uncovered connector")
	out, err := cmd.CombinedOutput()
	assert.Equal(t, 1, cmd.ProcessState.ExitCode(), "%v: %s", err, out)
	assert.Contains(t, string(out), "get_profile")
	assert.Contains(t, string(out), "comment_added")
}

// uncovered is the connector with an operation and a trigger that have no case.
func uncovered() connector.Spec {
	spec := instagram()
	spec.Conformance = func() (conformance.Config, func() error, error) {
		c, end, err := conformanceConfig()
		delete(c.Operations, "get_profile")
		delete(c.Triggers, "comment_added")
		return c, end, err
	}
	return spec
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
