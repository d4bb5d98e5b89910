package jq

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPrograms_CompiledOnce(t *testing.T) {
	t.Parallel()
	kept := programs{}
	first, err := kept.compiled(".a")
	require.NoError(t, err)
	again, err := kept.compiled(".a")
	require.NoError(t, err)
	assert.Same(t, first, again)
	for i := range 1000 {
		_, err := kept.compiled(fmt.Sprint(i))
		require.NoError(t, err)
	}
	assert.LessOrEqual(t, len(kept), maxPrograms)
	_, err = kept.compiled(")")
	assert.Error(t, err)
}

// The library remembers each regular expression that a program has used, for as
// long as there is the program.
func TestServer_ForgetsProgramsThatHaveGrown(t *testing.T) {
	s := &server{programs: programs{strings.Repeat("x", MaxMemory/4): nil}}
	s.tidy()
	assert.Empty(t, s.programs)
}
