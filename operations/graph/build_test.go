package graph_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"testing"

	"github.com/storyloop/storyloop/operations/graph"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDo_WritesParameters(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		request graph.Request
		query   string
		form    string
	}{
		{"none", graph.Request{}, "", ""},
		{"a proof alone", graph.Request{Proof: "p&"}, "appsecret_proof=p%26", ""},
		{"fields", graph.Request{Params: url.Values{"fields": {"id,like_count"}}}, "fields=id,like_count", ""},
		{"fields of fields", graph.Request{Params: url.Values{"fields": {"id,owner{id}"}}}, "fields=id%2Cowner%7Bid%7D", ""},
		{"fields of a node", graph.Request{Fields: "id,like_count", Proof: "p"}, "appsecret_proof=p&fields=id,like_count", ""},
		{"fields in place of others", graph.Request{Fields: "id", Params: url.Values{"fields": {"x", "y"}, "limit": {"2"}}}, "fields=id&limit=2", ""},
		{"fields in a form", graph.Request{Method: "POST", Fields: "id"}, "", "fields=id"},
		{"whatever it is", graph.Request{Params: url.Values{"a b": {"ä&=#+", "", "2"}, "none": {}}}, "a+b=%C3%A4%26%3D%23%2B&a+b=&a+b=2", ""},
		{"a proof is the token's", graph.Request{Params: url.Values{"appsecret_proof": {"x"}, "a": {"1"}}, Proof: "p"}, "appsecret_proof=p&a=1", ""},
		{"a proof of one's own", graph.Request{Params: url.Values{"appsecret_proof": {"x"}}}, "appsecret_proof=x", ""},
		{"of a removal", graph.Request{Method: "DELETE", Params: url.Values{"fields": {"x"}}, Query: url.Values{"z": {"1"}}, Proof: "p"}, "appsecret_proof=p&fields=x&z=1", ""},
		{"of a form", graph.Request{Method: "POST", Params: url.Values{"message": {"a, b"}}, Query: url.Values{"z": {"1"}}, Proof: "p"}, "z=1", "appsecret_proof=p&message=a%2C+b"},
		{"of an empty form", graph.Request{Method: "POST", Proof: "p"}, "", "appsecret_proof=p"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var query, form string
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				query, form = r.URL.RawQuery, string(body)
				fmt.Fprint(w, `{}`)
			})
			tt.request.Host, tt.request.Path = graph.Facebook, "/1"
			_, err := c.Do(t.Context(), tt.request)
			require.NoError(t, err)
			assert.Equal(t, tt.query, query)
			assert.Equal(t, tt.form, form)
		})
	}
}

// What has no body may have been sent, too.
func TestDo_LostAnswerOfWhatHasNoBody(t *testing.T) {
	t.Parallel()
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(proto, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				assert.Equal(t, proto, r.Proto)
				panic(http.ErrAbortHandler)
			}))
			s.EnableHTTP2 = proto == "HTTP/2.0"
			s.StartTLS()
			c := &graph.Client{Sandbox: s.URL, Transport: s.Client().Transport}
			for _, method := range []string{"DELETE", "POST"} {
				_, err := c.Do(t.Context(), graph.Request{Host: graph.Facebook, Method: method, Path: "/1"})
				assert.Equal(t, graph.Unknown, failure(t, err).Applied, method)
			}
			_, err := c.Do(t.Context(), graph.Request{Host: graph.Facebook, Path: "/1"})
			assert.Contains(t, failure(t, err).Sentence, "broke before the answer came")
			s.Close()
			for _, method := range []string{"GET", "DELETE", "POST"} {
				_, err := c.Do(t.Context(), graph.Request{Host: graph.Facebook, Method: method, Path: "/1"})
				assert.Equal(t, graph.No, failure(t, err).Applied, method)
				assert.Contains(t, failure(t, err).Sentence, "could not be reached", method)
			}
		})
	}
}

// cutOff breaks a connection between the headers and what would follow them.
type cutOff struct{}

func (cutOff) RoundTrip(r *http.Request) (*http.Response, error) {
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && trace.WroteHeaders != nil {
		trace.WroteHeaders()
	}
	return nil, io.ErrUnexpectedEOF
}

func TestDo_CutOffBehindTheHeaders(t *testing.T) {
	t.Parallel()
	c := &graph.Client{Transport: cutOff{}}
	for _, method := range []string{"DELETE", "POST"} {
		_, err := c.Do(t.Context(), graph.Request{Host: graph.Facebook, Method: method, Path: "/1"})
		assert.Equal(t, graph.Unknown, failure(t, err).Applied, method)
	}
}
