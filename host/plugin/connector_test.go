package plugin_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host/plugin"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

func TestInvoke_LongNumbersArriveIntact(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "good")
	c := open(t, cfg)
	assert.Equal(t, "test", c.Catalog().GetName())
	for range 3 {
		resp := invoke(context.Background(), c, "echo", `{"id":17841405726653027}`)
		require.Nil(t, resp.GetFailure())
		assert.Equal(t, `{"id":17841405726653027}`, string(resp.GetResult().GetOutput()))
	}
	assert.Equal(t, 1, c.Status().Starts)
}

func TestInvoke_ManyAtOnce(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "good")
	c := open(t, cfg)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			want := fmt.Sprintf(`{"i":%d}`, i)
			assert.Equal(t, want, string(invoke(context.Background(), c, "echo", want).GetResult().GetOutput()))
		})
	}
	wg.Wait()
}

func TestInvoke_TooLargeIsNotSent(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "good")
	c := open(t, cfg)
	f := invoke(context.Background(), c, "echo", `{"x":"`+strings.Repeat("x", 20<<20)+`"}`).GetFailure()
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, f.GetKind())
	assert.Equal(t, connectorv1.Applied_APPLIED_NO, f.GetApplied())
	assert.Contains(t, f.GetMessage(), "operation echo")
	assert.Regexp(t, `has 20971\d\d\d bytes, at most 16777216 `, f.GetMessage())

	// What just fits, fits in both directions.
	fits := `{"x":"` + strings.Repeat("x", 16<<20-1024) + `"}`
	assert.Len(t, invoke(context.Background(), c, "echo", fits).GetResult().GetOutput(), len(fits))
}

func TestInvoke_AnswerTooLarge(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "good")
	c := open(t, cfg)
	f := invoke(context.Background(), c, "big", `{}`).GetFailure()
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, f.GetKind())
	assert.Equal(t, connectorv1.Applied_APPLIED_UNKNOWN, f.GetApplied())
	assert.Contains(t, f.GetMessage(), "16 MiB")
	assert.Contains(t, f.GetDiagnostics()[0].GetDetail(), "16777216")
	assert.Nil(t, invoke(context.Background(), c, "echo", `{}`).GetFailure())
}

func TestInvoke_ConnectorWithASmallerLimit(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "small")
	c := open(t, cfg)
	f := invoke(context.Background(), c, "echo", `{"x":"`+strings.Repeat("x", 5<<20)+`"}`).GetFailure()
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, f.GetKind())
	assert.Contains(t, f.GetDiagnostics()[0].GetDetail(), "4194304")
}

func TestInvoke_DeafConnectorIsLeftAtTheDeadline(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "good")
	c := open(t, cfg)
	for name, ctx := range map[string]func() context.Context{
		"caller's deadline":   func() context.Context { return within(t, 100*time.Millisecond) },
		"operation's timeout": context.Background,
	} {
		t.Run(name, func(t *testing.T) {
			f := invoke(ctx(), c, "hang", `{}`).GetFailure()
			assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, f.GetKind())
			assert.Equal(t, connectorv1.Applied_APPLIED_UNKNOWN, f.GetApplied())
			assert.Contains(t, f.GetMessage(), "did not answer operation hang in time")
		})
	}
	assert.Nil(t, invoke(context.Background(), c, "echo", `{}`).GetFailure(), "one deaf call is no reason to end the others")
}

func TestInvoke_DefaultDeadline(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "good")
	cfg.CallTimeout = 100 * time.Millisecond
	c := open(t, cfg)
	f := invoke(context.Background(), c, "wait", `{}`).GetFailure()
	assert.Contains(t, f.GetMessage(), "in time")
}

func TestInvoke_HandlerSeesCancel(t *testing.T) {
	t.Parallel()
	cfg, log := config(t, "good")
	c := open(t, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		log.await(t, "waiting")
		cancel()
	}()
	f := invoke(ctx, c, "wait", `{}`).GetFailure()
	assert.Contains(t, f.GetMessage(), "was cancelled")
	assert.Equal(t, connectorv1.Applied_APPLIED_UNKNOWN, f.GetApplied())
	log.await(t, "cancelled: context canceled")
}

func TestInvoke_NeverSentIsNotApplied(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "good")
	c := open(t, cfg)
	f := invoke(cancelled(), c, "echo", `{}`).GetFailure()
	assert.Equal(t, connectorv1.Applied_APPLIED_NO, f.GetApplied())
}

