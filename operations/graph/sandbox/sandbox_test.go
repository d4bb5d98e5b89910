package sandbox_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

// A client calls one served sandbox.
type client struct {
	*testing.T
	sb   *sandbox.Sandbox
	url  string
	http *http.Client
	info sandbox.Info
}

func newClient(t *testing.T) *client { return newClientOf(t, sandbox.Options{}) }

func newClientOf(t *testing.T, o sandbox.Options) *client {
	t.Helper()
	sb, err := sandbox.New(o)
	require.NoError(t, err)
	server := httptest.NewServer(sb)
	t.Cleanup(func() {
		require.NoError(t, sb.Close())
		server.Close()
	})
	return &client{t, sb, server.URL, server.Client(), sb.Info()}
}

// A reply is an answer of the sandbox.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	text   string
}

func (c *client) do(r *http.Request) reply {
	c.Helper()
	resp, err := c.http.Do(r)
	require.NoError(c, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(c, err)
	return reply{c.T, resp.StatusCode, resp.Header, string(body)}
}

func (c *client) request(method, path, kind, body string) *http.Request {
	c.Helper()
	if !strings.HasPrefix(path, "http") {
		path = c.url + path
	}
	r, err := http.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	require.NoError(c, err)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	return r
}

// get calls with the user token of @bluebottle unless the query has another.
func (c *client) get(path string) reply {
	c.Helper()
	return c.do(c.request(http.MethodGet, c.withToken(path), "", ""))
}

func (c *client) withToken(path string) string {
	if strings.Contains(path, "access_token=") {
		return path
	}
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	token := c.info.Accounts[0].UserToken
	if strings.Contains(path, "graph.instagram.com") {
		token = c.info.Accounts[0].InstagramToken
	}
	return path + separator + "access_token=" + url.QueryEscape(token)
}

func (c *client) post(path string, form url.Values) reply {
	c.Helper()
	return c.do(c.request(http.MethodPost, c.withToken(path), "application/x-www-form-urlencoded", form.Encode()))
}

func (c *client) delete(path string) reply {
	c.Helper()
	return c.do(c.request(http.MethodDelete, c.withToken(path), "", ""))
}

// control sends a command to the control API, which must take it.
func (c *client) control(method, path string, body any) reply {
	c.Helper()
	text, err := json.Marshal(body)
	require.NoError(c, err)
	r := c.do(c.request(method, "/__sandbox/"+path, "application/json", string(text)))
	require.Equal(c, http.StatusOK, r.status, r.text)
	return r
}

// ok requires status 200 and returns the text without the escapes of slashes.
func (r reply) ok() string {
	r.t.Helper()
	require.Equal(r.t, http.StatusOK, r.status, r.text)
	return strings.ReplaceAll(r.text, `\/`, "/")
}

// fails requires an error with a code and subcode.
func (r reply) fails(code, subcode int) string {
	r.t.Helper()
	var e struct {
		Error struct {
			Message string `json:"message"`
			Code    int    `json:"code"`
			Subcode int    `json:"error_subcode"`
			Trace   string `json:"fbtrace_id"`
		} `json:"error"`
	}
	require.NoError(r.t, json.Unmarshal([]byte(r.text), &e), r.text)
	require.Equal(r.t, []int{code, subcode}, []int{e.Error.Code, e.Error.Subcode}, r.text)
	require.NotEmpty(r.t, e.Error.Trace)
	require.GreaterOrEqual(r.t, r.status, 400)
	return e.Error.Message
}

// into reads the answer into a value.
func (r reply) into(target any) {
	r.t.Helper()
	r.ok()
	require.NoError(r.t, json.Unmarshal([]byte(r.text), target))
}

// A page is one page of a listing.
type page struct {
	Data []struct {
		ID        string    `json:"id"`
		Timestamp graphTime `json:"timestamp"`
	} `json:"data"`
	Paging *struct {
		Cursors  struct{ Before, After string } `json:"cursors"`
		Next     string                         `json:"next"`
		Previous string                         `json:"previous"`
	} `json:"paging"`
}

type graphTime struct{ time.Time }

func (g *graphTime) UnmarshalJSON(b []byte) (err error) {
	g.Time, err = time.Parse(`"2006-01-02T15:04:05-0700"`, string(b))
	return err
}
