package vault_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/vault"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

const file = `
credentials:
  bluebottle:
    connector: shop
    method: access_token
    form: { access_token: s3cr3t-m4rk3r, ig_user_id: 17841405726653027 }
  other: { connector: shop, method: access_token, app: second, form: { access_token: bad } }
  lost: { connector: nobody, method: access_token }
apps:
  shop:
    default: { app_id: 900000000000001, app_secret: s3cr3t-m4rk3r, secrets: [one, two], live: true }
`

// shop makes credentials of forms.
type shop struct {
	host.Connector
	calls atomic.Int32
	last  atomic.Pointer[connectorv1.CompleteAuthorizationRequest]
}

func (s *shop) CompleteAuthorization(_ context.Context, r *connectorv1.CompleteAuthorizationRequest) *connectorv1.CompleteAuthorizationResponse {
	s.calls.Add(1)
	s.last.Store(r)
	if strings.Contains(string(r.GetReply()), "bad") {
		return &connectorv1.CompleteAuthorizationResponse{Outcome: &connectorv1.CompleteAuthorizationResponse_Failure{
			Failure: &connectorv1.Failure{Kind: connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED, Message: "The token has expired."},
		}}
	}
	return &connectorv1.CompleteAuthorizationResponse{Outcome: &connectorv1.CompleteAuthorizationResponse_Credential{
		Credential: &connectorv1.Credential{Method: r.GetMethod(), Secret: r.GetReply(), Account: "@bluebottle"},
	}}
}

// connectors are one: the shop.
type connectors struct{ shop *shop }

func (c connectors) Connector(name string) (host.Connector, bool) { return c.shop, name == "shop" }
func (c connectors) Names() []string                              { return []string{"shop"} }

func decode(t *testing.T, text string) vault.Contents {
	t.Helper()
	c, err := vault.Decode(strings.NewReader(text))
	require.NoError(t, err)
	return c
}

func TestCredential_IsMadeOfItsFormOnce(t *testing.T) {
	t.Parallel()
	s := &shop{}
	v := vault.New(decode(t, file), connectors{s})
	assert.Equal(t, map[string]string{"bluebottle": "shop", "lost": "nobody", "other": "shop"}, v.Connectors())
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			c, err := v.Credential(t.Context(), "bluebottle")
			if assert.NoError(t, err) {
				assert.Equal(t, "@bluebottle", c.GetAccount())
			}
		})
	}
	wg.Wait()
	assert.Equal(t, int32(1), s.calls.Load())
	assert.JSONEq(t, `{"access_token":"s3cr3t-m4rk3r","ig_user_id":"17841405726653027"}`, string(s.last.Load().GetReply()), "an id without quotes keeps its digits")
	assert.JSONEq(t, `{"app_id":"900000000000001","app_secret":"s3cr3t-m4rk3r","secrets":["one","two"],"live":true}`, string(s.last.Load().GetApp().GetConfig()))
}

// slow never answers before its caller has left.
type slow struct {
	host.Connector
	asked chan struct{}
}

func (s slow) CompleteAuthorization(ctx context.Context, _ *connectorv1.CompleteAuthorizationRequest) *connectorv1.CompleteAuthorizationResponse {
	s.asked <- struct{}{}
	<-ctx.Done()
	return &connectorv1.CompleteAuthorizationResponse{Outcome: &connectorv1.CompleteAuthorizationResponse_Failure{
		Failure: &connectorv1.Failure{Kind: connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE},
	}}
}

// only is one connector, whatever its name.
type only struct{ connector host.Connector }

func (o only) Connector(string) (host.Connector, bool) { return o.connector, true }
func (only) Names() []string                           { return []string{"shop"} }

func TestCredential_WhoWaitsForAnothersAnswerMayLeave(t *testing.T) {
	t.Parallel()
	s := slow{asked: make(chan struct{})}
	v := vault.New(decode(t, file), only{s})
	first, leave := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := v.Credential(first, "bluebottle")
		assert.Error(t, err)
	})
	<-s.asked
	second, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := v.Credential(second, "bluebottle")
	var failed *host.FailureError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, failed.Failure.GetKind())
	leave()
	wg.Wait()
}

func TestCredential_Failures(t *testing.T) {
	t.Parallel()
	s := &shop{}
	v := vault.New(decode(t, strings.Replace(file, "app: second, ", "", 1)), connectors{s})

	_, err := v.Credential(t.Context(), "nobody")
	var none *host.NotFoundError
	require.ErrorAs(t, err, &none)
	assert.Equal(t, "credential", none.Kind)

	_, err = v.Credential(t.Context(), "lost")
	require.ErrorAs(t, err, &none)
	assert.Equal(t, "connector", none.Kind)

	for range 2 { // a failure is not kept: the next call asks again
		_, err = v.Credential(t.Context(), "other")
		var failed *host.FailureError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_UNAUTHENTICATED, failed.Failure.GetKind())
	}
	assert.Equal(t, int32(2), s.calls.Load())

	_, err = vault.New(decode(t, file), connectors{s}).Credential(t.Context(), "other")
	require.ErrorAs(t, err, &none, "a registration that is named must be there")
}

func TestDecode_NamesThePlaceAndNoSecret(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"credentials: {a: {connector: shop, method: m, tokn: s3cr3t-m4rk3r}}",
		"credentials: {a: {connector: shop, method: m, form: {x: {y: s3cr3t-m4rk3r}}}}",
		"credentials: {a: {connector: shop, method: m, form: s3cr3t-m4rk3r}}",
		"credentials: {a: s3cr3t-m4rk3r}",
		"s3cr3t-m4rk3r",
		"{s3cr3t-m4rk3r: [",
		"credentials: {a: {form: {x: s3cr3t-m4rk3r}}}",
	} {
		_, err := vault.Decode(strings.NewReader(text))
		require.Error(t, err, text)
		assert.NotContains(t, err.Error(), "s3cr3t", text)
		assert.Contains(t, err.Error(), "connector", "it says what is expected: %s", text)
	}
	c, err := vault.Decode(strings.NewReader(""))
	require.NoError(t, err)
	assert.Empty(t, c.Credentials)
}

func TestRead_WantsAPrivateFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "credentials.yaml")
	_, err := vault.Read(path, true)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = vault.Read(path, false)
	require.NoError(t, err)

	require.NoError(t, os.WriteFile(path, []byte(file), 0o600))
	c, err := vault.Read(path, true)
	require.NoError(t, err)
	assert.Len(t, c.Credentials, 3)
	require.NoError(t, os.Chmod(path, 0o640))
	_, err = vault.Read(path, true)
	require.Error(t, err)
	assert.Contains(t, err.Error(), "chmod 600 "+path)
}

func TestContents_ArePrintedByNobody(t *testing.T) {
	t.Parallel()
	c := decode(t, file)
	assert.NotContains(t, fmt.Sprintf("%v %+v", c, c.Credentials["bluebottle"]), "s3cr3t")
}
