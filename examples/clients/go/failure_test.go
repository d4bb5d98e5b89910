package clients_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	fb "github.com/huandu/facebook/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestErrors holds every sort of error to what the client reads from it.
func TestErrors(t *testing.T) {
	for _, test := range []struct {
		name      string
		prepare   func(*sandbox)
		path      string
		fields    string
		status    int
		code      int
		subcode   int
		transient bool
		fault     string
	}{
		{name: "unknown field", path: firstPost, fields: "nope", status: 400, code: 100},
		{name: "unknown object", path: "1", status: 400, code: 100, subcode: 33},
		{name: "expired token", prepare: dead(463), path: "me", status: 401, code: 190, subcode: 463},
		{name: "changed password", prepare: dead(460), path: "me", status: 401, code: 190, subcode: 460},
		{name: "app removed", prepare: dead(458), path: "me", status: 401, code: 190, subcode: 458},
		{name: "checkpoint", prepare: dead(459), path: "me", status: 401, code: 190, subcode: 459},
		{name: "app limit", prepare: limit("app_per_hour", "/me"), path: "me", status: 403, code: 4},
		{name: "user limit", prepare: limit("user_per_hour", "/me"), path: "me", status: 403, code: 17},
		{name: "account limit", prepare: limit("account_per_day", "/"+firstPost), path: firstPost, status: 403, code: 80002},
		{
			name: "server trouble", path: "me", status: 500, code: 2, transient: true, fault: "error",
			prepare: bad(map[string]any{"kind": "error", "code": 2, "transient": true}),
		},
		{
			name: "blocked for a policy", path: "me", status: 400, code: 368, fault: "error",
			prepare: bad(map[string]any{"kind": "error", "code": 368}),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := start(t)
			if test.prepare != nil {
				test.prepare(s)
			}
			s.journal() // what it took to prepare
			var query fb.Params
			want := s.made("GET", "/"+test.path, nil)
			if test.fields != "" {
				query, want.Params["fields"] = fb.Params{"fields": test.fields}, test.fields
			}
			_, err := s.user().Get(test.path, query)
			var refused *fb.Error
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, []int{test.code, test.subcode}, []int{refused.Code, refused.ErrorSubcode})
			assert.Equal(t, test.transient, refused.IsTransient)
			assert.NotEmpty(t, refused.TraceID)
			assert.NotEmpty(t, refused.Message)
			want.Fault = test.fault
			got := s.journal()
			require.Len(t, got, 1)
			if test.fault != "" {
				want.Code, want.Subcode = test.code, test.subcode
			}
			assert.Equal(t, want.failed(test.status, test.code, test.subcode), got[0])
		})
	}
}

func dead(subcode int) func(*sandbox) {
	return func(s *sandbox) {
		s.control(http.MethodPost, "tokens/invalidate", map[string]any{"token": s.shop().UserToken, "subcode": subcode}, nil)
	}
}

// limit makes a budget of one call and uses it.
func limit(name, path string) func(*sandbox) {
	return func(s *sandbox) {
		s.control(http.MethodPost, "limits", map[string]int{name: 1}, nil)
		_, err := s.user().Get(path, nil)
		require.NoError(s, err)
	}
}

func bad(fault map[string]any) func(*sandbox) {
	return func(s *sandbox) { s.fault(fault) }
}

