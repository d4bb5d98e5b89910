package core_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/storyloop/storyloop/host/core"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// service returns a bench that may reach a service, and the service's URL.
func service(t *testing.T, h http.HandlerFunc) (*bench, string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return newBench(t, core.Config{HTTP: core.HTTP{Allow: []string{strings.TrimPrefix(s.URL, "http://")}}}), s.URL
}

// answer is what the connector gives.
type answer struct {
	StatusCode int               `json:"status_code"`
	Headers    map[string]string `json:"headers"`
	Body       json.RawMessage   `json:"body"`
}

func read(t *testing.T, output string) answer {
	t.Helper()
	var a answer
	require.NoError(t, json.Unmarshal([]byte(output), &a))
	return a
}

// echo tells what it was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Set-Cookie", "session=secret")
	_ = json.NewEncoder(w).Encode(map[string]string{
		"method": r.Method, "query": r.URL.RawQuery, "body": string(body), "type": r.Header.Get("Content-Type"), "key": r.Header.Get("X-Key"),
	})
}

func TestHTTP_WritesRequests(t *testing.T) {
	t.Parallel()
	b, url := service(t, echo)
	for name, c := range map[string]struct{ input, want string }{
		"json": {`"headers":{"X-Key":"k"},"body":{"id":17841405726653027}`, `{"method":"POST","query":"","body":"{\"id\":17841405726653027}","type":"application/json","key":"k"}`},
		"form": {`"method":"PUT","body_type":"form","body":{"id":17841405726653027,"tag":["a b","c"]}`, `{"method":"PUT","query":"","body":"id=17841405726653027&tag=a+b&tag=c","type":"application/x-www-form-urlencoded","key":""}`},
		"text": {`"body_type":"text","body":"hello","headers":{"content-type":"text/x"}`, `{"method":"POST","query":"","body":"hello","type":"text/x","key":""}`},
		"none": {`"method":"DELETE","query":{"n":17841405726653027,"on":true,"q":"a&b"}`, `{"method":"DELETE","query":"n=17841405726653027&on=true&q=a%26b","body":"","type":"","key":""}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := read(t, b.output(context.Background(), "http-client", "request", `{"url":"`+url+`",`+c.input+`}`))
			assert.Equal(t, 200, a.StatusCode)
			assert.JSONEq(t, c.want, string(a.Body))
			assert.Equal(t, "application/json; charset=utf-8", a.Headers["content-type"])
			assert.NotContains(t, a.Headers, "set-cookie")
		})
	}
}

func TestHTTP_ReadsAnswers(t *testing.T) {
	t.Parallel()
	b, url := service(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.URL.Query().Get("type"))
		_, _ = io.WriteString(w, r.URL.Query().Get("body"))
	})
	for name, c := range map[string]struct{ query, input, want, wrong string }{
		"digits":         {`"type":"application/json","body":"{\"id\":1234567890123456789012345}"`, ``, `{"id":1234567890123456789012345}`, ""},
		"problem":        {`"type":"application/problem+json","body":"{}"`, ``, `{}`, ""},
		"lies":           {`"type":"application/json","body":"<html>"`, ``, `"<html>"`, ""},
		"text":           {`"type":"application/json","body":"{}"`, `,"response":"text"`, `"{}"`, ""},
		"must be JSON":   {`"type":"text/html","body":"<html>"`, `,"response":"json"`, "", "not JSON"},
		"binary":         {`"type":"image/png","body":"ab"`, `,"response":"base64"`, `"YWI="`, ""},
		"nothing wanted": {`"type":"text/plain","body":"ab"`, `,"response":"none"`, `null`, ""},
		"too large":      {`"type":"text/plain","body":"abcdef"`, `,"max_bytes":5`, "", "larger than 5 bytes"},
		"just fits":      {`"type":"text/plain","body":"abcde"`, `,"max_bytes":5`, `"abcde"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output, failure := b.invoke(context.Background(), "http-client", "get", `{"url":"`+url+`","query":{`+c.query+`}`+c.input+`}`)
			if c.wrong != "" {
				assert.Contains(t, failure.GetMessage(), c.wrong)
				assert.Equal(t, connectorv1.Applied_APPLIED_YES, failure.GetApplied())
				return
			}
			require.Nil(t, failure)
			assert.JSONEq(t, c.want, string(read(t, output).Body))
			assert.NotContains(t, output, "e+")
		})
	}
}

