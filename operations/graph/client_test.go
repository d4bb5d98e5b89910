package graph_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/storyloop/storyloop/operations/graph"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const token = "EAAtoken|with/odd+chars"

func serve(t *testing.T, h http.HandlerFunc) *graph.Client {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return &graph.Client{Sandbox: s.URL}
}

func failure(t *testing.T, err error) *graph.Error {
	t.Helper()
	var e *graph.Error
	require.True(t, errors.As(err, &e), "%v", err)
	return e
}

func TestDo_KeepsTheTokenOutOfTheURL(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "Bearer "+token, r.Header.Get("Authorization"))
		assert.Equal(t, "/graph.facebook.com/v25.0/17841405726653026/stories", r.URL.Path)
		assert.Equal(t, url.Values{"fields": {"id,caption"}, "appsecret_proof": {"abc"}}, r.URL.Query())
		assert.Equal(t, "storyloop/1", r.UserAgent())
		fmt.Fprint(w, `{"data":[]}`)
	})
	c.UserAgent = "storyloop/1"
	_, err := c.Do(t.Context(), graph.Request{
		Host: graph.Facebook, Path: "/17841405726653026/stories", Params: url.Values{"fields": {"id,caption"}}, Token: token, Proof: "abc",
	})
	require.NoError(t, err)
}

func TestDo_SendsFormsAndJSON(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, `{"type":%q,"body":%q,"query":%q,"auth":%q,"path":%q}`, r.Header.Get("Content-Type"), body, r.URL.RawQuery, r.Header.Get("Authorization"), r.URL.Path)
	})
	var got struct{ Type, Body, Query, Auth, Path string }
	do := func(r graph.Request) {
		resp, err := c.Do(t.Context(), r)
		require.NoError(t, err)
		require.NoError(t, resp.Decode(&got))
	}
	do(graph.Request{Host: graph.Instagram, Method: "POST", Path: "/1/mentions", Params: url.Values{"message": {"a&b"}}})
	assert.Equal(t, "application/x-www-form-urlencoded", got.Type)
	assert.Equal(t, "message=a%26b", got.Body)

	do(graph.Request{Host: graph.Instagram, Method: "POST", Path: "/me/messages", JSON: map[string]string{"text": "<3 & more"}, Proof: "p"})
	assert.Equal(t, `{"text":"<3 & more"}`+"\n", got.Body)
	assert.Equal(t, "appsecret_proof=p", got.Query)

	do(graph.Request{Host: graph.Upload, Method: "POST", Path: "/ig-api-upload/1", Token: token, Unversioned: true})
	assert.Equal(t, "OAuth "+token, got.Auth)
	assert.Equal(t, "/rupload.facebook.com/ig-api-upload/1", got.Path)
}

func TestDo_NeverSentMeansNotApplied(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	c := &graph.Client{Sandbox: "http://" + addr}
	_, err = c.Do(t.Context(), graph.Request{Host: graph.Facebook, Method: "POST", Path: "/1/mentions", Query: url.Values{"access_token": {token}}})
	e := failure(t, err)
	assert.Equal(t, graph.Unavailable, e.Class)
	assert.Equal(t, graph.No, e.Applied)
	assert.NotContains(t, err.Error(), url.QueryEscape(token))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Do(ctx, graph.Request{Host: graph.Facebook, Method: "POST", Path: "/1/mentions"})
	assert.Equal(t, graph.No, failure(t, err).Applied)
}

func TestDo_LostAnswerMeansUnknown(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	_, err := c.Do(t.Context(), graph.Request{Host: graph.Facebook, Method: "POST", Path: "/1/mentions", Params: url.Values{"message": {"x"}}})
	e := failure(t, err)
	assert.Equal(t, graph.Unavailable, e.Class)
	assert.Equal(t, graph.Unknown, e.Applied)

	_, err = c.Do(t.Context(), graph.Request{Host: graph.Facebook, Path: "/1/stories"})
	assert.Equal(t, graph.No, failure(t, err).Applied, "a read changes nothing")
}

