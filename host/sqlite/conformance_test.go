package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/enginetest"
	"github.com/storyloop/storyloop/host/sqlite"
)

func TestStore_Conforms(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, enginetest.Subject{Store: func(t *testing.T) func() host.Store {
		path := filepath.Join(t.TempDir(), "storyloop.db")
		var last *sqlite.Store
		t.Cleanup(func() {
			if last != nil {
				require.NoError(t, last.Close())
			}
		})
		return func() host.Store {
			if last != nil {
				require.NoError(t, last.Close())
			}
			s, err := sqlite.Open(context.Background(), path, sqlite.Options{})
			require.NoError(t, err)
			last = s
			return s
		}
	}})
}
