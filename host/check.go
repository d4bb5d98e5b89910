package host

import (
	"context"

	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// Check returns all that is wrong with a document on this host, warnings among
// it; see [workflow.Problems.Err]. It asks the connectors what their schemas
// cannot say. Credentials are those in the vault, of each name the connector that it
// is for; nil means that they are not checked.
func Check(ctx context.Context, doc *workflow.Document, connectors Connectors, credentials map[string]string) workflow.Problems {
	return workflow.Check(doc, workflow.Surroundings{
		Connectors:  connectors.Names(),
		Catalog:     catalogs(connectors),
		Credentials: credentials,
		Validate: func(name string, req *connectorv1.ValidateRequest) (*connectorv1.ValidateResponse, error) {
			c, ok := connectors.Connector(name)
			if !ok {
				return nil, &NotFoundError{Kind: "connector", Name: name}
			}
			return c.Validate(ctx, req)
		},
	})
}

func catalogs(connectors Connectors) func(string) (*connectorv1.Catalog, bool) {
	return func(name string) (*connectorv1.Catalog, bool) {
		c, ok := connectors.Connector(name)
		if !ok {
			return nil, false
		}
		return c.Catalog(), true
	}
}