func TestDo_OneAttemptIsOneRequest(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if assert.Zero(t, r.ContentLength); seen.Add(1) > 1 {
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, `{}`)
	})
	_, err := c.Do(t.Context(), graph.Request{Host: graph.Facebook, Path: "/1"})
	require.NoError(t, err)
	// The second goes over the connection of the first, which net/http takes for a
	// reason to repeat a read that fails.
	_, err = c.Do(t.Context(), graph.Request{Host: graph.Facebook, Path: "/1"})
	require.Error(t, err)
	assert.EqualValues(t, 2, seen.Load())
}

func TestDo_Timeout(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := c.Do(ctx, graph.Request{Host: graph.Facebook, Method: "POST", Path: "/1/mentions"})
	e := failure(t, err)
	assert.Equal(t, graph.Unknown, e.Applied)
	assert.Contains(t, e.Sentence, "in time")

	c.Timeout = 20 * time.Millisecond
	_, err = c.Do(t.Context(), graph.Request{Host: graph.Facebook, Path: "/1"})
	assert.Contains(t, failure(t, err).Sentence, "in time", "a caller without a deadline does not wait for ever")

	ctx, cancel = context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	_, err = c.Do(ctx, graph.Request{Host: graph.Facebook, Path: "/1"})
	assert.Contains(t, failure(t, err).Sentence, "in time", "nor does one with a late deadline")
}

func TestDo_FollowsNoRedirect(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the token left its host") }))
	t.Cleanup(other.Close)
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	_, err := c.Do(t.Context(), graph.Request{Host: graph.Facebook, Path: "/1/picture", Token: token})
	assert.Equal(t, graph.Refused, failure(t, err).Class)
}

func TestDo_TooLargeAnAnswer(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { io.CopyN(w, zeros{}, graph.MaxAnswer+1) })
	_, err := c.Do(t.Context(), graph.Request{Host: graph.Facebook, Method: "POST", Path: "/1"})
	e := failure(t, err)
	assert.Equal(t, graph.Refused, e.Class)
	assert.Equal(t, graph.Yes, e.Applied)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestDo_Errors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		status     int
		class      graph.Class
		applied    graph.Applied
		code       string
	}{
		{"graph", `{"error":{"message":"m","type":"OAuthException","code":190,"error_subcode":463,"fbtrace_id":"A6L"}}`, 400, graph.Unauthenticated, graph.No, "190/463"},
		{"unknown subcode", `{"error":{"message":"m","code":190,"error_subcode":99999}}`, 400, graph.Unauthenticated, graph.No, "190/99999"},
		{"range", `{"error":{"message":"m","code":205}}`, 403, graph.Denied, graph.No, "205"},
		{"subcode known by itself", `{"error":{"message":"m","code":100,"error_subcode":2534068}}`, 400, graph.Invalid, graph.No, "100/2534068"},
		{"strings for numbers", `{"error":{"message":"m","code":"10","error_subcode":"2534022"}}`, 400, graph.Precondition, graph.No, "10/2534022"},
		{"spam is no rate limit", `{"error":{"message":"m","code":4,"error_subcode":2207051}}`, 400, graph.Refused, graph.No, "4/2207051"},
		{"transient", `{"error":{"message":"m","code":12345,"is_transient":true}}`, 400, graph.Unavailable, graph.Unknown, "12345"},
		{"unheard of", `{"error":{"message":"m","code":12345}}`, 400, graph.Refused, graph.No, "12345"},
		{"sign-in in a 200", `{"error_type":"OAuthException","code":400,"error_message":"m"}`, 200, graph.Unauthenticated, graph.No, "400"},
		{"upload in a 200", `{"debug_info":{"retriable":true,"type":"x","message":"m"}}`, 200, graph.Unavailable, graph.Unknown, ""},
		{"error in a 200", `{"error":{"message":"m","code":100}}`, 200, graph.Invalid, graph.No, "100"},
		{"sign-in", `{"error_type":"OAuthException","code":400,"error_message":"Matching code was not found"}`, 400, graph.Unauthenticated, graph.No, "400"},
		{"upload", `{"debug_info":{"retriable":false,"type":"ProcessingFailedError","message":"m"}}`, 412, graph.Refused, graph.No, ""},
		{"upload, retriable", `{"debug_info":{"retriable":true,"type":"x","message":"m"}}`, 412, graph.Unavailable, graph.Unknown, ""},
		{"batch", `{"error":3,"error_description":"d"}`, 400, graph.Denied, graph.No, "3"},
		{"text", `{"error":"access_denied","error_reason":"user_denied"}`, 400, graph.Refused, graph.No, ""},
		{"a shape of the future", `{"error":[1]}`, 500, graph.Unavailable, graph.Unknown, ""},
		{"HTML", `<html>`, 502, graph.Unavailable, graph.Unknown, ""},
		{"empty", ``, 500, graph.Unavailable, graph.Unknown, ""},
		{"too many", ``, 429, graph.RateLimited, graph.No, ""},
		{"not found", `Not Found`, 404, graph.NotFound, graph.No, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(tt.status)
				fmt.Fprint(w, tt.body)
			})
			_, err := c.Do(t.Context(), graph.Request{Host: graph.Facebook, Method: "POST", Path: "/1"})
			e := failure(t, err)
			assert.Equal(t, tt.class, e.Class)
			assert.Equal(t, tt.applied, e.Applied)
			assert.Equal(t, tt.code, e.Upstream.String())
			assert.NotEmpty(t, e.Sentence)
		})
	}
}

