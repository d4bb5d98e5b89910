package graph_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/storyloop/storyloop/operations/graph"
)

func TestDo_LeavesASpanWithoutIDsOrSecrets(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		request graph.Request
		answer  string
		status  int
		span    string
		attrs   map[string]string
	}{
		{"a read", graph.Request{Path: "/17841405726653026/stories", Params: url.Values{"fields": {"private"}}}, `{"data":[]}`, 200, "GET /{id}/stories",
			map[string]string{"http.response.status_code": "200", "server.address": "graph.facebook.com", "meta.fbtrace_id": "Good"}},
		{"a write", graph.Request{Method: "POST", Path: "/me/messages", JSON: map[string]string{"text": "private"}}, `{}`, 200, "POST /me/messages", nil},
		{"a message's id", graph.Request{Path: "/aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlE"}, `{}`, 200, "GET /{id}", nil},
		{"a query in the path", graph.Request{Path: "/me?access_token=private"}, `{}`, 200, "GET /me", nil},
		{"a token in the path", graph.Request{Path: "/" + token + "/v25.0/act_1/Private Words"}, `{}`, 200, "GET /{id}/{id}/v25.0/{id}/{id}", nil},
		{"an error", graph.Request{Path: "/1"}, `{"error":{"message":"private","type":"OAuthException","code":190,"error_subcode":463,"fbtrace_id":"Abc"}}`, 400, "GET /{id}",
			map[string]string{"http.response.status_code": "400", "error.type": "unauthenticated", "meta.error_code": "190/463", "meta.fbtrace_id": "Abc", "storyloop.applied": "no"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				assert.Empty(t, r.Header.Get("Traceparent"), "Meta is not told")
				w.Header().Set("X-Fb-Trace-Id", "Good")
				w.WriteHeader(test.status)
				fmt.Fprint(w, test.answer)
			})
			spans := tracetest.NewInMemoryExporter()
			ctx, within := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer("test").Start(t.Context(), "call")
			r := test.request
			r.Host, r.Token, r.Proof = graph.Facebook, token, "private"
			_, err := c.Do(ctx, r)
			assert.Equal(t, test.status != 200, err != nil)
			got := spans.GetSpans()
			require.Len(t, got, 1)
			assert.Equal(t, test.span, got[0].Name)
			assert.Equal(t, trace.SpanKindClient, got[0].SpanKind)
			assert.Equal(t, within.SpanContext().SpanID(), got[0].Parent.SpanID())
			assert.Equal(t, err != nil, got[0].Status.Code == codes.Error)
			attrs := map[string]string{}
			for _, a := range got[0].Attributes {
				attrs[string(a.Key)] = a.Value.String()
			}
			for name, value := range test.attrs {
				assert.Equal(t, value, attrs[name], name)
			}
			assert.NotContains(t, fmt.Sprint(got[0]), "private")
			assert.NotContains(t, fmt.Sprint(got[0]), token)
		})
	}
}
