package graph_test

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/storyloop/storyloop/operations/graph"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// However the length of an answer is told, it is read to its end, and its connection
// serves the next request.
func TestDo_ReadsAnswersOfAllLengths(t *testing.T) {
	t.Parallel()
	text := func(size int) string { return `"` + strings.Repeat("x", size-2) + `"` }
	for _, size := range []int{2, 3000, 1 << 20, 1<<20 + 1} {
		for name, send := range map[string]func(http.ResponseWriter, string){
			"told": func(w http.ResponseWriter, body string) {
				w.Header().Set("Content-Length", strconv.Itoa(len(body)))
				io.WriteString(w, body)
			},
			"not told": func(w http.ResponseWriter, body string) {
				w.(http.Flusher).Flush()
				io.WriteString(w, body)
			},
			"compressed": func(w http.ResponseWriter, body string) {
				w.Header().Set("Content-Encoding", "gzip")
				zip := gzip.NewWriter(w)
				io.WriteString(zip, body)
				zip.Close()
			},
		} {
			t.Run(fmt.Sprint(size, " ", name), func(t *testing.T) {
				t.Parallel()
				from := map[string]bool{}
				c := serve(t, func(w http.ResponseWriter, r *http.Request) {
					from[r.RemoteAddr] = true
					send(w, text(size))
				})
				c.Transport = &http.Transport{} // Of its own: others close idle connections.
				for range 2 {
					resp, err := c.Do(t.Context(), graph.Request{Host: graph.Facebook, Path: "/1"})
					require.NoError(t, err)
					require.True(t, text(size) == string(resp.Body), "%d bytes", len(resp.Body))
				}
				assert.Len(t, from, 1)
			})
		}
	}
}

// Content-Length is what a stranger says.
func TestDo_ToldLengthIsWrong(t *testing.T) {
	t.Parallel()
	do := func(length, body string) (*graph.Response, error) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			r, err := http.ReadRequest(bufio.NewReader(conn))
			if err == nil {
				_, err = io.Copy(io.Discard, r.Body) // Left unread, it would have the connection reset.
			}
			if err == nil {
				fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n%s", length, body)
			}
		}()
		c := &graph.Client{Sandbox: "http://" + l.Addr().String(), Transport: &http.Transport{DisableKeepAlives: true}}
		return c.Do(t.Context(), graph.Request{Host: graph.Facebook, Method: "POST", Path: "/1"})
	}
	resp, err := do("2", `{}and more`)
	require.NoError(t, err)
	assert.Equal(t, `{}`, string(resp.Body))

	for _, length := range []string{"3", "1048576", "8388608", "9000000000000000000"} {
		_, err = do(length, `{}`)
		e := failure(t, err)
		assert.Equal(t, graph.Unavailable, e.Class, length)
		assert.Equal(t, graph.Unknown, e.Applied, length)
	}

	_, err = do(strconv.Itoa(graph.MaxAnswer+1), strings.Repeat(" ", graph.MaxAnswer+1))
	e := failure(t, err)
	assert.Equal(t, graph.Refused, e.Class)
	assert.Equal(t, graph.Yes, e.Applied)
}

func TestDo_ReadsAnswersOverHTTP2(t *testing.T) {
	t.Parallel()
	from := map[string]bool{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "HTTP/2.0", r.Proto)
		from[r.RemoteAddr] = true
		w.Header().Set("Content-Length", "3")
		io.WriteString(w, r.URL.Query().Get("answer"))
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	c := &graph.Client{Sandbox: s.URL, Transport: s.Client().Transport}
	ask := func(answer string) (*graph.Response, error) {
		return c.Do(t.Context(), graph.Request{Host: graph.Facebook, Method: "DELETE", Path: "/1", Params: url.Values{"answer": {answer}}})
	}
	for range 2 {
		resp, err := ask(`{ }`)
		require.NoError(t, err)
		assert.Equal(t, `{ }`, string(resp.Body))
	}
	_, err := ask(`{`)
	assert.Equal(t, graph.Unknown, failure(t, err).Applied, "there should have been more")
	assert.Len(t, from, 1)
}
