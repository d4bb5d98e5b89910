package plugin_test

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host/plugin"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

func TestLock_WrittenAndRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), plugin.LockFile)
	l, err := plugin.ReadLock(path)
	require.NoError(t, err, "a lock file that is not there is empty")
	one, two := sha256.Sum256([]byte("one")), sha256.Sum256([]byte("two"))
	l.Accept(&connectorv1.Catalog{Name: "zulu", Version: "1.0.0"}, "/opt/zulu", two[:])
	l.Accept(&connectorv1.Catalog{Name: "instagram", Version: "1.0.0"}, "bin/connector-instagram", one[:])
	require.NoError(t, l.Write(path))

	l, err = plugin.ReadLock(path)
	require.NoError(t, err)
	require.Len(t, l.Connectors, 2)
	got := l.Connectors[0]
	assert.Equal(t, "instagram", got.Name)
	assert.Equal(t, 1, got.Protocol)
	assert.Equal(t, one[:], got.Sum())
	assert.Equal(t, filepath.Join(filepath.Dir(path), "bin/connector-instagram"), got.Binary(path))
	assert.Equal(t, "/opt/zulu", l.Connectors[1].Binary(path))
	assert.Equal(t, []string{plugin.LockFile}, entries(t, filepath.Dir(path)), "nothing else is left")
}

func TestLock_AcceptKeepsOtherPlatformsOfTheSameVersion(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte("new"))
	other := strings.Repeat("ab", 32)
	l := &plugin.Lock{Connectors: []plugin.Locked{{Name: "a", Version: "1.0.0", Path: "a", SHA256: map[string]string{"plan9/mips": other}}}}
	assert.Nil(t, l.Connectors[0].Sum(), "no sum for this platform")
	l.Accept(&connectorv1.Catalog{Name: "a", Version: "1.0.0"}, "a", sum[:])
	require.Len(t, l.Connectors, 1)
	assert.Equal(t, other, l.Connectors[0].SHA256["plan9/mips"])
	assert.Equal(t, sum[:], l.Connectors[0].Sum())
	l.Accept(&connectorv1.Catalog{Name: "a", Version: "1.0.1"}, "a", sum[:])
	assert.NotContains(t, l.Connectors[0].SHA256, "plan9/mips", "another version is another binary")
	assert.Contains(t, l.Connectors[0].SHA256, runtime.GOOS+"/"+runtime.GOARCH)
}

func TestReadLock_Refuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"not JSON":         {`{"connectors":`, "unexpected EOF"},
		"unknown property": {`{"connectors":[{"name":"a","path":"p","checksum":"x"}]}`, "checksum"},
		"more after":       {`{} {}`, "after its end"},
		"bad name":         {`{"connectors":[{"name":"../a","path":"p"}]}`, "/connectors/0/name"},
		"twice":            {`{"connectors":[{"name":"a","path":"p"},{"name":"a","path":"p"}]}`, "/connectors/1/name"},
		"no path":          {`{"connectors":[{"name":"a"}]}`, "/connectors/0/path"},
		"short sum":        {`{"connectors":[{"name":"a","path":"p","sha256":{"linux/amd64":"ab"}}]}`, "storyloop connectors lock p"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "connectors.lock")
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			_, err := plugin.ReadLock(path)
			assert.ErrorContains(t, err, c.want)
			assert.ErrorContains(t, err, path)
		})
	}
}

func TestVerify_WhatOthersMayReplace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "connector")
	require.NoError(t, os.WriteFile(path, []byte("binary"), 0o700))
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(path, link))
	sum, err := plugin.Sum(path)
	require.NoError(t, err)
	require.NoError(t, plugin.Verify(link, sum))

	require.NoError(t, os.Chmod(dir, 0o777))
	for _, p := range []string{path, link} {
		assert.ErrorContains(t, plugin.Verify(p, sum), "chmod o-w "+dir)
	}
	require.NoError(t, os.Chmod(dir, 0o777|os.ModeSticky))
	assert.NoError(t, plugin.Verify(path, sum), "in a sticky directory nobody can replace another's file")
	require.NoError(t, os.Chmod(path, 0o702))
	assert.ErrorContains(t, plugin.Verify(path, sum), "chmod o-w "+path)
}

func TestVerify_NotThere(t *testing.T) {
	t.Parallel()
	assert.ErrorIs(t, plugin.Verify(filepath.Join(t.TempDir(), "x"), make([]byte, 32)), os.ErrNotExist)
}

func FuzzReadLock(f *testing.F) {
	f.Add([]byte(`{"connectors":[{"name":"a","version":"1.0.0","protocol":1,"path":"p","sha256":{"linux/amd64":"ab"}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "connectors.lock")
		require.NoError(t, os.WriteFile(path, text, 0o600))
		l, err := plugin.ReadLock(path)
		if err != nil {
			return
		}
		require.NoError(t, l.Write(path), "what can be read can be written")
	})
}
