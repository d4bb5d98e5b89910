// Package core holds the connectors that are built into the host: control (loop,
// condition, branch, delay, terminate), storage, jq, HTTP, e-mail, calls of
// workflows, and the triggers of the host's own. They are described like any other
// connector, so that checks and people treat them alike. What steers a run is
// carried out by the interpreter in host/workflow, or by the engine; the rest here.
package core

import (
	"context"
	"embed"
	"fmt"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

//go:embed schemas/*.json
var files embed.FS

// version is that of all built-in connectors. They grow like any other: within a
// major version nothing that a workflow uses goes away.
const version = "1.0.0"

// Config is what the built-in connectors need of their host. The zero value is
// enough to describe and check workflows, and to run all that needs neither
// storage nor mail; those fail with a message that says what to set up.
type Config struct {
	// Values is where the connector storage keeps its values.
	Values host.Values
	// SendMail hands a mail over to the host's mail server and returns its message
	// id. An error that is no *host.FailureError means that the mail may be out.
	SendMail func(context.Context, Mail) (messageID string, err error)
	// HTTP is what the connector http-client may reach.
	HTTP HTTP
	// JQ runs the programs of transform. Nil is [jq.Local], which runs them in this
	// process and trusts their authors not to mean harm; a host that runs the
	// documents of strangers wants a [jq.Pool].
	JQ JQ
}

// New returns the built-in connectors, in the order in which to show them. The
// error says what is wrong with the config.
func New(c Config) (host.ConnectorList, error) {
	web, err := httpClient(c.HTTP)
	if err != nil {
		return nil, err
	}
	list := triggers()
	list = append(list, controls()...)
	return append(list, storage(c.Values), transform(c.JQ), web, sendEmail(c.SendMail), callWorkflow()), nil
}

// Connectors returns the built-in connectors of a host without storage and mail.
func Connectors() host.ConnectorList {
	list, err := New(Config{})
	if err != nil {
		panic(fmt.Sprintf("core: the zero Config must be valid: %v", err))
	}
	return list
}

func catalog(name, title, summary string, operations ...*connectorv1.Operation) *connectorv1.Catalog {
	return &connectorv1.Catalog{Name: name, Version: version, Title: title, Summary: summary, Operations: operations}
}

// operation describes one that changes nothing outside of its run.
func operation(name, title, summary string) *connectorv1.Operation {
	return described(name, &connectorv1.Operation{
		Name: name, Title: title, Summary: summary,
		Effect: connectorv1.Effect_EFFECT_READ, Idempotency: connectorv1.Idempotency_IDEMPOTENCY_INHERENT,
	})
}

// described adds the schemas in schemas/{file}.input.json and .output.json.
func described(file string, op *connectorv1.Operation) *connectorv1.Operation {
	op.InputSchema, op.OutputSchema = schema(file+".input"), schema(file+".output")
	return op
}

func schema(name string) []byte {
	raw, err := files.ReadFile("schemas/" + name + ".json")
	if err != nil {
		panic(fmt.Sprintf("core: add the file host/core/schemas/%s.json", name))
	}
	return raw
}
