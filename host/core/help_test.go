package core_test

import (
	"context"
	"testing"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/core"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/storyloop/storyloop/schemas/validate"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bench calls operations of built-in connectors.
type bench struct {
	t    testing.TB
	list host.ConnectorList
}

func newBench(t testing.TB, c core.Config) *bench {
	list, err := core.New(c)
	require.NoError(t, err)
	return &bench{t: t, list: list}
}

// invoke makes a call, and checks an output against its schema.
func (b *bench) invoke(ctx context.Context, connector, operation, input string) (string, *connectorv1.Failure) {
	b.t.Helper()
	conn, ok := b.list.Connector(connector)
	require.True(b.t, ok)
	resp := conn.Invoke(ctx, &connectorv1.InvokeRequest{
		Call: &connectorv1.Call{IdempotencyKey: "run-1/step-1"}, Operation: operation, Input: []byte(input),
	})
	for _, op := range conn.Catalog().GetOperations() {
		if op.GetName() == operation && resp.GetFailure() == nil {
			schema, err := validate.Compile(op.GetOutputSchema())
			require.NoError(b.t, err)
			problems, err := schema.Check(resp.GetResult().GetOutput())
			require.NoError(b.t, err)
			assert.Empty(b.t, problems)
		}
	}
	return string(resp.GetResult().GetOutput()), resp.GetFailure()
}

// output makes a call that must succeed.
func (b *bench) output(ctx context.Context, connector, operation, input string) string {
	b.t.Helper()
	output, failure := b.invoke(ctx, connector, operation, input)
	require.Nil(b.t, failure)
	return output
}
