//go:build unix

package sandbox_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

// BenchmarkServe compares the sandbox with a bare handler that sends the same bytes, in turns.
// of-bare is how much of the bare handler's speed is left, by the clock, and cpu-of-bare by
// processor time, which says more on a busy machine. It should be at least a half.
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
		b.Run(name, func(b *testing.B) {
			floor, ours := newLoad(b, bare, path), newLoad(b, sb, path)
			for b.Loop() {
				floor.turn(b)
				ours.turn(b)
			}
			b.ReportMetric(float64(floor.wall)/float64(ours.wall), "of-bare")
			b.ReportMetric(float64(floor.processor)/float64(ours.processor), "cpu-of-bare")
			b.ReportMetric(float64(ours.wall)/float64(b.N*turn), "ns/request")
		})
	}
}

// turn is how many requests one handler gets before the other.
const turn = 50

// load is a handler that is served, and what its requests have taken.
type load struct {
	client    *http.Client
	url       string
	wall      time.Duration
	processor int64
}

func newLoad(b *testing.B, h http.Handler, path string) *load {
	server := httptest.NewServer(h)
	b.Cleanup(server.Close)
	return &load{client: server.Client(), url: server.URL + path}
}

func (l *load) turn(b *testing.B) {
	began, before := time.Now(), processorTime()
	for range turn {
		resp, err := l.client.Get(l.url)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			b.Fatal(resp.Status)
		}
	}
	l.wall += time.Since(began)
	l.processor += processorTime() - before
}

func processorTime() int64 {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r) // zero where it cannot be told
	return r.Utime.Nano() + r.Stime.Nano()
}
