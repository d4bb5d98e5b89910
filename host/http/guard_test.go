package http_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	hosthttp "github.com/storyloop/storyloop/host/http"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	open := hosthttp.Guard{Tokens: []string{"", "right"}}
	shut := hosthttp.Guard{Tokens: []string{"", "right"}, Required: true}
	for _, tt := range []struct {
		name   string
		guard  hosthttp.Guard
		method string
		host   string
		header map[string]string
		status int
	}{
		{"from this computer", open, "GET", "127.0.0.1:8080", nil, 200},
		{"by name", open, "GET", "localhost", nil, 200},
		{"by IPv6", open, "GET", "[::1]:8080", nil, 200},
		{"a name that was pointed here", open, "GET", "evil.example:8080", nil, 403},
		{"a name that begins like ours", open, "GET", "localhost.evil.example", nil, 403},
		{"an address of the network", open, "GET", "192.168.1.5:8080", nil, 403},
		{"a name with a token", open, "GET", "host.example", map[string]string{"Authorization": "Bearer right"}, 200},
		{"a wrong token", open, "GET", "localhost", map[string]string{"Authorization": "Bearer wrong"}, 401},
		{"an empty token", open, "GET", "localhost", map[string]string{"Authorization": "Bearer "}, 401},
		{"another scheme", open, "GET", "localhost", map[string]string{"Authorization": "Basic right"}, 401},
		{"through a tunnel", open, "GET", "localhost", map[string]string{"X-Forwarded-For": "203.0.113.7"}, 403},
		{"through a tunnel with a token", open, "GET", "localhost", map[string]string{"X-Forwarded-For": "203.0.113.7", "Authorization": "Bearer right"}, 200},
		{"through a tunnel that says little", open, "GET", "localhost", map[string]string{"X-Forwarded-Proto": "https"}, 403},
		{"through a tunnel that says nothing", open, "GET", "localhost", map[string]string{"X-Forwarded-For": ""}, 403},
		{"another site's page", open, "GET", "localhost:8080", map[string]string{"Origin": "https://evil.example"}, 403},
		{"another port's page", open, "GET", "localhost:8080", map[string]string{"Origin": "http://localhost:3000"}, 403},
		{"a sandboxed page", open, "GET", "localhost:8080", map[string]string{"Origin": "null"}, 403},
		{"our own page", open, "GET", "localhost:8080", map[string]string{"Origin": "http://localhost:8080", "Sec-Fetch-Site": "same-origin"}, 200},
		{"another site's image", open, "GET", "localhost:8080", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"another site's page with a token", open, "GET", "localhost", map[string]string{"Origin": "https://evil.example", "Authorization": "Bearer right"}, 403},
		{"JSON", open, "POST", "localhost", map[string]string{"Content-Type": "application/json; charset=utf-8"}, 200},
		{"a form", open, "POST", "localhost", map[string]string{"Content-Type": "text/plain"}, 415},
		{"no type", open, "POST", "localhost", nil, 415},
		{"a method that no form has", open, "DELETE", "localhost", nil, 200},
		{"a method that no form has, of another site's page", open, "DELETE", "localhost", map[string]string{"Origin": "https://evil.example"}, 403},
		{"no token where one is needed", shut, "GET", "localhost", nil, 401},
		{"a token where one is needed", shut, "GET", "localhost", map[string]string{"Authorization": "bearer right"}, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(tt.method, "/api/v1/runs", strings.NewReader("{}"))
			r.Host = tt.host
			for name, value := range tt.header {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			tt.guard.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
			assert.Equal(t, tt.status, w.Code, w.Body.String())
			assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
			assert.NotContains(t, w.Body.String(), "right\"", "no token is told")
			if tt.status == 401 {
				assert.Contains(t, w.Header().Get("WWW-Authenticate"), "Bearer")
			}
			if tt.status != 200 {
				assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
			}
		})
	}
}

// TestGuard_BehindNginx sends what nginx sends where only proxy_pass is set.
func TestGuard_BehindNginx(t *testing.T) {
	t.Parallel()
	guarded := hosthttp.Guard{Tokens: []string{"right"}}.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for authorization, status := range map[string]int{"": 403, "Bearer right": 200} {
		r := httptest.NewRequest("GET", "/api/v1/runs", nil)
		r.Host, r.Proto, r.ProtoMajor, r.ProtoMinor = "127.0.0.1:8080", "HTTP/1.0", 1, 0
		r.Header.Set("Connection", "close")
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		w := httptest.NewRecorder()
		guarded.ServeHTTP(w, r)
		assert.Equal(t, status, w.Code, w.Body.String())
	}
}

func TestGuard_TheTypeIsNeededWithoutABodyToo(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("POST", "/api/v1/workflows/a/enable", nil)
	r.Host = "localhost"
	w := httptest.NewRecorder()
	hosthttp.Guard{}.Protect(http.NotFoundHandler()).ServeHTTP(w, r)
	assert.Equal(t, 415, w.Code)
	assert.Contains(t, w.Body.String(), "Content-Type: application/json, also where there is no body")
}

func TestGuard_WithoutTokensNoneOpens(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer ")
	w := httptest.NewRecorder()
	hosthttp.Guard{Required: true}.Protect(http.NotFoundHandler()).ServeHTTP(w, r)
	assert.Equal(t, 401, w.Code)
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{"127.0.0.1:1": true, "[::1]:1": true, "0.0.0.0:1": false, "[::]:1": false, "192.168.1.5:1": false} {
		addr, err := net.ResolveTCPAddr("tcp", address)
		assert.NoError(t, err)
		assert.Equal(t, want, hosthttp.Loopback(addr), address)
	}
}
