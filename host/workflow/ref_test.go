package workflow_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/storyloop/storyloop/host/workflow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// plain is an engine that does nothing but answer calls. It remembers their inputs.
type plain struct {
	answer func(c workflow.Call) (workflow.Outcome, error)
	calls  []workflow.Call
	slept  time.Duration
}

func (p *plain) Call(c workflow.Call) (workflow.Outcome, error) {
	p.calls = append(p.calls, c)
	if p.answer == nil {
		return workflow.Outcome{Output: json.RawMessage(`{}`)}, nil
	}
	return p.answer(c)
}
func (p *plain) Sleep(_ string, _ *workflow.Step, d time.Duration) error {
	p.slept += max(d, 0)
	return nil
}
func (p *plain) Now() time.Time     { return time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC) }
func (p *plain) Log(workflow.Event) {}
func (p *plain) Each(l *workflow.Loop) (sum workflow.Summary, err error) {
	for i := range l.Count {
		it, err := l.Run(p, i)
		if err != nil || l.Add(&sum, it) {
			return sum, err
		}
	}
	return sum, nil
}

const output = `{"data":[{"id":17841405726653027,"type":"IMAGE","n":1.50},{"id":17841405726653028,"type":"VIDEO"}], "next-page":"a-b","é":1,
"none":null,"text":"say \"hi\"","last":{"b":1,"a":2}}`

// resolve runs one step with an input and returns the input that the call had.
func resolve(t *testing.T, value string) (string, error) {
	t.Helper()
	src := `{"name":"w","trigger":{"connector":"manual"},"config":{"shop":{"id":7}},"env":["SHOP","GONE"],"steps":[
		{"id":"x-1","connector":"x","operation":"y"},{"id":"use","connector":"x","operation":"y","input":{"v":` + value + `}}]}`
	doc, err := workflow.Parse("w.json", []byte(src))
	if err != nil {
		return "", err
	}
	p := &plain{answer: func(c workflow.Call) (workflow.Outcome, error) {
		return workflow.Outcome{Output: json.RawMessage(output)}, nil
	}}
	_, err = workflow.Run(p, doc, workflow.Values{
		RunID: "r1", StartedAt: p.Now(), Trigger: json.RawMessage(`{"username":"ann"}`), Env: map[string]string{"SHOP": "bluebottle"},
	})
	if err != nil {
		return "", err
	}
	in := string(p.calls[1].Input)
	return strings.TrimSuffix(strings.TrimPrefix(in, `{"v":`), "}"), nil
}

