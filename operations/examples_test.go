package operations_test

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/storyloop/storyloop/schemas/validate"
)

// catalog asks a connector what it offers.
func (r *rig) catalog(t testing.TB) *connectorv1.Catalog {
	t.Helper()
	resp, err := connectorv1.NewConnectorServiceClient(r.conn).GetCatalog(t.Context(), &connectorv1.GetCatalogRequest{})
	require.NoError(t, err)
	return resp.GetCatalog()
}

// annotated is what a schema says beside its rules.
type annotated struct {
	Title       string                     `json:"title"`
	Description string                     `json:"description"`
	Type        json.RawMessage            `json:"type"`
	Ref         string                     `json:"$ref"`
	Enum        []json.RawMessage          `json:"enum"`
	EnumLabels  []string                   `json:"enumLabels"`
	Advanced    []string                   `json:"advanced"`
	Properties  map[string]json.RawMessage `json:"properties"`
	Items       json.RawMessage            `json:"items"`
	OneOf       []json.RawMessage          `json:"oneOf"`
	Examples    []json.RawMessage          `json:"examples"`
	Lookup      *struct {
		Operation string            `json:"operation"`
		Input     map[string]string `json:"input"`
	} `json:"lookup"`
}

func parse(t *testing.T, raw []byte) annotated {
	t.Helper()
	var a annotated
	require.NoError(t, json.Unmarshal(raw, &a), "%s", raw)
	return a
}

// checkWords requires that a form can be made of a schema as it is.
func checkWords(t *testing.T, where string, raw []byte, root bool) {
	a := parse(t, raw)
	if a.Ref != "" {
		return // the shape that it leads to is checked by itself
	}
	assert.NotEmpty(t, a.Title, "%s has no title", where)
	assert.NotEmpty(t, a.Description, "%s has no description", where)
	assert.Len(t, a.EnumLabels, len(a.Enum), "%s: a label for each choice", where)
	for _, name := range a.Advanced {
		assert.Contains(t, a.Properties, name, "%s: /advanced names it", where)
	}
	composed := len(a.Properties) > 0 || len(a.Items) > 0 || len(a.OneOf) > 0
	if root || !composed {
		assert.NotEmpty(t, a.Examples, "%s has no example", where)
	}
	if !root && len(a.Examples) > 0 && !strings.Contains(string(raw), `"$ref"`) {
		s, err := validate.Compile(raw)
		require.NoError(t, err, where)
		for _, example := range a.Examples {
			problems, err := s.Check(example)
			require.NoError(t, err, where)
			assert.Empty(t, problems, "%s: its example does not fit: %s", where, example)
		}
	}
	for name, property := range a.Properties {
		checkWords(t, where+"/"+name, property, false)
	}
	if len(a.Items) > 0 {
		checkWords(t, where+"/items", a.Items, false)
	}
	for _, one := range a.OneOf {
		checkWords(t, where+"/oneOf", one, false)
	}
}

func TestSchemas_SpeakToPeople(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	check := func(where string, raw []byte) {
		if len(raw) == 0 {
			return
		}
		checkWords(t, where, raw, true)
		var defs struct {
			Defs map[string]json.RawMessage `json:"$defs"`
		}
		require.NoError(t, json.Unmarshal(raw, &defs))
		for name, def := range defs.Defs {
			checkWords(t, where+"#"+name, def, false)
		}
		s, err := validate.Compile(raw)
		require.NoError(t, err, where)
		for _, example := range parse(t, raw).Examples {
			problems, err := s.Check(example)
			require.NoError(t, err, where)
			assert.Empty(t, problems, "%s: its example does not fit", where)
		}
	}
	c := r.catalog(t)
	check("settings", c.GetSettingsSchema())
	for _, m := range c.GetAuthMethods() {
		check(m.GetName()+".app", m.GetAppSchema())
		check(m.GetName()+".form", m.GetFormSchema())
	}
	for _, op := range c.GetOperations() {
		check(op.GetName()+".input", op.GetInputSchema())
		check(op.GetName()+".output", op.GetOutputSchema())
	}
	for _, tr := range c.GetTriggers() {
		check(tr.GetName()+".input", tr.GetInputSchema())
		check(tr.GetName()+".output", tr.GetOutputSchema())
	}
}

