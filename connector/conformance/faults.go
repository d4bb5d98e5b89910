package conformance

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/storyloop/storyloop/schemas/validate"
)

const (
	// letGo is how long a connector may hold on to the service after its call.
	letGo = time.Second
	// shortDeadline is what a call is given when the service does not answer.
	shortDeadline = 500 * time.Millisecond
)

// online returns the operations that have a case which reaches the service. Which do
// is known once they have done their work, which may have been left out of this
// run.
func (k *kit) online(r Reporter) []*connectorv1.Operation {
	r.Helper()
	if !k.worked {
		k.operationsWork(NewSheet(r.Context()))
	}
	var all []*connectorv1.Operation
	for _, op := range k.catalog.GetOperations() {
		if k.normal[op.GetName()].requests > 0 {
			all = append(all, op)
		}
	}
	if len(all) == 0 {
		r.Fatalf("no case of an operation reaches the service: do the settings lead to the fake?")
	}
	return all
}

// eachOnline runs a check for each operation that reaches the service, with the
// request of the first such case.
func (k *kit) eachOnline(r Reporter, check func(Reporter, *connectorv1.Operation, *connectorv1.InvokeRequest)) {
	for _, op := range k.online(r) {
		r.Run(op.GetName(), func(r Reporter) {
			k.front.set(pass, 0)
			check(r, op, k.begin(op.GetName(), k.normal[op.GetName()].first))
		})
	}
}

func (k *kit) deadToken(r Reporter) {
	k.inspected(r, false)
	k.eachOnline(r, func(r Reporter, op *connectorv1.Operation, req *connectorv1.InvokeRequest) {
		undo := k.DeadToken()
		defer undo()
		f := k.attempt(r, req).GetFailure()
		if f.GetKind() != connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED || f.GetApplied() != connectorv1.Applied_APPLIED_NO {
			r.Errorf("it should be UNAUTHENTICATED and APPLIED_NO; it was %s", told(f))
		}
	})
	undo := k.DeadToken()
	defer undo()
	k.inspected(r, true)
}

// inspected asks what the credential is worth.
func (k *kit) inspected(r Reporter, dead bool) {
	if k.Credential == nil {
		return
	}
	ctx, cancel := k.bound(r.Context())
	defer cancel()
	resp, err := k.process(r).InspectCredential(ctx, &connectorv1.InspectCredentialRequest{App: k.app(), Credential: k.Credential})
	switch f := resp.GetFailure(); {
	case err != nil:
		r.Errorf("InspectCredential: %v", err)
	case dead && f.GetKind() != connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED:
		r.Errorf("InspectCredential of a dead token should be UNAUTHENTICATED; it was %s", told(f))
	case !dead && resp.GetCredential() == nil:
		r.Errorf("InspectCredential of a live token: %s", told(f))
	case !dead && string(resp.GetCredential().GetSecret()) != string(k.Credential.GetSecret()):
		r.Errorf("InspectCredential changes the secret")
	}
}

func (k *kit) quota(r Reporter) {
	k.eachOnline(r, func(r Reporter, op *connectorv1.Operation, req *connectorv1.InvokeRequest) {
		undo := k.Quota()
		defer undo()
		resp := k.attempt(r, req)
		f := resp.GetFailure()
		if f.GetKind() != connectorv1.FailureKind_FAILURE_KIND_RATE_LIMITED || f.GetApplied() != connectorv1.Applied_APPLIED_NO {
			r.Fatalf("it should be RATE_LIMITED and APPLIED_NO; it was %s", told(f))
		}
		blocked := false
		for _, q := range resp.GetReport().GetQuotas() {
			blocked = blocked || q.GetBlockedUntil() != nil || q.GetUsed() >= 1
		}
		if !blocked && f.GetRetryAfter() == nil {
			r.Errorf("neither retry_after nor a quota in the report says how long to wait")
		}
	})
}

// serviceInTrouble has the service answer 500 and quote the request, token and
// all. What it quotes is watched for with everything else.
func (k *kit) serviceInTrouble(r Reporter) {
	k.eachOnline(r, func(r Reporter, op *connectorv1.Operation, req *connectorv1.InvokeRequest) {
		k.front.set(quote, 0)
		defer k.front.set(pass, 0)
		f := k.attempt(r, req).GetFailure()
		if f.GetKind() != connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE {
			r.Errorf("HTTP 500 should be UNAVAILABLE; it was %s", told(f))
		}
		if k.leaks.in(f.GetMessage()) || k.leaks.in(f.GetUpstream().GetMessage()) {
			r.Errorf("the failure holds a secret that the service quoted")
		}
		if sent, _, _ := k.front.counts(); sent > k.normal[op.GetName()].requests {
			r.Errorf("%d requests were sent, %d when all is well: another attempt is the host's to make", sent, k.normal[op.GetName()].requests)
		}
	})
}