func TestInvoke_AnswerWithoutOutcome(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "good")
	c := open(t, cfg)
	f := invoke(context.Background(), c, "nothing", `{}`).GetFailure()
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INTERNAL, f.GetKind())
	assert.Contains(t, f.GetMessage(), "neither a result nor a failure")
}

func TestInvoke_Fault(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "good")
	c := open(t, cfg)
	f := invoke(context.Background(), c, "fault", `{}`).GetFailure()
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INTERNAL, f.GetKind())
	assert.Equal(t, connectorv1.Applied_APPLIED_UNKNOWN, f.GetApplied())
	assert.Contains(t, f.GetDiagnostics()[0].GetDetail(), "Internal: nil map")
	assert.NotContains(t, f.String(), "marker")
}

func TestCalls_ThatTheConnectorDoesNotKnow(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "good")
	c := open(t, cfg)
	ctx := context.Background()
	_, err := c.Validate(ctx, &connectorv1.ValidateRequest{Target: &connectorv1.ValidateRequest_Operation{Operation: "echo"}})
	var callErr *plugin.CallError
	require.ErrorAs(t, err, &callErr)
	for name, f := range map[string]*connectorv1.Failure{
		"operation echo":        callErr.Failure,
		"Reconcile":             c.Reconcile(ctx, &connectorv1.ReconcileRequest{}).GetFailure(),
		"option list pages":     c.ListOptions(ctx, &connectorv1.ListOptionsRequest{List: "pages"}).GetFailure(),
		"BeginAuthorization":    c.BeginAuthorization(ctx, &connectorv1.BeginAuthorizationRequest{}).GetFailure(),
		"CompleteAuthorization": c.CompleteAuthorization(ctx, &connectorv1.CompleteAuthorizationRequest{}).GetFailure(),
		"RefreshCredential":     c.RefreshCredential(ctx, &connectorv1.RefreshCredentialRequest{}).GetFailure(),
		"InspectCredential":     c.InspectCredential(ctx, &connectorv1.InspectCredentialRequest{}).GetFailure(),
		"RevokeCredential":      c.RevokeCredential(ctx, &connectorv1.RevokeCredentialRequest{}).GetFailure(),
		"trigger comment_added": c.Subscribe(ctx, &connectorv1.SubscribeRequest{Trigger: "comment_added"}).GetFailure(),
		"Unsubscribe":           c.Unsubscribe(ctx, &connectorv1.UnsubscribeRequest{}).GetFailure(),
		"Poll":                  c.Poll(ctx, &connectorv1.PollRequest{}).GetFailure(),
	} {
		assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_REFUSED, f.GetKind(), name)
		assert.Equal(t, connectorv1.Applied_APPLIED_NO, f.GetApplied(), name)
		assert.Contains(t, f.GetMessage(), name)
	}
	assert.Equal(t, plugin.Running, c.Status().State)
}

func TestInvokeStream_CutOffCarriesTheLastToken(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "good")
	c := open(t, cfg)
	seen := filepath.Join(t.TempDir(), "seen")
	var got []*connectorv1.InvokeStreamResponse
	c.InvokeStream(context.Background(), &connectorv1.InvokeRequest{Operation: "exit", Input: []byte(seen)}, func(m *connectorv1.InvokeStreamResponse) {
		got = append(got, m)
		if len(got) == 3 {
			assert.NoError(t, os.WriteFile(seen, nil, 0o600))
		}
	})
	require.Len(t, got, 4)
	f := got[3].GetFailure()
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, f.GetKind())
	assert.Equal(t, connectorv1.Applied_APPLIED_UNKNOWN, f.GetApplied())
	assert.Equal(t, "container-2", f.GetResumeToken())
}

func TestInvokeStream_Ends(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t, "good")
	c := open(t, cfg)
	for op, want := range map[string]int{"echo": 3, "fault": 4} {
		var got []*connectorv1.InvokeStreamResponse
		c.InvokeStream(context.Background(), &connectorv1.InvokeRequest{Operation: op}, func(m *connectorv1.InvokeStreamResponse) { got = append(got, m) })
		require.Len(t, got, want, op)
		assert.Equal(t, op == "fault", got[want-1].GetFailure() != nil)
	}
	assert.Zero(t, c.Status().Calls)
}