func TestDo_UnreadableAnswerIsALostOne(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "<html>", `{"id":"17`} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, body) })
		resp, err := c.Do(t.Context(), graph.Request{Host: graph.Facebook, Method: "POST", Path: "/1"})
		require.NoError(t, err)
		for _, out := range []any{&struct{ ID string }{}, &json.RawMessage{}} {
			e := failure(t, resp.Decode(out))
			assert.Equal(t, graph.Unavailable, e.Class)
			assert.Equal(t, graph.Unknown, e.Applied)
		}
	}
}

func TestDo_AnAnswerMaySpeakOfErrors(t *testing.T) {
	t.Parallel()
	const body = ` {"caption":"an \"error\", \"debug_info\"","error":null} `
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, body+"\n") })
	resp, err := c.Do(t.Context(), graph.Request{Host: graph.Facebook, Path: "/1"})
	require.NoError(t, err)
	var raw json.RawMessage
	require.NoError(t, resp.Decode(&raw))
	assert.Equal(t, strings.TrimSpace(body), string(raw), "as it came")
}

func TestDo_LeavesTheParametersOfItsCallerAsTheyAre(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, url.Values{"fields": {"id"}, "limit": {"2"}, "appsecret_proof": {"p"}}, r.URL.Query(), "parameters win over the query")
		fmt.Fprint(w, `{}`)
	})
	params, query := url.Values{"fields": {"id"}}, url.Values{"limit": {"2"}, "fields": {"caption"}}
	_, err := c.Do(t.Context(), graph.Request{Host: graph.Facebook, Path: "/1", Params: params, Query: query, Proof: "p"})
	require.NoError(t, err)
	assert.Equal(t, url.Values{"fields": {"id"}}, params)
	assert.Equal(t, url.Values{"limit": {"2"}, "fields": {"caption"}}, query)
}

func TestDo_HidesSecretsThatMetaQuotes(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(400)
		fmt.Fprintf(w, `{"error":{"message":"Malformed access token %s and %s","code":190}}`, token, "s3cr3t")
	})
	_, err := c.Do(t.Context(), graph.Request{Host: graph.Facebook, Path: "/me", Token: token, Params: url.Values{"client_secret": {"s3cr3t"}}})
	e := failure(t, err)
	assert.Equal(t, "Malformed access token [secret] and [secret]", e.Upstream.Message)
}