func (k *kit) lostAnswers(r Reporter) {
	k.online(r)
	for _, op := range k.catalog.GetOperations() {
		author := k.Operations[op.GetName()]
		if op.GetEffect() == connectorv1.Effect_EFFECT_READ {
			continue
		}
		r.Run(op.GetName(), func(r Reporter) {
			if author.NoWrite != "" {
				r.Skipf("it does not apply: %s", author.NoWrite)
			}
			if k.normal[op.GetName()].writes == 0 {
				r.Fatalf("no case sends a request that writes: give one, or say in NoWrite why there is none")
			}
			k.loses(r, op, loseAnswer, "an answer that became HTTP 500")
			k.loses(r, op, cutOff, "a connection that broke")
		})
	}
}

// loses makes the last request of an operation that writes take effect without
// an answer.
func (k *kit) loses(r Reporter, op *connectorv1.Operation, how mode, what string) {
	normal := k.normal[op.GetName()]
	req := k.begin(op.GetName(), normal.write)
	if op.GetReconcilable() && k.Reset != nil {
		if resp := k.reconcile(r, req, ""); resp.GetHappened() != nil {
			r.Errorf("Reconcile says that it happened before it was ever tried")
		}
	}
	k.front.set(how, normal.writes)
	defer k.front.set(pass, 0)
	f := k.attempt(r, req).GetFailure()
	_, writes, _ := k.front.counts()
	switch {
	case f.GetKind() != connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE:
		r.Errorf("%s should be UNAVAILABLE; it was %s", what, told(f))
	case f.GetApplied() == connectorv1.Applied_APPLIED_NO:
		r.Errorf("%s should be APPLIED_UNKNOWN, for the service has acted; it was %s", what, told(f))
	case writes > normal.writes:
		r.Errorf("%s made it try again: it wrote %d times, %d when all is well", what, writes, normal.writes)
	}
	if !op.GetReconcilable() {
		return
	}
	k.front.set(pass, 0)
	resp := k.reconcile(r, req, f.GetResumeToken())
	if resp.GetHappened() == nil {
		r.Errorf("after %s Reconcile should find that it has happened; it was %s", what, reconciled(resp))
		return
	}
	if schema, err := validate.Compile(op.GetOutputSchema()); err == nil {
		k.checkOutput(r, op, schema, resp.GetHappened(), "the reconciled output")
	}
}

func (k *kit) reconcile(r Reporter, req *connectorv1.InvokeRequest, resume string) *connectorv1.ReconcileResponse {
	ctx, cancel := k.bound(r.Context())
	defer cancel()
	resp, err := k.process(r).Reconcile(ctx, &connectorv1.ReconcileRequest{
		Call: req.GetCall(), Operation: req.GetOperation(), Input: req.GetInput(),
		AttemptedAt: timestamppb.New(time.Now().Add(-time.Minute)), ResumeToken: resume,
	})
	if err != nil {
		r.Fatalf("Reconcile: %v", err)
	}
	return resp
}

func reconciled(resp *connectorv1.ReconcileResponse) string {
	if resp.GetNotHappened() != nil {
		return "NotHappened"
	}
	return told(resp.GetFailure())
}

// slowService holds every request, and looks whether the connector lets go when
// the time of its calls is up. The calls run side by side, since each waits.
func (k *kit) slowService(r Reporter) {
	online := k.online(r)
	if k.Reset != nil {
		k.Reset()
	}
	var reqs []*connectorv1.InvokeRequest
	for _, op := range online {
		c := k.normal[op.GetName()].first
		if c.Prepare != nil {
			c.Input = c.Prepare()
		}
		reqs = append(reqs, k.request(op.GetName(), orEmpty(c.Input), c.Credential))
	}
	k.front.set(hold, 0)
	p := k.process(r)
	var wg sync.WaitGroup
	for _, req := range reqs {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(r.Context(), shortDeadline)
			defer cancel()
			began := time.Now()
			resp, err := p.Invoke(ctx, req)
			if took := time.Since(began); took > shortDeadline+letGo {
				r.Errorf("%s: the call took %v with a deadline of %v", req.GetOperation(), took.Round(time.Millisecond), shortDeadline)
			}
			if err == nil && resp.GetResult() != nil {
				r.Errorf("%s: it succeeded without an answer from the service", req.GetOperation())
			}
		})
	}
	wg.Wait()
	if held := k.stillHeld(); held != "" {
		r.Errorf("after the deadline the connector still waits for %s", held)
	}
}

func (k *kit) stillHeld() string {
	ctx, cancel := context.WithTimeout(context.Background(), letGo)
	defer cancel()
	if k.front.awaitHeld(false, ctx.Done()) {
		return ""
	}
	k.front.mu.Lock()
	defer k.front.mu.Unlock()
	return fmt.Sprintf("%d requests", k.front.held)
}

func (k *kit) cancelled(r Reporter) {
	k.eachOnline(r, func(r Reporter, op *connectorv1.Operation, req *connectorv1.InvokeRequest) {
		k.front.set(hold, 0)
		defer k.front.set(pass, 0)
		ctx, cancel := k.bound(r.Context())
		defer cancel()
		p := k.process(r)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _, _ = p.stream(ctx, req, maxPages) // It was cancelled: no outcome is of interest.
		}()
		if !k.front.awaitHeld(true, done) {
			r.Fatalf("the call ended before it reached the service")
		}
		cancel()
		<-done
		if held := k.stillHeld(); held != "" {
			r.Errorf("a second after it was cancelled the connector still waits for %s", held)
		}
	})
}
