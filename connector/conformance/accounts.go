package conformance

import (
	"context"
	"strings"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

const accounts = 50

// fiftyAccounts calls for many accounts at once: an answer must be the caller's.
func (k *kit) fiftyAccounts(r Reporter) {
	if k.Reset != nil {
		k.Reset()
	}
	cases := make([]AccountCase, accounts)
	for i := range cases {
		cases[i] = k.Account(i)
		if cases[i].Want == "" {
			r.Fatalf("Config.Account(%d) has no text to look for in Want", i)
		}
		for j := range i {
			if cases[j].Want == cases[i].Want {
				r.Fatalf("Config.Account returns the same Want for %d and %d", j, i)
			}
		}
	}
	p := k.process(r)
	var wg sync.WaitGroup
	for i, c := range cases {
		wg.Go(func() {
			ctx, cancel := k.bound(r.Context())
			defer cancel()
			resp, err := p.Invoke(ctx, k.request(c.Operation, c.Input, c.Credential))
			if err != nil || resp.GetResult() == nil {
				r.Errorf("account %d: %s (error: %v)", i, told(resp.GetFailure()), err)
				return
			}
			output := string(resp.GetResult().GetOutput())
			if !strings.Contains(output, c.Want) {
				r.Errorf("account %d: its output does not hold %q", i, c.Want)
			}
			for j, other := range cases {
				if i != j && !strings.Contains(c.Want, other.Want) && strings.Contains(output, other.Want) {
					r.Errorf("account %d: its output holds %q, which is of account %d", i, other.Want, j)
				}
			}
		})
	}
	wg.Wait()
}

func (k *kit) bigNumber(r Reporter) {
	req := k.begin(k.Number.Operation, k.Number.Case)
	k.front.set(pass, 0)
	resp := k.attempt(r, req)
	if f := resp.GetFailure(); f != nil {
		r.Fatalf("%s", told(f))
	}
	if !strings.Contains(string(resp.GetResult().GetOutput()), BigNumber) {
		r.Errorf("the output does not hold %s: was it a float64 on the way?", BigNumber)
	}
	if _, _, arrived := k.front.counts(); strings.Contains(string(req.GetInput()), BigNumber) && arrived == 0 {
		r.Errorf("the input holds %s, and no request to the service does", BigNumber)
	}
}

// panics has one call panic while another waits for the service.
func (k *kit) panics(r Reporter) {
	waiting := k.anyRead(r)
	if waiting == nil {
		r.Fatalf("no operation that reads reaches the service: there is no call to be spared")
	}
	p := k.process(r)
	k.front.set(hold, 0)
	ctx, cancel := k.bound(r.Context())
	defer cancel()
	var spared *connectorv1.InvokeResponse
	var sparedErr error
	done := make(chan struct{})
	go func() {
		defer close(done)
		spared, sparedErr = p.Invoke(ctx, waiting)
	}()
	if !k.front.awaitHeld(true, done) {
		r.Fatalf("the call that should be spared ended before it reached the service: %v", sparedErr)
	}
	panicked(r, "Invoke", func(ctx context.Context) (*connectorv1.Failure, error) {
		resp, err := p.Invoke(ctx, k.request(k.Panic.Operation, k.Panic.Input, nil))
		return resp.GetFailure(), err
	})
	panicked(r, "InvokeStream", func(ctx context.Context) (*connectorv1.Failure, error) {
		_, f, err := p.stream(ctx, k.request(k.Panic.Operation, k.Panic.Input, nil), 1)
		return f, err
	})
	k.front.set(pass, 0)
	<-done
	if sparedErr != nil || spared.GetResult() == nil {
		r.Errorf("the other call was not spared: %s (error: %v)", told(spared.GetFailure()), sparedErr)
	}
	if p.child.gone() {
		r.Errorf("the process is gone%s", lastLines(p.log))
	}
}

func panicked(r Reporter, what string, call func(context.Context) (*connectorv1.Failure, error)) {
	f, err := call(r.Context())
	if status.Code(err) != codes.Internal && f.GetKind() != connectorv1.FailureKind_FAILURE_KIND_INTERNAL {
		r.Errorf("%s: a panic should be INTERNAL; it was %s (error: %v)", what, told(f), err)
	}
}

// anyRead returns a call that changes nothing and reaches the service.
func (k *kit) anyRead(r Reporter) *connectorv1.InvokeRequest {
	for _, op := range k.online(r) {
		if op.GetEffect() == connectorv1.Effect_EFFECT_READ {
			return k.begin(op.GetName(), k.normal[op.GetName()].first)
		}
	}
	return nil
}
