package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

const (
	// endTimeout bounds the end of a process whose host has ended it.
	endTimeout = 10 * time.Second
	// orphanTimeout bounds the life of a process whose host is gone.
	orphanTimeout = 30 * time.Second
	// dieTimeout is how long a process is watched that should go on.
	dieTimeout = 300 * time.Millisecond
)

func (k *kit) sameCatalog(r Reporter) {
	p, err := k.launch(r.Context())
	if err != nil {
		r.Fatalf("%v", err)
	}
	defer k.abandon(p)
	ctx, cancel := k.bound(r.Context())
	defer cancel()
	resp, err := p.GetCatalog(ctx, &connectorv1.GetCatalogRequest{})
	if err != nil {
		r.Fatalf("GetCatalog: %v", err)
	}
	if !proto.Equal(resp.GetCatalog(), k.catalog) {
		r.Errorf("another process of the same binary shows another catalog: is something in it made from a map, or from the time?")
	}
}

// described is what "describe --json" must agree with. Other fields are free.
type described struct {
	Name       string          `json:"name"`
	Version    string          `json:"version"`
	Title      string          `json:"title"`
	Settings   json.RawMessage `json:"settings_schema"`
	Operations []struct {
		Name         string          `json:"name"`
		Title        string          `json:"title"`
		Summary      string          `json:"summary"`
		Effect       string          `json:"effect"`
		Idempotency  string          `json:"idempotency"`
		ItemsPointer string          `json:"items_pointer"`
		Paginated    bool            `json:"paginated"`
		LongRunning  bool            `json:"long_running"`
		Reconcilable bool            `json:"reconcilable"`
		Scopes       []string        `json:"scopes"`
		Input        json.RawMessage `json:"input_schema"`
		Output       json.RawMessage `json:"output_schema"`
	} `json:"operations"`
	Triggers []struct {
		Name     string          `json:"name"`
		Title    string          `json:"title"`
		Summary  string          `json:"summary"`
		Webhook  bool            `json:"webhook"`
		Pollable bool            `json:"pollable"`
		Scopes   []string        `json:"scopes"`
		Input    json.RawMessage `json:"input_schema"`
		Output   json.RawMessage `json:"output_schema"`
	} `json:"triggers"`
	AuthMethods []struct {
		Name string `json:"name"`
		Flow string `json:"flow"`
	} `json:"auth_methods"`
}

func (k *kit) describes(r Reporter) {
	ctx, cancel := k.bound(r.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, k.Path, "describe", "--json")
	cmd.Env = append([]string{}, k.Env...)
	out, err := cmd.Output()
	if err != nil {
		r.Fatalf("running describe --json: %v", err)
	}
	var d described
	if err := json.Unmarshal(out, &d); err != nil {
		r.Fatalf("describe --json does not print JSON of the expected shape: %v", err)
	}
	c := k.catalog
	same := func(where string, got, want any) {
		if g, w := fmt.Sprintf("%q", got), fmt.Sprintf("%q", want); g != w {
			r.Errorf("%s: describe says %s, and the catalog %s", where, clipped(g), clipped(w))
		}
	}
	same("name, version and title", []string{d.Name, d.Version, d.Title}, []string{c.GetName(), c.GetVersion(), c.GetTitle()})
	same("settings", string(compact(d.Settings)), string(compact(c.GetSettingsSchema())))
	if len(d.Operations) != len(c.GetOperations()) || len(d.Triggers) != len(c.GetTriggers()) || len(d.AuthMethods) != len(c.GetAuthMethods()) {
		r.Fatalf("describe shows %d operations, %d triggers and %d auth methods; the catalog %d, %d and %d",
			len(d.Operations), len(d.Triggers), len(d.AuthMethods), len(c.GetOperations()), len(c.GetTriggers()), len(c.GetAuthMethods()))
	}
	for i, m := range c.GetAuthMethods() {
		same("auth method "+m.GetName(), []string{d.AuthMethods[i].Name, d.AuthMethods[i].Flow}, []string{m.GetName(), lower(m.GetFlow().String(), "AUTH_FLOW_")})
	}
	for i, op := range c.GetOperations() {
		o := d.Operations[i]
		effect := op.GetEffect()
		if effect == connectorv1.Effect_EFFECT_UNSPECIFIED {
			effect = connectorv1.Effect_EFFECT_DESTRUCTIVE
		}
		where := "operation " + op.GetName()
		same(where, []any{o.Name, o.Title, o.Summary, o.Effect, o.Idempotency, o.ItemsPointer, o.Paginated, o.LongRunning, o.Reconcilable},
			[]any{op.GetName(), op.GetTitle(), op.GetSummary(), lower(effect.String(), "EFFECT_"), lower(op.GetIdempotency().String(), "IDEMPOTENCY_"),
				op.GetItemsPointer(), op.GetPaginated(), op.GetLongRunning(), op.GetReconcilable()})
		same(where+": scopes", strings.Join(o.Scopes, " "), strings.Join(op.GetScopes(), " "))
		same(where+": input schema", string(compact(o.Input)), string(compact(op.GetInputSchema())))
		same(where+": output schema", string(compact(o.Output)), string(compact(op.GetOutputSchema())))
	}
	for i, t := range c.GetTriggers() {
		o, where := d.Triggers[i], "trigger "+t.GetName()
		same(where, []any{o.Name, o.Title, o.Summary, o.Webhook, o.Pollable}, []any{t.GetName(), t.GetTitle(), t.GetSummary(), t.GetWebhook(), t.GetPollable()})
		same(where+": scopes", strings.Join(o.Scopes, " "), strings.Join(t.GetScopes(), " "))
		same(where+": input schema", string(compact(o.Input)), string(compact(t.GetInputSchema())))
		same(where+": output schema", string(compact(o.Output)), string(compact(t.GetOutputSchema())))
	}
}

