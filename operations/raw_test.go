package operations_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

func TestRawHTTPRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	out := r.ok(t, "raw_http_request", `{"method":"GET","endpoint":"/17900001000000001","query":[{"name":"fields","value":"id,caption"}]}`)
	assert.Contains(t, out, `"status_code":200`)
	assert.Contains(t, out, `"id":"17900001000000001"`)
	assert.Equal(t, "v25.0", r.last(t, "GET /{media}").Version)

	out = r.ok(t, "raw_http_request", `{"endpoint":"/17900001000000001?fields=id,caption"}`)
	assert.Contains(t, out, `Cup number 1`)

	out = r.ok(t, "raw_http_request", `{"method":"POST","endpoint":"/17900001000000001","body":{"json":{"comment_enabled":false}}}`)
	assert.Contains(t, out, `"success":true`)
	out = r.ok(t, "raw_http_request", `{"method":"POST","endpoint":"/17900001000000001","body":{"form":[{"name":"comment_enabled","value":"true"}]}}`)
	assert.Contains(t, out, `"success":true`)
}

func TestRawHTTPRequest_ShowsNoToken(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	out := r.ok(t, "raw_http_request", `{"endpoint":"/me/accounts","query":[{"name":"fields","value":"id,access_token,name"},{"name":"limit","value":"1"}]}`)
	assert.NotContains(t, out, r.info.Accounts[0].UserToken)
	assert.NotContains(t, out, r.info.Accounts[0].PageToken)
	assert.Contains(t, out, `"access_token":"[secret]"`)
	assert.Contains(t, out, `"next":"http`)
	assert.NotContains(t, out, "access_token=")

	// What a Page may do alone, it does under its own name.
	out = r.ok(t, "raw_http_request", `{"endpoint":"/134895793791914/subscribed_apps","page_id":"134895793791914"}`)
	assert.Contains(t, out, `"data"`)
	assert.NotContains(t, out, r.info.Accounts[0].PageToken)
}

func TestRawHTTPRequest_ShowsNoTokenInHeaders(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	require.NoError(t, r.AddFault(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 200, Body: "{}", Header: map[string]string{"ETag": "x" + r.info.Accounts[0].UserToken}}))
	out := r.ok(t, "raw_http_request", `{"endpoint":"/me"}`)
	assert.NotContains(t, out, r.info.Accounts[0].UserToken)
	assert.Contains(t, out, `"etag":"x[secret]"`)
}

func TestRawHTTPRequest_TheTokenStaysAtItsHost(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	r.ClearRequests()
	for _, input := range []string{
		`{"endpoint":"https://evil.example/x"}`,
		`{"endpoint":"//evil.example/x"}`,
		`{"endpoint":"/x//y"}`,
		`{"endpoint":"/../x"}`,
		`{"endpoint":"/x/.."}`,
		`{"endpoint":"/%2e%2e/x"}`,
		`{"endpoint":"/x%2fy"}`,
		`{"endpoint":"/x%5Cy"}`,
		`{"endpoint":"/@evil.example/"}`,
		`{"endpoint":"/x#y"}`,
		`{"endpoint":"/x y"}`,
		`{"endpoint":"/{media_id}"}`,
		`{"endpoint":"/%zz"}`,
		`{"endpoint":"x"}`,
		`{"endpoint":"/x?access_token=abc"}`,
		`{"endpoint":"/x?%zz"}`,
		`{"endpoint":"/x","query":[{"name":"access_token","value":"abc"}]}`,
		`{"endpoint":"/x","method":"POST","body":{"form":[{"name":"access_token","value":"abc"}]}}`,
		`{"endpoint":"/x","query":[{"name":"ACCESS_TOKEN","value":"abc"}]}`,
		`{"endpoint":"/x","query":[{"name":"access_token[]","value":"abc"}]}`,
		`{"endpoint":"/x","method":"POST","body":{"json":{"access_token":"abc"}}}`,
		`{"endpoint":"/x","headers":[{"name":"X-A","value":"a\r\nX-Evil: 1"}]}`,
		`{"endpoint":"/x","headers":[{"name":"X-A\r\nHost","value":"a"}]}`,
		`{"endpoint":"/x","headers":[{"name":"Host ","value":"a"}]}`,
		`{"endpoint":"/x","headers":[{"name":"host","value":"evil.example"}]}`,
		`{"endpoint":"/x","headers":[{"name":"AUTHORIZATION","value":"x"}]}`,
		`{"endpoint":"/x","method":"PATCH"}`,
		`{"endpoint":"/x","body":{}}`,
		`{"endpoint":"/x","body":{"json":{},"none":null}}`,
		`{"method":"GET"}`,
	} {
		f := r.fails(t, "raw_http_request", input)
		assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, f.GetKind(), input)
		assert.NotEmpty(t, f.GetDiagnostics(), input)
	}
	assert.Empty(t, r.Requests(), "nothing was sent")
}

func TestRawHTTPRequest_Errors(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	require.NoError(t, r.AddFault(sandbox.Fault{Kind: sandbox.FaultResetAfter, Method: "POST"}))
	f := r.fails(t, "raw_http_request", `{"method":"POST","endpoint":"/17900001000000001","body":{"json":{"comment_enabled":true}}}`)
	assert.Equal(t, connectorv1.Applied_APPLIED_UNKNOWN, f.GetApplied())

	require.NoError(t, r.AddFault(sandbox.Fault{Kind: sandbox.FaultHTML, Status: 200}))
	out := r.ok(t, "raw_http_request", `{"endpoint":"/17900001000000001"}`)
	assert.Contains(t, out, `"body":"`, "what is no JSON comes as text")
}