// before is what has to be there for the example of an operation: it returns
// properties to put into the example's place.
var before = map[string]func(*testing.T, *rig) map[string]any{
	"get_media_container":       madeContainer,
	"publish_media_container":   madeContainer,
	"take_thread_control":       passedOn,
	"get_hashtag":               searched,
	"list_hashtag_top_media":    searched,
	"list_hashtag_recent_media": searched,
	"list_searched_hashtags":    searched,
}

func madeContainer(t *testing.T, r *rig) map[string]any {
	var made struct{ ID string }
	require.NoError(t, json.Unmarshal([]byte(r.ok(t, "create_media_container", `{"ig_user_id":"17841405726653026","image_url":"https://cdn.example/photo.jpg"}`)), &made))
	r.Clock().Advance(time.Minute)
	return map[string]any{"container_id": made.ID}
}

func passedOn(t *testing.T, r *rig) map[string]any {
	r.ok(t, "pass_thread_control", `{"ig_user_id":"17841405726653026","igsid":"7700000000000001","target_app_id":"263902037430900"}`)
	return nil
}

func searched(t *testing.T, r *rig) map[string]any {
	r.ok(t, "search_hashtag", `{"ig_user_id":"17841405726653026","hashtag":"coke"}`)
	return nil
}

// withInvite has the account be invited to a post.
func withInvite(w *sandbox.World) {
	for _, m := range w.Media {
		if m.ID == "17900004000000001" {
			m.Collabs = append(m.Collabs, sandbox.Collaborator{ID: sandbox.SeedAccountID, Username: "bluebottle", Status: "Pending"})
		}
	}
}

// example is an operation with an input that works.
type example struct {
	*connectorv1.Operation
	input string
}

// eachExample runs f for every operation, each with the world as it was at first
// and what the operation's example needs. One process serves all.
func eachExample(t *testing.T, f func(t *testing.T, r *rig, e example)) {
	eachExampleAs(t, func(r *rig) *connectorv1.Credential { return r.facebook }, f)
}

// eachExampleAs is eachExample with another credential.
func eachExampleAs(t *testing.T, as func(*rig) *connectorv1.Credential, f func(t *testing.T, r *rig, e example)) {
	r := newRig(t, rigOptions{world: withInvite})
	r.facebook = as(r)
	for _, op := range r.catalog(t).GetOperations() {
		t.Run(op.GetName(), func(t *testing.T) {
			r.ClearFaults()
			require.NoError(t, r.Reset())
			r.Clock().Set(seedTime)
			var input map[string]any
			require.NoError(t, json.Unmarshal(parse(t, op.GetInputSchema()).Examples[0], &input))
			if prepare := before[op.GetName()]; prepare != nil && (r.facebook != r.instagram || len(op.GetAuthMethods()) == 0) {
				for name, value := range prepare(t, r) {
					input[name] = value
				}
			}
			raw, err := json.Marshal(input)
			require.NoError(t, err)
			f(t, r, example{op, string(raw)})
		})
	}
}

// TestExamples runs every operation with the example of its schema: what a builder
// shows is what works.
func TestExamples(t *testing.T) {
	t.Parallel()
	eachExample(t, func(t *testing.T, r *rig, e example) {
		if e.GetLongRunning() {
			r.run(t, e.GetName(), e.input, "")
			return
		}
		out := r.ok(t, e.GetName(), e.input)
		s, err := validate.Compile(e.GetOutputSchema())
		require.NoError(t, err)
		problems, err := s.Check([]byte(out))
		require.NoError(t, err)
		assert.Empty(t, problems, out)
		assert.NotContains(t, out, "EAAB", "a token in an output")
		if e.GetItemsPointer() != "" {
			assert.NotContains(t, out, `"data":[]`, "an example should find something")
		}
	})
}

