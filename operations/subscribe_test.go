package operations_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// endpoint is the host's webhook address: it hands all that comes to the
// connector, and keeps the events.
type endpoint struct {
	URL string

	mu sync.Mutex
	// guarded by mu

	events []*connectorv1.Event
}

func (r *rig) endpoint(t *testing.T) *endpoint {
	e := &endpoint{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		received := &connectorv1.ReceiveRequest{App: r.app(), Method: req.Method, Query: req.URL.RawQuery, Body: body}
		for name := range req.Header {
			received.Headers = append(received.Headers, &connectorv1.Header{Name: name, Value: req.Header.Get(name)})
		}
		resp, err := connectorv1.NewTriggerServiceClient(r.conn).Receive(req.Context(), received)
		if !assert.NoError(t, err) {
			return
		}
		assert.Empty(t, resp.GetDiagnostics())
		e.mu.Lock()
		e.events = append(e.events, resp.GetEvents()...)
		e.mu.Unlock()
		w.WriteHeader(int(resp.GetReply().GetStatus()))
		_, _ = w.Write(resp.GetReply().GetBody())
	}))
	t.Cleanup(s.Close)
	e.URL = s.URL
	return e
}

// of returns the events of a trigger.
func (e *endpoint) of(trigger string) []*connectorv1.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []*connectorv1.Event
	for _, event := range e.events {
		if event.GetTrigger() == trigger {
			out = append(out, event)
		}
	}
	return out
}

func (r *rig) subscribe(t testing.TB, c *connectorv1.Credential, trigger, callback string) *connectorv1.Subscription {
	t.Helper()
	resp, err := connectorv1.NewTriggerServiceClient(r.conn).Subscribe(t.Context(), &connectorv1.SubscribeRequest{
		Call: &connectorv1.Call{Id: "c1", Credential: c}, App: r.app(), Trigger: trigger, CallbackUrl: callback,
		Input: []byte(`{"ig_user_id":"17841405726653026"}`),
	})
	require.NoError(t, err)
	require.Nil(t, resp.GetFailure(), "%v", resp.GetFailure())
	assert.Equal(t, "17841405726653026", resp.GetSubscription().GetSubject())
	return resp.GetSubscription()
}

func (r *rig) unsubscribe(t testing.TB, c *connectorv1.Credential, trigger string, s *connectorv1.Subscription) {
	t.Helper()
	resp, err := connectorv1.NewTriggerServiceClient(r.conn).Unsubscribe(t.Context(), &connectorv1.UnsubscribeRequest{
		Call: &connectorv1.Call{Id: "c1", Credential: c}, App: r.app(), Trigger: trigger, Subscription: s,
	})
	require.NoError(t, err)
	require.Nil(t, resp.GetFailure(), "%v", resp.GetFailure())
}

func TestSubscribe_EventsArriveUntilUnsubscribe(t *testing.T) {
	t.Parallel()
	for _, flavour := range []string{"facebook", "instagram"} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rigOptions{})
			c := r.facebook
			if flavour == "instagram" {
				c = r.instagram
			}
			e := r.endpoint(t)
			comments := r.subscribe(t, c, "comment_added", e.URL)
			r.subscribe(t, c, "mentioned_in_comment", e.URL)
			r.subscribe(t, c, "mentioned_in_comment", e.URL) // twice does no harm

			made, err := r.Act("7700000000000001", actionComment)
			require.NoError(t, err)
			require.NoError(t, r.Flush(t.Context()))
			got := e.of("comment_added")
			require.NotEmpty(t, got)
			assert.Equal(t, "comment/"+made.CommentID, got[0].GetId())
			assert.Equal(t, comments.GetSubject(), got[0].GetSubject())

			installed := func() string {
				resp := r.invokeAs(t, c, "list_webhook_subscriptions", onAccount, "")
				require.Nil(t, resp.GetFailure(), "%v", resp.GetFailure())
				return string(resp.GetResult().GetOutput())
			}
			assert.NotContains(t, installed(), `"data":[]`)
			r.unsubscribe(t, c, "comment_added", comments)
			r.unsubscribe(t, c, "comment_added", comments) // nothing to undo is no error
			assert.Contains(t, installed(), `"data":[]`)
		})
	}
}

func TestSubscribe_OfTheOtherLogin(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	for trigger, c := range map[string]*connectorv1.Credential{
		"story_expired": r.instagram, "mentioned_in_caption": r.instagram, "optin_received": r.facebook,
	} {
		r.ClearRequests()
		resp, err := connectorv1.NewTriggerServiceClient(r.conn).Subscribe(t.Context(), &connectorv1.SubscribeRequest{
			Call: &connectorv1.Call{Id: "c1", Credential: c}, App: r.app(), Trigger: trigger, CallbackUrl: "https://example.com/hook",
			Input: []byte(`{"ig_user_id":"17841405726653026"}`),
		})
		require.NoError(t, err)
		assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, resp.GetFailure().GetKind(), trigger)
		assert.Equal(t, connectorv1.Applied_APPLIED_NO, resp.GetFailure().GetApplied(), trigger)
		assert.Empty(t, r.Requests(), "%s: nothing is sent", trigger)
	}
}

func TestSubscribe_OptInsWithInstagramLogin(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	r.subscribe(t, r.instagram, "optin_received", r.endpoint(t).URL)
	assert.Equal(t, "messaging_optins", r.last(t, "POST /{ig-user}/subscribed_apps").Params["subscribed_fields"])
}

func TestSubscribe_AnyEventTakesAllFieldsOfTheLogin(t *testing.T) {
	t.Parallel()
	for flavour, want := range map[string]string{
		"facebook": "comments,live_comments,mentions,message_edit,message_reactions,messages,messaging_handover,messaging_policy_enforcement," +
			"messaging_postbacks,messaging_referral,messaging_seen,response_feedback,standby,story_insights",
		"instagram": "comments,live_comments,mentions,message_echoes,message_edit,message_reactions,messages,messaging_handover," +
			"messaging_optins,messaging_postbacks,messaging_referral,messaging_seen,standby",
	} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rigOptions{})
			c := r.facebook
			if flavour == "instagram" {
				c = r.instagram
			}
			r.subscribe(t, c, "any_event", r.endpoint(t).URL)
			assert.Equal(t, want, r.last(t, "POST /{app}/subscriptions").Params["fields"])
			if flavour == "instagram" {
				account := strings.ReplaceAll(want, "mentions,", "") // which come as comments
				assert.Equal(t, account, r.last(t, "POST /{ig-user}/subscribed_apps").Params["subscribed_fields"])
			}
		})
	}
}

func TestSubscribe_KeepsOtherFieldsOfTheApp(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	e := r.endpoint(t)
	r.subscribe(t, r.facebook, "comment_added", e.URL)
	r.subscribe(t, r.facebook, "story_expired", e.URL)
	sent := r.last(t, "POST /{app}/subscriptions")
	assert.Equal(t, "comments,story_insights", sent.Params["fields"])
	before := r.Count("POST /{app}/subscriptions")
	r.subscribe(t, r.facebook, "comment_added", e.URL)
	assert.Equal(t, before, r.Count("POST /{app}/subscriptions"), "all is in place already")
}
