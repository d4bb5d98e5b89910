package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// kit is one run of the checks.
type kit struct {
	Config
	front   *front
	leaks   *leaks
	logs    []*lockedBuffer
	p       *process  // Most checks share it.
	orphan  *process  // Abandoned early: it has until the last checks to be gone.
	left    time.Time // When it was.
	catalog *connectorv1.Catalog
	normal  map[string]cost // What an operation's cases cost when all is well.
	worked  bool            // That normal has been filled.
	started []*process      // All that must be gone in the end.
	calls   atomic.Int64
}

// cost is how many requests an operation makes.
type cost struct {
	first    Case // That reaches the service: the author's, or the schema's example.
	requests int  // In that case.
	write    Case // The first case that writes.
	writes   int  // Its requests that write.
}

// Run runs all checks and reports each under a sentence.
func Run(r Reporter, c Config) {
	r.Helper()
	if c.CallTimeout == 0 {
		c.CallTimeout = 30 * time.Second
	}
	k := &kit{Config: c, leaks: &leaks{secrets: c.Secrets}, normal: map[string]cost{}}
	front, stop, err := serveFront(c.Remote, c.RemoteURL)
	if err != nil {
		r.Errorf("%v", err)
		return
	}
	defer stop()
	k.front = front
	defer func() {
		for _, p := range k.started {
			p.end()
			killGroup(p.child)
		}
	}()

	all := checks()
	if !r.Run(all[0].sentence, func(r Reporter) { k.startsUp(r) }) {
		return // Nothing else can be said.
	}
	r.Run("what does not apply is said, with a reason", k.declared)
	for _, c := range all[1:] {
		r.Run(c.sentence, func(r Reporter) {
			r.Helper()
			k.need(r, c.needs)
			c.run(k, r)
		})
		k.front.set(pass, 0)
	}
}

// startsUp starts the process that the other checks share.
func (k *kit) startsUp(r Reporter) {
	var err error
	if k.p, err = k.launch(r.Context()); err != nil {
		r.Fatalf("%v", err)
	}
	ctx, cancel := k.bound(r.Context())
	defer cancel()
	resp, err := k.p.GetCatalog(ctx, &connectorv1.GetCatalogRequest{})
	if err != nil {
		r.Fatalf("reading the catalog: %v", err)
	}
	if k.catalog = resp.GetCatalog(); k.catalog == nil {
		r.Fatalf("GetCatalog returned no catalog")
	}
	if k.Credential == nil && k.Authorize != nil {
		if k.Credential, err = k.Authorize(ctx, k.p.AuthServiceClient); err != nil {
			r.Fatalf("signing in by Config.Authorize: %v", err)
		}
	}
	if len(k.catalog.GetSettingsSchema()) > 0 {
		const pointer = "/no_such_setting"
		resp, err := k.p.Configure(ctx, &connectorv1.ConfigureRequest{Host: "conformance/1.0.0", Settings: []byte(`{"no_such_setting":1}`)})
		if err != nil {
			r.Errorf("Configure with a setting that does not exist: %v", err)
		} else if !points(resp.GetDiagnostics(), pointer) {
			r.Errorf("Configure takes a setting that does not exist: it should return a diagnostic with pointer %s", pointer)
		}
		if _, err := k.p.Configure(ctx, &connectorv1.ConfigureRequest{Host: "conformance/1.0.0", Settings: k.settings()}); err != nil {
			r.Errorf("Configure a second time: %v", err)
		}
	}
}

// declared checks the config itself.
func (k *kit) declared(r Reporter) {
	known := []Hook{HookRemote, HookOperations, HookTriggers, HookSecrets, HookDeadToken, HookQuota, HookAccount, HookNumber, HookPanic, HookHandshake, HookDescribe}
	for _, h := range slices.Sorted(maps.Keys(k.NotApplicable)) {
		switch {
		case !slices.Contains(known, h):
			r.Errorf("NotApplicable names %q, which is no hook; there are %v", h, known)
		case strings.TrimSpace(k.NotApplicable[h]) == "":
			r.Errorf("NotApplicable[%q] gives no reason", h)
		case h != HookDescribe && k.given(h):
			r.Errorf("Config.%s is given, and NotApplicable[%q] says that it does not apply: remove one", h, h)
		}
	}
	for name := range k.Operations {
		if k.operation(name) == nil {
			r.Errorf("there are cases for operation %q, which is not in the catalog", name)
		}
	}
	for name := range k.Triggers {
		if !slices.ContainsFunc(k.catalog.GetTriggers(), func(t *connectorv1.Trigger) bool { return t.GetName() == name }) {
			r.Errorf("there is a case for trigger %q, which is not in the catalog", name)
		}
	}
}

