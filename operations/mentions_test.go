package operations_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// last returns the newest request that the sandbox saw on a route.
func (r *rig) last(t testing.TB, route string) sandbox.Request {
	t.Helper()
	all := r.Requests()
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Route == route {
			return all[i]
		}
	}
	require.Fail(t, "no such request", "%s is none of %v", route, r.Counts())
	return sandbox.Request{}
}

// reconcile asks whether a write has happened that was tried at the sandbox's now,
// by the clock of the test.
func (r *rig) reconcile(t testing.TB, op, input, token string) *connectorv1.ReconcileResponse {
	t.Helper()
	return r.reconcileSince(t, op, input, token, time.Now())
}

func (r *rig) reconcileSince(t testing.TB, op, input, token string, at time.Time) *connectorv1.ReconcileResponse {
	t.Helper()
	resp, err := connectorv1.NewOperationServiceClient(r.conn).Reconcile(t.Context(), &connectorv1.ReconcileRequest{
		Call: &connectorv1.Call{Id: "c1", Credential: r.facebook}, Operation: op, Input: []byte(input), AttemptedAt: timestamppb.New(at), ResumeToken: token,
	})
	require.NoError(t, err)
	return resp
}

const mention = `{"ig_user_id":"17841405726653026","media_id":"17918195224117851","comment_id":"17894227972186120","message":"Challenge accepted!"}`

func TestMentions(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	assert.Contains(t, r.ok(t, "get_mentioned_comment", `{"ig_user_id":"17841405726653026","comment_id":"17894227972186120"}`), `"text":"@bluebottle challenge?"`)
	assert.Contains(t, r.ok(t, "get_mentioned_media", `{"ig_user_id":"17841405726653026","media_id":"17918195224117851","fields":["caption","media_type"]}`), `There can be only one!`)

	out := r.ok(t, "reply_to_mention", mention)
	assert.Regexp(t, `^\{"id":"\d+"\}$`, out)
	sent := r.last(t, "POST /{ig-user}/mentions")
	assert.Equal(t, "17918195224117851", sent.Params["media_id"])
	assert.Equal(t, "17894227972186120", sent.Params["comment_id"])

	r.ok(t, "reply_to_mention", `{"ig_user_id":"17841405726653026","media_id":"17918195224117851","message":"MacLeod agrees!"}`)
	assert.Empty(t, r.last(t, "POST /{ig-user}/mentions").Params["comment_id"])

	f := r.fails(t, "get_mentioned_comment", `{"ig_user_id":"17841405726653026","comment_id":"1"}`)
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_NOT_FOUND, f.GetKind(), "%v", f)
}

func TestMentions_FacebookLoginOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	r.ClearRequests()
	f := r.invokeAs(t, r.instagram, "get_mentioned_comment", `{"ig_user_id":"17841405726653026","comment_id":"17894227972186120"}`, "").GetFailure()
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, f.GetKind())
	assert.Empty(t, r.Requests(), "nothing is sent")
}

func TestReplyToMention_LostAnswerIsFoundAgain(t *testing.T) {
	t.Parallel()
	for _, where := range []string{`"comment_id":"17894227972186120",`, ``} {
		r := newRig(t, rigOptions{})
		input := fmt.Sprintf(`{"ig_user_id":"17841405726653026","media_id":"17918195224117851",%s"message":"Found me?"}`, where)

		resp := r.reconcile(t, "reply_to_mention", input, "")
		require.NotNil(t, resp.GetNotHappened(), "%v", resp)

		require.NoError(t, r.AddFault(sandbox.Fault{Kind: sandbox.FaultResetAfter, Route: "POST /{ig-user}/mentions"}))
		f := r.fails(t, "reply_to_mention", input)
		assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, f.GetKind())
		assert.Equal(t, connectorv1.Applied_APPLIED_UNKNOWN, f.GetApplied())

		resp = r.reconcile(t, "reply_to_mention", input, "")
		require.NotNil(t, resp.GetHappened(), "%v", resp)
		assert.Regexp(t, `^\{"id":"\d+"\}$`, string(resp.GetHappened().GetOutput()))

		// An hour later the same is tried once more: what was found is too old.
		r.Clock().Advance(time.Hour)
		require.NotNil(t, r.reconcile(t, "reply_to_mention", input, "").GetNotHappened())

		// It cannot be told where nobody can look.
		require.NoError(t, r.AddFault(sandbox.Fault{Kind: sandbox.FaultError, Code: 10, Method: "GET"}))
		assert.NotNil(t, r.reconcile(t, "reply_to_mention", input, "").GetFailure())
	}
}