func clipped(text string) string {
	const shown = 200
	if len(text) > shown {
		return text[:shown] + "…"
	}
	return text
}

func compact(raw []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return raw
	}
	return b.Bytes()
}

func lower(name, prefix string) string { return strings.ToLower(strings.TrimPrefix(name, prefix)) }

// terminationSignal sends what a service manager sends to a whole group: the host
// ends the connector, when its calls are done.
func (k *kit) terminationSignal(r Reporter) {
	if !hasSignals {
		r.Skipf("it does not apply: there are no such signals on this system")
	}
	p := k.process(r)
	if err := terminate(p.child.cmd.Process.Pid); err != nil {
		r.Fatalf("sending the signal: %v", err)
	}
	watched := time.NewTimer(dieTimeout)
	defer watched.Stop()
	select {
	case <-p.child.exited:
		r.Fatalf("SIGTERM ends it, and with it the calls that the host waits for%s", lastLines(p.log))
	case <-watched.C:
	}
	ctx, cancel := k.bound(r.Context())
	defer cancel()
	if _, err := p.GetCatalog(ctx, &connectorv1.GetCatalogRequest{}); err != nil {
		r.Errorf("after SIGTERM it does not answer: %v", err)
	}
}

// nothingLeft ends a connector as a host does, and looks for what it started.
func (k *kit) nothingLeft(r Reporter) {
	p, err := k.launch(r.Context())
	if err != nil {
		r.Fatalf("%v", err)
	}
	p.end()
	ctx, cancel := context.WithTimeout(r.Context(), endTimeout)
	defer cancel()
	p.awaitEnd(ctx, r, "the host has ended it")
}

// abandon leaves a process as a killed host does. It takes seconds to be gone,
// in which other checks can be made.
func (k *kit) abandon(p *process) {
	p.abandon()
	k.orphan, k.left = p, time.Now()
}

func (k *kit) hostKilled(r Reporter) {
	if k.orphan == nil {
		p, err := k.launch(r.Context())
		if err != nil {
			r.Fatalf("%v", err)
		}
		k.abandon(p)
	}
	ctx, cancel := context.WithDeadline(r.Context(), k.left.Add(orphanTimeout))
	defer cancel()
	k.orphan.awaitEnd(ctx, r, "its host is gone, without a goodbye")
}

func (p *process) awaitEnd(ctx context.Context, r Reporter, why string) {
	r.Helper()
	select {
	case <-p.child.exited:
	case <-ctx.Done():
		if !p.child.gone() { // Long ago, perhaps: other checks came between.
			r.Fatalf("the process lives on although %s", why)
		}
	}
	for tick := time.NewTicker(20 * time.Millisecond); groupLives(p.child.cmd.Process.Pid); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			r.Fatalf("a process that it started lives on although %s", why)
		}
	}
}

// noSecrets looks back at all that the other checks have brought to light.
func (k *kit) noSecrets(r Reporter) {
	held := string(k.Credential.GetSecret()) + string(k.App)
	for _, in := range k.inputs() {
		held += string(in.credential.GetSecret())
	}
	if k.Account != nil {
		for i := range accounts {
			held += string(k.Account(i).Credential.GetSecret())
		}
	}
	for i, s := range k.Secrets {
		if len(s) < 6 || !strings.Contains(held, s) {
			r.Errorf("Config.Secrets[%d] is too short, or in no credential and not in App: looking for it shows nothing", i)
		}
	}
	for _, method := range k.leaks.methods() {
		r.Errorf("an answer of %s holds a secret", method)
	}
	lines := 0
	for _, log := range k.logs {
		for line := range strings.Lines(log.String()) {
			if lines++; k.leaks.in(line) {
				r.Errorf("a line of the log holds a secret: %q", masked(line, k.Secrets))
			}
		}
	}
	r.Logf("looked through %d lines of the log, and all answers", lines)
}

func masked(line string, secrets []string) string {
	for _, s := range secrets {
		line = strings.ReplaceAll(line, s, "[secret]")
	}
	return strings.TrimSpace(line)
}
