//go:build unix

package connector_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// BenchmarkGetStory makes a call that costs little at the remote service: what it
// takes is the connector's own. It has no transport, and the service that answers
// allocates nothing; cpu-µs/op is the time of all threads, this service's included.
func BenchmarkGetStory(b *testing.B) {
	srv, err := connector.NewServer(operations.Instagram("1.0.0"))
	require.NoError(b, err)
	configured, err := srv.Configure(b.Context(), &connectorv1.ConfigureRequest{
		Host: "storyloop/bench", Settings: fmt.Appendf(nil, `{"sandbox_url":"http://%s"}`, answering(b)),
	})
	require.NoError(b, err)
	require.Empty(b, configured.GetDiagnostics())
	req := &connectorv1.InvokeRequest{
		Call: &connectorv1.Call{Id: "call-1", IdempotencyKey: "key-1", Credential: &connectorv1.Credential{
			Method: "access_token", Account: "@bluebottle", Scopes: []string{"instagram_basic", "pages_read_engagement"},
			Secret: benchSecret(),
		}},
		Operation: "get_story", Input: []byte(`{"story_id":"18023000000000001"}`),
	}
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute) // As any host has.
	defer cancel()
	call := func() {
		resp, err := srv.Invoke(ctx, req)
		if err != nil || resp.GetFailure() != nil || len(resp.GetResult().GetDiagnostics()) > 0 {
			b.Fatal(resp, err)
		}
	}
	call() // The connection is made.
	b.ReportAllocs()
	before := processTime(b)
	for b.Loop() {
		call()
	}
	b.ReportMetric(float64((processTime(b)-before).Nanoseconds())/float64(b.N)/1000, "cpu-µs/op")
}

// benchSecret is what Facebook Login gives to somebody who manages three Pages, with
// tokens as long as Meta's.
func benchSecret() []byte {
	token, proof := "EAAB"+strings.Repeat("x", 200), strings.Repeat("0123456789abcdef", 4)
	page := fmt.Sprintf(`{"id":"134895793791914","ig_user_id":"17841405726653026","token":%q,"proof":%q}`, token, proof)
	return fmt.Appendf(nil, `{"host":"graph.facebook.com","user_id":"122000000000001","token":%q,"proof":%q,"pages":[%s,%s,%s]}`, token, proof, page, page, page)
}

// answering serves a story to whatever is asked, and returns its address.
func answering(b *testing.B) string {
	const story = `{"id":"18023000000000001","media_type":"IMAGE","media_product_type":"STORY","media_url":"https://cdn.example/18023000000000001.jpg","permalink":"https://www.instagram.com/stories/bluebottle/3160193","timestamp":"2026-08-03T08:00:00+0000","username":"bluebottle","like_count":2,"comments_count":0}`
	answer := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\nFacebook-Api-Version: v25.0\r\n"+
		"X-Fb-Trace-Id: Ab1Cd2Ef3Gh\r\nX-App-Usage: {\"call_count\":1,\"total_cputime\":0,\"total_time\":0}\r\n"+
		"Date: Mon, 03 Aug 2026 08:00:00 GMT\r\nContent-Length: %d\r\n\r\n%s", len(story), story)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	b.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go answerAll(conn, answer)
		}
	}()
	return l.Addr().String()
}

// answerAll answers each request of a connection, none of which has a body.
func answerAll(conn net.Conn, answer []byte) {
	defer conn.Close()
	for in := bufio.NewReader(conn); ; {
		for {
			line, err := in.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(textproto.TrimBytes(line)) == 0 {
				break
			}
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}

// processTime is how long the process's threads have worked.
func processTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
