package vault_test

import (
	"bytes"
	"log/slog"
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
)

// following is a vault that follows a file.
type following struct {
	*vault.Vault
	t    *testing.T
	path string
	shop *shop
	log  bytes.Buffer
}

func follow(t *testing.T) *following {
	t.Helper()
	f := &following{t: t, path: filepath.Join(t.TempDir(), "credentials.yaml"), shop: &shop{}}
	f.write(file)
	contents, err := vault.Read(f.path, true)
	require.NoError(t, err)
	f.Vault = vault.New(contents, connectors{f.shop})
	f.Follow(f.path, slog.New(slog.NewTextHandler(&f.log, nil)))
	return f
}

func (f *following) write(text string) {
	f.t.Helper()
	require.NoError(f.t, os.WriteFile(f.path, []byte(text), 0o600))
}

// token returns what the credential acts with.
func (f *following) token(name string) string {
	f.t.Helper()
	c, err := f.Credential(f.t.Context(), name)
	require.NoError(f.t, err)
	return string(c.GetSecret())
}

func TestFollow_TokenThatWasReplaced(t *testing.T) {
	t.Parallel()
	f := follow(t)
	assert.Contains(t, f.token("bluebottle"), "s3cr3t-m4rk3r")
	f.write(strings.Replace(file, "access_token: s3cr3t-m4rk3r", "access_token: quite-another", 1))
	assert.Contains(t, f.token("bluebottle"), "quite-another")
	f.token("bluebottle")
	assert.Equal(t, int32(2), f.shop.calls.Load(), "once for each token")
}

func TestFollow_WhatDidNotChangeIsNotCompletedAgain(t *testing.T) {
	t.Parallel()
	f := follow(t)
	f.token("bluebottle")
	f.write(strings.Replace(file, "access_token: bad", "access_token: works", 1))
	f.token("bluebottle")
	assert.Equal(t, int32(1), f.shop.calls.Load())
	f.write(strings.Replace(file, "app_secret: s3cr3t-m4rk3r", "app_secret: quite-another", 1))
	f.token("bluebottle")
	assert.Equal(t, int32(2), f.shop.calls.Load(), "its app is another")
}

func TestFollow_AppAndNames(t *testing.T) {
	t.Parallel()
	f := follow(t)
	f.write(`{credentials: {fresh: {connector: shop, method: access_token}}, apps: {shop: {second: {app_id: "1"}}}}`)
	assert.Equal(t, map[string]string{"fresh": "shop"}, f.Connectors())
	app, err := f.App(t.Context(), "shop", "second")
	require.NoError(t, err)
	assert.JSONEq(t, `{"app_id":"1"}`, string(app.GetConfig()))
	_, err = f.Credential(t.Context(), "bluebottle")
	var none *host.NotFoundError
	require.ErrorAs(t, err, &none)
}

func TestFollow_FileThatCannotBeUsedChangesNothing(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*following){
		"not YAML":          func(f *following) { f.write("credentials: {s3cr3t-m4rk3r: [") },
		"readable by all":   func(f *following) { require.NoError(f.t, os.Chmod(f.path, 0o644)) },
		"empty for a while": func(f *following) { f.write("") },
		"gone for a while":  func(f *following) { require.NoError(f.t, os.Remove(f.path)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := follow(t)
			before := f.token("bluebottle")
			spoil(f)
			assert.Equal(t, before, f.token("bluebottle"))
			assert.Equal(t, before, f.token("bluebottle"))
			assert.LessOrEqual(t, strings.Count(f.log.String(), "level=ERROR"), 1, "said once")
			assert.NotContains(t, f.log.String(), "s3cr3t")
			f.write(strings.Replace(file, "access_token: s3cr3t-m4rk3r", "access_token: quite-another", 1))
			require.NoError(t, os.Chmod(f.path, 0o600))
			assert.Contains(t, f.token("bluebottle"), "quite-another")
		})
	}
}

// TestFollow_FileIsWrittenMeanwhile never takes for empty what is being written.
func TestFollow_FileIsWrittenMeanwhile(t *testing.T) {
	t.Parallel()
	f := follow(t)
	var written atomic.Bool
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for !written.Load() {
				if _, err := f.Credential(t.Context(), "bluebottle"); !assert.NoError(t, err) {
					return
				}
			}
		})
	}
	for i := range 1500 {
		f.write(strings.Replace(file, "access_token: s3cr3t-m4rk3r", "access_token: "+strings.Repeat("x", i+1), 1))
	}
	written.Store(true)
	readers.Wait()
	assert.Empty(t, f.log.String())
}