func TestReference_Resolves(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ value, want string }{
		"bytes kept":         {`"$.steps.x-1.data[0]"`, `{"id":17841405726653027,"type":"IMAGE","n":1.50}`},
		"order kept":         {`"$.steps.x-1.last"`, `{"b":1,"a":2}`},
		"digits kept":        {`"$.steps.x-1.data[0].id"`, `17841405726653027`},
		"zeros kept":         {`"$.steps.x-1.data[0].n"`, `1.50`},
		"from the end":       {`"$.steps.x-1.data[-1].type"`, `"VIDEO"`},
		"hyphen":             {`"$.steps.x-1.next-page"`, `"a-b"`},
		"brackets":           {`"$['steps']['x-1'][\"next-page\"]"`, `"a-b"`},
		"beyond ascii":       {`"$.steps.x-1.é"`, `1`},
		"whole output":       {`"$.steps.trigger"`, `{"username":"ann"}`},
		"null":               {`"$.steps.x-1.none"`, `null`},
		"wildcard":           {`"$.steps.x-1.data[*].id"`, `[17841405726653027,17841405726653028]`},
		"wildcard in order":  {`"$.steps.x-1.last.*"`, `[1,2]`},
		"slice":              {`"$.steps.x-1.data[1:]"`, `[{"id":17841405726653028,"type":"VIDEO"}]`},
		"filter by an id":    {`"$.steps.x-1.data[?@.id == 17841405726653028].type"`, `["VIDEO"]`},
		"filter by text":     {`"$.steps.x-1.data[?(@.type == 'IMAGE')].n"`, `[1.50]`},
		"filter in order":    {`"$.steps.x-1.data[?@.id > 1].id"`, `[17841405726653027,17841405726653028]`},
		"filter with none":   {`"$.steps.x-1.data[?@.id == 1]"`, `[]`},
		"descent":            {`"$.steps.x-1..id"`, `[17841405726653027,17841405726653028]`},
		"descent to hyphen":  {`"$.steps.x-1..next-page"`, `["a-b"]`},
		"text":               {`"Hello {$.steps.trigger.username}, {$.steps.x-1.data[0].id}!"`, `"Hello ann, 17841405726653027!"`},
		"text of all types":  {`"{$.steps.x-1.none}|{$.steps.x-1.last}|{$.steps.x-1.text}"`, `"|{\"b\":1,\"a\":2}|say \"hi\""`},
		"other braces":       {`"{a} {$5} {} { $.steps }"`, `"{a} {$5} {} { $.steps }"`},
		"literal":            {`"$$.steps.x"`, `"$.steps.x"`},
		"literal in text":    {`"a {$$.steps.x} b"`, `"a {$.steps.x} b"`},
		"money":              {`"$5 off"`, `"$5 off"`},
		"html":               {`"<b>{$.steps.trigger.username}&</b>"`, `"<b>ann&</b>"`},
		"fallback unused":    {`{"$ref":"$.steps.x-1.last.a","fallback":0}`, `2`},
		"fallback":           {`{"$ref":"$.steps.x-1.nope","fallback":{"x":"$.run.id"}}`, `{"x":"r1"}`},
		"fallback for none":  {`{"$ref":"$.steps.x-1.data[?@.id == 1]","fallback":"none"}`, `"none"`},
		"no fallback":        {`{"$ref":"$.steps.x-1.last.a"}`, `2`},
		"null is somewhere":  {`{"$ref":"$.steps.x-1.none","fallback":1}`, `null`},
		"env":                {`"$.env.SHOP"`, `"bluebottle"`},
		"config":             {`"$.config.shop.id"`, `7`},
		"run":                {`["$.run.id","$.run.started_at","$.run.workflow"]`, `["r1","2026-11-22T14:00:00Z","w"]`},
		"deep in the input":  {`{"a":[1,{"b":"$.run.id"}],"c":1.0}`, `{"a":[1,{"b":"r1"}],"c":1.0}`},
		"quote in a bracket": {`"$.steps.x-1['a]b']['c']"`, "ERR"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := resolve(t, c.value)
			if c.want == "ERR" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestReference_LeadsNowhere(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"$.steps.x-1.dta":          `$.steps.x-1.dta leads nowhere: the output of step x-1 has no "dta" (did you mean "data"?)`,
		"$.steps.x-1.last.zzz":     `the output of step x-1 at .last has no "zzz" (it has b, a)`,
		"$.steps.x-1.data[9].id":   `the output of step x-1 at .data is a list of 2 and has no item [9]`,
		"$.steps.x-1.data.id":      `is a list and has no "id" (name an item, as in [0], or loop over the list)`,
		"$.steps.x-1.data.0":       `(write [0])`,
		"$.steps.x-1.text.length":  `is a text and has nothing below it`,
		"$.steps.trigger.user":     `the trigger's output has no "user" (it has username)`,
		"$.env.GONE":               `the host's environment has no variable GONE`,
		"$.config.shp":             `$.config has no "shp" (did you mean "shop"?)`,
		"hello {$.steps.x-1.nope}": `has no "nope"`,
	} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			_, err := resolve(t, string(mustJSON(t, value)))
			var failure *workflow.Failure
			require.ErrorAs(t, err, &failure)
			assert.Equal(t, workflow.InvalidInput, failure.Kind)
			assert.Equal(t, "leads_nowhere", failure.Code)
			assert.ErrorContains(t, err, want)
			assert.ErrorContains(t, err, "w: step use (x y): ")
		})
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return b
}

func TestParseRef_Refused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"$.step.a":                "has an unknown root",
		"$.steps":                 "must name what it means, as in $.steps.name",
		"$.steps[*].a":            "must name what it means",
		"$.steps.a b":             "has an unexpected ' ' at character 10",
		"$.steps.a[":              "has a bracket that is not closed at character 10",
		"$.steps.a[?@.x == $.y]":  "has a second $",
		"$.steps.a..":             "",
		"$.steps.a[x]":            "is not a path",
		"$":                       "needs a root",
		"$.":                      "is not a path",
		"$.steps.my-step[oops].x": "at character 17",
		"$.steps.a[(@.length-1)]": "",
	} {
		_, err := workflow.ParseRef(text)
		var wrong *workflow.RefError
		if assert.True(t, errors.As(err, &wrong), text) {
			assert.ErrorContains(t, err, want, text)
		}
	}
}

func FuzzParseRef(f *testing.F) {
	for _, s := range []string{"$.steps.a-1.b", "$['steps']['a'][0]", "$.steps.a[?@.x == 'y'].z", "$.steps.a..b-c[1:2]", "$.env.X", "$.steps.a[?(@.x > 1 && @.y =~ /z/)]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := workflow.ParseRef(s)
		if err != nil {
			var wrong *workflow.RefError
			require.ErrorAs(t, err, &wrong)
			return
		}
		require.Equal(t, s, r.Text)
		// Whatever it is, resolving it ends, in JSON or in an error.
		got, err := resolve(t, string(mustJSON(t, s)))
		if err == nil {
			require.True(t, json.Valid([]byte(got)), got)
		}
	})
}
