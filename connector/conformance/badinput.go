package conformance

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/storyloop/storyloop/connector/internal/schemadoc"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// badInput derives wrong inputs from each schema: without a required property,
// with an unknown one, with another type, beyond each limit.
func (k *kit) badInput(r Reporter) {
	for _, in := range k.inputs() {
		r.Run(in.of, func(r Reporter) { k.refusesBadInput(r, in) })
	}
}

func (k *kit) refusesBadInput(r Reporter, in input) {
	wrong, err := mutations(in.schema, in.good())
	if err != nil {
		r.Fatalf("deriving wrong inputs: %v", err)
	}
	wrong = append(wrong, mutation{"with a text that is not JSON", []byte(`{"`), ""})
	k.front.set(pass, 0)
	for _, m := range wrong {
		ctx, cancel := k.bound(r.Context())
		checked, err := k.process(r).Validate(ctx, in.validate(m.input))
		if err != nil {
			r.Fatalf("Validate %s: %v", m.what, err)
		}
		if !points(checked.GetDiagnostics(), m.pointer) {
			r.Errorf("Validate %s: it should return an error with pointer %q", m.what, m.pointer)
		}
		f, err := k.try(ctx, r, in, m.input)
		cancel()
		switch {
		case err != nil:
			r.Fatalf("a call %s: %v", m.what, err)
		case f.GetKind() != connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT || f.GetApplied() != connectorv1.Applied_APPLIED_NO:
			r.Errorf("a call %s should be INVALID_INPUT and APPLIED_NO; it was %s", m.what, told(f))
		case !points(f.GetDiagnostics(), m.pointer):
			r.Errorf("a call %s should point at %q; it was %s", m.what, m.pointer, told(f))
		}
	}
	if sent, _, _ := k.front.counts(); sent > 0 {
		r.Errorf("%d requests were sent for inputs that are wrong", sent)
	}
}

// try makes the call that an input is for, and returns its failure.
func (k *kit) try(ctx context.Context, r Reporter, in input, text []byte) (*connectorv1.Failure, error) {
	p := k.process(r)
	switch {
	case in.operation != nil:
		resp, err := p.Invoke(ctx, k.request(in.operation.GetName(), text, in.credential))
		return resp.GetFailure(), err
	case in.trigger.GetPollable():
		resp, err := p.Poll(ctx, &connectorv1.PollRequest{Call: k.call(in.credential), Trigger: in.trigger.GetName(), Input: text})
		return resp.GetFailure(), err
	default:
		resp, err := p.Subscribe(ctx, &connectorv1.SubscribeRequest{
			Call: k.call(in.credential), App: k.app(), Trigger: in.trigger.GetName(), Input: text, CallbackUrl: "https://host.invalid/webhook",
		})
		return resp.GetFailure(), err
	}
}

func (k *kit) app() *connectorv1.App { return &connectorv1.App{Config: k.App} }

// unknownNames asks for what is not there.
func (k *kit) unknownNames(r Reporter) {
	ctx, cancel := k.bound(r.Context())
	defer cancel()
	p := k.process(r)
	const name = "no_such_name"
	refused := func(what string, f *connectorv1.Failure, err error) {
		switch {
		case err != nil:
			r.Errorf("%s that does not exist: %v", what, err)
		case f.GetKind() != connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT || f.GetApplied() != connectorv1.Applied_APPLIED_NO:
			r.Errorf("%s that does not exist should be INVALID_INPUT and APPLIED_NO; it was %s", what, told(f))
		}
	}
	invoked, err := p.Invoke(ctx, k.request(name, []byte("{}"), nil))
	refused("an operation", invoked.GetFailure(), err)
	_, f, err := p.stream(ctx, k.request(name, []byte("{}"), nil), 1)
	refused("a streamed operation", f, err)
	reconciled, err := p.Reconcile(ctx, &connectorv1.ReconcileRequest{Call: k.call(nil), Operation: name, Input: []byte("{}")})
	refused("a lost operation", reconciled.GetFailure(), err)
	listed, err := p.ListOptions(ctx, &connectorv1.ListOptionsRequest{Call: k.call(nil), List: name})
	refused("an option list", listed.GetFailure(), err)
	polled, err := p.Poll(ctx, &connectorv1.PollRequest{Call: k.call(nil), Trigger: name})
	refused("a polled trigger", polled.GetFailure(), err)
	subscribed, err := p.Subscribe(ctx, &connectorv1.SubscribeRequest{Call: k.call(nil), Trigger: name, CallbackUrl: "https://host.invalid/webhook"})
	refused("a subscribed trigger", subscribed.GetFailure(), err)
	inspected, err := p.InspectCredential(ctx, &connectorv1.InspectCredentialRequest{Credential: &connectorv1.Credential{Method: name}})
	refused("an auth method", inspected.GetFailure(), err)
	checked, err := p.Validate(ctx, &connectorv1.ValidateRequest{Target: &connectorv1.ValidateRequest_Operation{Operation: name}, Input: []byte("{}")})
	if err != nil || len(checked.GetDiagnostics()) == 0 {
		r.Errorf("Validate of an operation that does not exist should return a diagnostic (error: %v)", err)
	}
}

// unknownValues puts a reference in the place of each value, as a workflow does.
func (k *kit) unknownValues(r Reporter) {
	for _, in := range k.inputs() {
		good, err := schemadoc.Decode(in.good())
		object, ok := good.(*schemadoc.Object)
		if err != nil || !ok {
			continue // Whoever gave it hears of it elsewhere.
		}
		ctx, cancel := k.bound(r.Context())
		for _, name := range slices.Clone(object.Names()) {
			value, _ := object.Get(name)
			object.Set(name, "$.steps.instagram-1.value")
			pointer := "/" + schemadoc.Escape(name)
			resp, err := k.process(r).Validate(ctx, in.validate([]byte(schemadoc.Encode(object)), pointer))
			object.Set(name, value)
			if err != nil {
				r.Fatalf("%s: %v", in.of, err)
			}
			for _, d := range resp.GetDiagnostics() {
				if d.GetPointer() == pointer || strings.HasPrefix(d.GetPointer(), pointer+"/") {
					r.Errorf("%s: Validate says of %s, which is not known yet: %s", in.of, pointer, d.GetSummary())
				}
			}
		}
		cancel()
	}
}

// largeMessages sends more than the 4 MiB that gRPC takes by itself.
func (k *kit) largeMessages(r Reporter) {
	ins := k.inputs()
	if len(ins) == 0 {
		return
	}
	ctx, cancel := k.bound(r.Context())
	defer cancel()
	padded := bytes.Repeat([]byte(" "), 5<<20)
	if _, err := k.process(r).Validate(ctx, ins[0].validate(append(padded, ins[0].good()...))); err != nil {
		r.Errorf("an input of 5 MiB: %v; set the limits of the gRPC server to %d", err, connectorv1.MaxMessage)
	}
}