func TestHTTP_StatusDecides(t *testing.T) {
	t.Parallel()
	b, url := service(t, func(w http.ResponseWriter, r *http.Request) {
		var code int
		_, _ = fmt.Sscan(r.URL.Query().Get("code"), &code)
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(code)
	})
	for code, want := range map[int]struct {
		kind    connectorv1.FailureKind
		applied connectorv1.Applied
	}{
		400: {connectorv1.FailureKind_FAILURE_KIND_REFUSED, connectorv1.Applied_APPLIED_NO},
		404: {connectorv1.FailureKind_FAILURE_KIND_NOT_FOUND, connectorv1.Applied_APPLIED_NO},
		429: {connectorv1.FailureKind_FAILURE_KIND_RATE_LIMITED, connectorv1.Applied_APPLIED_NO},
		503: {connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, connectorv1.Applied_APPLIED_UNKNOWN},
	} {
		input := fmt.Sprintf(`{"url":%q,"query":{"code":%d}`, url, code)
		_, failure := b.invoke(context.Background(), "http-client", "request", input+`}`)
		assert.Equal(t, want.kind, failure.GetKind(), code)
		assert.Equal(t, want.applied, failure.GetApplied(), code)
		assert.Equal(t, fmt.Sprint(code), failure.GetUpstream().GetCode())
		assert.Equal(t, 7*time.Second, failure.GetRetryAfter().AsDuration())
		assert.Equal(t, code, read(t, b.output(context.Background(), "http-client", "request", input+`,"error_status":"return"}`)).StatusCode)
	}
}

func TestHTTP_RedirectsDoNotLeadInwards(t *testing.T) {
	t.Parallel()
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("an internal service was reached") }))
	t.Cleanup(inside.Close)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(inside.URL, "http://"))
	require.NoError(t, err)
	for _, to := range []string{inside.URL, "http://localhost:" + port, "http://[::ffff:127.0.0.1]:" + port, "file:///etc/passwd", "http://me:pass@example.com/"} {
		b, url := service(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) })
		_, failure := b.invoke(context.Background(), "http-client", "get", `{"url":"`+url+`"}`)
		assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_REFUSED, failure.GetKind(), to)
		assert.NotContains(t, failure.GetMessage(), "pass@")
	}
}

func TestHTTP_SecretsStayWhereTheyWereSent(t *testing.T) {
	t.Parallel()
	var seen http.Header
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.Header }))
	t.Cleanup(other.Close)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code := http.StatusFound
		if r.Method == http.MethodPost {
			code = http.StatusTemporaryRedirect
		}
		http.Redirect(w, r, other.URL, code)
	}))
	t.Cleanup(s.Close)
	b := newBench(t, core.Config{HTTP: core.HTTP{Allow: []string{"127.0.0.0/8"}}})
	b.output(context.Background(), "http-client", "get", `{"url":"`+s.URL+`?key=secret","headers":{"X-Key":"secret","Authorization":"secret","Cookie":"secret","Accept":"text/plain"}}`)
	assert.Equal(t, "text/plain", seen.Get("Accept"))
	for name, values := range seen {
		assert.NotContains(t, strings.Join(values, ","), "secret", name)
	}
	seen = nil
	_, failure := b.invoke(context.Background(), "http-client", "request", `{"url":"`+s.URL+`","body":{"key":"secret"}}`)
	assert.Contains(t, failure.GetMessage(), "call that host itself")
	assert.Nil(t, seen)
}

func TestHTTP_Redirects(t *testing.T) {
	t.Parallel()
	b, url := service(t, func(w http.ResponseWriter, r *http.Request) {
		var n int
		_, _ = fmt.Sscan(r.URL.Query().Get("n"), &n)
		if n > 0 {
			http.Redirect(w, r, fmt.Sprintf("/?n=%d", n-1), http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, r.Header.Get("X-Key"))
	})
	assert.Equal(t, `"k"`, string(read(t, b.output(context.Background(), "http-client", "get", `{"url":"`+url+`?n=5","headers":{"X-Key":"k"}}`)).Body))
	assert.Equal(t, 302, read(t, b.output(context.Background(), "http-client", "get", `{"url":"`+url+`?n=1","max_redirects":0}`)).StatusCode)
	_, failure := b.invoke(context.Background(), "http-client", "get", `{"url":"`+url+`?n=6"}`)
	assert.Contains(t, failure.GetMessage(), "more than 5 times")
}

func TestHTTP_WhetherItMayHaveHappened(t *testing.T) {
	t.Parallel()
	b, url := service(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			_, _ = io.Copy(io.Discard, r.Body) // only then the server sees that the client has gone
			<-r.Context().Done()
			return
		}
		panic(http.ErrAbortHandler)
	})
	for path, message := range map[string]string{"/slow": "did not answer in time", "/broken": "connection broke"} {
		_, failure := b.invoke(context.Background(), "http-client", "request", `{"url":"`+url+path+`","body":1,"timeout":"100ms"}`)
		assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, failure.GetKind(), path)
		assert.Equal(t, connectorv1.Applied_APPLIED_UNKNOWN, failure.GetApplied(), path)
		assert.Contains(t, failure.GetMessage(), message)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed := l.Addr().String()
	require.NoError(t, l.Close())
	_, failure := newBench(t, core.Config{HTTP: core.HTTP{Allow: []string{closed}}}).invoke(context.Background(), "http-client", "request", `{"url":"http://`+closed+`"}`)
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, failure.GetKind())
	assert.Equal(t, connectorv1.Applied_APPLIED_NO, failure.GetApplied())
}