// need ends a check whose hooks are missing: as not applicable where the author
// says so, and as failed where he does not.
func (k *kit) need(r Reporter, hooks []Hook) {
	r.Helper()
	for _, h := range hooks {
		if k.superfluous(h) {
			r.Skipf("the catalog has nothing that would need it")
		}
		if reason := k.NotApplicable[h]; reason != "" {
			r.Skipf("it does not apply: %s", reason)
		}
		if !k.given(h) {
			r.Fatalf("Config.%s is missing: give it, or say in NotApplicable[%q] why it does not apply", h, h)
		}
	}
}

func (k *kit) given(h Hook) bool {
	switch h {
	case HookRemote:
		return k.Remote != nil || k.RemoteURL != ""
	case HookOperations:
		return len(k.Operations) > 0
	case HookTriggers:
		return len(k.Triggers) > 0
	case HookSecrets:
		return len(k.Secrets) > 0
	case HookDeadToken:
		return k.DeadToken != nil
	case HookQuota:
		return k.Quota != nil
	case HookAccount:
		return k.Account != nil
	case HookNumber:
		return k.Number != nil
	case HookPanic:
		return k.Panic != nil
	case HookHandshake:
		return k.Handshake != nil
	}
	return true
}

// superfluous reports whether the catalog has nothing that a hook is for.
func (k *kit) superfluous(h Hook) bool {
	switch h {
	case HookOperations:
		return len(k.catalog.GetOperations()) == 0
	case HookTriggers:
		return len(k.catalog.GetTriggers()) == 0
	case HookHandshake:
		return !slices.ContainsFunc(k.catalog.GetTriggers(), (*connectorv1.Trigger).GetWebhook)
	}
	return false
}

// process returns a connector that runs: a check that broke it must not fail the
// checks after it.
func (k *kit) process(r Reporter) *process {
	r.Helper()
	if !k.p.child.gone() {
		return k.p
	}
	k.p.end()
	p, err := k.launch(r.Context())
	if err != nil {
		r.Fatalf("%v", err)
	}
	k.p = p
	return p
}

func (k *kit) settings() json.RawMessage {
	if k.Settings == nil {
		return nil
	}
	return k.Settings(k.front.url)
}

func (k *kit) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, k.CallTimeout)
}

func (k *kit) operation(name string) *connectorv1.Operation {
	for _, op := range k.catalog.GetOperations() {
		if op.GetName() == name {
			return op
		}
	}
	return nil
}

// call returns what goes with a request for an account.
func (k *kit) call(credential *connectorv1.Credential) *connectorv1.Call {
	if credential == nil {
		credential = k.Credential
	}
	id := fmt.Sprintf("conformance-%d", k.calls.Add(1))
	return &connectorv1.Call{Id: id, IdempotencyKey: id, Credential: credential}
}

func (k *kit) request(op string, input json.RawMessage, credential *connectorv1.Credential) *connectorv1.InvokeRequest {
	return &connectorv1.InvokeRequest{Call: k.call(credential), Operation: op, Input: input}
}

// begin sets the fake to its beginning and returns a case's request.
func (k *kit) begin(op string, c Case) *connectorv1.InvokeRequest {
	if k.Reset != nil {
		k.Reset()
	}
	input := c.Input
	if c.Prepare != nil {
		input = c.Prepare()
	}
	if input == nil {
		input = json.RawMessage("{}")
	}
	return k.request(op, input, c.Credential)
}

// attempt makes one call. A gRPC error ends the check: it means that the
// connector is broken, whatever was asked.
func (k *kit) attempt(r Reporter, req *connectorv1.InvokeRequest) *connectorv1.InvokeResponse {
	r.Helper()
	ctx, cancel := k.bound(r.Context())
	defer cancel()
	resp, err := k.process(r).Invoke(ctx, req)
	if err != nil {
		r.Fatalf("a gRPC error means that the connector is broken, and it is none of a user's or a service's doing: %v", err)
	}
	if resp.GetResult() == nil && resp.GetFailure() == nil {
		r.Fatalf("the answer has neither a result nor a failure")
	}
	return resp
}

// points reports whether an error among diagnostics is about a pointer.
func points(ds []*connectorv1.Diagnostic, pointer string) bool {
	return slices.ContainsFunc(ds, func(d *connectorv1.Diagnostic) bool {
		return d.GetPointer() == pointer && d.GetSeverity() != connectorv1.Severity_SEVERITY_WARNING
	})
}

// told writes a failure for a finding. Secrets are watched elsewhere; upstream is
// left out all the same, since it is a stranger's text.
func told(f *connectorv1.Failure) string {
	if f == nil {
		return "a success"
	}
	var at []string
	for _, d := range f.GetDiagnostics() {
		at = append(at, fmt.Sprintf("%q", d.GetPointer()))
	}
	where := ""
	if len(at) > 0 {
		where = " at " + strings.Join(at, ", ")
	}
	return fmt.Sprintf("%s, %s%s: %q", short(f.GetKind().String(), "FAILURE_KIND_"), f.GetApplied(), where, f.GetMessage())
}

func short(name, prefix string) string { return strings.TrimPrefix(name, prefix) }