// Every operation turns a dead token, a used-up budget, an answer that was lost or
// is no JSON, and a permission that is missing into what the host acts on.
func TestFailures(t *testing.T) {
	t.Parallel()
	eachExample(t, func(t *testing.T, r *rig, e example) {
		for _, tt := range []struct {
			name    string
			fault   sandbox.Fault
			kind    connectorv1.FailureKind
			applied connectorv1.Applied
		}{
			{"dead token", sandbox.Fault{Kind: sandbox.FaultError, Code: 190, Subcode: 463, Status: 400}, connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED, connectorv1.Applied_APPLIED_NO},
			{"budget", sandbox.Fault{Kind: sandbox.FaultError, Code: 80002, Status: 403, Header: map[string]string{
				"X-Business-Use-Case-Usage": `{"17841405726653026":[{"type":"instagram","call_count":100,"estimated_time_to_regain_access":7}]}`,
			}}, connectorv1.FailureKind_FAILURE_KIND_RATE_LIMITED, connectorv1.Applied_APPLIED_NO},
			{"permission", sandbox.Fault{Kind: sandbox.FaultError, Code: 200, Status: 403}, connectorv1.FailureKind_FAILURE_KIND_PERMISSION_DENIED, connectorv1.Applied_APPLIED_NO},
			{"server", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 502, Body: "<html>"}, connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, connectorv1.Applied_APPLIED_UNSPECIFIED},
			{"reset", sandbox.Fault{Kind: sandbox.FaultResetBefore}, connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, connectorv1.Applied_APPLIED_UNSPECIFIED},
		} {
			tt.fault.Times = -1
			require.NoError(t, r.AddFault(tt.fault))
			_, _, f := r.follow(t, e.GetName(), e.input, "")
			r.ClearFaults()
			require.NotNil(t, f, tt.name)
			assert.Equal(t, tt.kind, f.GetKind(), "%s: %v", tt.name, f)
			if tt.applied != connectorv1.Applied_APPLIED_UNSPECIFIED {
				assert.Equal(t, tt.applied, f.GetApplied(), "%s: %v", tt.name, f)
			} else if e.GetEffect() == connectorv1.Effect_EFFECT_READ {
				assert.Equal(t, connectorv1.Applied_APPLIED_NO, f.GetApplied(), "%s: a read changes nothing", tt.name)
			}
			if tt.name == "budget" {
				assert.Equal(t, 7*time.Minute, f.GetRetryAfter().AsDuration())
			}
			assert.NotContains(t, f.String(), "EAAB")
		}
	})
}

// A write whose answer is lost may have happened, and says so; a read has not.
func TestFailures_LostAnswer(t *testing.T) {
	t.Parallel()
	eachExample(t, func(t *testing.T, r *rig, e example) {
		if e.GetEffect() == connectorv1.Effect_EFFECT_READ || e.GetLongRunning() || e.GetName() == "raw_http_request" {
			return // a raw request of the example reads; publishing has tests of its own
		}
		for _, method := range []string{"POST", "DELETE"} {
			require.NoError(t, r.AddFault(sandbox.Fault{Kind: sandbox.FaultResetAfter, Method: method, Times: -1}))
		}
		_, _, f := r.follow(t, e.GetName(), e.input, "")
		require.NotNil(t, f)
		assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, f.GetKind())
		assert.Equal(t, connectorv1.Applied_APPLIED_UNKNOWN, f.GetApplied())
		r.ClearFaults()
		if !e.GetReconcilable() {
			return
		}
		resp := r.reconcile(t, e.GetName(), e.input, "")
		require.NotNil(t, resp.GetHappened(), "%v", resp)
		s, err := validate.Compile(e.GetOutputSchema())
		require.NoError(t, err)
		problems, err := s.Check(resp.GetHappened().GetOutput())
		require.NoError(t, err)
		assert.Empty(t, problems)
	})
}