// TestUsage reads how much of the budgets is used from the headers, and waits as told.
func TestUsage(t *testing.T) {
	s := start(t)
	s.control(http.MethodPost, "limits", map[string]int{"account_per_day": 2, "app_per_hour": 4}, nil)
	session := s.user()
	got, err := session.Get("/me", nil)
	require.NoError(t, err)
	assert.Equal(t, 25, got.UsageInfo().App.CallCount)
	for _, want := range []int{50, 100} {
		got, err = session.Get("/"+firstPost, nil)
		require.NoError(t, err)
		assert.Equal(t, want, s.accountUsage(got).CallCount)
	}
	got, err = session.Get("/"+firstPost, nil)
	require.Error(t, err)
	wait := s.accountUsage(got).EstimatedTimeToRegainAccess
	require.Positive(t, wait)
	s.advance(time.Duration(wait) * time.Minute)
	_, err = session.Get("/"+firstPost, nil)
	require.NoError(t, err)
	node := s.made("GET", "/"+firstPost, nil)
	refused := s.made("GET", "/"+firstPost, nil).failed(http.StatusForbidden, 80002, 0)
	s.saw(s.made("GET", "/me", nil), node, node, refused, node)
}

func (s *sandbox) accountUsage(r fb.Result) (usage struct{ CallCount, EstimatedTimeToRegainAccess int }) {
	s.Helper()
	require.NotNil(s, r.UsageInfo())
	list := r.UsageInfo().BusinessUseCase[s.shop().ID]
	require.Len(s, list, 1)
	usage.CallCount, usage.EstimatedTimeToRegainAccess = list[0].CallCount, list[0].EstimatedTimeToRegainAccess
	return usage
}

// TestDebugHeaders turns on the client's debugging, which reads headers of the answer.
func TestDebugHeaders(t *testing.T) {
	s := start(t)
	session := s.user()
	session.SetDebug(fb.DEBUG_ALL)
	got, err := session.Get("/me", fb.Params{"fields": "id"})
	require.NoError(t, err)
	info := got.DebugInfo()
	require.NotNil(t, info)
	assert.Equal(t, version, info.FacebookApiVersion)
	assert.NotEmpty(t, info.FacebookDebug)
	assert.NotEmpty(t, info.FacebookRev)
	s.saw(s.made("GET", "/me", params{"fields": "id", "debug": "all"}))
}

// TestNoAnswer has the connection fail in the middle of a write. The journal tells what the
// client cannot know: whether it was done.
func TestNoAnswer(t *testing.T) {
	for kind, done := range map[string]bool{"reset_before": false, "reset_after": true} {
		t.Run(kind, func(t *testing.T) {
			s := start(t)
			s.fault(map[string]any{"kind": kind, "route": "POST /{media}/comments"})
			session := s.user()
			_, err := session.Post("/17900001000000020/comments", fb.Params{"message": "Hello"})
			require.Error(t, err)
			got, err := session.Get("/17900001000000020/comments", nil)
			require.NoError(t, err)
			var list []struct{ Text string }
			s.into(got, "data", &list)
			assert.Equal(t, done, len(list) == 1)
			s.saw(
				s.made("POST", "/17900001000000020/comments", params{"message": "Hello"}).struck(kind, 0),
				s.made("GET", "/17900001000000020/comments", nil),
			)
		})
	}
}

func TestUnreadableAnswers(t *testing.T) {
	for kind, status := range map[string]int{"html": http.StatusBadGateway, "truncated": http.StatusOK, "empty": http.StatusOK} {
		t.Run(kind, func(t *testing.T) {
			s := start(t)
			s.fault(map[string]any{"kind": kind})
			_, err := s.user().Get("/me", fb.Params{"fields": "id"})
			require.Error(t, err)
			s.saw(s.made("GET", "/me", params{"fields": "id"}).struck(kind, status))
		})
	}
}

// TestHang gives up on a call that came in and gets no answer.
func TestHang(t *testing.T) {
	s := start(t)
	s.fault(map[string]any{"kind": "hang"})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	session, failed := s.user().WithContext(ctx), make(chan error, 1)
	go func() {
		_, err := session.Get("/me", nil)
		failed <- err
	}()
	require.Eventually(t, func() bool { return len(s.peek()) > 0 }, time.Minute, 10*time.Millisecond)
	assert.Empty(t, failed)
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
	s.saw(s.made("GET", "/me", nil).struck("hang", 0))
}
