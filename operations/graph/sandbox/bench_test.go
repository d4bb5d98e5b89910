//go:build unix

package sandbox_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"syscall"
	"testing"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

// BenchmarkServe compares the sandbox with a bare handler that sends the same bytes. It should
// serve at least half as much.
func BenchmarkServe(b *testing.B) {
	sb, err := sandbox.New(sandbox.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = sb.Close() })
	token := url.QueryEscape(sb.Info().Accounts[0].UserToken)
	for name, path := range map[string]string{
		"stories": "/v25.0/" + account + "/stories?fields=id,media_type,media_url,permalink,timestamp,username&access_token=" + token,
		"story":   "/v25.0/18023000000000001?fields=id,media_type,media_url,permalink,timestamp,username&access_token=" + token,
	} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		w := httptest.NewRecorder()
		sb.ServeHTTP(w, r)
		body := w.Body.Bytes()
		bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json; charset=UTF-8")
			_, _ = w.Write(body)
		})
		b.Run(name+"/bare", func(b *testing.B) { load(b, bare, path) })
		b.Run(name+"/sandbox", func(b *testing.B) { load(b, sb, path) })
	}
}

// load also reports processor time, which says more than the clock on a busy machine.
func load(b *testing.B, h http.Handler, path string) {
	server := httptest.NewServer(h)
	defer server.Close()
	client := server.Client()
	before := processorTime()
	defer func() { b.ReportMetric(float64(processorTime()-before)/float64(b.N), "cpu-ns/op") }()
	for b.Loop() {
		resp, err := client.Get(server.URL + path)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			b.Fatal(resp.Status)
		}
	}
}

func processorTime() int64 {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r) // zero where it cannot be told
	return r.Utime.Nano() + r.Stime.Nano()
}
