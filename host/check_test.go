package host_test

import (
	"context"
	"testing"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/core"
	"github.com/storyloop/storyloop/host/enginetest"
	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// picky is a world with accounts, that has its say about inputs.
type picky struct{ enginetest.World }

func (p *picky) Catalog() *connectorv1.Catalog {
	c := p.World.Catalog()
	c.AuthMethods = []*connectorv1.AuthMethod{{Name: "token"}}
	for _, op := range c.Operations {
		if op.Name == "delete" {
			op.Deprecation = "use remove"
		}
	}
	return c
}

func (p *picky) Validate(_ context.Context, req *connectorv1.ValidateRequest) (*connectorv1.ValidateResponse, error) {
	if string(req.GetInput()) != `{"id":"forbidden"}` {
		return &connectorv1.ValidateResponse{}, nil
	}
	return &connectorv1.ValidateResponse{Diagnostics: []*connectorv1.Diagnostic{{Pointer: "/id", Code: "forbidden", Summary: "this id is not for you", Detail: "Choose another."}}}, nil
}

func check(t *testing.T, trigger, steps string) []string {
	t.Helper()
	doc, err := workflow.Parse("w.yaml", []byte("name: w\ntrigger: "+trigger+"\nconfig: {shop: {id: 1}}\nsteps:\n"+steps))
	require.NoError(t, err)
	var lines []string
	for _, p := range host.Check(context.Background(), doc, host.Joined{host.ConnectorList{&picky{}}, core.Connectors()}, map[string]string{"bluebottle": "world", "sandbox": "world", "door": "webhook"}) {
		lines = append(lines, p.String())
	}
	return lines
}

func TestCheck_AgainstCatalogs(t *testing.T) {
	t.Parallel()
	const list = "- {id: l, connector: world, operation: list, credential: sandbox}\n"
	get := func(id string) string {
		return "- {id: g, connector: world, operation: get, credential: sandbox, input: {id: " + id + "}}"
	}
	loop := func(body string) string {
		return list + "- id: loop\n  connector: loop\n  operation: loop_list\n  input: {list: $.steps.l.data}\n  steps:\n    " + body + "\n"
	}
	failing := func(value string) string {
		return "- {id: l, connector: world, operation: list, credential: sandbox, on_error: {strategy: branch, error: [{id: f, connector: terminate, operation: finish, input: {output: " + value + "}}]}}"
	}
	for name, c := range map[string]struct{ steps, want string }{
		"fine":                 {list + get(`"$.steps.l.data[0].id"`), ""},
		"connector":            {"- {id: a, connector: wrld, operation: get}", `w.yaml:5:11: /steps/0/connector: there is no connector "wrld" (did you mean "world"?)`},
		"version":              {"- {id: a, connector: world@2, operation: get}", "/steps/0/connector: major version 2 of world is asked for; the host has 1.2.0"},
		"operation":            {"- {id: a, connector: world, operation: lst}", `/steps/0/operation: the connector world has no operation "lst" (did you mean "list"?)`},
		"no credential":        {"- {id: a, connector: world, operation: get}", "/steps/0/credential: is required: which account world is to act for (there are bluebottle, sandbox)"},
		"foreign credential":   {"- {id: a, connector: world, operation: get, credential: door}", `the credential "door" is for the connector webhook, not for world (there are bluebottle, sandbox)`},
		"unknown credential":   {"- {id: a, connector: world, operation: get, credential: bluebotle}", `there is no credential "bluebotle" (did you mean "bluebottle"?)`},
		"property":             {"- {id: a, connector: world, operation: get, credential: sandbox, input: {ide: '1'}}", `w.yaml:5:74: /steps/0/input/ide: is no property here (did you mean "id"?)`},
		"property of a value":  {list + "- {id: a, connector: world, operation: get, credential: sandbox, input: {id: '1', ide: $.steps.l.data}}", `/steps/1/input/ide: is no property here (did you mean "id"?)`},
		"type":                 {get("12345678901234567"), "/steps/0/input/id: must be a string, not a number"},
		"in a loop":            {loop("- {id: a, connector: world, operation: get, credential: sandbox, input: {n: x}}"), "w.yaml:11:78: /steps/1/steps/0/input/n: must be an integer"},
		"connector's own":      {get("forbidden"), "/steps/0/input/id: this id is not for you (choose another)"},
		"paging":               {"- {id: a, connector: world, operation: get, credential: sandbox, paging: {mode: all}}", "/steps/0/paging: the output of get does not come in pages"},
		"deprecated":           {"- {id: a, connector: world, operation: delete, credential: sandbox}", "warning: /steps/0/operation: is on its way out: use remove"},
		"path":                 {list + get(`"$.steps.l.dta[0].id"`), `$.steps.l.dta[0].id leads nowhere: the output of step l has no "dta" (did you mean "data"?)`},
		"deeper path":          {list + get(`"$.steps.l.data[0].idd"`), `the output of step l at .data[0] has no "idd" (did you mean "id"?)`},
		"list as an object":    {list + get("$.steps.l.data.id"), `is a list and has no "id" (name an item, as in [0], or loop over the list)`},
		"below a text":         {list + get(`"$.steps.l.data[0].id.x"`), `has nothing below it`},
		"wildcard":             {list + get(`"$.steps.l.data[*].idd"`), `has no "idd" (did you mean "id"?)`},
		"within text":          {list + get(`"a {$.steps.l.totl} b"`), `did you mean "total"?`},
		"loop's value":         {loop("- {id: a, connector: world, operation: get, credential: sandbox, input: {id: $.steps.loop.value.idd}}"), `the output of step loop at .value has no "idd" (did you mean "id"?)`},
		"loop's index":         {loop("- {id: a, connector: world, operation: get, credential: sandbox, input: {id: $.steps.loop.indx}}"), `did you mean "index"?`},
		"loop's value after":   {loop("- {id: a, connector: world, operation: list, credential: sandbox}") + get("$.steps.loop.value"), `the output of step loop has no "value"`},
		"open object":          {"- {id: p, connector: world, operation: post, credential: sandbox}\n" + get("$.steps.p.anything"), ""},
		"near miss when open":  {"- {id: p, connector: world, operation: post, credential: sandbox}\n- {id: x, connector: world, operation: get, credential: sandbox, input: {id: $.steps.p.idd}}", `warning: /steps/1/input/id: $.steps.p.idd: the output of step p is not known to have "idd" (did you mean "id"?)`},
		"config":               {get("$.config.shp"), `$.config.shp leads nowhere: $.config has no "shp" (did you mean "shop"?)`},
		"run":                  {get("$.run.idd"), `$.run.idd leads nowhere: $.run has no "idd" (did you mean "id"?)`},
		"below the run's id":   {get("$.run.id.x"), "$.run at .id is a text and has nothing below it"},
		"error's member":       {failing("$.errors.l.mesage"), `$.errors.l has no "mesage" (did you mean "message"?)`},
		"error":                {failing("[$.errors.l, $.errors.l.fbtrace_id]"), ""},
		"break by reference":   {loop("- {id: b, connector: loop, operation: break_loop, input: {loop: $.run.id}}"), "/steps/1/steps/0/input/loop: must be the id of a loop, not a reference"},
		"break by its input":   {loop("- {id: b, connector: loop, operation: break_loop, input: {$ref: $.config.shop}}"), "/steps/1/steps/0/input/loop: must be the id of a loop, not a reference"},
		"timeout of nothing":   {"- {id: l, connector: world, operation: list, credential: sandbox, timeout: 0s}", "w.yaml:5:67: /steps/0/timeout: must be longer than nothing"},
		"no wait at all":       {"- {id: l, connector: world, operation: list, credential: sandbox, retry: {max_wait: 0m}}", "/steps/0/retry/max_wait: must be longer than nothing"},
		"branch that is none":  {"- {id: b, connector: branch, operation: branch, input: {value: 1, branches: [{name: one, value: 1}]}, branches: {onee: []}}", `the input names no such branch (did you mean "one"?)`},
		"core input":           {"- {id: d, connector: delay, operation: delay, input: {duration: 5 minutes}}", "/steps/0/input/duration: does not match the pattern"},
		"core says":            {"- {id: d, connector: delay, operation: delay, input: {duration: 500d}}", "is longer than 400 days"},
		"credential on a core": {"- {id: b, connector: branch, operation: branch, input: {value: 1}, branches: {}}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := check(t, "{connector: manual}", c.steps)
			if c.want == "" {
				assert.Empty(t, lines)
				return
			}
			require.Len(t, lines, 1, "%q", lines)
			assert.Contains(t, lines[0], c.want)
		})
	}
}

