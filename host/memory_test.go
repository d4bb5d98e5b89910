package host_test

import (
	"testing"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/enginetest"
)

func TestEngine_OnMemory(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, enginetest.Subject{Store: func(*testing.T) func() host.Store {
		m := host.NewMemory()
		return func() host.Store { return m }
	}})
}
