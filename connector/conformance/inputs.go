package conformance

import (
	"encoding/json"

	"github.com/storyloop/storyloop/connector/internal/schemadoc"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// input is something that takes an input: an operation or a trigger.
type input struct {
	of         string // "operation list_stories".
	operation  *connectorv1.Operation
	trigger    *connectorv1.Trigger
	schema     []byte
	credential *connectorv1.Credential
	cases      []Case
}

func (k *kit) inputs() []input {
	var all []input
	for _, op := range k.catalog.GetOperations() {
		in := input{of: "operation " + op.GetName(), operation: op, schema: op.GetInputSchema(), cases: k.Operations[op.GetName()].Cases}
		if len(in.cases) > 0 {
			in.credential = in.cases[0].Credential
		}
		all = append(all, in)
	}
	for _, t := range k.catalog.GetTriggers() {
		in := input{of: "trigger " + t.GetName(), trigger: t, schema: t.GetInputSchema()}
		if c, ok := k.Triggers[t.GetName()]; ok {
			in.credential = c.Credential
			in.cases = []Case{{Input: c.Input}}
		}
		all = append(all, in)
	}
	return all
}

// good returns an input that should pass: the author's, or the schema's example,
// or an empty one.
func (in input) good() json.RawMessage {
	for _, c := range in.cases {
		switch {
		case c.Prepare != nil:
			return c.Prepare()
		case c.Input != nil:
			return c.Input
		}
	}
	if examples := rootExamples(in.schema); len(examples) > 0 {
		return examples[0]
	}
	return json.RawMessage("{}")
}

// validate asks the connector about an input at design time.
func (in input) validate(text []byte, unknown ...string) *connectorv1.ValidateRequest {
	req := &connectorv1.ValidateRequest{Input: text, Unknown: unknown}
	if in.operation != nil {
		req.Target = &connectorv1.ValidateRequest_Operation{Operation: in.operation.GetName()}
	} else {
		req.Target = &connectorv1.ValidateRequest_Trigger{Trigger: in.trigger.GetName()}
	}
	return req
}

// lookups returns the option lists that a schema's properties name.
func lookups(schema []byte) []string {
	doc, err := schemadoc.Parse(schema)
	if err != nil {
		return nil
	}
	var all []string
	walk(doc, 0, func(p schemadoc.Property, _ schemadoc.Node) {
		if list := lookupOf(p.Node).Text("operation"); list != "" {
			all = append(all, list)
		}
	})
	return all
}

func lookupOf(n schemadoc.Node) schemadoc.Node { return n.Resolve().Child("lookup") }

// maxWalk bounds how deep a schema is looked into: it may refer to itself.
const maxWalk = 6

// walk visits every property that a schema describes, with the object that it is
// a property of, through items, references and alternatives.
func walk(n schemadoc.Node, depth int, visit func(p schemadoc.Property, object schemadoc.Node)) {
	if depth > maxWalk || !n.Exists() {
		return
	}
	n = n.Resolve()
	for _, p := range n.Properties() {
		visit(p, n)
		walk(p.Node, depth+1, visit)
	}
	for _, keyword := range []string{"items", "additionalProperties", "then", "else"} {
		walk(n.Child(keyword), depth+1, visit)
	}
	for _, keyword := range []string{"allOf", "anyOf", "oneOf", "prefixItems"} {
		for _, c := range n.Children(keyword) {
			walk(c, depth+1, visit)
		}
	}
}