func TestDo_Quotas(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-App-Usage", `{"call_count":28,"total_time":25,"total_cputime":25}`)
		w.Header().Set("X-Page-Usage", `not json`)
		w.Header().Set("X-Business-Use-Case-Usage", `{"17841400000000001":[{"type":"instagram","call_count":100,"total_cputime":20,"total_time":20,"estimated_time_to_regain_access":19,"tier":"x"}],"100200300400501":[{"type":"pages","call_volume":97}]}`)
		w.WriteHeader(400)
		fmt.Fprint(w, `{"error":{"message":"m","code":80002}}`)
	})
	c.Now = func() time.Time { return now }
	_, err := c.Do(t.Context(), graph.Request{Host: graph.Facebook, Path: "/me"})
	e := failure(t, err)
	assert.Equal(t, []graph.Quota{
		{Name: "app", Used: 0.28},
		{Name: "pages", Subject: "100200300400501", Used: 0.97},
		{Name: "instagram", Subject: "17841400000000001", Used: 1, Regain: 19 * time.Minute, BlockedUntil: now.Add(19 * time.Minute)},
	}, e.Quotas)
	assert.Equal(t, 19*time.Minute, e.RetryAfter)
}

func TestPage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, next string }{
		{"more", `{"data":[{"id":"1"}],"paging":{"cursors":{"after":"QVFI"},"next":"https://graph.facebook.com/v25.0/1/media?access_token=EAA&pretty=0&limit=25&after=QVFI"}}`, "after=QVFI"},
		{"cursors without next", `{"data":[{"id":"1"}],"paging":{"cursors":{"before":"a","after":"b"}}}`, ""},
		{"no paging", `{"data":[]}`, ""},
		{"no data", `{}`, ""},
		{"time based", `{"data":[],"paging":{"next":"https://graph.facebook.com/v25.0/1/insights?access_token=EAA&since=1&until=2"}}`, "since=1&until=2"},
		{"next without cursor in it", `{"data":[],"paging":{"cursors":{"after":"b"},"next":"https://graph.facebook.com/v25.0/1/media"}}`, "after=b"},
		{"next of nowhere", `{"data":[],"paging":{"next":":"}}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, tt.body) })
			resp, err := c.Do(t.Context(), graph.Request{Host: graph.Facebook, Path: "/1/media"})
			require.NoError(t, err)
			page, err := resp.Page()
			require.NoError(t, err)
			assert.NotNil(t, page.Data)
			assert.Equal(t, tt.next, page.Next.Encode())
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, ok := range []graph.Client{{}, {Version: "v3.2"}, {Sandbox: "http://127.0.0.1:8080/"}} {
		assert.NoError(t, ok.Check())
	}
	for _, bad := range []graph.Client{{Version: "25"}, {Version: "v25.0/../x"}, {Sandbox: "127.0.0.1:80"}, {Sandbox: "http://u:p@h"}, {Sandbox: "ftp://h"}, {Sandbox: "http://h?x=1"}} {
		assert.Error(t, bad.Check())
	}
	assert.True(t, (&graph.Client{}).AtLeast("v22.0"))
	assert.False(t, (&graph.Client{Version: "v9.0"}).AtLeast("v22.0"))
}

func FuzzErrorBody(f *testing.F) {
	f.Add(400, `{"error":{"message":"m","code":190,"error_subcode":463}}`)
	f.Add(200, `{"error":3,"error_description":"d"}`)
	f.Add(500, `{"debug_info":{"retriable":"x"}}`)
	f.Add(400, `{"error_type":"OAuthException","code":"400","error_message":"EAAtoken|with/odd+chars"}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 || len(body) > graph.MaxAnswer {
			t.Skip()
		}
		c := &graph.Client{Transport: answer{status, body}}
		resp, err := c.Do(t.Context(), graph.Request{Host: graph.Facebook, Method: "POST", Path: "/1", Token: token})
		if err == nil {
			require.Less(t, resp.Status, 300)
			resp.Page()
			return
		}
		e := failure(t, err)
		require.NotEmpty(t, e.Class)
		require.NotEmpty(t, e.Applied)
		require.NotContains(t, err.Error()+e.Upstream.Message+e.Upstream.UserMessage+e.Upstream.Type, token)
	})
}

func FuzzCursor(f *testing.F) {
	f.Add("after=QVFI&access_token=EAA&limit=25")
	f.Add("since=1&until=%zz;")
	f.Fuzz(func(t *testing.T, query string) {
		c := graph.Cursor(query)
		require.Equal(t, c, graph.Cursor(c.Encode()), "a cursor reads back as itself")
		require.NotContains(t, c, "access_token")
	})
}

// answer is a transport that always answers the same.
type answer struct {
	status int
	body   string
}

func (a answer) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}
