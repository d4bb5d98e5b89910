package vault_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFollow_FileOfAnotherUser is replaced with one that belongs to another user, and
// then given to the host's: nothing but that changes.
func TestFollow_FileOfAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files to others")
	}
	const nobody = 65534
	f := follow(t)
	dir := filepath.Dir(f.path)
	for _, d := range []string{filepath.Dir(dir), dir} {
		require.NoError(t, os.Chmod(d, 0o755))
	}
	require.NoError(t, os.Chown(f.path, nobody, nobody))
	token := func() (token string) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread() // and never unlock it: the thread ends with the goroutine
			if assert.NoError(t, syscall.Setfsuid(nobody)) {
				if c, err := f.Credential(t.Context(), "bluebottle"); assert.NoError(t, err) {
					token = string(c.GetSecret())
				}
			}
		}()
		<-done
		return token
	}
	assert.Contains(t, token(), "s3cr3t-m4rk3r")
	f.write(strings.Replace(file, "access_token: s3cr3t-m4rk3r", "access_token: quite-another", 1))
	require.NoError(t, os.Chown(f.path, 0, 0))
	assert.Contains(t, token(), "s3cr3t-m4rk3r")
	assert.Contains(t, token(), "s3cr3t-m4rk3r")
	assert.Equal(t, 1, strings.Count(f.log.String(), "level=ERROR"), "said once")
	require.NoError(t, os.Chown(f.path, nobody, nobody))
	assert.Contains(t, token(), "quite-another")
}