// What was never sent has not happened, and a look finds nothing.
func TestReconcile_NotHappened(t *testing.T) {
	t.Parallel()
	eachExample(t, func(t *testing.T, r *rig, e example) {
		if !e.GetReconcilable() {
			return
		}
		r.Clock().Advance(time.Hour) // what the world has is older
		resp := r.reconcile(t, e.GetName(), e.input, "")
		require.NotNil(t, resp.GetNotHappened(), "%v", resp)
	})
}

// Every list ends, shows each thing once, and carries no token on the way.
func TestPaging(t *testing.T) {
	t.Parallel()
	eachExample(t, func(t *testing.T, r *rig, e example) {
		if !e.GetPaginated() {
			return
		}
		var input map[string]any
		require.NoError(t, json.Unmarshal([]byte(e.input), &input))
		input["limit"] = 2
		raw, err := json.Marshal(input)
		require.NoError(t, err)
		seen, token := map[string]bool{}, ""
		for pages := 0; ; pages++ {
			require.Less(t, pages, 80, "no end")
			resp := r.invokeAs(t, r.facebook, e.GetName(), string(raw), token)
			require.Nil(t, resp.GetFailure(), "%v", resp.GetFailure())
			var out struct {
				Data  []json.RawMessage
				Media struct{ Data []json.RawMessage }
			}
			require.NoError(t, json.Unmarshal(resp.GetResult().GetOutput(), &out))
			items := append(out.Data, out.Media.Data...)
			assert.LessOrEqual(t, len(items), 2)
			for _, item := range items {
				assert.False(t, seen[string(item)], "%s came twice", item)
				seen[string(item)] = true
			}
			token = resp.GetResult().GetNextToken()
			assert.NotContains(t, token, "EAAB")
			if token == "" {
				break
			}
		}
		assert.NotEmpty(t, seen)
	})
}

// A call that is cancelled ends at once.
func TestCancel(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	require.NoError(t, r.AddFault(sandbox.Fault{Kind: sandbox.FaultHang, Times: -1}))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	resp, err := connectorv1.NewOperationServiceClient(r.conn).Invoke(ctx, &connectorv1.InvokeRequest{
		Call: &connectorv1.Call{Id: "c1", Credential: r.facebook}, Operation: "list_media", Input: []byte(`{"ig_user_id":"17841405726653026"}`),
	})
	// Whichever side notices first.
	assert.True(t, err != nil || resp.GetFailure() != nil)
	assert.Less(t, time.Since(began), 5*time.Second)
}

// run follows a long operation to its end, with the sandbox's clock going on
// whenever it waits.
func (r *rig) run(t testing.TB, op, input, token string) (output string, progress []*connectorv1.Progress) {
	t.Helper()
	output, progress, failure := r.follow(t, op, input, token)
	require.Nil(t, failure, "%v", failure)
	return output, progress
}

func (r *rig) follow(t testing.TB, op, input, token string) (output string, progress []*connectorv1.Progress, failure *connectorv1.Failure) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stream, err := connectorv1.NewOperationServiceClient(r.conn).InvokeStream(ctx, &connectorv1.InvokeRequest{
		Call: &connectorv1.Call{Id: "c1", Credential: r.facebook}, Operation: op, Input: []byte(input), ResumeToken: token,
	})
	require.NoError(t, err)
	for {
		event, err := stream.Recv()
		if err == io.EOF {
			return output, progress, failure
		}
		require.NoError(t, err, "%s", r.log)
		if p := event.GetProgress(); p != nil {
			progress = append(progress, p)
			r.Clock().Advance(20 * time.Second)
		}
		if p := event.GetPage(); p != nil {
			output = string(p.GetOutput())
		}
		if f := event.GetFailure(); f != nil {
			failure = f
		}
	}
}
