package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host/sqlite"
)

// TestMain lets the test binary be another process: one that writes until it is
// killed, or one without the rights of this one.
func TestMain(m *testing.M) {
	switch os.Getenv("STORE_TEST_PROCESS") {
	case "writer":
		os.Exit(writeUntilKilled())
	case "syncer":
		os.Exit(writeAndTell())
	case "leaver":
		if err := leave(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case "opener":
		os.Exit(openAndReport())
	}
	os.Exit(m.Run())
}

func newStore(t testing.TB) *sqlite.Store {
	t.Helper()
	return openStore(t, filepath.Join(t.TempDir(), "storyloop.db"))
}

func openStore(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}