func TestCheck_Triggers(t *testing.T) {
	t.Parallel()
	const step = "- {id: g, connector: world, operation: get, credential: sandbox, input: {id: $.steps.trigger.%}}"
	for trigger, want := range map[string]string{
		"{connector: world, trigger: mentioned, credential: sandbox}": "",
		"{connector: world}":                     "/trigger/trigger: is required: the connector world has several triggers (one of mentioned, followed, commented, published)",
		"{connector: world, trigger: mentiond}":  `the connector world has no trigger "mentiond" (did you mean "mentioned"?)`,
		"{connector: world, trigger: mentioned}": "/trigger/credential: is required: which account world is to act for",
		"{connector: loop}":                      "the connector loop has no triggers",
		"{connector: manual, input: {x: 1}}":     "/trigger/input/x: is no property here",
		"{connector: manual, credential: other}": "the connector manual takes no credential (leave it out)",
	} {
		lines := check(t, trigger, step[:len(step)-3]+"media_id}}")
		if want == "" {
			assert.Empty(t, lines, trigger)
			continue
		}
		require.Len(t, lines, 1, "%s: %q", trigger, lines)
		assert.Contains(t, lines[0], want)
	}
	lines := check(t, "{connector: world, trigger: mentioned, credential: sandbox}", step[:len(step)-3]+"media_idd}}")
	require.Len(t, lines, 1)
	assert.Contains(t, lines[0], `warning: /steps/0/input/id: $.steps.trigger.media_idd: the trigger's output is not known to have "media_idd" (did you mean "media_id"?)`)
}
